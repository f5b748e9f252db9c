/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The life of a transfer: redirects and what they may carry, cookies, time, and every way to end
 * early, with the server as witness that the socket really closed. */

#include "tests/unit/exec/fetch_fixture.h"

#define EMPTY "Content-Length: 0\r\n\r\n"
#define FOUND(where) "HTTP/1.1 302 Found\r\nLocation: " where "\r\n" EMPTY

static const struct fixture_route hops[] = {
    { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\nX-Last: yes\r\nContent-Length: 2\r\n\r\nok" },
    { .target = "/absolute-path", .reply = FOUND("/ok") },
    { .target = "/folder/relative", .reply = FOUND("../ok") },
    { .target = "/same-page", .reply = FOUND("#top") },
    { .target = "/blank", .reply = FOUND("/o%6b?a b") },
    { .target = "/o%6b?a%20b", .reply = "HTTP/1.1 200 OK\r\n" EMPTY },
    { .target = "/1", .reply = FOUND("/2") },
    { .target = "/2", .reply = FOUND("/3") },
    { .target = "/3", .reply = FOUND("/ok") },
    { .target = "/loop", .reply = FOUND("/loop") },
    { .target = "/ftp", .reply = FOUND("ftp://example.com/") },
    { .target = "/file", .reply = FOUND("file:///etc/passwd") },
    { .target = "/script", .reply = FOUND("javascript:alert(1)") },
    { .target = "/user", .reply = FOUND("http://a:b@127.0.0.1/") },
    { .target = "/inside", .reply = FOUND("http://169.254.169.254/latest/meta-data") },
    { .target = "/nowhere", .reply = "HTTP/1.1 302 Found\r\n" EMPTY },
    { .target = "/empty", .reply = FOUND("") },
    { .target = "/body",
      .reply = "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 5\r\n\r\nmoved" },
    { .target = "/endless-body",
      .reply = "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 99999999\r\n\r\nmoved",
      .then = ROUTE_CLOSE },
};

struct hop_row {
    const char *target;
    unsigned redirects_max;
    int error;
    int status;
    const char *end; /* target of the last hop */
};

static const struct hop_row hop_rows[] = {
    { "/absolute-path", 5, ERROR_OK, 200, "/ok" },
    { "/folder/relative", 1, ERROR_OK, 200, "/ok" },
    { "/blank", 1, ERROR_OK, 200, "/o%6b?a%20b" },
    { "/body", 1, ERROR_OK, 200, "/ok" },
    { "/1", 3, ERROR_OK, 200, "/ok" },
    { "/1", 2, ERROR_LOOP, 0, NULL },
    { "/1", 0, ERROR_OK, 302, "/1" },
    { "/loop", 5, ERROR_LOOP, 0, NULL },
    { "/loop", 0, ERROR_OK, 302, "/loop" },
    { "/same-page", 5, ERROR_LOOP, 0, NULL },
    { "/ftp", 5, ERROR_PROTOCOL, 0, NULL },
    { "/file", 5, ERROR_PROTOCOL, 0, NULL },
    { "/script", 5, ERROR_PROTOCOL, 0, NULL },
    { "/user", 5, ERROR_PROTOCOL, 0, NULL },
    { "/inside", 5, ERROR_DENIED, 0, NULL },
    { "/nowhere", 5, ERROR_OK, 302, "/nowhere" },
    { "/empty", 5, ERROR_OK, 302, "/empty" },
    { "/endless-body", 5, ERROR_UNREACHABLE, 0, NULL },
};

static void
redirects_lead_where_they_may(void **state)
{
    (void)state;
    USE_ROUTES(hops);
    for (size_t i = 0; i < ARRAY_LEN(hop_rows); i++) {
        const struct hop_row *row = &hop_rows[i];
        struct future *future = NULL;
        text_count = 0;
        struct fetch_request request = get(url_of(row->target));
        request.redirects_max = row->redirects_max;
        int error = run(&request, &future);
        if (error != row->error) {
            fail_msg("row %zu, %s: %s", i, row->target, error_name(error));
        }
        if (error == ERROR_OK) {
            const struct fetch_reply *reply = reply_of(future);
            if (reply->status != row->status || strcmp(reply->url, url_of(row->end)) != 0) {
                fail_msg("row %zu: %d from %s", i, reply->status, reply->url);
            }
        }
        future_unref(&future);
    }
}

static void
only_the_last_head_counts(void **state)
{
    (void)state;
    USE_ROUTES(hops);
    struct fetch_request request = get(url_of("/body"));
    struct future *future = NULL;
    request.redirects_max = 1;
    assert_int_equal(run(&request, &future), ERROR_OK);
    assert_null(fetch_header(reply_of(future), "Location"));
    assert_string_equal(fetch_header(reply_of(future), "X-Last"), "yes");
    assert_string_equal(reply_of(future)->body, "ok");
    future_unref(&future);
}

struct method_row {
    int status;
    enum fetch_method method;
    const char *second; /* start of the second request */
    bool has_body;
};

static const struct method_row method_rows[] = {
    { 301, FETCH_POST, "GET /ok ", false },  { 302, FETCH_POST, "GET /ok ", false },
    { 303, FETCH_POST, "GET /ok ", false },  { 307, FETCH_POST, "POST /ok ", true },
    { 308, FETCH_POST, "POST /ok ", true },  { 303, FETCH_PUT, "GET /ok ", false },
    { 302, FETCH_PUT, "PUT /ok ", true },    { 308, FETCH_PUT, "PUT /ok ", true },
    { 302, FETCH_HEAD, "HEAD /ok ", false }, { 303, FETCH_HEAD, "HEAD /ok ", false },
};

#define MOVED(status)                                                                              \
    {                                                                                              \
        .target = "/" #status, .reply = "HTTP/1.1 " #status " X\r\nLocation: /ok\r\n" EMPTY        \
    }

static const struct fixture_route method_routes[] = {
    MOVED(301), MOVED(302), MOVED(303),
    MOVED(307), MOVED(308), { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\n" EMPTY },
};

static void
methods_change_as_in_browsers(void **state)
{
    (void)state;
    const struct fetch_header headers[] = { { "Content-Type", "text/x-test" }, { "X-Own", "1" } };
    USE_ROUTES(method_routes);
    for (unsigned i = 0; i < ARRAY_LEN(method_rows); i++) {
        const struct method_row *row = &method_rows[i];
        text_count = 0;
        struct fetch_request request = get(url_of(text("/%d", row->status)));
        request.method = row->method;
        request.headers = headers;
        request.header_count = ARRAY_LEN(headers);
        request.redirects_max = 1;
        if (row->method != FETCH_HEAD) {
            request.body = "the body";
            request.body_len = strlen("the body");
        }
        int error = error_of_run(&request);
        unsigned second = 2 * i + 1;
        if (error != ERROR_OK || !request_has(second, row->second) ||
            request_has(second, "\r\n\r\nthe body") != row->has_body ||
            request_has(second, "text/x-test") != row->has_body ||
            !request_has(second, "X-Own: 1")) {
            char *seen = scripted_request(server, second);
            fail_msg("row %u: %s\n%s", i, error_name(error), seen);
        }
    }
}

/* To the same server by another name: another origin. */
static const char *
other_origin(const char *target)
{
    return text("http://localhost:%u%s", scripted_port(server), target);
}

static void
secrets_do_not_go_to_strangers(void **state)
{
    (void)state;
    const struct fetch_header headers[] = { { "Authorization", "Bearer s3cret" },
                                            { "Cookie", "own=s3cret" },
                                            { "X-Api-Key", "s3cret" },
                                            { "Accept", "text/x-test" } };
    const struct fixture_route table[] = {
        { .target = "/leave",
          .reply = text("HTTP/1.1 302 X\r\nSet-Cookie: jar=s3cret\r\nLocation: %s\r\n" EMPTY,
                        other_origin("/back")) },
        { .target = "/back",
          .reply = text("HTTP/1.1 302 X\r\nSet-Cookie: theirs=1\r\nLocation: %s\r\n" EMPTY,
                        url_of("/ok")) },
        { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\n" EMPTY },
    };
    USE_ROUTES(table);
    struct fetch_request request = get(url_of("/leave"));
    request.headers = headers;
    request.header_count = ARRAY_LEN(headers);
    request.redirects_max = 2;
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_true(request_has(0, "Authorization: Bearer s3cret"));
    assert_true(request_has(0, "X-Api-Key: s3cret"));
    assert_false(request_has(1, "s3cret"));
    assert_true(request_has(1, "Accept: text/x-test"));
    /* Home again: what was dropped stays dropped, and the jar knows whose cookie is whose. */
    assert_false(request_has(2, "Authorization"));
    assert_false(request_has(2, "X-Api-Key"));
    assert_true(request_has(2, "Cookie: jar=s3cret\r\n"));
    assert_false(request_has(2, "theirs"));
}

static void
bodies_do_not_go_to_strangers(void **state)
{
    (void)state;
    const struct fixture_route table[] = {
        { .target = "/leave",
          .reply = text("HTTP/1.1 307 X\r\nLocation: %s\r\n" EMPTY, other_origin("/ok")) },
        { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\n" EMPTY },
    };
    USE_ROUTES(table);
    struct fetch_request request = get(url_of("/leave"));
    request.method = FETCH_POST;
    request.body = "token=s3cret";
    request.body_len = strlen("token=s3cret");
    request.redirects_max = 1;
    assert_int_equal(error_of_run(&request), ERROR_PROTOCOL);
    assert_int_equal(scripted_requests(server), 1);
}

static void
every_hop_is_judged(void **state)
{
    (void)state;
    struct address_range one;
    assert_int_equal(address_range_parse("127.0.0.1", &one, NULL), ERROR_OK);
    options.allow_addresses = &one;
    reopen_fetcher();
    const struct fixture_route table[] = {
        { .target = "/leave",
          .reply = text("HTTP/1.1 302 X\r\nLocation: http://127.0.0.2:%u/ok\r\n" EMPTY,
                        scripted_port(server)) },
    };
    USE_ROUTES(table);
    struct fetch_request request = get(url_of("/leave"));
    request.redirects_max = 1;
    assert_int_equal(error_of_run(&request), ERROR_DENIED);
}

static void
cookies_pass_from_step_to_step(void **state)
{
    (void)state;
    const struct fixture_route table[] = {
        { .target = "/set",
          .reply = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/; HttpOnly\r\n"
                   "Set-Cookie: b=2; Path=/deep\r\nSet-Cookie: gone=1; Max-Age=0\r\n"
                   "Set-Cookie: far=1; Domain=example.com\r\n" EMPTY },
        { .target = "/change", .reply = "HTTP/1.1 200 OK\r\nSet-Cookie: a=9; Path=/\r\n" EMPTY },
        { .target = "/deep/x", .reply = "HTTP/1.1 200 OK\r\n" EMPTY },
    };
    USE_ROUTES(table);
    struct future *first = NULL;
    struct future *second = NULL;
    struct future *third = NULL;
    struct fetch_request request = get(url_of("/set"));
    assert_int_equal(run(&request, &first), ERROR_OK);
    request = get(url_of("/change"));
    request.cookies = reply_of(first)->cookies;
    assert_int_equal(run(&request, &second), ERROR_OK);
    assert_true(request_has(1, "Cookie: a=1\r\n"));
    request = get(url_of("/deep/x"));
    request.cookies = reply_of(second)->cookies;
    assert_int_equal(run(&request, &third), ERROR_OK);
    assert_true(request_has(2, "a=9"));
    assert_true(request_has(2, "b=2"));
    assert_false(request_has(2, "gone"));
    assert_false(request_has(2, "far"));
    /* They are this check's, nobody else's. */
    request = get(url_of("/deep/x"));
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_false(request_has(3, "Cookie"));
    request = get(other_origin("/deep/x"));
    request.cookies = reply_of(third)->cookies;
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_false(request_has(4, "Cookie"));
    future_unref(&first);
    future_unref(&second);
    future_unref(&third);
}

/* ---- Time */

static const struct fixture_route slow[] = {
    { .target = "/silent", .reply = "", .then = ROUTE_HOLD },
    { .target = "/half",
      .reply = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
      .then = ROUTE_HOLD },
    { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\n" EMPTY },
};

static void
time_is_up_to_the_microsecond(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    clock_freeze(CLOCK_US_PER_S);
    struct fetch_request request = get(url_of("/half"));
    request.timeout_us = 5 * CLOCK_US_PER_S;
    struct future *future = begin(&request);
    int64_t due_us = clock_now_us() + request.timeout_us;
    TURN_UNTIL(scripted_requests(server) == 1);
    clock_advance(due_us - 1 - clock_now_us());
    loop_turn(loop, 0);
    assert_false(future_is_done(future));
    clock_advance(1);
    loop_turn(loop, 0);
    assert_true(future_is_done(future));
    assert_int_equal(future->error, ERROR_TIMEOUT);
    assert_true(scripted_await_closed(server, 1));
    future_unref(&future);
}

static void
idle_connections_are_let_go(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    clock_freeze(CLOCK_US_PER_S);
    struct fetch_request request = get(url_of("/ok"));
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_int_equal(scripted_connections(server), 1); /* kept, used again */
    clock_advance(31 * CLOCK_US_PER_S);
    turn();
    assert_true(scripted_await_closed(server, 1));
    assert_int_equal(error_of_run(&request), ERROR_OK); /* and it goes on */
    assert_int_equal(scripted_connections(server), 2);
}

/* ---- Cancelling */

static void
cancel_closes_the_socket_at_once(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    static const char *const targets[] = { "/silent", "/half" };
    for (unsigned i = 0; i < ARRAY_LEN(targets); i++) {
        struct fetch_request request = get(url_of(targets[i]));
        struct future *future = begin(&request);
        TURN_UNTIL(scripted_requests(server) == i + 1);
        assert_true(future_cancel(future));
        assert_true(scripted_await_closed(server, i + 1)); /* without a turn of the loop */
        assert_true(future_cancel(future));
        assert_int_equal(future_state(future), FUTURE_CANCELLED);
        future_unref(&future);
    }
    struct fetcher_stats stats;
    fetcher_stats(fetcher, &stats);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.body_bytes, 0);
}

static void
cancel_before_anything_happened(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    struct fetch_request request = get(url_of("/ok"));
    struct future *future = begin(&request);
    assert_true(future_cancel(future));
    future_unref(&future);
    assert_int_equal(error_of_run(&request), ERROR_OK); /* the next is none the worse */
    assert_int_equal(scripted_requests(server), 1);
}

static void
cancel_after_the_end_is_too_late(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    struct future *future = NULL;
    struct fetch_request request = get(url_of("/ok"));
    assert_int_equal(run(&request, &future), ERROR_OK);
    assert_false(future_cancel(future));
    assert_int_equal(reply_of(future)->status, 200);
    future_unref(&future);
}

struct race {
    struct future *winner;
    struct future *losers[3];
    struct future_callback callback;
    unsigned order[4];
    unsigned ended;
};

static void
cancel_losers(struct future *future, void *context)
{
    struct race *race = context;
    (void)future;
    for (size_t i = 0; i < ARRAY_LEN(race->losers); i++) {
        assert_true(future_cancel(race->losers[i]));
    }
    assert_true(scripted_await_closed(server, ARRAY_LEN(race->losers)));
    race->ended++;
}

static void
first_reply_cancels_the_others(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    struct race race = { .callback = { .fn = cancel_losers, .context = &race } };
    struct fetch_request request = get(url_of("/silent"));
    for (size_t i = 0; i < ARRAY_LEN(race.losers); i++) {
        race.losers[i] = begin(&request);
    }
    TURN_UNTIL(scripted_requests(server) == ARRAY_LEN(race.losers));
    request = get(url_of("/ok"));
    race.winner = begin(&request);
    future_on_done(race.winner, &race.callback);
    TURN_UNTIL(race.ended == 1);
    assert_int_equal(reply_of(race.winner)->status, 200);
    for (size_t i = 0; i < ARRAY_LEN(race.losers); i++) {
        future_unref(&race.losers[i]);
    }
    future_unref(&race.winner);
}

static void
close_ends_all_that_is_in_flight(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    options.host_connections_max = 2;
    reopen_fetcher();
    struct future *futures[4]; /* two run, two wait */
    struct fetch_request request = get(url_of("/silent"));
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        futures[i] = begin(&request);
    }
    TURN_UNTIL(scripted_requests(server) == 2);
    assert_int_equal(future_state(futures[2]), FUTURE_PENDING);
    fetcher_close(fetcher);
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        assert_int_equal(future_state(futures[i]), FUTURE_CANCELLED);
        future_unref(&futures[i]);
    }
    assert_true(scripted_await_closed(server, 2));
    struct future *none = NULL;
    assert_int_equal(fetch_start(fetcher, &request, &none), ERROR_CLOSED);
    fetcher_close(fetcher); /* twice is once */
}

static void
reply_outlives_the_fetcher(void **state)
{
    (void)state;
    USE_ROUTES(hops);
    struct future *future = NULL;
    struct fetch_request request = get(url_of("/ok"));
    assert_int_equal(run(&request, &future), ERROR_OK);
    fetcher_close(fetcher);
    fetcher_free(&fetcher);
    assert_string_equal(reply_of(future)->body, "ok");
    future_unref(&future);
}

/* ---- Who runs and who waits */

static void
the_others_wait_their_turn(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    options.host_connections_max = 1;
    reopen_fetcher();
    struct fetch_request held = get(url_of("/silent"));
    struct fetch_request quick = get(url_of("/ok"));
    struct fetch_request elsewhere = get(other_origin("/ok"));
    struct future *first = begin(&held);
    struct future *dropped = begin(&held);
    struct future *second = begin(&quick);
    TURN_UNTIL(scripted_requests(server) == 1);
    assert_int_equal(error_of_run(&elsewhere), ERROR_OK); /* its own origin, its own limit */
    assert_int_equal(future_state(second), FUTURE_PENDING);
    assert_true(future_cancel(dropped)); /* one that waits */
    future_unref(&dropped);
    assert_true(future_cancel(first));
    future_unref(&first);
    TURN_UNTIL(future_is_done(second));
    assert_int_equal(reply_of(second)->status, 200);
    assert_int_equal(scripted_requests(server), 3);
    future_unref(&second);
}

static void
waiting_costs_no_time(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    options.connections_max = 1;
    reopen_fetcher();
    clock_freeze(CLOCK_US_PER_S);
    struct fetch_request held = get(url_of("/silent"));
    struct fetch_request quick = get(url_of("/ok"));
    quick.timeout_us = CLOCK_US_PER_S;
    struct future *first = begin(&held);
    struct future *second = begin(&quick);
    TURN_UNTIL(scripted_requests(server) == 1);
    clock_advance(30 * CLOCK_US_PER_S);
    turn();
    assert_int_equal(future_state(second), FUTURE_PENDING);
    clock_advance(40 * CLOCK_US_PER_S);
    TURN_UNTIL(future_is_done(second));
    assert_int_equal(first->error, ERROR_TIMEOUT);
    assert_int_equal(reply_of(second)->status, 200);
    future_unref(&first);
    future_unref(&second);
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(redirects_lead_where_they_may),   FETCH_TEST(only_the_last_head_counts),
        FETCH_TEST(methods_change_as_in_browsers),   FETCH_TEST(secrets_do_not_go_to_strangers),
        FETCH_TEST(bodies_do_not_go_to_strangers),   FETCH_TEST(every_hop_is_judged),
        FETCH_TEST(cookies_pass_from_step_to_step),  FETCH_TEST(time_is_up_to_the_microsecond),
        FETCH_TEST(idle_connections_are_let_go),     FETCH_TEST(cancel_closes_the_socket_at_once),
        FETCH_TEST(cancel_before_anything_happened), FETCH_TEST(cancel_after_the_end_is_too_late),
        FETCH_TEST(first_reply_cancels_the_others),  FETCH_TEST(close_ends_all_that_is_in_flight),
        FETCH_TEST(reply_outlives_the_fetcher),      FETCH_TEST(the_others_wait_their_turn),
        FETCH_TEST(waiting_costs_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
