/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/base/clock.h"
#include "daemon/exec/resolve_table.h"

#define KNOWN_MAX 16384
#define DAY_US (24 * 3600 * CLOCK_US_PER_S)

static struct resolve_table table;
static const struct resolve_address address = { .socket.any.sa_family = AF_INET };

static int
set_up(void **state)
{
    (void)state;
    clock_freeze(CLOCK_US_PER_S);
    resolve_table_init(&table);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    while (!list_is_empty(&table.known)) {
        resolve_table_forget(LIST_ENTRY(table.known.next, struct lookup, node));
    }
    clock_thaw();
    return 0;
}

static struct lookup *
know(const char *name, int error, int64_t ttl_us)
{
    struct lookup *lookup = resolve_table_add(&table, name);
    assert_non_null(lookup);
    lookup_hold(lookup);
    resolve_table_learn(lookup, &(const struct resolve_finding){ .error = error,
                                                                 .addresses = &address,
                                                                 .count = error == 0 ? 1 : 0,
                                                                 .ttl_us = ttl_us });
    resolve_table_keep(lookup);
    return lookup;
}

static void
one_under_way_is_found(void **state)
{
    (void)state;
    struct lookup *lookup = resolve_table_add(&table, "a.test");
    assert_ptr_equal(resolve_table_find(&table, "a.test"), lookup);
    assert_null(resolve_table_find(&table, "b.test"));
    lookup->state = LOOKUP_OUT;
    assert_ptr_equal(resolve_table_find(&table, "a.test"), lookup);
    resolve_table_forget(lookup);
    assert_null(resolve_table_find(&table, "a.test"));
}

static const struct {
    int error;
    int64_t ttl_us;
    int64_t age_us;
    int told;
} ages[] = {
    { ERROR_OK, 0, CLOCK_US_PER_S, ERROR_OK },
    { ERROR_OK, 30 * CLOCK_US_PER_S, 30 * CLOCK_US_PER_S, ERROR_OK },
    { ERROR_OK, DAY_US, 3600 * CLOCK_US_PER_S, ERROR_OK },
    { ERROR_NOT_FOUND, DAY_US, 5 * CLOCK_US_PER_S, ERROR_UNREACHABLE },
    { ERROR_UNREACHABLE, DAY_US, CLOCK_US_PER_S, ERROR_UNREACHABLE },
};

static void
what_is_known_grows_old(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
        struct lookup *lookup = know("a.test", ages[i].error, ages[i].ttl_us);
        assert_int_equal(lookup->error, ages[i].told);
        clock_advance(ages[i].age_us - 1);
        assert_ptr_equal(resolve_table_find(&table, "a.test"), lookup);
        clock_advance(1);
        assert_null(resolve_table_find(&table, "a.test"));
        assert_int_equal(table.known_count, 0);
        lookup_drop(lookup);
    }
}

static void
what_is_not_kept_is_still_there_for_its_holder(void **state)
{
    (void)state;
    struct lookup *lookup = know("a.test", ERROR_NOMEM, 0);
    assert_null(resolve_table_find(&table, "a.test"));
    assert_int_equal(lookup->error, ERROR_NOMEM);
    lookup_drop(lookup);
}

/* The first is asked for again, so the second is the one that goes. */
static void
oldest_of_too_many_goes(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < KNOWN_MAX; i++) {
        (void)snprintf(name, sizeof(name), "n%d.test", i);
        lookup_drop(know(name, ERROR_OK, DAY_US));
    }
    assert_non_null(resolve_table_find(&table, "n0.test"));
    assert_int_equal(table.known_count, KNOWN_MAX);
    lookup_drop(know("more.test", ERROR_OK, DAY_US));
    assert_int_equal(table.known_count, KNOWN_MAX);
    assert_non_null(resolve_table_find(&table, "n0.test"));
    assert_null(resolve_table_find(&table, "n1.test"));
    assert_non_null(resolve_table_find(&table, "n2.test"));
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TABLE_TEST(one_under_way_is_found),
        TABLE_TEST(what_is_known_grows_old),
        TABLE_TEST(what_is_not_kept_is_still_there_for_its_holder),
        TABLE_TEST(oldest_of_too_many_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
