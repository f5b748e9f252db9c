/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Thousands of queries in a random but repeatable order of opening, joining, cancelling, letting go
 * and reloading, against platforms that answer, refuse and hang. Nothing is judged but that the
 * books balance: every check that was opened has ended exactly once. The assertions of the code and
 * the sanitizers do the rest. */
#include "tests/unit/query/flow.h"

#define ROUNDS 4000

static uint32_t seed;

/* A number below `bound`. */
static uint32_t
draw(uint32_t bound)
{
    seed = seed * 1103515245U + 12345U;
    return (seed >> 16) % bound;
}

static bool
one_in(uint32_t chances)
{
    return draw(chances) == 0;
}

static struct query_request
draw_request(char *key, size_t key_bytes)
{
    static const char *const names[] = { "alice", "bob", "carol", "ab", ".." };
    static const char *const sets[] = {
        "alpha beta gamma", "gamma",         "tokened alpha",        "twice single",
        "single",           "beta hidden",   "strict newrule",       "hosted",
        "endless",          "blocker gamma", "tokened single twice",
    };
    struct query_request request =
        request_for(names[draw(ARRAY_LEN(names))], sets[draw(ARRAY_LEN(sets))]);
    request.until = one_in(2) ? QUERY_UNTIL_FIRST : QUERY_UNTIL_ALL;
    request.strategy = one_in(2) ? "lazy" : "race";
    request.explain = one_in(2);
    request.timeout_us = one_in(3) ? (int64_t)draw(20000) : 0;
    if (one_in(4)) {
        snprintf(key, key_bytes, "k%u", (unsigned)draw(20));
        request.key = key;
        request.fingerprint = draw(2);
    }
    return request;
}

static void
open_one(void)
{
    char key[8];
    struct query *query = NULL;
    struct query_request request = draw_request(key, sizeof key);
    if (query_open(queries, &request, &query, NULL) != ERROR_OK) {
        return; /* full, or a key with other params */
    }
    query_hold(query);
    query_release(query);
    if (held_count < ARRAY_LEN(held)) {
        held[held_count++] = query;
    } else {
        query_unref(&query);
    }
}

static void
disturb_one(void)
{
    size_t index = draw((uint32_t)held_count);
    if (one_in(2)) {
        (void)query_cancel(held[index]);
        return;
    }
    query_unref(&held[index]);
    held[index] = held[--held_count];
}

static void
reload(void)
{
    struct registry *next = new_registry();
    assert_int_equal(queries_set(queries, next, &conf), ERROR_OK);
    registry_unref(&next);
}

static void
one_round(void)
{
    open_one();
    if (held_count > 0 && one_in(2)) {
        disturb_one();
    }
    if (one_in(3)) {
        loop_turn(loop, 0);
    }
    if (one_in(8)) {
        sem_post(&block_gate);
    }
    if (one_in(300)) {
        reload();
    }
    if (one_in(500)) {
        queries_cancel_all(queries);
    }
}

static void
test_the_books_balance(void **state)
{
    (void)state;
    USE_ROUTES({ "/alpha/", YES }, { "/beta/", NO }, { "/gamma/", NULL }, { "/other/", YES },
               { "/guest", BODY("200 OK", "", "<g>") }, { "/tokened/", BODY("401 Old", "", "") },
               { "/second", BODY("429 Slow", "Retry-After: 1\r\n", "") });
    conf.max_queries = 50;
    seed = 7;
    for (int i = 0; i < ROUNDS; i++) {
        one_round();
    }
    queries_cancel_all(queries);
    struct queries_stats stats;
    queries_stats(queries, &stats);
    assert_int_equal(stats.open, 0);
    assert_int_equal(stats.checks_in_flight, 0);
    assert_true(stats.queries > ROUNDS / 10 && stats.joined > 0);
    assert_int_equal(stats.registered + stats.unregistered + stats.unknown + stats.cancelled,
                     stats.checks);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { FLOW_TEST(test_the_books_balance) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
