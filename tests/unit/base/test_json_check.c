/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* RFC 8259 by example: documents that must be read, documents that must not, and those that are
 * JSON but not welcome. Every document is also judged with its last byte missing or one appended,
 * and from memory that ends where it ends. */
#include "daemon/base/json_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/json.h"

/* A document with its length, which the literal knows: it may hold NULs. */
struct document {
    const char *bytes;
    size_t len;
};
/* clang-format off */
#define D(literal) { (literal), sizeof(literal) - 1 }
/* clang-format on */

static const struct document valid[] = {
    /* scalars, and space around them */
    D("null"), D("true"), D("false"), D("0"), D("-0"), D("1"), D("\"\""), D("\"a\""), D(" null"),
    D("null "), D("\t\n\r 1 \r\n\t"), D("\n\n[]\n"),
    /* numbers */
    D("-1"), D("10"), D("1234567890"), D("0.0"), D("-0.0"), D("0.5"), D("1.25"), D("-12.5e3"),
    D("0e0"), D("0e1"), D("0e+1"), D("0E-1"), D("1e2"), D("1E2"), D("1e+2"), D("1E-2"), D("1e00"),
    D("1e0009"), D("1.0e10"), D("123.456e-789"), D("1e400"), D("-1e400"), D("1e-400"),
    D("9007199254740993"), D("18446744073709551616"), D("-9223372036854775809"),
    D("0.1000000000000000055511151231257827021181583404541015625"),
    D("1234567890123456789012345678901234567890123456789012345678901234567890"),
    D("0.00000000000000000000000000000000000000000000000000000000000000000000001"),
    D("[1e1000000]"), D("[-237462374673276894279832749832423479823246327846]"),
    /* strings */
    D("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), D("\"/\""), D("\"\\u0041\""), D("\"\\u00e9\""),
    D("\"\\u00E9\""), D("\"\\uFFFF\""), D("\"\\ufffe\""), D("\"\\u0001\""), D("\"\\u001f\""),
    D("\"\\u007f\""), D("\"\\ud83d\\ude00\""), D("\"\\uD800\\uDC00\""), D("\"\\udbff\\udfff\""),
    D("\"\\ud7ff\\ue000\""), D("\"\x7f\""), D("\"\xc2\x80\""), D("\"\xc3\xa9\""),
    D("\"\xe2\x82\xac\""), D("\"\xf0\x9f\x98\x80\""), D("\"\xf4\x8f\xbf\xbf\""),
    D("\"\xef\xbb\xbf\""), D("\"\xef\xbf\xbe\""), D("\"\xe2\x80\xa8\xe2\x80\xa9\""),
    D("\"[{]},:\""), D("\"\\\\\""), D("\"\\\\\\\"\""), D("\"\\\\u0000\""), D("\"u0000\""),
    D("\"a'b\""), D("\"// no comment /* */ #\""), D("\"\\u005C\\u0022\""),
    /* arrays */
    D("[]"), D("[ ]"), D("[\n]"), D("[[]]"), D("[[],[]]"), D("[1,2,3]"), D("[1 , 2\n,\t3]"),
    D("[null,true,false]"), D("[\"a\",1,{},[]]"), D("[[[[[[[[[[]]]]]]]]]]"), D("[{},{}]"),
    D("[0,-0,0.0]"), D("[\"\",\"\"]"), D("[1e1,\"e\"]"),
    /* objects */
    D("{}"), D("{ }"), D("{\"\":0}"), D("{\"a\":1}"), D("{ \"a\" : 1 }"), D("{\"a\":1,\"b\":2}"),
    D("{\"a\":{\"a\":{\"a\":{}}}}"), D("{\"a\":[],\"b\":{}}"), D("{\"a\":[{\"b\":[{}]}]}"),
    D("{\"\\u0061\":1}"), D("{\"\xc3\xa9\":null}"), D("{\"a\":\"}\"}"), D("{\"a\\\"b\":1}"),
    D("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":{\"subject\":\"a@b.c\"}}")
};

static const struct document broken[] = {
    /* nothing, or not JSON */
    D(""), D(" "), D("\n"), D("\0"), D("a"), D("nul"), D("nulll"), D("null null"), D("Null"),
    D("NULL"), D("True"), D("TRUE"), D("tru"), D("truee"), D("fals"), D("False"), D("undefined"),
    D("NaN"), D("nan"), D("-NaN"), D("Infinity"), D("-Infinity"), D("inf"), D("+inf"), D("*"),
    D("&"), D("<null>"), D("'a'"), D("a\xc3\xa5"), D("\xc3\xa5"), D("\xe9"), D("\xff"),
    /* marks at the start, things at the end */
    D("\xef\xbb\xbf"), D("\xef\xbb\xbf{}"), D("\xff\xfe[\0]\0"), D("\xfe\xff\0[\0]"),
    D("\xef\xbb{}"), D("{}\0"), D("{} \0"), D("1\0"), D("\0{}"), D("{}x"), D("{} x"), D("{}{}"),
    D("[][]"), D("1 1"), D("\"a\" \"b\""), D("[]]"), D("{}}"), D("[1]x"), D("[1],"),
    D("{\"a\":1}#"), D("{} //"), D("{} /**/"), D("/**/{}"), D("//\n{}"), D("#\n1"), D("true,"),
    D("\"a\"x"), D(",1"), D(":1"),
    /* space that is none in JSON */
    D("\f1"), D("\v1"), D("1\f"), D("[\f]"), D("[\v1]"),
    D("\xc2\xa0"
      "1"),
    D("[1\xe2\x80\xa8]"), D("\xe2\x81\xa0[]"), D("\b{}"), D("[\x00]"),
    /* numbers */
    D("+1"), D("++1"), D("--1"), D("-"), D("- 1"), D("-a"), D("-x1"), D("01"), D("-01"), D("00"),
    D("-00"), D("012.5"), D("007"), D("1."), D("-1."), D("1.e1"), D("1.E+1"), D(".1"), D("-.1"),
    D("+.1"), D("."), D("1..2"), D("1.2.3"), D("1e"), D("1E"), D("1e+"), D("1e-"), D("1e+-2"),
    D("1ee2"), D("1e2e3"), D("1e1.5"), D("e1"), D("0e"), D("0e+"), D("0.e1"), D("0.1."), D("0.3e"),
    D("0x1"), D("0x"), D("-0x1"), D("0b1"), D("0o7"), D("1_000"), D("1,000"), D("1 000"), D("1f"),
    D("1L"), D("1n"), D("0a"), D("1a"), D("1-2"), D("1+2"), D("0-"), D("[1-]"), D("[-]"), D("[1.]"),
    D("[.5]"), D("[1e]"), D("[01]"), D("[-2.]"), D("[0.e1]"), D("[1eE2]"), D("[1:2]"), D("2.e3"),
    D("\xef\xbc\x91"), D("1\xef\xbc\x91"), D("[1e\xe5]"), D("[123\xe5]"),
    /* strings */
    D("\""), D("\"a"), D("a\""), D("\"\\"), D("\"\\\""), D("\"\\a\""), D("\"\\x41\""), D("\"\\'\""),
    D("\"\\0\""), D("\"\\v\""), D("\"\\ \""), D("\"\\U0041\""), D("\"\\u\""), D("\"\\u0\""),
    D("\"\\u00\""), D("\"\\u004\""), D("\"\\u00g1\""), D("\"\\u 041\""), D("\"\\u+041\""),
    D("\"\\u-041\""), D("\"\\u{41}\""), D("\"\\u00A\""), D("\"\\ud83d\\u\""), D("\"\\ud83d\\u12\""),
    D("\"\\ud83d\\x\""), D("\"\\ud83d\\"), D("\"\\\xc3\xa9\""), D("\"\n\""), D("\"\t\""),
    D("\"\r\""), D("\"\0\""), D("\"a\0b\""), D("\"\x01\""), D("\"\x1f\""), D("\"\\\n\""),
    D("\"\\\0\""), D("\"a\" b\""), D("\"\"\""), D("\"\x80\""), D("\"\xbf\""), D("\"\xc0\xaf\""),
    D("\"\xc3\""), D("\"\xc3\x28\""), D("\"\xe0\x80\xaf\""), D("\"\xe2\x82\""),
    D("\"\xed\xa0\x80\""), D("\"\xed\xa0\x80\xed\xb0\x80\""), D("\"\xf0\x80\x80\x80\""),
    D("\"\xf4\x90\x80\x80\""), D("\"\xf8\x88\x80\x80\x80\""), D("\"\xfe\""), D("\"\xff\""),
    D("\"\xe9\""), D("\"\xc3"), D("\"\\u0041\xff\""),
    D("\xe2\x80\x9c"
      "a\xe2\x80\x9d"),
    /* arrays */
    D("["), D("]"), D("[["), D("[]["), D("[[]"), D("[1"), D("[1,"), D("[1,]"), D("[,]"), D("[,1]"),
    D("[1,,2]"), D("[,,]"), D("[1 2]"), D("[1;2]"), D("[\"a\" \"b\"]"), D("[\"a\",]"), D("[\"a\""),
    D("[a]"), D("[nul]"), D("[tru e]"), D("[{]}"), D("[}"), D("[1}"), D("[\"a\":1]"), D("[*]"),
    D("[ , ]"), D("[1,\n1\n,1"), D("[\"\",]"), D("[[1],]"), D("[1]]"), D("[3[4]]"), D("[\"a\n\"]"),
    D("[/**/]"), D("[1//\n]"), D("[-,1]"), D("[\xff]"), D("[\"x\"]]"), D("[1,2"), D("[true"),
    D("[\"asd]"), D("[\\n]"), D("[\\u0031]"),
    /* objects */
    D("{"), D("}"), D("{{"), D("{{}}"), D("{[]}"), D("{1}"), D("{1:1}"), D("{a:1}"), D("{'a':1}"),
    D("{null:1}"), D("{true:1}"), D("{\"a\"}"), D("{\"a\":}"), D("{\"a\":"), D("{\"a\""), D("{\"a"),
    D("{\"a\",1}"), D("{\"a\" 1}"), D("{\"a\"::1}"), D("{\"a\"=1}"), D("{\"a\"=>1}"), D("{:1}"),
    D("{,}"), D("{,\"a\":1}"), D("{\"a\":1,}"), D("{\"a\":1,,\"b\":2}"), D("{\"a\":1 \"b\":2}"),
    D("{\"a\":1;\"b\":2}"), D("{\"a\":1,\"b\"}"), D("{\"a\":1,b:2}"), D("{\"a\":1,1:2}"),
    D("{\"a\":1]"), D("{\"a\":1"), D("{\"a\":1,"), D("{\"a\":a}"), D("{\"a\":'b'}"),
    D("{\"a\":1}}"), D("{\"a\":[}]"), D("{\"a\":[1}"), D("{\"a\":{]}"), D("{\"a\":01}"),
    D("{\"a\":+1}"), D("{\"a\":\"b"), D("{\"a\":1,\"a\":}"), D("{\"a\" : 1 /* c */}"),
    D("{\"a\":1,\"\"}"), D("{\"\xff\":1}"), D("{\"\\q\":1}"), D("{\"a\":.1}"), D("{\"a\":\"\t\"}"),
    D("{\xc3\xa9:1}"), D("{\"a\":1}\x00\x00"), D("{...}"), D("{\"a\":\"b\":\"c\"}"),
    D("{\"a\":\"b\",\"c\"}"),
    D("{\"jsonrpc\":\"2.0\",\"method\":\"check\",\"params\":\"bar\",\"baz]")
};

static const struct document unwelcome[] = { D("\"\\u0000\""),
                                             D("\"a\\u0000b\""),
                                             D("[\"\\u0000\"]"),
                                             D("{\"\\u0000\":1}"),
                                             D("{\"a\":\"\\u0000\"}"),
                                             D("\"\\ud800\""),
                                             D("\"\\udbff\""),
                                             D("\"\\udc00\""),
                                             D("\"\\udfff\""),
                                             D("\"\\ud800x\""),
                                             D("\"\\ud800\\n\""),
                                             D("\"\\ud800\\u0041\""),
                                             D("\"\\ud800\\ud800\""),
                                             D("\"\\ud800\\ud800\\udc00\""),
                                             D("\"\\udc00\\ud800\""),
                                             D("\"\\udc00\\udc00\""),
                                             D("\"\\ud83d\\ude00\\ude00\""),
                                             D("{\"\\ud800\":1}"),
                                             D("[\"\\ud800\",\"\\udc00\"]"),
                                             D("\"\\ud800\\\\udc00\""),
                                             D("\"\\ud800\\u0000\"") };

/* Judge from a block of exactly that size, so that AddressSanitizer sees a byte too far. */
static int
check_exactly(const char *bytes, size_t len, struct error_text *why)
{
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    int error = json_check(exact, len, why);
    free(exact);
    return error;
}

static void
expect_all(const char *name, const struct document *documents, size_t count, int wanted)
{
    for (size_t i = 0; i < count; i++) {
        struct error_text why = { "" };
        struct json *json = NULL;
        int error = check_exactly(documents[i].bytes, documents[i].len, &why);
        if (error != wanted) {
            fail_msg("%s[%zu] %.*s: %s: %s", name, i, (int)documents[i].len, documents[i].bytes,
                     error_name(error), why.text);
        }
        assert_true(wanted == ERROR_OK || strncmp(why.text, "byte ", 5) == 0);
        /* What is judged is what is read, and nothing hangs on the explanation. */
        assert_int_equal(json_parse(documents[i].bytes, documents[i].len, &json, NULL), wanted);
        assert_true((json != NULL) == (wanted == ERROR_OK));
        json_free(&json);
    }
}

static void
valid_documents_are_read(void **state)
{
    (void)state;
    assert_true(ARRAY_LEN(valid) >= 80);
    expect_all("valid", valid, ARRAY_LEN(valid), ERROR_OK);
}

static void
broken_documents_are_refused(void **state)
{
    (void)state;
    assert_true(ARRAY_LEN(broken) >= 150);
    expect_all("broken", broken, ARRAY_LEN(broken), ERROR_PARSE);
}

static void
unwelcome_documents_are_told_apart(void **state)
{
    (void)state;
    expect_all("unwelcome", unwelcome, ARRAY_LEN(unwelcome), ERROR_UNACCEPTABLE);
}

/* Broken comes before unwelcome, wherever the break is. */
static void
unwelcome_and_broken_is_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(unwelcome); i++) {
        char text[64];
        size_t len = unwelcome[i].len;
        memcpy(text, unwelcome[i].bytes, len);
        text[len] = 'x';
        assert_int_equal(check_exactly(text, len + 1, NULL), ERROR_PARSE);
        assert_int_equal(check_exactly(text, len - 1, NULL), ERROR_PARSE);
    }
}

/* A valid container cut anywhere is broken; a NUL or a bracket behind any valid text breaks it. */
static void
every_prefix_of_a_container_is_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
        const char *bytes = valid[i].bytes;
        for (size_t len = 0; strchr("[{\"", bytes[0]) != NULL && len < valid[i].len; len++) {
            if (check_exactly(bytes, len, NULL) != ERROR_PARSE && bytes[valid[i].len - 1] != '\n') {
                fail_msg("valid[%zu]: its first %zu bytes passed", i, len);
            }
        }
        char text[256];
        static const char behind[] = { '\0', ']', '}', ',', ':', '"', 'e', '\xff' };
        for (size_t k = 0; k < sizeof behind; k++) {
            memcpy(text, bytes, valid[i].len);
            text[valid[i].len] = behind[k];
            assert_int_equal(check_exactly(text, valid[i].len + 1, NULL), ERROR_PARSE);
        }
    }
}

/* `depth` brackets, every other one an object if `mixed`; "" or something inside and behind. */
static size_t
nest(char *text, size_t depth, bool mixed, const char *inside, const char *behind)
{
    size_t len = 0;
    for (size_t i = 0; i < depth; i++) {
        len += (size_t)sprintf(text + len, "%s", mixed && i % 2 != 0 ? "{\"k\":" : "[");
    }
    len += (size_t)sprintf(text + len, "%s", inside);
    for (size_t i = depth; i > 0; i--) {
        text[len] = mixed && (i - 1) % 2 != 0 ? '}' : ']';
        len++;
    }
    return len + (size_t)sprintf(text + len, "%s", behind);
}

static void
depth_has_one_limit(void **state)
{
    (void)state;
    static const struct {
        size_t depth;
        const char *inside;
        const char *behind;
        int wanted;
    } cases[] = {
        { 0, "1", "", ERROR_OK },
        { 31, "1", "", ERROR_OK },
        { 32, "1", "", ERROR_OK },
        { 32, "[]", "", ERROR_UNACCEPTABLE },
        { 32, "{}", "", ERROR_UNACCEPTABLE },
        { 33, "1", "", ERROR_UNACCEPTABLE },
        { 64, "1", "", ERROR_UNACCEPTABLE },
        { 65, "1", "", ERROR_UNACCEPTABLE },
        { 1023, "1", "", ERROR_UNACCEPTABLE },
        { 1024, "1", "", ERROR_UNACCEPTABLE },
        { 1025, "1", "", ERROR_UNACCEPTABLE },
        { 100000, "1", "", ERROR_UNACCEPTABLE },
        { 33, "01", "", ERROR_PARSE },
        { 33, "1", "]", ERROR_PARSE },
        { 33, "1", " x", ERROR_PARSE },
        { 33, "\"\\u0000\"", "}", ERROR_PARSE },
        { 1025, "nul", "", ERROR_PARSE },
        { 1025, "{]", "", ERROR_PARSE },
        { 100000, "1", "[", ERROR_PARSE },
        { 100000, "1,", "", ERROR_PARSE },
        { 100000, "\xff", "", ERROR_PARSE },
    };
    char *text = malloc(1000000);
    assert_non_null(text);
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        size_t k = i / 2;
        size_t len = nest(text, cases[k].depth, i % 2 != 0, cases[k].inside, cases[k].behind);
        int error = check_exactly(text, len, NULL);
        if (error != cases[k].wanted) {
            fail_msg("case %zu (%s): %s", k, i % 2 != 0 ? "mixed" : "arrays", error_name(error));
        }
    }
    free(text);
}

/* Deep, and each closing bracket of the wrong kind in turn. */
static void
deep_and_mismatched_is_broken(void **state)
{
    (void)state;
    char text[2000];
    for (size_t depth = 30; depth < 150; depth += 7) {
        size_t len = nest(text, depth, true, "1", "");
        for (size_t i = 1; i <= depth; i++) {
            char *closing = &text[len - i];
            *closing = *closing == ']' ? '}' : ']';
            if (check_exactly(text, len, NULL) != ERROR_PARSE) {
                fail_msg("depth %zu: the %zuth bracket from the end passed", depth, i);
            }
            *closing = *closing == ']' ? '}' : ']';
        }
    }
}

static void
a_million_open_brackets_are_broken(void **state)
{
    (void)state;
    char *text = malloc(1000000);
    assert_non_null(text);
    memset(text, '[', 1000000);
    assert_int_equal(check_exactly(text, 1000000, NULL), ERROR_PARSE);
    for (size_t i = 0; i + 5 <= 1000000; i += 5) {
        memcpy(text + i, "{\"\":[", 5);
    }
    assert_int_equal(check_exactly(text, 1000000, NULL), ERROR_PARSE);
    free(text);
}

static void
messages_name_place_and_wish(void **state)
{
    (void)state;
    static const struct {
        struct document document;
        const char *said;
    } cases[] = {
        { D(""), "byte 0: the text ends, wants a value" },
        { D("[1,]"), "byte 3: found ']', wants a value" },
        { D("{\"a\" 1}"), "byte 5: found '1', wants ':' after a key" },
        { D("{a:1}"), "byte 1: found 'a', wants a key in quotes" },
        { D("[1 2]"), "byte 3: found '2', wants ',' or ']'" },
        { D("{\"a\":1 2}"), "byte 7: found '2', wants ',' or '}'" },
        { D("01"), "byte 1: found '1', wants no digit after a leading zero" },
        { D("1.x"), "byte 2: found 'x', wants a digit" },
        { D("trux"), "byte 3: found 'x', wants true" },
        { D("\"\\x\""), "byte 2: found 'x', wants one of \" \\ / b f n r t u after a backslash" },
        { D("\"\\u12"), "byte 5: the text ends, wants four hexadecimal digits after \\u" },
        { D("\"\n\""), "byte 1: found 0x0a, wants control characters in a string escaped" },
        { D("\"\xff\""), "byte 1: found 0xff, wants well-formed UTF-8" },
        { D("\"secret"), "byte 7: the text ends, wants the closing '\"' of a string" },
        { D("{} x"), "byte 3: found 'x', wants nothing after the value" },
        { D("{}\0"), "byte 2: found 0x00, wants nothing after the value" },
        { D("\xef\xbb\xbf{}"), "byte 0: found 0xef, wants a value" },
        { D("[\"a\",\"\\u0000\"]"), "byte 6: a string holds an escaped NUL" },
        { D("\"x\\udc00\""), "byte 2: a string holds half a surrogate pair" },
        { D("\"\\ud800\\ud800\""), "byte 1: a string holds half a surrogate pair" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error_text why;
        assert_int_not_equal(check_exactly(cases[i].document.bytes, cases[i].document.len, &why),
                             ERROR_OK);
        if (strcmp(why.text, cases[i].said) != 0) {
            fail_msg("case %zu said: %s", i, why.text);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_documents_are_read),
        cmocka_unit_test(broken_documents_are_refused),
        cmocka_unit_test(unwelcome_documents_are_told_apart),
        cmocka_unit_test(unwelcome_and_broken_is_broken),
        cmocka_unit_test(every_prefix_of_a_container_is_broken),
        cmocka_unit_test(depth_has_one_limit),
        cmocka_unit_test(deep_and_mismatched_is_broken),
        cmocka_unit_test(a_million_open_brackets_are_broken),
        cmocka_unit_test(messages_name_place_and_wish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
