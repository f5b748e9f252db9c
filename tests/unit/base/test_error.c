/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The error table: every code has its name and sentence, explanations are bounded. */
#include "daemon/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
table_has_names_and_sentences(void **state)
{
    (void)state;
    assert_string_equal(error_name(ERROR_OK), "OK");
    assert_string_equal(error_name(ERROR_NOMEM), "NOMEM");
    assert_string_equal(error_name(ERROR_PLUGIN), "PLUGIN");
    assert_string_equal(error_sentence(ERROR_TIMEOUT), "timed out");
    assert_string_equal(error_sentence(1), "unknown error");
    assert_string_equal(error_name(-1000), "UNKNOWN");
}

static void
codes_are_negative_and_distinct(void **state)
{
    (void)state;
    static const int codes[] = {
#define X(name, number, sentence) ERROR_##name,
        ERROR_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        assert_true(codes[i] < 0);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(codes[i], codes[k]);
        }
    }
}

static void
say_writes_and_passes_the_code_on(void **state)
{
    (void)state;
    struct error_text why;
    assert_int_equal(error_say(&why, ERROR_RANGE, "%s: found %d", "threads", 0), ERROR_RANGE);
    assert_string_equal(why.text, "threads: found 0");
    assert_int_equal(error_say(NULL, ERROR_BUSY, "nobody reads this"), ERROR_BUSY);
}

static void
say_cuts_what_is_too_long(void **state)
{
    (void)state;
    struct error_text why;
    char text[2 * ERROR_TEXT_BYTES];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(error_say(&why, ERROR_IO, "%s", text), ERROR_IO);
    assert_int_equal(strlen(why.text), ERROR_TEXT_BYTES - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_has_names_and_sentences),
        cmocka_unit_test(codes_are_negative_and_distinct),
        cmocka_unit_test(say_writes_and_passes_the_code_on),
        cmocka_unit_test(say_cuts_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
