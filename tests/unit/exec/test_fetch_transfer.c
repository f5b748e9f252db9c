/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Transfers of several hops: where redirects may lead, what they may carry there, and cookies. */

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
    assert_null(header_of(reply_of(future), "Location"));
    assert_string_equal(header_of(reply_of(future), "X-Last"), "yes");
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

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(redirects_lead_where_they_may),  FETCH_TEST(only_the_last_head_counts),
        FETCH_TEST(methods_change_as_in_browsers),  FETCH_TEST(secrets_do_not_go_to_strangers),
        FETCH_TEST(bodies_do_not_go_to_strangers),  FETCH_TEST(every_hop_is_judged),
        FETCH_TEST(cookies_pass_from_step_to_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
