/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The table of queries: ids, keys, bounds, lives and deaths, reloads. */
#include "tests/unit/query/flow.h"

#include "daemon/query/epoch.h"

static int
try_open(const struct query_request *request, struct error_text *why)
{
    struct query *query = NULL;
    why->text[0] = '\0';
    int error = query_open(queries, request, &query, why);
    if (error == ERROR_OK) {
        held[held_count++] = query;
    } else {
        assert_null(query);
    }
    return error;
}

static void
settle(void)
{
    for (int i = 0; i < 5; i++) {
        turn();
    }
}

/* ---- Ids ----------------------------------------------------------------- */

static void
test_a_query_is_found_by_its_id(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    struct query_request request = request_for("alice", "alpha");
    struct query *query = run_query(&request);
    assert_int_equal(query_id(query)[0], 'q');
    assert_true(strlen(query_id(query)) >= 17); /* 64 random bits */
    assert_ptr_equal(query_find(queries, query_id(query)), query);
    assert_string_equal(query_answer(query)->query, query_id(query));
    assert_null(query_find(queries, "q0"));
    assert_null(query_find(queries, ""));
    struct query *other = run_query(&request);
    assert_string_not_equal(query_id(query), query_id(other));
}

/* ---- Keys ---------------------------------------------------------------- */

static void
test_the_same_key_joins(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    USE_ROUTES({ "/", YES });
    struct query_request request = request_for("alice", "alpha");
    request.key = "k1";
    request.fingerprint = 7;
    struct query *first = open_query(&request);
    assert_ptr_equal(open_query(&request), first);
    TURN_UNTIL(is_done(first));
    clock_advance(QUERY_KEY_LIFE_US - 2 * CLOCK_US_PER_S);
    assert_ptr_equal(open_query(&request), first); /* its answer is still there */
    clock_advance(3 * CLOCK_US_PER_S);
    assert_ptr_not_equal(open_query(&request), first);
}

static void
test_a_key_with_other_params_is_refused(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    struct error_text why;
    struct query_request request = request_for("alice", "alpha");
    request.key = "k1";
    request.fingerprint = 7;
    struct query *first = run_query(&request);
    request.fingerprint = 8;
    assert_int_equal(try_open(&request, &why), ERROR_INVALID);
    assert_non_null(strstr(why.text, "key: was used with other params"));
    query_forget_key(first);
    assert_int_equal(try_open(&request, &why), ERROR_OK);
    request.key = NULL;
    assert_int_equal(try_open(&request, &why), ERROR_OK);
}

static void
test_a_key_has_a_bound(void **state)
{
    (void)state;
    char key[QUERY_KEY_BYTES_MAX + 2];
    memset(key, 'k', sizeof key);
    key[QUERY_KEY_BYTES_MAX + 1] = '\0';
    struct error_text why;
    struct query_request request = request_for("alice", "strict");
    request.key = key;
    assert_int_equal(try_open(&request, &why), ERROR_INVALID);
    key[QUERY_KEY_BYTES_MAX] = '\0';
    assert_int_equal(try_open(&request, &why), ERROR_OK);
}

/* ---- Refusals ------------------------------------------------------------ */

static void
test_refusals_name_what_is_wrong(void **state)
{
    (void)state;
    static const char *const nowhere[] = { "nowhere" };
    struct error_text why;
    struct query_request request = request_for("alice", "alpha");
    request.strategy = "eager";
    assert_int_equal(try_open(&request, &why), ERROR_INVALID);
    assert_non_null(strstr(why.text, "\"eager\""));
    assert_non_null(strstr(why.text, "race, lazy, auto"));
    request = request_for("alice", "alpha nowhere");
    assert_int_equal(try_open(&request, &why), ERROR_INVALID);
    assert_non_null(strstr(why.text, "platforms: "));
    assert_non_null(strstr(why.text, "\"nowhere\""));
    request = request_for("alice", "alpha");
    request.exclude = nowhere;
    request.exclude_count = 1;
    assert_int_equal(try_open(&request, &why), ERROR_INVALID);
    assert_non_null(strstr(why.text, "exclude: "));
    request = request_for("alice", NULL);
    request.catalog = "nowhere";
    assert_int_equal(try_open(&request, &why), ERROR_INVALID);
    assert_non_null(strstr(why.text, "catalog: "));
    assert_int_equal(queries_open_count(queries), 0);
}

static void
test_so_many_queries(void **state)
{
    (void)state;
    USE_ROUTES({ "/", NULL });
    conf.max_queries = 2;
    struct error_text why;
    struct query_request request = request_for("alice", "alpha");
    struct query *first = open_query(&request);
    open_query(&request);
    assert_int_equal(try_open(&request, &why), ERROR_BUSY);
    assert_non_null(strstr(why.text, "max_queries"));
    assert_int_equal(queries_open_count(queries), 2);
    assert_true(query_cancel(first));
    assert_int_equal(try_open(&request, &why), ERROR_OK);
}

static void
test_so_many_checks(void **state)
{
    (void)state;
    USE_ROUTES({ "/", NULL });
    conf.max_checks = 5;
    struct error_text why;
    struct query_request request = request_for("alice", "alpha beta gamma");
    struct query *first = open_query(&request);
    assert_int_equal(try_open(&request, &why), ERROR_BUSY);
    assert_non_null(strstr(why.text, "max_checks"));
    request = request_for("alice", "alpha beta");
    assert_int_equal(try_open(&request, &why), ERROR_OK);
    assert_true(query_cancel(first));
    request = request_for("alice", "alpha beta gamma");
    assert_int_equal(try_open(&request, &why), ERROR_OK);
}

static void
test_a_closed_table(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", YES }, { "/", NULL });
    struct error_text why;
    struct query_request request = request_for("alice", "alpha");
    struct query *open = open_query(&request);
    queries_close(queries);
    assert_int_equal(try_open(&request, &why), ERROR_CLOSED);
    TURN_UNTIL(is_done(open)); /* what is open goes on */
    assert_int_equal(query_answer(open)->verdict, VERDICT_REGISTERED);
}

static void
test_cancel_all(void **state)
{
    (void)state;
    USE_ROUTES({ "/", NULL });
    struct query_request request = request_for("alice", "alpha beta");
    struct query *opened[3];
    for (size_t i = 0; i < ARRAY_LEN(opened); i++) {
        opened[i] = open_query(&request);
    }
    TURN_UNTIL(scripted_requests(server) == 2);
    queries_cancel_all(queries);
    for (size_t i = 0; i < ARRAY_LEN(opened); i++) {
        assert_true(is_done(opened[i]));
        assert_int_equal(query_answer(opened[i])->cancelled, 2);
    }
    assert_int_equal(queries_open_count(queries), 0);
    TURN_UNTIL(scripted_closed(server) == 2);
}

/* ---- Time to live -------------------------------------------------------- */

static void
test_an_answer_expires(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    struct query_request request = request_for("ab", "strict");
    struct query *query = open_query(&request);
    char id[QUERY_ID_BYTES];
    snprintf(id, sizeof id, "%s", query_id(query));
    let_go();
    clock_advance(59 * CLOCK_US_PER_S);
    settle();
    assert_non_null(query_find(queries, id));
    query_hold(query_find(queries, id)); /* somebody asks: its time begins anew */
    clock_advance(3600 * CLOCK_US_PER_S);
    settle();
    query_release(query_find(queries, id));
    clock_advance(59 * CLOCK_US_PER_S);
    settle();
    assert_non_null(query_find(queries, id));
    clock_advance(2 * CLOCK_US_PER_S);
    settle();
    assert_null(query_find(queries, id));
}

static void
test_a_query_that_nobody_asks_about_is_cancelled(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    USE_ROUTES({ "/", NULL });
    conf.query_ttl_us = 10 * CLOCK_US_PER_S;
    struct query_request request = request_for("alice", "alpha");
    request.key = "k";
    struct query *query = open_query(&request);
    TURN_UNTIL(scripted_requests(server) == 1);
    clock_advance(10 * CLOCK_US_PER_S);
    TURN_UNTIL(is_done(query));
    assert_int_equal(query_answer(query)->cancelled, 1);
    assert_null(query_find(queries, query_id(query)));
    TURN_UNTIL(scripted_closed(server) == 1);
    assert_ptr_not_equal(open_query(&request), query); /* its key is free */
}

/* The call that opened it has waited for it, has its answer, and goes. */
static bool
is_kept_after_its_call(const char *key, bool ask)
{
    struct query_request request = request_for("alice", "alpha");
    request.key = key;
    struct query *query = open_query(&request);
    query_hold(query);
    TURN_UNTIL(is_done(query));
    if (ask) {
        assert_ptr_equal(query_find(queries, query_id(query)), query);
    }
    query_release(query);
    return query_find(queries, query_id(query)) != NULL;
}

static void
test_a_spent_query_goes_at_once(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    assert_false(is_kept_after_its_call(NULL, false));
    assert_true(is_kept_after_its_call("k", false));
    assert_true(is_kept_after_its_call(NULL, true));
}

static void
test_who_holds_a_query_keeps_it(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    struct query_request request = request_for("ab", "strict");
    struct query *query = open_query(&request);
    clock_advance(3600 * CLOCK_US_PER_S);
    settle();
    assert_null(query_find(queries, query_id(query)));
    assert_int_equal(query_answer(query)->verdict, VERDICT_UNREGISTERED); /* not freed */
    query_hold(query);
    query_release(query);
}

static void
test_answers_are_kept_within_bounds(void **state)
{
    (void)state;
    conf.max_queries = 3;
    char ids[5][QUERY_ID_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct query_request request = request_for("ab", "strict");
        snprintf(ids[i], sizeof ids[i], "%s", query_id(open_query(&request)));
    }
    assert_null(query_find(queries, ids[0])); /* the oldest goes first */
    assert_null(query_find(queries, ids[1]));
    for (size_t i = 2; i < ARRAY_LEN(ids); i++) {
        assert_non_null(query_find(queries, ids[i]));
    }
}

/* ---- Reload -------------------------------------------------------------- */

static void
test_a_reload_leaves_open_queries_alone(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    struct query_request request = request_for("alice", "alpha");
    struct query *before = open_query(&request);
    struct conf other = conf;
    other.methods = 1U << ROLLCALL_RECOVERY;
    struct registry *second = new_registry();
    assert_int_equal(queries_set(queries, second, &other), ERROR_OK);
    assert_ptr_equal(queries_registry(queries), second);
    assert_ptr_equal(queries_conf(queries), &other);
    struct query *after = open_query(&request);
    TURN_UNTIL(is_done(before) && is_done(after));
    assert_int_equal(query_answer(before)->verdict, VERDICT_REGISTERED);
    assert_int_equal(query_answer(after)->reason, REASON_UNSUPPORTED);
    registry_unref(&second);
}

/* What queries keep for a registry goes with the last query that began with it. */
static void
test_an_old_registry_is_let_go(void **state)
{
    (void)state;
    clock_freeze(clock_now_us());
    USE_ROUTES({ "/", YES });
    struct query_request request = request_for("alice", "alpha");
    run_query(&request);
    const struct checker *checker = registry_find(registry, "alpha", ROLLCALL_USERNAME);
    struct registry *second = new_registry();
    assert_int_equal(queries_set(queries, second, &conf), ERROR_OK);
    registry_unref(&second);
    settle();
    assert_non_null(checker->runtime); /* the answer is still there to be asked for */
    let_go();
    settle();
    assert_non_null(checker->runtime);
    clock_advance(61 * CLOCK_US_PER_S);
    settle();
    assert_null(checker->runtime);
}

/* The linker puts this in front of epoch_new() (tests/CMakeLists.txt). */
typedef int epoch_new_fn(struct exec *on, struct crew *callers, struct registry *of,
                         int64_t timeout_us, struct epoch **out_epoch);
epoch_new_fn __real_epoch_new;
epoch_new_fn __wrap_epoch_new;
static bool is_memory_short;

int
__wrap_epoch_new(struct exec *on, struct crew *callers, struct registry *of, int64_t timeout_us,
                 struct epoch **out_epoch)
{
    return is_memory_short ? ERROR_NOMEM : __real_epoch_new(on, callers, of, timeout_us, out_epoch);
}

/* Neither the plugins nor the configuration: they belong together. */
static void
test_a_reload_without_memory_changes_nothing(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    struct conf other = conf;
    other.methods = 1U << ROLLCALL_RECOVERY;
    struct registry *second = new_registry();
    is_memory_short = true;
    int error = queries_set(queries, second, &other);
    is_memory_short = false;
    assert_int_equal(error, ERROR_NOMEM);
    assert_ptr_equal(queries_registry(queries), registry);
    assert_ptr_equal(queries_conf(queries), &conf);
    registry_unref(&second);
    struct query_request request = request_for("alice", "alpha");
    assert_int_equal(query_answer(run_query(&request))->verdict, VERDICT_REGISTERED);
}

static void
test_many_reloads(void **state)
{
    (void)state;
    USE_ROUTES({ "/", YES });
    for (int i = 0; i < 25; i++) {
        struct query_request request = request_for("alice", "alpha tokened");
        open_query(&request);
        struct registry *next = new_registry();
        assert_int_equal(queries_set(queries, next, &conf), ERROR_OK);
        registry_unref(&next);
        turn();
        let_go();
        queries_cancel_all(queries);
    }
    struct query_request request = request_for("alice", "alpha");
    assert_int_equal(query_answer(run_query(&request))->verdict, VERDICT_REGISTERED);
}

static void
test_counters(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", YES }, { "/beta/", NO }, { "/gamma/", NULL });
    struct query_request request = request_for("alice", "alpha beta gamma");
    struct query *query = open_query(&request);
    TURN_UNTIL(completion_ended(query_checks(query)) == 2);
    struct queries_stats stats;
    queries_stats(queries, &stats);
    assert_int_equal(stats.open, 1);
    assert_int_equal(stats.checks_in_flight, 1);
    assert_true(query_cancel(query));
    queries_stats(queries, &stats);
    assert_int_equal(stats.open, 0);
    assert_int_equal(stats.checks_in_flight, 0);
    assert_int_equal(stats.queries, 1);
    assert_int_equal(stats.checks, 3);
    assert_int_equal(stats.registered, 1);
    assert_int_equal(stats.unregistered, 1);
    assert_int_equal(stats.unknown, 0);
    assert_int_equal(stats.cancelled, 1);
    assert_int_equal(stats.joined, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(test_a_query_is_found_by_its_id),
        FLOW_TEST(test_the_same_key_joins),
        FLOW_TEST(test_a_key_with_other_params_is_refused),
        FLOW_TEST(test_a_key_has_a_bound),
        FLOW_TEST(test_refusals_name_what_is_wrong),
        FLOW_TEST(test_so_many_queries),
        FLOW_TEST(test_so_many_checks),
        FLOW_TEST(test_a_closed_table),
        FLOW_TEST(test_cancel_all),
        FLOW_TEST(test_an_answer_expires),
        FLOW_TEST(test_a_query_that_nobody_asks_about_is_cancelled),
        FLOW_TEST(test_a_spent_query_goes_at_once),
        FLOW_TEST(test_who_holds_a_query_keeps_it),
        FLOW_TEST(test_answers_are_kept_within_bounds),
        FLOW_TEST(test_a_reload_leaves_open_queries_alone),
        FLOW_TEST(test_an_old_registry_is_let_go),
        FLOW_TEST(test_a_reload_without_memory_changes_nothing),
        FLOW_TEST(test_many_reloads),
        FLOW_TEST(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
