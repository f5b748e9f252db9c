/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Printing: exact texts, numbers as people write them, output that always passes json_check(). */
#include "daemon/base/json_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/json.h"
#include "daemon/base/json_check.h"

/* Print and free; the text is checked. */
static void
expect_print(struct json *json, const char *wanted)
{
    struct buf out;
    struct error_text why = { "" };
    buf_init(&out, 1 << 20);
    assert_int_equal(json_print(json, &out), ERROR_OK);
    assert_string_equal(buf_str(&out), wanted);
    if (json_check(out.bytes, out.len, &why) != ERROR_OK) {
        fail_msg("%s: %s", wanted, why.text);
    }
    buf_fini(&out);
    json_free(&json);
}

static void
numbers_look_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { -0.0, "0" },
        { 1, "1" },
        { -1, "-1" },
        { 2147483647, "2147483647" },
        { 2147483648, "2147483648" },
        { -2147483649.0, "-2147483649" },
        { 1e15, "1000000000000000" },
        { 1732230000000000, "1732230000000000" },
        { 9007199254740991, "9007199254740991" },
        { 9007199254740992, "9007199254740992" },
        { -9007199254740992, "-9007199254740992" },
        { 1e17, "1e+17" },
        { 1e300, "1e+300" },
        { 0.1, "0.1" },
        { 0.5, "0.5" },
        { 1003.2, "1003.2" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 5e-324, "4.94065645841247e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        expect_print(json_new_number(cases[i].value), cases[i].text);
        assert_true(strtod(cases[i].text, NULL) == cases[i].value);
    }
}

static void
infinity_that_was_read_is_never_null(void **state)
{
    (void)state;
    struct json *json = NULL;
    const char *text = "[1e400,-1e400]";
    assert_int_equal(json_parse(text, strlen(text), &json, NULL), ERROR_OK);
    expect_print(json, "[1e999,-1e999]");
}

static void
strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *text;
    } cases[] = {
        { "", "\"\"" },
        { "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
        { "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
        { "\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"" },
        { "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
          "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
        { "a\xff"
          "b",
          "\"a\xef\xbf\xbd"
          "b\"" },
        { "\xc3", "\"\xef\xbf\xbd\"" },
        { "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        expect_print(json_new_string(cases[i].bytes), cases[i].text);
    }
}

static void
containers_are_compact(void **state)
{
    (void)state;
    struct json *list = json_new_array();
    struct json *object = json_new_object();
    assert_true(json_append(list, json_new_null()));
    assert_true(json_append(list, json_new_bool(true)));
    assert_true(json_append(list, json_new_array()));
    assert_true(json_append(list, json_new_object()));
    assert_true(json_put(object, "k\"", list));
    assert_true(json_put_bool(object, "no", false));
    expect_print(object, "{\"k\\\"\":[null,true,[],{}],\"no\":false}");
}

/* A member's copy still carries its key; in an array that key is not written. */
static void
a_copied_member_leaves_its_key_behind(void **state)
{
    (void)state;
    struct json *object = json_new_object();
    struct json *list = json_new_array();
    assert_true(json_put_number(object, "id", 7));
    assert_true(json_append(list, json_copy(json_get(object, "id"))));
    expect_print(list, "[7]");
    expect_print(json_copy(json_get(object, "id")), "7");
    json_free(&object);
}

static void
ceilings_hold(void **state)
{
    (void)state;
    struct buf out;
    struct json *json = json_new_string("0123456789");
    buf_init(&out, 11);
    assert_int_equal(json_print(json, &out), ERROR_TOO_BIG);
    buf_fini(&out);
    buf_init(&out, 12);
    assert_int_equal(json_print(json, &out), ERROR_OK);
    buf_fini(&out);
    json_free(&json);
}

/* An array in an array …, `depth` of them. */
static struct json *
tower(int depth)
{
    struct json *json = json_new_array();
    for (int i = 1; i < depth; i++) {
        struct json *outer = json_new_array();
        assert_true(json_append(outer, json));
        json = outer;
    }
    return json;
}

static void
depth_is_bounded(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 10000);
    struct json *json = tower(JSON_PRINT_DEPTH_MAX);
    assert_int_equal(json_print(json, &out), ERROR_OK);
    json_free(&json);
    json = tower(JSON_PRINT_DEPTH_MAX + 1);
    assert_int_equal(json_print(json, &out), ERROR_TOO_BIG);
    json_free(&json);
    buf_fini(&out);
}

static void
print_appends(void **state)
{
    (void)state;
    struct buf out;
    struct json *json = json_new_bool(true);
    buf_init(&out, 100);
    buf_append_str(&out, "x=");
    assert_int_equal(json_print(json, &out), ERROR_OK);
    assert_string_equal(buf_str(&out), "x=true");
    json_free(&json);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_look_as_people_write_them),
        cmocka_unit_test(infinity_that_was_read_is_never_null),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(containers_are_compact),
        cmocka_unit_test(a_copied_member_leaves_its_key_behind),
        cmocka_unit_test(ceilings_hold),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(print_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
