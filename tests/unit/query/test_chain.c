/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One check at a time, through a real crew and a real platform: every way to a verdict, and every
 * way not to get one. */
#include "daemon/query/pacing.h"
#include "tests/unit/query/flow.h"

static const struct row {
    const char *platform;
    const char *subject;
    struct route route;
    enum verdict verdict;
    enum reason reason;
} rows[] = {
    { "alpha", "alice", { "/alpha/alice", YES }, VERDICT_REGISTERED, REASON_NONE },
    { "alpha", "alice", { "/alpha/alice", NO }, VERDICT_UNREGISTERED, REASON_NONE },
    { "alpha", "a@b.de", { "/alpha/a%40b.de", YES }, VERDICT_REGISTERED, REASON_NONE },
    { "alpha", "../x", { "/alpha/..%2Fx", YES }, VERDICT_REGISTERED, REASON_NONE },
    { "alpha", "..", { "/", YES }, VERDICT_UNKNOWN, REASON_NOT_A_VALID_NAME },
    /* a plugin may be taken in by such a reply, the host is not */
    { "alpha", "alice", { "/", BODY("500 Oops", "", "no") }, VERDICT_UNKNOWN, REASON_SERVER_ERROR },
    { "alpha", "alice", { "/", BODY("403 No", "", "no") }, VERDICT_UNKNOWN, REASON_BLOCKED },
    { "alpha", "alice", { "/", BODY("429 Slow", "", "no") }, VERDICT_UNKNOWN, REASON_RATE_LIMITED },
    { "published", "alice", { "/other/", NO }, VERDICT_UNKNOWN, REASON_NOT_PUBLIC },
    { "published", "alice", { "/other/", YES }, VERDICT_REGISTERED, REASON_NONE },
    /* and what it cannot read it says itself */
    { "alpha",
      "alice",
      { "/", BODY("200 OK", "", "?") },
      VERDICT_UNKNOWN,
      REASON_UNEXPECTED_REPLY },
    { "alpha",
      "alice",
      { "/", BODY("302 Go", "Location: /x\r\n", "") },
      VERDICT_UNKNOWN,
      REASON_UNEXPECTED_REPLY },
    /* transport */
    { "alpha", "alice", { "/", "nonsense\r\n\r\n" }, VERDICT_UNKNOWN, REASON_UNEXPECTED_REPLY },
    { "alpha", "alice", { "/", "" }, VERDICT_UNKNOWN, REASON_UNREACHABLE },
    { "alpha",
      "alice",
      { "/", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nyes" },
      VERDICT_UNKNOWN,
      REASON_UNREACHABLE },
    /* names */
    { "strict", "ab", { "/", YES }, VERDICT_UNREGISTERED, REASON_NONE },
    { "strict", "abc", { "/", YES }, VERDICT_REGISTERED, REASON_NONE },
    { "newrule", "ab", { "/", YES }, VERDICT_UNKNOWN, REASON_NOT_A_VALID_NAME },
    { "hosted", "al.ice", { "/", YES }, VERDICT_UNKNOWN, REASON_NOT_A_VALID_NAME },
    /* steps */
    { "twice", "alice", { "/", YES }, VERDICT_REGISTERED, REASON_NONE },
    { "endless", "alice", { "/", YES }, VERDICT_UNKNOWN, REASON_UNEXPECTED_REPLY },
    { "wrong", "alice", { "/", YES }, VERDICT_UNKNOWN, REASON_PLUGIN_FAILED },
};

static void
test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        routes = &rows[i].route;
        route_count = 1;
        assert_int_equal(tear_down(NULL), 0); /* each row has a platform that knows nothing yet */
        assert_int_equal(set_up(NULL), 0);
        route_count = 1;
        struct finding got = ask_one(rows[i].subject, rows[i].platform);
        if (got.verdict != rows[i].verdict || got.reason != rows[i].reason) {
            support_fail("row %zu: %s, %s", i, verdict_name(got.verdict),
                         got.reason != REASON_NONE ? reason_name(got.reason) : "");
        }
    }
}

static void
test_names_that_break_a_rule_cost_no_request(void **state)
{
    (void)state;
    ask_one("ab", "strict");
    ask_one("ab", "newrule");
    ask_one("..", "alpha");
    assert_int_equal(scripted_connections(server), 0);
}

static void
test_eight_requests_and_no_more(void **state)
{
    (void)state;
    ask_one("alice", "endless");
    assert_int_equal(scripted_requests(server), ROLLCALL_STEPS_MAX);
}

static bool
request_has(unsigned index, const char *part)
{
    char *request = scripted_request(server, index);
    assert_non_null(request);
    bool has = strstr(request, part) != NULL;
    free(request);
    return has;
}

static void
test_cookies_and_values_go_from_step_to_step(void **state)
{
    (void)state;
    USE_ROUTES({ "/first/alice", BODY("200 OK", "Set-Cookie: sid=7; Path=/\r\n", "") },
               { "/second/t%2F1", YES });
    assert_finding(ask_one("alice", "twice"), VERDICT_REGISTERED, REASON_NONE);
    assert_true(request_has(1, "sid=7"));
}

static void
test_the_profile_is_for_people(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    struct query_request request = request_for("al ice", "alpha");
    struct query *query = run_query(&request);
    struct check_view view = view_of(query, 0);
    assert_string_equal(view.url, "https://people.example/al%20ice");
    assert_string_equal(view.evidence, "exact");
    assert_string_equal(view.source, "flow.so");
    assert_null(view.why);
}

static void
test_nobody_listens(void **state)
{
    (void)state;
    scripted_stop(&server);
    assert_finding(ask_one("alice", "alpha"), VERDICT_UNKNOWN, REASON_UNREACHABLE);
    server = scripted_start(serve, NULL, NULL);
}

static void
test_an_address_that_policy_refuses(void **state)
{
    (void)state;
    snprintf(base_url, sizeof base_url, "http://10.255.255.1:%u", scripted_port(server));
    assert_finding(ask_one("alice", "alpha"), VERDICT_UNKNOWN, REASON_UNREACHABLE);
}

static void
renew_queries(void)
{
    let_go();
    queries_free(&queries);
    registry_unref(&registry);
    new_queries();
}

static void
test_a_platform_that_never_answers(void **state)
{
    (void)state;
    USE_ROUTES({ "/", NULL });
    section.timeout_us = 20 * CLOCK_US_PER_MS;
    renew_queries();
    assert_finding(ask_one("alice", "alpha"), VERDICT_UNKNOWN, REASON_TIMEOUT);
    assert_true(scripted_await_closed(server, 1));
}

static const struct pacing *
line_of(const char *platform)
{
    return registry_find(registry, platform, ROLLCALL_USERNAME)->runtime;
}

/* ---- Rate limits --------------------------------------------------------- */

static void
test_retry_after_is_told_and_kept(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", BODY("429 Slow down", "Retry-After: 120\r\n", "") });
    struct finding first = ask_one("alice", "alpha");
    assert_finding(first, VERDICT_UNKNOWN, REASON_RATE_LIMITED);
    assert_int_equal(first.retry_after_ms, 120000);
    /* The next one would have to wait beyond its deadline: told at once, nothing is sent. */
    struct finding second = ask_one("bob", "alpha");
    assert_finding(second, VERDICT_UNKNOWN, REASON_RATE_LIMITED);
    assert_in_range(second.retry_after_ms, 100000, 120000);
    assert_int_equal(scripted_requests(server), 1);
}

static void
test_a_hold_past_is_a_hold_gone(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    USE_ROUTES({ "/alpha/alice", BODY("429 Slow down", "Retry-After: 5\r\n", "") },
               { "/alpha/", YES });
    ask_one("alice", "alpha");
    struct query_request request = request_for("bob", "alpha");
    struct query *query = open_query(&request);
    TURN_UNTIL(line_of("alpha")->waiting == 1);
    assert_false(is_done(query)); /* five seconds are within its deadline: it waits */
    assert_int_equal(scripted_requests(server), 1);
    clock_advance(5 * CLOCK_US_PER_S);
    TURN_UNTIL(is_done(query));
    assert_finding(view_of(query, 0).finding, VERDICT_REGISTERED, REASON_NONE);
}

static void
test_the_polite_rate(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    assert_finding(ask_one("alice", "paced"), VERDICT_REGISTERED, REASON_NONE);
    struct finding second = ask_one("bob", "paced");
    assert_finding(second, VERDICT_UNKNOWN, REASON_RATE_LIMITED);
    assert_in_range(second.retry_after_ms, 3500000, 3600000);
    assert_int_equal(scripted_requests(server), 1);
}

static void
test_one_at_a_time(void **state)
{
    (void)state;
    USE_ROUTES({ "/other/alice", NULL }, { "/other/", YES });
    struct query_request request = request_for("alice", "single");
    struct query *first = open_query(&request);
    TURN_UNTIL(scripted_requests(server) == 1);
    request = request_for("bob", "single");
    struct query *second = open_query(&request);
    TURN_UNTIL(line_of("single")->waiting == 1);
    assert_int_equal(scripted_connections(server), 1);
    assert_true(query_cancel(first)); /* its slot is free, and the next one goes */
    TURN_UNTIL(is_done(second));
    assert_finding(view_of(second, 0).finding, VERDICT_REGISTERED, REASON_NONE);
}

/* ---- Shared values ------------------------------------------------------- */

#define TOKEN(text) BODY("200 OK", "", "<" text ">")

static void
test_a_token_is_fetched_once(void **state)
{
    (void)state;
    USE_ROUTES({ "/guest", TOKEN("g1") }, { "/tokened/", YES });
    struct query_request request = request_for("alice", "tokened");
    struct query *first = open_query(&request);
    request = request_for("bob", "tokened");
    struct query *second = open_query(&request);
    TURN_UNTIL(is_done(first) && is_done(second));
    assert_finding(ask_one("carol", "tokened"), VERDICT_REGISTERED, REASON_NONE);
    assert_int_equal(scripted_requests(server), 4); /* one for the token, three with it */
    assert_true(request_has(0, "GET /guest "));
    for (unsigned i = 1; i < 4; i++) {
        assert_true(request_has(i, "X-Guest: g1\r\n"));
    }
}

static void
test_a_token_has_a_lifetime(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    USE_ROUTES({ "/guest", TOKEN("g1") }, { "/tokened/", YES });
    ask_one("alice", "tokened");
    clock_advance(3599 * CLOCK_US_PER_S);
    ask_one("bob", "tokened");
    assert_int_equal(scripted_requests(server), 3);
    clock_advance(2 * CLOCK_US_PER_S);
    ask_one("carol", "tokened");
    assert_int_equal(scripted_requests(server), 5);
}

static void
test_a_stale_token_is_renewed_once(void **state)
{
    (void)state;
    USE_ROUTES({ "/guest", TOKEN("g1") }, { "/tokened/", BODY("401 Old", "", "") });
    assert_finding(ask_one("alice", "tokened"), VERDICT_UNKNOWN, REASON_UNEXPECTED_REPLY);
    assert_int_equal(scripted_requests(server), 4); /* token, no, token, no */
    assert_true(request_has(2, "GET /guest "));
}

/* Two checks are told that the token is old; the second one must not throw the new one away. */
static void
test_a_renewed_token_is_not_stale(void **state)
{
    (void)state;
    USE_ROUTES({ "/guest", TOKEN("g1") }, { "/tokened/", GATED BODY("401 Old", "", "") });
    struct query_request request = request_for("alice", "tokened");
    struct query *first = open_query(&request);
    request = request_for("bob", "tokened");
    struct query *second = open_query(&request);
    TURN_UNTIL(atomic_load(&gated_count) == 2);
    assert_int_equal(scripted_requests(server), 3);
    USE_ROUTES({ "/guest", TOKEN("g2") }, { "/tokened/", YES });
    scripted_open_gate(server);
    TURN_UNTIL(is_done(first) || is_done(second));
    assert_int_equal(scripted_requests(server), 5);
    scripted_open_gate(server);
    TURN_UNTIL(is_done(first) && is_done(second));
    assert_int_equal(scripted_requests(server), 6);
    assert_finding(view_of(first, 0).finding, VERDICT_REGISTERED, REASON_NONE);
    assert_finding(view_of(second, 0).finding, VERDICT_REGISTERED, REASON_NONE);
}

static void
test_a_token_that_cannot_be_had(void **state)
{
    (void)state;
    USE_ROUTES({ "/guest", BODY("429 Slow", "Retry-After: 60\r\n", "") }, { "/tokened/", YES });
    struct finding first = ask_one("alice", "tokened");
    assert_finding(first, VERDICT_UNKNOWN, REASON_RATE_LIMITED);
    struct finding second = ask_one("bob", "tokened");
    assert_finding(second, VERDICT_UNKNOWN, REASON_RATE_LIMITED);
    assert_in_range(second.retry_after_ms, 50000, 60001);
    assert_int_equal(scripted_requests(server), 1);
}

static void
test_nobody_waits_for_the_token_any_more(void **state)
{
    (void)state;
    USE_ROUTES({ "/guest", NULL }, { "/tokened/", YES });
    struct query_request request = request_for("alice", "tokened");
    struct query *first = open_query(&request);
    request = request_for("bob", "tokened");
    struct query *second = open_query(&request);
    TURN_UNTIL(scripted_requests(server) == 1);
    assert_true(query_cancel(first));
    assert_int_equal(scripted_closed(server), 0); /* bob still waits */
    assert_true(query_cancel(second));
    TURN_UNTIL(scripted_closed(server) == 1);
}

/* ---- Blocking checkers --------------------------------------------------- */

static void
test_a_blocking_checker(void **state)
{
    (void)state;
    sem_post(&block_gate);
    assert_finding(ask_one("alice", "blocker"), VERDICT_REGISTERED, REASON_NONE);
}

static void
test_a_blocking_checker_that_nobody_waits_for(void **state)
{
    (void)state;
    struct query_request request = request_for("alice", "blocker");
    struct query *query = open_query(&request);
    TURN_UNTIL(atomic_load(&block_running) == 1);
    assert_true(query_cancel(query));
    assert_true(is_done(query));
    sem_post(&block_gate);
    TURN_UNTIL(atomic_load(&block_cancelled));
}

static void
test_a_blocking_checker_takes_too_long(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    struct query_request request = request_for("alice", "blocker");
    request.timeout_us = 200 * CLOCK_US_PER_S; /* its own limit is 60 s */
    struct query *query = open_query(&request);
    query_hold(query); /* somebody waits: it does not expire */
    TURN_UNTIL(atomic_load(&block_running) == 1);
    clock_advance(61 * CLOCK_US_PER_S);
    TURN_UNTIL(is_done(query));
    assert_finding(view_of(query, 0).finding, VERDICT_UNKNOWN, REASON_TIMEOUT);
    assert_int_equal(view_of(query, 0).state, FUTURE_FINISHED);
    query_release(query);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(test_table),
        FLOW_TEST(test_names_that_break_a_rule_cost_no_request),
        FLOW_TEST(test_eight_requests_and_no_more),
        FLOW_TEST(test_cookies_and_values_go_from_step_to_step),
        FLOW_TEST(test_the_profile_is_for_people),
        FLOW_TEST(test_nobody_listens),
        FLOW_TEST(test_an_address_that_policy_refuses),
        FLOW_TEST(test_a_platform_that_never_answers),
        FLOW_TEST(test_retry_after_is_told_and_kept),
        FLOW_TEST(test_a_hold_past_is_a_hold_gone),
        FLOW_TEST(test_the_polite_rate),
        FLOW_TEST(test_one_at_a_time),
        FLOW_TEST(test_a_token_is_fetched_once),
        FLOW_TEST(test_a_token_has_a_lifetime),
        FLOW_TEST(test_a_stale_token_is_renewed_once),
        FLOW_TEST(test_a_renewed_token_is_not_stale),
        FLOW_TEST(test_a_token_that_cannot_be_had),
        FLOW_TEST(test_nobody_waits_for_the_token_any_more),
        FLOW_TEST(test_a_blocking_checker),
        FLOW_TEST(test_a_blocking_checker_that_nobody_waits_for),
        FLOW_TEST(test_a_blocking_checker_takes_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
