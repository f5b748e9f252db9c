/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* UTF-8 against RFC 3629: every code point there and back, and every way to be broken. */
#include "daemon/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"

/* An encoder of our own, written from the RFC's table, without any check. */
static size_t
encode(uint32_t code_point, uint8_t bytes[4])
{
    if (code_point < 0x80) {
        bytes[0] = (uint8_t)code_point;
        return 1;
    }
    size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = size - 1; i > 0; i--) {
        bytes[i] = (uint8_t)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    bytes[0] = (uint8_t)(leads[size] | code_point);
    return size;
}

static void
decodes_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point < 0x110400; code_point++) {
        uint8_t bytes[4];
        uint32_t decoded = 0;
        size_t size = encode(code_point, bytes);
        bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
        bool is_good = !is_surrogate && code_point <= 0x10ffff;
        size_t got = utf8_decode(bytes, size, &decoded);
        if (got != (is_good ? size : 0) || (is_good && decoded != code_point)) {
            fail_msg("U+%04X: decoded %zu bytes to U+%04X", code_point, got, decoded);
        }
        if (is_good && size > 1 && utf8_decode(bytes, size - 1, &decoded) != 0) {
            fail_msg("U+%04X: read although its end is missing", code_point);
        }
    }
}

static void
refuses_every_broken_form(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "\x80",                     /* a continuation alone */
        "\xbf",                     /* the same, the last */
        "\xc0\x80",                 /* overlong NUL */
        "\xc0\xaf",                 /* overlong slash */
        "\xc1\xbf",                 /* overlong DEL */
        "\xc2",                     /* the end is missing */
        "\xc2\x41",                 /* not a continuation */
        "\xc2\xc2",                 /* a lead in its place */
        "\xe0\x80\xaf",             /* overlong, three bytes */
        "\xe0\x9f\xbf",             /* the largest of those */
        "\xe2\x82",                 /* one byte short */
        "\xe2\x28\xa1",             /* broken in the middle */
        "\xed\xa0\x80",             /* the first surrogate */
        "\xed\xbf\xbf",             /* the last */
        "\xed\xa0\x80\xed\xb0\x80", /* a pair of them, CESU-8 */
        "\xf0\x80\x80\xaf",         /* overlong, four bytes */
        "\xf0\x8f\xbf\xbf",         /* the largest of those */
        "\xf0\x9f\x98",             /* one byte short */
        "\xf4\x90\x80\x80",         /* U+110000 */
        "\xf5\x80\x80\x80",         /* too large */
        "\xf8\x88\x80\x80\x80",     /* five bytes, as before 2003 */
        "\xfc\x84\x80\x80\x80\x80", /* six */
        "\xfe",                     /* never */
        "\xff",                     /* never */
        "ok\xffok",                 /* in the midst of good ones */
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        if (utf8_is_valid(broken[i], strlen(broken[i]))) {
            fail_msg("broken[%zu] passed", i);
        }
    }
}

static void
accepts_texts(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "ascii",
        "\x7f",
        "é",
        "€",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "\xef\xbb\xbf",
        "Zoë 💩 日本語",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (!utf8_is_valid(good[i], strlen(good[i]))) {
            fail_msg("good[%zu] was refused", i);
        }
    }
    assert_true(utf8_is_valid("a\0b", 3));
    assert_true(utf8_is_valid(NULL, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_every_code_point),
        cmocka_unit_test(refuses_every_broken_form),
        cmocka_unit_test(accepts_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
