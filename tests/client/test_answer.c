/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the daemon says, read: fields, what is missing, what is broken, and JSON and UTF-8 under it.
 */
#include "client/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/utf8.h"
#include "tests/support/common.h"

#define ANSWER_TEXT                                                                                \
    "{\"query\":\"q7f3a\",\"subject\":{\"kind\":\"email\",\"value\":\"alice@example.com\"},"       \
    "\"verdict\":\"registered\",\"platform\":\"github\",\"elapsed_ms\":1003.2,"                    \
    "\"strategy\":\"race\",\"asked\":2,\"cancelled\":1,\"reasons\":{\"cancelled\":1},"             \
    "\"checks\":[{\"platform\":\"github\",\"verdict\":\"registered\",\"evidence\":\"public\","     \
    "\"state\":\"finished\",\"source\":\"github.so\",\"started_ms\":0.1,\"elapsed_ms\":1002.8,"    \
    "\"cached\":true,\"url\":\"https://github.com/alice\"},"                                       \
    "{\"platform\":\"twitter\",\"verdict\":\"unknown\",\"reason\":\"cancelled\","                  \
    "\"state\":\"cancelled\",\"source\":\"twitter.so\",\"started_ms\":null,"                       \
    "\"elapsed_ms\":1003,\"cached\":false,\"why\":\"all at once\",\"retry_after_ms\":60000}]}"

static rollcall_answer *
read_answer(const char *text)
{
    struct why why = { "" };
    struct json *root = json_parse(text, strlen(text));
    rollcall_answer *answer = NULL;
    assert_non_null(root);
    int code = answer_new(&root, root, &answer, &why);
    if (code != ROLLCALL_OK) {
        support_fail("%s: %s", text, why.text);
    }
    assert_null(root);
    return answer;
}

static void
an_answer_is_read_whole(void **state)
{
    (void)state;
    rollcall_answer *answer = read_answer(ANSWER_TEXT);
    assert_string_equal(rollcall_answer_query(answer), "q7f3a");
    assert_string_equal(rollcall_answer_kind(answer), "email");
    assert_string_equal(rollcall_answer_subject(answer), "alice@example.com");
    assert_string_equal(rollcall_answer_verdict(answer), "registered");
    assert_string_equal(rollcall_answer_platform(answer), "github");
    assert_string_equal(rollcall_answer_strategy(answer), "race");
    assert_null(rollcall_answer_reason(answer));
    assert_true(rollcall_answer_elapsed_ms(answer) > 1003.1);
    assert_int_equal(rollcall_answer_asked(answer), 2);
    assert_int_equal(rollcall_answer_cancelled(answer), 1);
    assert_int_equal(rollcall_answer_reason_count(answer, "cancelled"), 1);
    assert_int_equal(rollcall_answer_reason_count(answer, "timeout"), 0);
    assert_int_equal(rollcall_answer_count(answer), 2);
    assert_null(rollcall_answer_result(answer, 2));
    rollcall_answer_free(answer);
}

static void
results_are_read_field_by_field(void **state)
{
    (void)state;
    rollcall_answer *answer = read_answer(ANSWER_TEXT);
    const rollcall_result *github = rollcall_answer_result(answer, 0);
    assert_string_equal(github->platform, "github");
    assert_string_equal(github->evidence, "public");
    assert_string_equal(github->url, "https://github.com/alice");
    assert_null(github->reason);
    assert_int_equal(github->retry_after_ms, -1);
    assert_true(github->cached);
    const rollcall_result *twitter = rollcall_answer_result(answer, 1);
    assert_string_equal(twitter->reason, "cancelled");
    assert_string_equal(twitter->why, "all at once");
    assert_null(twitter->url);
    assert_true(twitter->started_ms < 0);
    assert_int_equal(twitter->retry_after_ms, 60000);
    assert_false(twitter->cached);
    rollcall_answer_free(answer);
}

static void
the_json_comes_out_as_it_went_in(void **state)
{
    (void)state;
    rollcall_answer *answer = read_answer(ANSWER_TEXT);
    char *whole = rollcall_answer_json(answer);
    char *second = rollcall_answer_result_json(answer, 1);
    assert_string_equal(whole, ANSWER_TEXT);
    assert_non_null(strstr(ANSWER_TEXT, second));
    assert_null(rollcall_answer_result_json(answer, 2));
    free(whole);
    free(second);
    rollcall_answer_free(answer);
}

static void
reasons_are_walked_in_order(void **state)
{
    (void)state;
    rollcall_answer *answer = read_answer(
        "{\"verdict\":\"unknown\",\"reasons\":{\"timeout\":2,\"not_public\":1},\"checks\":[]}");
    size_t count = 0;
    assert_string_equal(rollcall_answer_reason_at(answer, 0, &count), "timeout");
    assert_int_equal(count, 2);
    assert_string_equal(rollcall_answer_reason_at(answer, 1, &count), "not_public");
    assert_int_equal(count, 1);
    assert_null(rollcall_answer_reason_at(answer, 2, &count));
    rollcall_answer_free(answer);
}

static void
broken_answers_are_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "{}",
        "{\"checks\":{}}",
        "{\"checks\":[1]}",
        "{\"checks\":[{\"verdict\":\"unknown\",\"state\":\"finished\"}]}",
        "{\"checks\":[{\"platform\":\"x\",\"state\":\"finished\"}]}",
        "{\"checks\":[{\"platform\":\"x\",\"verdict\":\"unknown\"}]}",
        "{\"checks\":[{\"platform\":1,\"verdict\":\"unknown\",\"state\":\"finished\"}]}",
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct why why = { "" };
        struct json *root = json_parse(broken[i], strlen(broken[i]));
        rollcall_answer *answer = NULL;
        int code = answer_new(&root, root, &answer, &why);
        if (code != ROLLCALL_E_PROTOCOL || answer != NULL || why.text[0] == '\0') {
            support_fail("row %zu: code %d, \"%s\"", i, code, why.text);
        }
    }
}

static void
odd_numbers_do_no_harm(void **state)
{
    (void)state;
    rollcall_answer *answer =
        read_answer("{\"asked\":1e300,\"cancelled\":-4,\"checks\":[{\"platform\":\"x\","
                    "\"verdict\":\"unknown\",\"state\":\"finished\",\"retry_after_ms\":1e300}]}");
    assert_int_equal(rollcall_answer_asked(answer), 0);
    assert_int_equal(rollcall_answer_cancelled(answer), 0);
    assert_int_equal(rollcall_answer_result(answer, 0)->retry_after_ms, -1);
    rollcall_answer_free(answer);
}

static void
json_texts_cannot_steer_a_terminal(void **state)
{
    (void)state;
    struct json *object = json_object();
    assert_true(json_put_text(object, "a", "\x1b[31m\x7f\xc2\x9b\xc3\xa9"));
    char *text = json_print(object);
    assert_string_equal(text, "{\"a\":\"\\u001b[31m\\u007f\\u009b\xc3\xa9\"}");
    free(text);
    json_free(&object);
}

static void
json_has_nothing_behind_its_end(void **state)
{
    (void)state;
    struct json *json = json_parse("{} \n", 4);
    assert_non_null(json);
    json_free(&json);
    assert_null(json_parse("{} x", 4));
    assert_null(json_parse("", 0));
    assert_null(json_parse("{", 1));
}

struct utf8_row {
    const char *text;
    bool is_valid;
};

static void
utf8_is_read_by_the_letter(void **state)
{
    (void)state;
    static const struct utf8_row rows[] = {
        { "", true },
        { "alice", true },
        { "\xc3\xa9", true },
        { "\xe2\x82\xac", true },
        { "\xf0\x9f\x98\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\xf4\x90\x80\x80", false }, /* past U+10FFFF */
        { "\xc0\xaf", false },         /* overlong */
        { "\xe0\x80\xaf", false },
        { "\xed\xa0\x80", false }, /* a surrogate */
        { "\x80", false },
        { "\xc3", false }, /* cut off */
        { "\xe2\x82", false },
        { "\xff", false },
        { "a\xc3(", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (utf8_is_valid(rows[i].text) != rows[i].is_valid) {
            support_fail("row %zu", i);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read_whole),
        cmocka_unit_test(results_are_read_field_by_field),
        cmocka_unit_test(the_json_comes_out_as_it_went_in),
        cmocka_unit_test(reasons_are_walked_in_order),
        cmocka_unit_test(broken_answers_are_refused),
        cmocka_unit_test(odd_numbers_do_no_harm),
        cmocka_unit_test(json_texts_cannot_steer_a_terminal),
        cmocka_unit_test(json_has_nothing_behind_its_end),
        cmocka_unit_test(utf8_is_read_by_the_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
