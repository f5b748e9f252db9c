/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Tables: columns as wide as they need to be, no blanks at the ends of lines. */
#include "client/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
print_of(const char *const *cells, size_t count, size_t columns, const char *wanted)
{
    struct table table;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        assert_true(table_add(&table, cells[i]));
    }
    table_print(&table, out, true);
    table_fini(&table);
    (void)fclose(out);
    assert_string_equal(text, wanted);
    free(text);
}

static void
columns_are_as_wide_as_needed(void **state)
{
    (void)state;
    static const char *const cells[] = { "A", "B", "C", "long", "\xc3\xa9", "x" };
    print_of(cells, 6, 3, "A     B  C\nlong  \xc3\xa9  x\n");
}

static void
empty_cells_leave_no_blanks_behind(void **state)
{
    (void)state;
    static const char *const cells[] = { "A", "B", "C", "a", NULL, "", "", "b", "c" };
    print_of(cells, 9, 3, "A  B  C\na\n   b  c\n");
}

static void
a_row_that_is_not_complete_is_left_out(void **state)
{
    (void)state;
    static const char *const cells[] = { "A", "B", "C" };
    print_of(cells, 3, 2, "A  B\n");
    print_of(cells, 0, 2, "");
}

static void
many_cells_are_kept(void **state)
{
    (void)state;
    struct table table;
    table_init(&table, 2);
    for (size_t i = 0; i < 1000; i++) {
        assert_true(table_add(&table, "x"));
    }
    assert_int_equal(table.count, 1000);
    table_fini(&table);
    assert_int_equal(table.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_needed),
        cmocka_unit_test(empty_cells_leave_no_blanks_behind),
        cmocka_unit_test(a_row_that_is_not_complete_is_left_out),
        cmocka_unit_test(many_cells_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
