/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Strategies: how many checks start, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/query/strategy.h"
#include "tests/support/common.h"

static void
test_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct strategy_view view; /* checks, started, ended */
        size_t want;
    } rows[] = {
        { "race", { 3, 0, 0 }, 3 }, { "race", { 3, 2, 1 }, 1 }, { "race", { 3, 3, 0 }, 0 },
        { "race", { 0, 0, 0 }, 0 }, { "lazy", { 3, 0, 0 }, 1 }, { "lazy", { 3, 1, 0 }, 0 },
        { "lazy", { 3, 1, 1 }, 1 }, { "lazy", { 3, 3, 3 }, 0 }, { "lazy", { 0, 0, 0 }, 0 },
        { "auto", { 3, 0, 0 }, 3 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t got = strategy_find(rows[i].name)->start_now(&rows[i].view);
        if (got != rows[i].want) {
            support_fail("row %zu: %zu", i, got);
        }
    }
}

static void
test_names(void **state)
{
    (void)state;
    assert_string_equal(strategy_find("auto")->name, "race");
    assert_null(strategy_find("Race"));
    assert_null(strategy_find(""));
    assert_non_null(strstr(strategy_names(), "lazy"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
