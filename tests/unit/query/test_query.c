/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One subject against many platforms: the race and its early return, one at a time, everything, the
 * deadline, cancelling. */
#include "daemon/query/pacing.h"
#include "tests/unit/query/flow.h"

static struct query_request
race_for(const char *subject, const char *words)
{
    struct query_request request = request_for(subject, words);
    request.until = QUERY_UNTIL_FIRST;
    request.explain = true;
    return request;
}

static void
assert_platform(const struct check_view *view, const char *platform, enum future_state state)
{
    assert_string_equal(view->platform, platform);
    assert_int_equal(view->state, state);
}

/* ---- Race ---------------------------------------------------------------- */

static void
test_the_first_yes_ends_a_race(void **state)
{
    (void)state;
    USE_ROUTES({ "/gamma/", YES }, { "/", NULL });
    struct query_request request = race_for("alice", "alpha beta gamma");
    struct query *query = run_query(&request);
    const struct answer *answer = query_answer(query);
    assert_int_equal(answer->verdict, VERDICT_REGISTERED);
    assert_string_equal(answer->platform, "gamma");
    assert_string_equal(answer->strategy, "race");
    assert_int_equal(answer->asked, 3);
    assert_int_equal(answer->cancelled, 2);
    assert_int_equal(answer->check_count, 3);
    assert_int_equal(answer->reason, REASON_NONE);
    struct check_view first = view_of(query, 0);
    assert_platform(&first, "gamma", FUTURE_FINISHED);
    assert_string_equal(first.why, "race: all at once");
    for (size_t i = 1; i < 3; i++) {
        struct check_view loser = view_of(query, i);
        assert_int_equal(loser.state, FUTURE_CANCELLED);
        assert_finding(loser.finding, VERDICT_UNKNOWN, REASON_CANCELLED);
        assert_true(loser.began_us >= 0 && loser.ended_us >= loser.began_us);
    }
    /* A loser may not have got as far as a connection; those that were there are gone. */
    assert_true(scripted_await_closed(server, scripted_connections(server)));
}

static void
test_the_losers_are_cancelled_before_the_answer(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", YES }, { "/", NULL });
    struct query_request request = race_for("alice", "alpha beta");
    struct query *query = run_query(&request);
    struct queries_stats stats;
    queries_stats(queries, &stats);
    assert_int_equal(stats.checks_in_flight, 0);
    assert_int_equal(stats.cancelled, 1);
    assert_int_equal(stats.registered, 1);
    assert_int_equal(completion_ended(query_checks(query)), 2);
}

static void
test_a_race_without_a_yes_waits_for_all(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", NO }, { "/beta/", NO }, { "/gamma/", NO });
    struct query_request request = race_for("alice", "alpha beta gamma");
    const struct answer *answer = query_answer(run_query(&request));
    assert_int_equal(answer->verdict, VERDICT_UNREGISTERED);
    assert_null(answer->platform);
    assert_int_equal(answer->asked, 3);
    assert_int_equal(answer->cancelled, 0);
}

static void
test_one_unknown_makes_the_answer_unknown(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", NO }, { "/other/", NO }, { "/beta/", BODY("503 Oops", "", "") });
    struct query_request request = race_for("alice", "alpha published beta");
    const struct answer *answer = query_answer(run_query(&request));
    assert_int_equal(answer->verdict, VERDICT_UNKNOWN);
    assert_int_equal(answer->reason, REASON_NONE);
    assert_int_equal(answer->tally.unregistered, 1);
    assert_int_equal(answer->tally.reasons[REASON_NOT_PUBLIC], 1);
    assert_int_equal(answer->tally.reasons[REASON_SERVER_ERROR], 1);
}

/* A yes that costs no request ends the race while its checks are still being started. */
static void
test_a_check_that_ends_at_once(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", YES });
    struct query_request request = race_for("ab", "strict newrule alpha");
    const struct answer *answer = query_answer(run_query(&request));
    assert_int_equal(answer->verdict, VERDICT_REGISTERED);
    assert_int_equal(answer->asked, 3);
    assert_int_equal(answer->tally.unregistered, 1);
    assert_int_equal(answer->tally.reasons[REASON_NOT_A_VALID_NAME], 1);
}

/* ---- Lazy ---------------------------------------------------------------- */

static void
test_lazy_asks_in_order_and_stops_at_a_yes(void **state)
{
    (void)state;
    USE_ROUTES({ "/gamma/", BODY("500 Oops", "", "") }, { "/alpha/", YES }, { "/beta/", YES });
    struct query_request request = race_for("alice", "gamma alpha beta");
    request.strategy = "lazy";
    struct query *query = run_query(&request);
    const struct answer *answer = query_answer(query);
    assert_string_equal(answer->platform, "alpha");
    assert_string_equal(answer->strategy, "lazy");
    assert_int_equal(answer->asked, 2);
    assert_int_equal(answer->cancelled, 1);
    struct check_view first = view_of(query, 0);
    struct check_view second = view_of(query, 1);
    struct check_view third = view_of(query, 2);
    assert_platform(&first, "gamma", FUTURE_FINISHED);
    assert_string_equal(first.why, "lazy: one at a time, in the order given");
    assert_platform(&second, "alpha", FUTURE_FINISHED);
    assert_string_equal(second.why, "lazy: after gamma ended unknown");
    assert_true(second.began_us >= first.ended_us);
    assert_platform(&third, "beta", FUTURE_CANCELLED);
    assert_int_equal(third.began_us, -1);
    assert_null(third.why);
    assert_int_equal(scripted_connections(server), 2); /* beta was never contacted */
}

static void
test_lazy_to_the_end(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", YES }, { "/", NO });
    struct query_request request = request_for("alice", "alpha strict beta newrule gamma");
    request.strategy = "lazy";
    struct query *query = run_query(&request);
    const struct answer *answer = query_answer(query);
    static const char *const order[] = { "alpha", "strict", "beta", "newrule", "gamma" };
    assert_int_equal(answer->check_count, ARRAY_LEN(order));
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_string_equal(view_of(query, i).platform, order[i]);
    }
    assert_int_equal(answer->tally.registered, 1);
    assert_int_equal(answer->tally.unregistered, 4);
}

/* Hundreds of checks that end at once, one after the other, do not nest. */
static void
test_lazy_over_checks_that_end_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct query_request request = race_for("ab", "strict newrule");
        request.strategy = "lazy";
        struct query *query = open_query(&request);
        assert_true(is_done(query)); /* without a single turn of the loop */
        assert_int_equal(query_answer(query)->asked, 2);
    }
}

/* ---- Everything ---------------------------------------------------------- */

static void
test_all_lists_all(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", YES }, { "/beta/", NO }, { "/gamma/", YES });
    struct query_request request = request_for("alice", "alpha beta gamma");
    const struct answer *answer = query_answer(run_query(&request));
    assert_int_equal(answer->verdict, VERDICT_REGISTERED);
    assert_int_equal(answer->asked, 3);
    assert_int_equal(answer->cancelled, 0);
    assert_int_equal(answer->tally.registered, 2);
    assert_int_equal(answer->tally.unregistered, 1);
}

static void
test_checks_stand_in_the_order_of_their_end(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", NULL }, { "/beta/", NO });
    struct query_request request = request_for("alice", "alpha beta strict");
    struct query *query = open_query(&request);
    TURN_UNTIL(completion_ended(query_checks(query)) == 2);
    assert_false(is_done(query));
    assert_true(query_cancel(query));
    const struct answer *answer = query_answer(query);
    int64_t last_us = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_true(view_of(query, i).ended_us >= last_us);
        last_us = view_of(query, i).ended_us;
        assert_ptr_equal(answer->checks[i], check_of(completion_at(query_checks(query), i)));
    }
    assert_string_equal(view_of(query, 2).platform, "alpha");
}

/* ---- Who is asked -------------------------------------------------------- */

static void
test_a_platform_that_cannot_answer_is_listed(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", NO });
    /* beta knows no addresses, hidden has a method that is not allowed */
    struct query_request request = request_for("a@b.de", "beta hidden alpha");
    struct query *query = run_query(&request);
    const struct answer *answer = query_answer(query);
    assert_int_equal(answer->verdict, VERDICT_UNKNOWN);
    assert_int_equal(answer->asked, 1);
    assert_int_equal(answer->cancelled, 0);
    assert_int_equal(answer->tally.reasons[REASON_UNSUPPORTED], 2);
    assert_int_equal(answer->reason, REASON_NONE);
    assert_string_equal(view_of(query, 0).platform, "alpha"); /* the only one that began */
    struct check_view view = view_of(query, 1);
    assert_platform(&view, "beta", FUTURE_FINISHED);
    assert_finding(view.finding, VERDICT_UNKNOWN, REASON_UNSUPPORTED);
    assert_int_equal(view.began_us, -1);
    assert_null(view.evidence);
    assert_string_equal(view.source, "");
}

static void
test_nobody_is_left_to_ask(void **state)
{
    (void)state;
    static const char *const words[] = { "beta", "hidden", "greek" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct query_request request = race_for("a@b.de", words[i]);
        static const char *const exclude[] = { "alpha" };
        request.exclude = exclude;
        request.exclude_count = 1;
        struct query *query = open_query(&request);
        assert_true(is_done(query));
        assert_int_equal(query_answer(query)->verdict, VERDICT_UNKNOWN);
        assert_int_equal(query_answer(query)->reason, REASON_UNSUPPORTED);
        assert_int_equal(query_answer(query)->asked, 0);
    }
}

/* ---- Deadline, cancel ---------------------------------------------------- */

static void
test_the_deadline_cuts_off(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    USE_ROUTES({ "/alpha/", NO }, { "/", NULL });
    struct query_request request = race_for("alice", "alpha beta gamma");
    request.strategy = "lazy";
    request.timeout_us = 2 * CLOCK_US_PER_S;
    struct query *query = open_query(&request);
    TURN_UNTIL(scripted_requests(server) == 2);
    assert_false(is_done(query));
    clock_advance(2 * CLOCK_US_PER_S);
    TURN_UNTIL(is_done(query));
    const struct answer *answer = query_answer(query);
    assert_int_equal(answer->asked, 2);
    assert_int_equal(answer->cancelled, 1);
    assert_int_equal(answer->tally.reasons[REASON_TIMEOUT], 1);
    assert_int_equal(answer->tally.reasons[REASON_CANCELLED], 1);
    struct check_view cut = view_of(query, 1);
    assert_platform(&cut, "beta", FUTURE_FINISHED);
    assert_finding(cut.finding, VERDICT_UNKNOWN, REASON_TIMEOUT);
    struct check_view never = view_of(query, 2);
    assert_platform(&never, "gamma", FUTURE_CANCELLED);
    assert_int_equal(never.began_us, -1);
    assert_true(scripted_await_closed(server, 2));
}

static void
test_the_deadline_is_capped(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    USE_ROUTES({ "/", NULL });
    conf.deadline_max_us = 3 * CLOCK_US_PER_S;
    struct query_request request = race_for("alice", "alpha");
    request.timeout_us = CLOCK_NEVER;
    struct query *query = open_query(&request);
    clock_advance(3 * CLOCK_US_PER_S);
    TURN_UNTIL(is_done(query));
    assert_finding(view_of(query, 0).finding, VERDICT_UNKNOWN, REASON_TIMEOUT);
}

static void
test_cancelling_a_query(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", YES }, { "/", NULL });
    struct query_request request = request_for("alice", "alpha beta gamma");
    struct query *query = open_query(&request);
    TURN_UNTIL(completion_ended(query_checks(query)) == 1);
    assert_true(query_cancel(query));
    assert_true(is_done(query));
    assert_int_equal(future_state(query_future(query)), FUTURE_FINISHED);
    /* what was learned stays learned */
    const struct answer *answer = query_answer(query);
    assert_int_equal(answer->verdict, VERDICT_REGISTERED);
    assert_string_equal(answer->platform, "alpha");
    assert_int_equal(answer->cancelled, 2);
    assert_false(query_cancel(query));
    TURN_UNTIL(scripted_closed(server) == scripted_connections(server));
}

static void
test_cancelling_before_the_first_turn(void **state)
{
    (void)state;
    struct query_request request = race_for("alice", "alpha beta");
    request.strategy = "lazy";
    struct query *query = open_query(&request);
    assert_true(query_cancel(query));
    const struct answer *answer = query_answer(query);
    assert_int_equal(answer->verdict, VERDICT_UNKNOWN);
    assert_int_equal(answer->asked, 1);
    assert_int_equal(answer->cancelled, 2);
    assert_int_equal(answer->tally.reasons[REASON_CANCELLED], 2);
}

/* ---- Flights ------------------------------------------------------------- */

static void
test_equal_checks_share_a_flight(void **state)
{
    (void)state;
    USE_ROUTES({ "/", NULL });
    struct query_request request = race_for("alice", "alpha");
    struct query *first = open_query(&request);
    struct query *second = open_query(&request);
    request = race_for("alicE", "alpha");
    struct query *other = open_query(&request);
    TURN_UNTIL(scripted_requests(server) == 2);
    struct queries_stats stats;
    queries_stats(queries, &stats);
    assert_int_equal(stats.joined, 1);
    /* who leaves leaves the others alone; the last one takes the transfer along */
    assert_true(query_cancel(first));
    assert_true(query_cancel(other));
    TURN_UNTIL(scripted_closed(server) == 1);
    assert_false(is_done(second));
    assert_true(query_cancel(second));
    TURN_UNTIL(scripted_closed(server) == 2);
}

static void
test_a_shared_flight_lands_for_all(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    struct query_request request = race_for("alice", "alpha");
    struct query *queries_of[5];
    for (size_t i = 0; i < ARRAY_LEN(queries_of); i++) {
        queries_of[i] = open_query(&request);
    }
    for (size_t i = 0; i < ARRAY_LEN(queries_of); i++) {
        TURN_UNTIL(is_done(queries_of[i]));
        assert_finding(view_of(queries_of[i], 0).finding, VERDICT_REGISTERED, REASON_NONE);
        assert_string_equal(view_of(queries_of[i], 0).url, "https://people.example/alice");
    }
    assert_int_equal(scripted_requests(server), 1);
}

/* The callback of one query cancels another one that sits in the same flight. */
static void
cancel_other(struct future *future, void *context)
{
    (void)future;
    (void)query_cancel(context);
}

static void
test_landing_survives_those_who_leave_meanwhile(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    struct query_request request = race_for("alice", "alpha");
    struct query *first = open_query(&request);
    struct query *second = open_query(&request);
    struct future_callback callback = { .fn = cancel_other, .context = second };
    future_on_done(query_future(first), &callback);
    TURN_UNTIL(is_done(first) && is_done(second));
    assert_int_equal(query_answer(first)->verdict, VERDICT_REGISTERED);
    assert_finding(view_of(second, 0).finding, VERDICT_UNKNOWN, REASON_CANCELLED);
}

/* A second check is told at once when it would wait too long; the first one goes on waiting. */
static void
test_deadlines_differ_in_one_flight(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    USE_ROUTES({ "/alpha/alice", BODY("429 Slow", "Retry-After: 20\r\n", "") }, { "/", YES });
    struct query_request request = race_for("alice", "alpha");
    run_query(&request);
    request = race_for("bob", "alpha");
    struct query *patient = open_query(&request);
    const struct pacing *line = registry_find(registry, "alpha", ROLLCALL_USERNAME)->runtime;
    TURN_UNTIL(line->waiting == 1);
    request.timeout_us = 5 * CLOCK_US_PER_S;
    struct query *hasty = open_query(&request);
    assert_true(is_done(hasty));
    assert_finding(view_of(hasty, 0).finding, VERDICT_UNKNOWN, REASON_RATE_LIMITED);
    assert_in_range(view_of(hasty, 0).finding.retry_after_ms, 19000, 20000);
    clock_advance(20 * CLOCK_US_PER_S);
    TURN_UNTIL(is_done(patient));
    assert_int_equal(query_answer(patient)->verdict, VERDICT_REGISTERED);
}

/* Those in line when the platform asks for a pause hear of it. */
static void
test_a_hold_ends_those_who_wait_in_vain(void **state)
{
    (void)state;
    USE_ROUTES({ "/other/alice", GATED BODY("429 Slow", "Retry-After: 90\r\n", "") }, { "/", YES });
    struct query_request request = race_for("alice", "single");
    struct query *first = open_query(&request);
    TURN_UNTIL(scripted_requests(server) == 1);
    request = race_for("bob", "single");
    struct query *second = open_query(&request);
    const struct pacing *line = registry_find(registry, "single", ROLLCALL_USERNAME)->runtime;
    TURN_UNTIL(line->waiting == 1);
    scripted_open_gate(server);
    TURN_UNTIL(is_done(first) && is_done(second));
    assert_finding(view_of(second, 0).finding, VERDICT_UNKNOWN, REASON_RATE_LIMITED);
    assert_int_equal(scripted_requests(server), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(test_the_first_yes_ends_a_race),
        FLOW_TEST(test_the_losers_are_cancelled_before_the_answer),
        FLOW_TEST(test_a_race_without_a_yes_waits_for_all),
        FLOW_TEST(test_one_unknown_makes_the_answer_unknown),
        FLOW_TEST(test_a_check_that_ends_at_once),
        FLOW_TEST(test_lazy_asks_in_order_and_stops_at_a_yes),
        FLOW_TEST(test_lazy_to_the_end),
        FLOW_TEST(test_lazy_over_checks_that_end_at_once),
        FLOW_TEST(test_all_lists_all),
        FLOW_TEST(test_checks_stand_in_the_order_of_their_end),
        FLOW_TEST(test_a_platform_that_cannot_answer_is_listed),
        FLOW_TEST(test_nobody_is_left_to_ask),
        FLOW_TEST(test_the_deadline_cuts_off),
        FLOW_TEST(test_the_deadline_is_capped),
        FLOW_TEST(test_cancelling_a_query),
        FLOW_TEST(test_cancelling_before_the_first_turn),
        FLOW_TEST(test_equal_checks_share_a_flight),
        FLOW_TEST(test_a_shared_flight_lands_for_all),
        FLOW_TEST(test_landing_survives_those_who_leave_meanwhile),
        FLOW_TEST(test_deadlines_differ_in_one_flight),
        FLOW_TEST(test_a_hold_ends_those_who_wait_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
