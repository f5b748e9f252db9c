/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The bounded buffer: its ceiling, its sticky error, its NUL. */
#include "daemon/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/error.h"

static void
grows_and_keeps_its_nul(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    assert_string_equal(buf_str(&buf), "");
    for (int i = 0; i < 10000; i++) {
        buf_append_byte(&buf, (uint8_t)('a' + i % 26));
        assert_int_equal(buf.bytes[buf.len], 0);
    }
    assert_int_equal(buf.len, 10000);
    assert_int_equal(buf.error, ERROR_OK);
    assert_int_equal(buf.bytes[9999], 'a' + 9999 % 26);
    buf_fini(&buf);
    assert_string_equal(buf_str(&buf), "");
}

static void
stops_exactly_at_its_ceiling(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    buf_append_str(&buf, "12345");
    assert_int_equal(buf.error, ERROR_OK);
    buf_append(&buf, NULL, 0);
    assert_int_equal(buf.error, ERROR_OK);
    buf_append_byte(&buf, '6');
    assert_int_equal(buf.error, ERROR_TOO_BIG);
    assert_string_equal(buf_str(&buf), "12345");
    buf_fini(&buf);
}

static void
error_sticks_until_reset(void **state)
{
    (void)state;
    struct buf buf;
    size_t len = 7;
    buf_init(&buf, 4);
    buf_append_str(&buf, "ab");
    buf_append_str(&buf, "too long");
    buf_append_str(&buf, "c");
    buf_printf(&buf, "%d", 1);
    assert_int_equal(buf.error, ERROR_TOO_BIG);
    assert_string_equal(buf_str(&buf), "ab");
    assert_null(buf_take(&buf, &len));
    assert_int_equal(len, 7);
    buf_reset(&buf);
    buf_append_str(&buf, "c");
    assert_int_equal(buf.error, ERROR_OK);
    assert_string_equal(buf_str(&buf), "c");
    buf_fini(&buf);
}

static void
printf_appends_or_changes_nothing(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 80);
    buf_printf(&buf, "%s-%04d", "x", 7);
    assert_string_equal(buf_str(&buf), "x-0007");
    buf_printf(&buf, "%70s", "y");
    assert_int_equal(buf.len, 76);
    buf_printf(&buf, "%10s", "z");
    assert_int_equal(buf.error, ERROR_TOO_BIG);
    assert_int_equal(buf.len, 76);
    buf_fini(&buf);
}

static void
take_hands_the_bytes_over(void **state)
{
    (void)state;
    struct buf buf;
    size_t len = 0;
    buf_init(&buf, 10);
    buf_append(&buf, "a\0b", 3);
    char *bytes = buf_take(&buf, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "a\0b", 4);
    free(bytes);
    assert_int_equal(buf.len, 0);
    buf_append_str(&buf, "0123456789");
    assert_int_equal(buf.error, ERROR_OK);
    buf_fini(&buf);
}

static void
take_of_nothing_is_an_empty_text(void **state)
{
    (void)state;
    struct buf buf;
    size_t len = 1;
    buf_init(&buf, 0);
    char *bytes = buf_take(&buf, &len);
    assert_non_null(bytes);
    assert_string_equal(bytes, "");
    assert_int_equal(len, 0);
    free(bytes);
    buf_fini(&buf);
}

static void
no_ceiling_is_no_overflow(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, SIZE_MAX);
    buf_append_str(&buf, "x");
    assert_int_equal(buf.error, ERROR_OK);
    buf_append(&buf, "x", SIZE_MAX - 1);
    assert_int_equal(buf.error, ERROR_TOO_BIG);
    assert_string_equal(buf_str(&buf), "x");
    buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_its_nul),
        cmocka_unit_test(stops_exactly_at_its_ceiling),
        cmocka_unit_test(error_sticks_until_reset),
        cmocka_unit_test(printf_appends_or_changes_nothing),
        cmocka_unit_test(take_hands_the_bytes_over),
        cmocka_unit_test(take_of_nothing_is_an_empty_text),
        cmocka_unit_test(no_ceiling_is_no_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
