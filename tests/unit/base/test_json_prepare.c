/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Keys given twice, in every spelling and place, and numbers that cJSON could not hold. */
#include "daemon/base/json_prepare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/json.h"

static int
parse(const char *text, struct error_text *why)
{
    struct json *json = NULL;
    int error = json_parse(text, strlen(text), &json, why);
    assert_true((json != NULL) == (error == ERROR_OK));
    json_free(&json);
    return error;
}

static void
a_key_twice_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t place;
    } cases[] = {
        { "{\"a\":1,\"a\":2}", 7 },
        { "{\"a\":1,\"b\":2,\"a\":3}", 13 },
        { "{\"\":1,\"\":2}", 6 },
        { "{\"a\":1,\"\\u0061\":2}", 7 },
        { "{\"\\u0061\":1,\"a\":2}", 12 },
        { "{\"\xc3\xa9\":1,\"\\u00e9\":2}", 8 },
        { "{\"\\u00E9\":1,\"\\u00e9\":2}", 12 },
        { "{\"\xe2\x82\xac\":1,\"\\u20AC\":2}", 9 },
        { "{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\uDE00\":2}", 10 },
        { "{\"/\":1,\"\\/\":2}", 7 },
        { "{\"\\n\":1,\"\\u000a\":2}", 8 },
        { "{\"\\\"\\\\\\b\\f\\r\\t\":1,\"\\u0022\\u005c\\u0008\\u000c\\u000d\\u0009\":2}", 18 },
        { "[{\"a\":1},{\"a\":1,\"a\":2}]", 16 },
        { "{\"a\":{\"b\":1,\"b\":2}}", 12 },
        { "{\"a\":{\"b\":1},\"a\":2}", 13 },
        { "{\"a\":[{}],\"b\":[[[{\"c\":1,\"d\":2,\"c\":3}]]]}", 30 },
        { "{ \"a\" : 1 , \"a\" \n: 2 }", 12 },
        { "{\"a\":\"x\",\"a\":\"x\"}", 9 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char said[128];
        struct error_text why = { "" };
        (void)snprintf(said, sizeof said, "byte %zu: a key that its object has already",
                       cases[i].place);
        int error = parse(cases[i].text, &why);
        if (error != ERROR_UNACCEPTABLE || strcmp(why.text, said) != 0) {
            fail_msg("case %zu: %s: %s", i, error_name(error), why.text);
        }
    }
}

static void
keys_that_only_look_alike_pass(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{\"a\":1,\"A\":2}",
        "{\"a\":1,\"a \":2}",
        "{\"a\":{\"a\":{\"a\":1}}}",
        "[{\"a\":1},{\"a\":1}]",
        "{\"a\":[{\"a\":1},{\"a\":2}],\"b\":{\"a\":3}}",
        "{\"a\":\"b\",\"b\":\"a\"}",
        "{\"a\":\"a\",\"b\":\"b\"}",
        "{\"\\u0061b\":1,\"a\":2}",
        "{\"\\\\u0061\":1,\"a\":2}",
        "{\"\xc3\xa9\":1,\"e\xcc\x81\":2}", /* NFC and NFD are two keys */
        "{\"x\":\":\",\"y\":\":\"}",
        "[\"a\",\"a\"]",
        "{\"a\":[\"k\",\"k\"],\"k\":\"k\"}",
        "{\"k\":\"\\\",\\\"k\\\":\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct error_text why = { "" };
        if (parse(good[i], &why) != ERROR_OK) {
            fail_msg("good[%zu]: %s", i, why.text);
        }
    }
}

/* An object of `count` keys; the last is the first again if `twice`. */
static char *
large_object(size_t count, int twice)
{
    char *text = malloc(count * 24 + 64);
    assert_non_null(text);
    size_t len = (size_t)sprintf(text, "{");
    for (size_t i = 0; i < count; i++) {
        len += (size_t)sprintf(text + len, "\"\\u006b%zu\":%zu,", i, i);
    }
    (void)sprintf(text + len, "\"%s\":0}", twice ? "k0" : "last");
    return text;
}

static void
large_objects_are_judged_in_no_time(void **state)
{
    (void)state;
    static const size_t counts[] = { 46, 47, 48, 49, 95, 96, 97, 1000, 50000 };
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        for (int twice = 0; twice < 2; twice++) {
            char *text = large_object(counts[i], twice);
            int error = parse(text, NULL);
            free(text);
            if (error != (twice ? ERROR_UNACCEPTABLE : ERROR_OK)) {
                fail_msg("%zu keys: %s", counts[i], error_name(error));
            }
        }
    }
}

static double
number_in(const char *text)
{
    struct json *json = NULL;
    struct error_text why;
    if (json_parse(text, strlen(text), &json, &why) != ERROR_OK) {
        fail_msg("%s: %s", text, why.text);
    }
    double value = json_number(json_first(json), NAN);
    assert_int_equal(json_type(json_next(json_first(json))), JSON_STRING);
    json_free(&json);
    return value;
}

static void
long_numbers_keep_their_value(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "%s%s",      /* digits */
        "-%s%s",     /* a sign */
        "0.%s%s",    /* a fraction */
        "-1.%s%se5", /* all of it */
        "%s%sE-40",  "1.5e-0%s%s", "1e+0%s%s",
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        for (size_t len = 50; len < 80; len++) {
            char digits[128];
            char number[256];
            char text[300];
            memset(digits, '0', len);
            digits[len] = '\0';
            digits[0] = i < 5 ? '7' : '0';
            (void)snprintf(number, sizeof number, forms[i], digits, "1");
            (void)snprintf(text, sizeof text, "[%s,\"x\"]", number);
            double value = number_in(text);
            if (value != strtod(number, NULL)) {
                fail_msg("%s was read as %.17g", number, value);
            }
        }
    }
}

/* Seen before cJSON reads it, for some versions of it read all of them. */
static void
long_numbers_are_rewritten_in_place(void **state)
{
    (void)state;
    for (size_t len = 60; len < 70; len++) {
        char text[80];
        char before[80];
        memset(text, '7', len);
        text[len] = '\0';
        memcpy(before, text, len + 1);
        assert_int_equal(json_prepare(text, len, NULL), ERROR_OK);
        assert_int_equal(strlen(text), len);
        assert_true(strtod(text, NULL) == strtod(before, NULL));
        size_t number = strcspn(text, " ");
        if (len <= 63 ? strcmp(text, before) != 0 : number > 63) {
            fail_msg("%zu digits: %s", len, text);
        }
    }
}

static void
numbers_of_any_length_are_read(void **state)
{
    (void)state;
    char *text = malloc(200100);
    assert_non_null(text);
    text[0] = '[';
    memset(text + 1, '9', 200000);
    strcpy(text + 200001, ",\"x\"]");
    assert_true(isinf(number_in(text)) && number_in(text) > 0);
    text[1] = '-';
    assert_true(isinf(number_in(text)) && number_in(text) < 0);
    memset(text + 1, '0', 200000);
    text[2] = '.';
    assert_true(number_in(text) == 0);
    free(text);
}

static void
texts_without_long_numbers_stay_as_they_are(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1,-2.5e10,\"9999999999999999999999999999999999999999999999999999999999999999999\"]"
        "}";
    char copy[sizeof text];
    memcpy(copy, text, sizeof text);
    assert_int_equal(json_prepare(copy, sizeof text - 1, NULL), ERROR_OK);
    assert_string_equal(copy, text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_twice_is_refused_with_its_place),
        cmocka_unit_test(keys_that_only_look_alike_pass),
        cmocka_unit_test(large_objects_are_judged_in_no_time),
        cmocka_unit_test(long_numbers_keep_their_value),
        cmocka_unit_test(long_numbers_are_rewritten_in_place),
        cmocka_unit_test(numbers_of_any_length_are_read),
        cmocka_unit_test(texts_without_long_numbers_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
