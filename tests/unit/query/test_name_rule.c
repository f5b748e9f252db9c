/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Names against a platform's rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/query/name_rule.h"
#include "tests/support/common.h"

static void
test_table(void **state)
{
    (void)state;
    static const struct {
        struct manifest_name_rule rule;
        const char *name;
        bool want;
    } rows[] = {
        { { 1, 39, "A-Za-z0-9-", "", true }, "Alice-9", true },
        { { 1, 39, "A-Za-z0-9-", "", true }, "al_ice", false },
        { { 1, 39, "A-Za-z0-9-", "", true }, "al.ice", false },
        { { 1, 39, "A-Za-z0-9-", "", true }, "\xc3\xa9ric", false },
        { { 3, 5, NULL, "", true }, "ab", false },
        { { 3, 5, NULL, "", true }, "abc", true },
        { { 3, 5, NULL, "", true }, "abcde", true },
        { { 3, 5, NULL, "", true }, "abcdef", false },
        { { 3, 0, NULL, "", true }, "abcdefghijklmnopqrstuvwxyz", true },
        { { 3, 3, NULL, "", true }, "\xc3\xa9\xc3\xa9\xc3\xa9", true }, /* three, not six */
        { { 1, 9, "a-z\xc3\xa0-\xc3\xbf", "", true }, "\xc3\xa9ric", true },
        { { 1, 9, "_", "", true }, "_", true },
        { { 1, 9, "-", "", true }, "-", true },
        { { 1, 9, "a-", "", true }, "-a", true },
        { { 1, 9, "a-", "", true }, "b", false },
        { { 1, 9, "@a-z.", "", true }, "a@b.c", true },
        { { 1, 9, "", "", true }, "a", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (name_rule_allows(&rows[i].rule, rows[i].name) != rows[i].want) {
            support_fail("row %zu: %s", i, rows[i].name);
        }
    }
    assert_true(name_rule_allows(NULL, "anything at all"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_table) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
