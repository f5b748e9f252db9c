/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Files that mean harm, or are no catalogues: refused with a sentence or held within bounds, and
 * the other files go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/sites/pattern.h"
#include "plugins/sites/rule.h"
#include "tests/plugin/sites/stand.h"
#include "tests/support/common.h"

#define GOOD                                                                                       \
    "\"Good\":{\"url\":\"https://s.example/{}\",\"urlMain\":\"https://s.example/\","               \
    "\"errorType\":\"status_code\",\"username_claimed\":\"k\"}"

static struct stand *stand;

static int
teardown(void **state)
{
    (void)state;
    stand_close(&stand);
    return 0;
}

/* The file beside one that is well: only the latter is offered. */
static void
open_beside_good(const char *text, size_t len)
{
    const struct stand_options options = { .files = { { "bad.json", text, len },
                                                      { "good.json", "{" GOOD "}", 0 } } };
    stand = stand_open(&options);
    assert_non_null(stand_find(stand, "good"));
}

static const struct {
    const char *text;
    const char *note;
} files[] = {
    { " ", "bad.json: refused: ends too early at byte 1" },
    { "[]", "bad.json: refused: is no JSON object" },
    { "7", "bad.json: refused: is no JSON object" },
    { "{}", "bad.json: refused: is no catalogue of" },
    { "{\"a\":1}", "bad.json: refused: is no catalogue of" },
    { "{\"sites\":7}", "bad.json: refused: is no catalogue of" },
    { "{\"a\":{\"url\":\"x\"}}", "bad.json: refused: is no catalogue of" },
    { "{\"rollcall_catalog\":2,\"sites\":[]}", "catalogue of version 2, this plugin knows 1" },
    { "{\"rollcall_catalog\":1,\"sites\":{}}", "has no list \"sites\"" },
    { "{\"sites\":[}", "refused: is no JSON at byte 10" },
    { "{\"sites\":[1,]}", "refused: is no JSON at byte 12" },
    { "{\"sites\":[]", "refused: wants ',' or '}' at byte 11" },
    { "{\"sites\":[]}x", "refused: goes on behind its end at byte 12" },
    { "{\"sites\" []}", "refused: wants ':' at byte 9" },
    { "{sites:[]}", "refused: wants a key at byte 1" },
    { "{\"sites\":[01]}", "refused: a number is none" },
    { "{\"sites\":[1.]}", "refused: a number is none" },
    { "{\"sites\":[+1]}", "refused: is no JSON" },
    { "{\"sites\":[\"a\nb\"]}", "refused: a string has a control character" },
    { "{\"sites\":[\"\\x\"]}", "refused: a string has an escape that is none" },
    { "{\"sites\":[\"\\u12g4\"]}", "refused: a string has an escape that is none" },
    { "{\"sites\":[\"a]}", "refused: a string does not end" },
    { "{\"sites\":[\"\xff\"]}", "refused: is not UTF-8" },
    { "{\"sites\":[\"\xc0\x80\"]}", "refused: is not UTF-8" },
    { "{\"sites\":[\"\xed\xa0\x80\"]}", "refused: is not UTF-8" },
    { "{\"sites\":[nul]}", "refused: is no JSON" },
};

static void
test_no_catalogue(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        open_beside_good(files[i].text, 0);
        if (!stand_notes(stand, files[i].note)) {
            support_fail("row %zu: %s", i, stand_offer(stand)->notes[0]);
        }
        stand_close(&stand);
    }
}

static void
test_file_with_nul(void **state)
{
    (void)state;
    static const char text[] = "{\"sites\":[\0]}";
    open_beside_good(text, sizeof(text) - 1);
    assert_true(stand_notes(stand, "bad.json: refused: is no JSON at byte 10"));
}

/* `count` times `piece` between two texts. */
static char *
repeat(const char *begin, const char *piece, size_t count, const char *end)
{
    size_t len = strlen(piece);
    char *text = malloc(strlen(begin) + len * count + strlen(end) + 1);
    if (text == NULL) {
        support_fail("out of memory");
    }
    char *at = stpcpy(text, begin);
    for (size_t i = 0; i < count; i++) {
        memcpy(at, piece, len);
        at += len;
    }
    (void)stpcpy(at, end);
    return text;
}

static void
test_deep_file(void **state)
{
    (void)state;
    char *text = repeat("{\"sites\":[", "[", 1000000, "");
    open_beside_good(text, 0);
    assert_true(stand_notes(stand, "bad.json: refused: is nested deeper than 32"));
    free(text);
}

/* As deep as allowed, in an entry: broken for its type, not for its depth. */
static void
test_deep_entry(void **state)
{
    (void)state;
    char *left = repeat("{\"X\":{\"errorType\":\"status_code\",\"url\":", "[", 30, "");
    char *text = repeat(left, "]", 30, "}," GOOD "}");
    const struct stand_options options = { .files = { { "a.json", text, 0 } } };
    stand = stand_open(&options);
    assert_true(stand_notes(stand, "a: X: broken: url is a list, wants a text"));
    assert_int_equal(stand_offer(stand)->checker_count, 1);
    free(left);
    free(text);
}

static void
test_large_entry(void **state)
{
    (void)state;
    char *text = repeat("{\"X\":{\"errorType\":\"message\",\"url\":\"https://s.example/{}\","
                        "\"errorMsg\":\"",
                        "0123456789", 10000, "\"}," GOOD "}");
    const struct stand_options options = { .files = { { "a.json", text, 0 } } };
    stand = stand_open(&options);
    assert_true(stand_notes(stand, "a: X: broken: is 1000"));
    assert_non_null(stand_find(stand, "good"));
    free(text);
}

/* Larger than what the host keeps for a checker. */
static void
test_large_rule(void **state)
{
    (void)state;
    char *text = repeat("{\"X\":{\"errorType\":\"message\",\"url\":\"https://s.example/{}\","
                        "\"errorMsg\":\"",
                        "0123456789", 450, "\"}," GOOD "}");
    const struct stand_options options = { .files = { { "a.json", text, 0 } } };
    stand = stand_open(&options);
    assert_true(stand_notes(stand, "a: X: broken: its rule is larger than 4096 bytes"));
    assert_non_null(stand_find(stand, "good"));
    free(text);
}

static void
test_many_texts(void **state)
{
    (void)state;
    char *text = repeat("{\"X\":{\"errorType\":\"message\",\"url\":\"https://s.example/{}\","
                        "\"errorMsg\":[\"a\"",
                        ",\"a\"", 100, "]}," GOOD "}");
    const struct stand_options options = { .files = { { "a.json", text, 0 } } };
    stand = stand_open(&options);
    assert_true(stand_notes(stand, "a: X: broken: errorMsg has more than 64 texts"));
    free(text);
}

/* More notes than the host keeps: the counts come through, and say what is missing. */
static void
test_many_broken(void **state)
{
    (void)state;
    char *text = repeat("{\"sites\":[{\"name\":\"a\"}", ",{\"name\":\"a\"}", 999, "]}");
    const struct stand_options options = { .files = { { "a.json", text, 0 } } };
    stand = stand_open(&options);
    assert_true(stand_notes(stand, "a: 1000 entries: 0 offered, 0 skipped, 1000 broken, 0 "
                                   "shadowed; 730 of them are not listed"));
    free(text);
}

static void
test_bad_reading(void **state)
{
    (void)state;
    const struct stand_options options = { .files = { { "a.json", "{" GOOD "}", 0 } },
                                           .reading = "loose" };
    stand = stand_open(&options);
    assert_int_equal(stand_offer(stand)->outcome, CALL_FAILED);
    assert_non_null(strstr(stand_offer(stand)->failure, "wants \"strict\" or \"faithful\""));
}

static void
test_no_files(void **state)
{
    (void)state;
    const struct stand_options options = { .reading = "strict" };
    stand = stand_open(&options);
    assert_int_equal(stand_offer(stand)->outcome, CALL_ENUMERATED);
    assert_int_equal(stand_offer(stand)->checker_count, 0);
}

/* ---- Patterns ----------------------------------------------------------- */

static const struct {
    const char *pattern;
    const char *name;
    enum pattern_answer answer;
} patterns[] = {
    { "^[a-z]+$", "abc", PATTERN_MATCHES },
    { "^[a-z]+$", "ABC", PATTERN_REFUSES },
    { "b", "abc", PATTERN_MATCHES }, /* found anywhere */
    { "^[\\w-]{,5}$", "a-b", PATTERN_MATCHES },
    { "^[\\w-]{,5}$", "abcdef", PATTERN_REFUSES },
    { "^[{,5}]+$", "{,5}", PATTERN_MATCHES },
    { "^\\w+\\Z", "abc", PATTERN_MATCHES },
    { "^\\w+$",
      "b\xc3\xb6"
      "b",
      PATTERN_MATCHES },
    { "^[a-z](?:[a-z]|-(?=[a-z])){0,38}$", "a-b-c", PATTERN_MATCHES },
    { "^[a-z](?:[a-z]|-(?=[a-z])){0,38}$", "a-", PATTERN_REFUSES },
    { "^(?!.*x)(?P<n>.)+(?<!z)$", "abc", PATTERN_MATCHES },
    { "^(?!.*x)(?P<n>.)+(?<!z)$", "abcz", PATTERN_REFUSES },
    { "^[]a]+$", "]a", PATTERN_MATCHES },
    { "^[^]{,3}]+$", "ab", PATTERN_MATCHES },
    { "^\\u0061$", "a", PATTERN_MATCHES },
    { "(", "a", PATTERN_GIVES_UP },
    { "^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", PATTERN_GIVES_UP },
    { "^(?:(?:a|a)+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", PATTERN_GIVES_UP },
    { "^(?R)*a", "aaaa", PATTERN_GIVES_UP },
};

static void
test_patterns(void **state)
{
    (void)state;
    static struct pool pool;
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        pool_reset(&pool);
        const char *pattern = pattern_from_python(&pool, patterns[i].pattern);
        enum pattern_answer got = pattern_match(pattern, patterns[i].name);
        if (got != patterns[i].answer) {
            support_fail("row %zu, %s: %d", i, pattern, (int)got);
        }
    }
}

static void
test_nested_pattern(void **state)
{
    (void)state;
    struct why why;
    char *left = repeat("", "(", 400, "a");
    char *text = repeat(left, ")", 400, "");
    assert_null(pattern_new(text, &why));
    free(text);
    text = repeat("", "a", 2000, "");
    assert_null(pattern_new(text, &why));
    free(left);
    free(text);
}

/* A name that drives the pattern mad: nobody knows whether it is legal, so nothing is asked. */
static void
test_mad_pattern(void **state)
{
    (void)state;
    static const char text[] =
        "{\"X\":{\"errorType\":\"status_code\",\"url\":\"https://s.example/{}\",\"urlMain\":\"x\","
        "\"regexCheck\":\"^(a+)+$\"}," GOOD "}";
    const struct stand_options options = { .files = { { "a.json", text, 0 } } };
    stand = stand_open(&options);
    const struct stand_request *request =
        stand_ask(stand, "x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    assert_true(request->is_verdict);
    assert_int_equal(request->finding.reason, REASON_UNSUPPORTED);
    assert_false(stand_ask(stand, "x", "aaa")->is_verdict);
}

/* ---- Rules as bytes ----------------------------------------------------- */

static void
test_rule_round_trip(void **state)
{
    (void)state;
    static struct rule rule;
    static struct rule back;
    uint8_t bytes[ROLLCALL_DATA_BYTES];
    rule = (struct rule){ .dialect = DIALECT_OWN,
                          .reading = READING_FAITHFUL,
                          .kinds = RULE_TWO_SIDED,
                          .method = ROLLCALL_POST,
                          .follow = 3,
                          .flags = RULE_CASELESS,
                          .host = "a.example",
                          .url = "{base}/",
                          .content_type = "text/plain",
                          .body = "{subject}",
                          .pattern = "^a",
                          .header_count = 1,
                          .headers = { { "A", "b" } },
                          .error_count = 1,
                          .errors = { { ROLLCALL_BLOCKED, "wall" } } };
    rule.absent.codes[0] = -7;
    rule.absent.code_count = 1;
    rule.absent.whole = "null";
    rule.present.marks[0] = "m";
    rule.present.mark_count = 1;
    rule.present.conditions[0] = (struct rule_condition){ CONDITION_COUNT, "items", NULL, 70000 };
    rule.present.condition_count = 1;
    size_t len = rule_encode(&rule, bytes);
    assert_true(len > 0);
    assert_true(rule_decode(bytes, len, &back));
    assert_int_equal(back.dialect, DIALECT_OWN);
    assert_int_equal(back.follow, 3);
    assert_int_equal(back.flags, RULE_CASELESS);
    assert_string_equal(back.url, "{base}/");
    assert_string_equal(back.body, "{subject}");
    assert_null(back.profile);
    assert_string_equal(back.headers[0].value, "b");
    assert_int_equal(back.errors[0].reason, ROLLCALL_BLOCKED);
    assert_string_equal(back.errors[0].text, "wall");
    assert_int_equal(back.absent.codes[0], -7);
    assert_string_equal(back.absent.whole, "null");
    assert_string_equal(back.present.marks[0], "m");
    assert_int_equal(back.present.conditions[0].number, 70000);
    assert_string_equal(back.present.conditions[0].path, "items");
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1);
        assert_non_null(exact);
        memcpy(exact, bytes, cut);
        bool whole = rule_decode(exact, cut, &back); /* some cuts fall between two records */
        assert_true(!whole || back.url != NULL);
        free(exact);
    }
}

#define BOUNDS_TEST(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOUNDS_TEST(test_no_catalogue),  BOUNDS_TEST(test_file_with_nul),
        BOUNDS_TEST(test_deep_file),     BOUNDS_TEST(test_deep_entry),
        BOUNDS_TEST(test_large_entry),   BOUNDS_TEST(test_large_rule),
        BOUNDS_TEST(test_many_texts),    BOUNDS_TEST(test_many_broken),
        BOUNDS_TEST(test_bad_reading),   BOUNDS_TEST(test_no_files),
        cmocka_unit_test(test_patterns), cmocka_unit_test(test_nested_pattern),
        BOUNDS_TEST(test_mad_pattern),   cmocka_unit_test(test_rule_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
