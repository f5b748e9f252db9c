/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* librollcall against a scripted daemon: what is sent, how replies are judged, time, interruption,
 * lost connections. */
#include <rollcall/client.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "tests/client/fake.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define SOON_MS 50          /* a time that will pass */
#define LONG_MS (60 * 1000) /* one that must not */
#define PATIENCE_MS 5000    /* with a connection that is about to come */

#define ONE_CHECK                                                                                  \
    "{\"platform\":\"github\",\"verdict\":\"registered\",\"state\":\"finished\","                  \
    "\"started_ms\":0,\"elapsed_ms\":1,\"cached\":false}"
#define ANSWER "{\"query\":\"q1\",\"verdict\":\"registered\",\"checks\":[" ONE_CHECK "]}"

struct bench {
    struct tmpdir *dir;
    char *url;
    rollcall_client *client;
};

static int
set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench->dir = tmpdir_new();
    bench->url = support_text("ipc://%s/s", tmpdir_path(bench->dir));
    assert_int_equal(rollcall_client_new(bench->url, &bench->client), ROLLCALL_OK);
    rollcall_client_patience(bench->client, PATIENCE_MS);
    *state = bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;
    rollcall_client_free(bench->client);
    tmpdir_free(&bench->dir);
    free(bench->url);
    free(bench);
    return 0;
}

static void
expect(const struct bench *bench, int found, int wanted)
{
    if (found != wanted) {
        support_fail("found %d (%s), wanted %d", found, rollcall_client_error(bench->client),
                     wanted);
    }
}

static cJSON *
params_of(const struct fake *fake, size_t index)
{
    cJSON *request = cJSON_Parse(fake_request(fake, index));
    cJSON *params = cJSON_DetachItemFromObject(request, "params");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(request, "jsonrpc")), "2.0");
    cJSON_Delete(request);
    return params;
}

static void
assert_params(const struct fake *fake, size_t index, const char *wanted)
{
    cJSON *params = params_of(fake, index);
    cJSON *tree = cJSON_Parse(wanted);
    assert_non_null(tree);
    if (!cJSON_Compare(params, tree, 1)) {
        support_fail("request %zu: wants params %s, found %s", index, wanted,
                     fake_request(fake, index));
    }
    cJSON_Delete(tree);
    cJSON_Delete(params);
}

static void
a_check_is_asked_and_answered(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = { { FAKE_RESULT, "check", ANSWER, NULL }, { FAKE_END } };
    struct fake *fake = fake_start(bench->url, steps, NULL);
    rollcall_question question = { .subject = "alice@example.com", .key = "k" };
    rollcall_answer *answer = NULL;
    expect(bench, rollcall_client_check(bench->client, &question, LONG_MS, &answer), ROLLCALL_OK);
    assert_string_equal(rollcall_answer_verdict(answer), "registered");
    rollcall_answer_free(answer);
    fake_stop(fake);
    assert_params(fake, 0, "{\"subject\":\"alice@example.com\",\"key\":\"k\"}");
    fake_free(&fake);
}

static void
every_field_of_a_question_travels(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = { { FAKE_RESULT, "submit", "{\"query\":\"q1\"}", NULL },
                                       { FAKE_END } };
    struct fake *fake = fake_start(bench->url, steps, NULL);
    const char *const platforms[] = { "github", "code", NULL };
    const char *const exclude[] = { "twitter", NULL };
    rollcall_question question = { .subject = "al\"ice",
                                   .kind = "username",
                                   .platforms = platforms,
                                   .exclude = exclude,
                                   .catalog = "wmn-data",
                                   .all = 1,
                                   .adult = 1,
                                   .fresh = 1,
                                   .explain = 1,
                                   .strategy = "lazy",
                                   .timeout_ms = 1500,
                                   .key = "k" };
    char query[ROLLCALL_QUERY_BYTES] = "";
    expect(bench, rollcall_client_submit(bench->client, &question, query), ROLLCALL_OK);
    assert_string_equal(query, "q1");
    fake_stop(fake);
    assert_params(fake, 0,
                  "{\"subject\":{\"kind\":\"username\",\"value\":\"al\\\"ice\"},"
                  "\"platforms\":[\"github\",\"code\"],\"exclude\":[\"twitter\"],"
                  "\"catalog\":\"wmn-data\",\"strategy\":\"lazy\",\"adult\":true,"
                  "\"until\":\"all\",\"fresh\":true,\"explain\":true,\"timeout_ms\":1500,"
                  "\"key\":\"k\"}");
    fake_free(&fake);
}

static void
a_key_is_made_anew_for_each_call(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = { { FAKE_RESULT, "check", ANSWER, NULL },
                                       { FAKE_RESULT, "check", ANSWER, NULL },
                                       { FAKE_END } };
    struct fake *fake = fake_start(bench->url, steps, NULL);
    rollcall_question question = { .subject = "alice" };
    for (int i = 0; i < 2; i++) {
        rollcall_answer *answer = NULL;
        expect(bench, rollcall_client_check(bench->client, &question, LONG_MS, &answer), 0);
        rollcall_answer_free(answer);
    }
    fake_stop(fake);
    cJSON *first = params_of(fake, 0);
    cJSON *second = params_of(fake, 1);
    const char *key = cJSON_GetStringValue(cJSON_GetObjectItem(first, "key"));
    assert_int_equal(strlen(key), ROLLCALL_KEY_BYTES - 1);
    assert_int_equal(strspn(key, "0123456789abcdef"), ROLLCALL_KEY_BYTES - 1);
    assert_string_not_equal(key, cJSON_GetStringValue(cJSON_GetObjectItem(second, "key")));
    cJSON_Delete(first);
    cJSON_Delete(second);
    fake_free(&fake);
}

static void
next_result_and_cancel_name_their_query(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = {
        { FAKE_RESULT, "next", "{\"checks\":[" ONE_CHECK "],\"next\":8,\"done\":true,\"total\":8}",
          NULL },
        { FAKE_RESULT, "result", ANSWER, NULL },
        { FAKE_RESULT, "result", "{\"done\":false}", NULL },
        { FAKE_RESULT, "cancel", "{\"cancelled\":true}", NULL },
        { FAKE_RESULT, "status", "{\"version\":\"1.2\"}", NULL },
        { FAKE_END }
    };
    struct fake *fake = fake_start(bench->url, steps, NULL);
    rollcall_client *client = bench->client;
    rollcall_answer *answer = NULL;
    int is_done = 0;
    expect(bench, rollcall_client_next(client, "q1", 7, 0, 250, &answer, &is_done), ROLLCALL_OK);
    assert_true(is_done);
    assert_int_equal(rollcall_answer_count(answer), 1);
    assert_int_equal(rollcall_answer_total(answer), 8);
    rollcall_answer_free(answer);
    expect(bench, rollcall_client_result(client, "q1", 0, &answer), ROLLCALL_OK);
    rollcall_answer_free(answer);
    expect(bench, rollcall_client_result(client, "q1", 0, &answer), ROLLCALL_E_TIMEOUT);
    int was_open = 0;
    expect(bench, rollcall_client_cancel(client, "q1", &was_open), ROLLCALL_OK);
    assert_true(was_open);
    char *text = NULL;
    expect(bench, rollcall_client_call(client, "status", "{\"a\":1}", 0, &text), ROLLCALL_OK);
    assert_string_equal(text, "{\"version\":\"1.2\"}");
    free(text);
    fake_stop(fake);
    assert_params(fake, 0, "{\"query\":\"q1\",\"timeout_ms\":250,\"after\":7,\"max\":100}");
    assert_params(fake, 1, "{\"query\":\"q1\",\"timeout_ms\":0}");
    assert_params(fake, 3, "{\"query\":\"q1\"}");
    assert_params(fake, 4, "{\"a\":1}");
    fake_free(&fake);
}

static void
a_refusal_keeps_its_code_and_sentence(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = {
        { FAKE_ERROR, "check", "{\"code\":-32602,\"message\":\"Invalid params\"}", NULL },
        { FAKE_ERROR, "check",
          "{\"code\":-32001,\"message\":\"overloaded\",\"data\":\"1024 calls wait\"}", NULL },
        { FAKE_END }
    };
    struct fake *fake = fake_start(bench->url, steps, NULL);
    rollcall_question question = { .subject = "alice" };
    rollcall_answer *answer = NULL;
    expect(bench, rollcall_client_check(bench->client, &question, LONG_MS, &answer),
           ROLLCALL_E_REFUSED);
    assert_int_equal(rollcall_client_rpc_code(bench->client), ROLLCALL_RPC_INVALID_PARAMS);
    assert_string_equal(rollcall_client_error(bench->client), "Invalid params");
    expect(bench, rollcall_client_check(bench->client, &question, LONG_MS, &answer),
           ROLLCALL_E_REFUSED);
    assert_int_equal(rollcall_client_rpc_code(bench->client), ROLLCALL_RPC_OVERLOADED);
    assert_string_equal(rollcall_client_error(bench->client), "overloaded: 1024 calls wait");
    assert_null(answer);
    fake_stop(fake);
    fake_free(&fake);
}

static void
what_is_no_answer_is_refused(void **state)
{
    struct bench *bench = *state;
    static const char *const replies[] = {
        "",
        "hello",
        "[]",
        "{}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{\"query\":\"q\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":\"x\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":7}",
        "{\"jsonrpc\":\"2.0\",\"id\":10,\"result\":{\"query\":7}}",
        ("{\"jsonrpc\":\"2.0\",\"id\":11,\"result\":"
         "{\"query\":\"an id of many more bytes than any daemon would give\"}}"),
    };
    const size_t count = sizeof(replies) / sizeof(replies[0]);
    struct fake_step steps[FAKE_STEPS_MAX] = { { FAKE_END } };
    for (size_t i = 0; i < count; i++) {
        steps[i] = (struct fake_step){ FAKE_RAW, "submit", replies[i], NULL };
    }
    struct fake *fake = fake_start(bench->url, steps, NULL);
    rollcall_question question = { .subject = "alice" };
    for (size_t i = 0; i < count; i++) {
        char query[ROLLCALL_QUERY_BYTES] = "untouched";
        int code = rollcall_client_submit(bench->client, &question, query);
        if (code != ROLLCALL_E_PROTOCOL || strcmp(query, "untouched") != 0) {
            support_fail("row %zu: code %d (%s)", i, code, rollcall_client_error(bench->client));
        }
    }
    fake_stop(fake);
    fake_free(&fake);
}

static void
bad_questions_are_not_sent(void **state)
{
    struct bench *bench = *state;
    static const char *const not_utf8[] = { "\xff", NULL };
    const rollcall_question rows[] = {
        { .subject = NULL },
        { .subject = "" },
        { .subject = "al\xffice" },
        { .subject = "alice", .timeout_ms = -1 },
        { .subject = "alice", .catalog = "\xc3" },
        { .subject = "alice", .platforms = not_utf8 },
        { .subject = "alice", .reserved = { "x" } },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rollcall_answer *answer = NULL;
        int code = rollcall_client_check(bench->client, &rows[i], SOON_MS, &answer);
        if (code != ROLLCALL_E_INVALID || rollcall_client_error(bench->client)[0] == '\0') {
            support_fail("row %zu: code %d", i, code);
        }
    }
}

static void
a_call_over_a_mebibyte_is_not_sent(void **state)
{
    struct bench *bench = *state;
    char *subject = malloc(ROLLCALL_CALL_BYTES_MAX + 1);
    memset(subject, 'a', ROLLCALL_CALL_BYTES_MAX);
    subject[ROLLCALL_CALL_BYTES_MAX] = '\0';
    rollcall_question question = { .subject = subject };
    rollcall_answer *answer = NULL;
    expect(bench, rollcall_client_check(bench->client, &question, SOON_MS, &answer),
           ROLLCALL_E_TOO_BIG);
    free(subject);
}

static void
nobody_there_is_unreachable(void **state)
{
    struct bench *bench = *state;
    char *text = NULL;
    rollcall_client_patience(bench->client, SOON_MS);
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text),
           ROLLCALL_E_UNREACHABLE);
    char *wanted = support_text("no daemon answers at %s: there is no socket", bench->url);
    assert_string_equal(rollcall_client_error(bench->client), wanted);
    free(wanted);
}

static void
a_silent_daemon_is_a_timeout(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = { { FAKE_RESULT, "status", "{\"a\":1}", NULL },
                                       { FAKE_HANG, "status", NULL, NULL },
                                       { FAKE_RESULT, "status", "{\"a\":2}", NULL },
                                       { FAKE_END } };
    struct fake *fake = fake_start(bench->url, steps, NULL);
    char *text = NULL;
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text), ROLLCALL_OK);
    free(text); /* it is connected: what is missing now is a reply */
    expect(bench, rollcall_client_call(bench->client, "status", NULL, SOON_MS, &text),
           ROLLCALL_E_TIMEOUT);
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text), ROLLCALL_OK);
    assert_string_equal(text, "{\"a\":2}");
    free(text);
    fake_stop(fake);
    fake_free(&fake);
}

static void
interrupt(void *context)
{
    rollcall_client_interrupt(context);
}

static void
an_interrupt_ends_the_call_in_hand(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = { { FAKE_HANG, "status", NULL, interrupt },
                                       { FAKE_RESULT, "status", "{\"a\":2}", NULL },
                                       { FAKE_END } };
    struct fake *fake = fake_start(bench->url, steps, bench->client);
    char *text = NULL;
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text),
           ROLLCALL_E_INTERRUPTED);
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text), ROLLCALL_OK);
    free(text);
    fake_stop(fake);
    fake_free(&fake);
}

static void
an_interrupt_ends_the_wait_for_a_connection(void **state)
{
    struct bench *bench = *state;
    char *text = NULL;
    rollcall_client_patience(bench->client, LONG_MS);
    rollcall_client_interrupt(bench->client);
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text),
           ROLLCALL_E_INTERRUPTED);
}

static void
a_lost_connection_asks_again_with_the_same_key(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = { { FAKE_RESTART, "check", NULL, NULL },
                                       { FAKE_RESTART, "check", NULL, NULL },
                                       { FAKE_RESULT, "check", ANSWER, NULL },
                                       { FAKE_END } };
    struct fake *fake = fake_start(bench->url, steps, NULL);
    rollcall_question question = { .subject = "alice" };
    rollcall_answer *answer = NULL;
    expect(bench, rollcall_client_check(bench->client, &question, LONG_MS, &answer), ROLLCALL_OK);
    rollcall_answer_free(answer);
    fake_stop(fake);
    assert_int_equal(fake_count(fake), 3);
    assert_string_equal(fake_request(fake, 0), fake_request(fake, 1));
    assert_string_equal(fake_request(fake, 0), fake_request(fake, 2));
    fake_free(&fake);
}

static void
a_daemon_that_comes_late_is_waited_for(void **state)
{
    struct bench *bench = *state;
    const struct fake_step first[] = { { FAKE_RESULT, "status", "{}", NULL },
                                       { FAKE_LEAVE, "status", NULL, NULL },
                                       { FAKE_END } };
    const struct fake_step second[] = { { FAKE_RESULT, "status", "{}", NULL }, { FAKE_END } };
    struct fake *fake = fake_start(bench->url, first, NULL);
    char *text = NULL;
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text), ROLLCALL_OK);
    free(text);
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text),
           ROLLCALL_E_UNREACHABLE);
    fake_stop(fake);
    fake_free(&fake);
    fake = fake_start(bench->url, second, NULL);
    expect(bench, rollcall_client_call(bench->client, "status", NULL, LONG_MS, &text), ROLLCALL_OK);
    free(text);
    fake_stop(fake);
    fake_free(&fake);
}

static void
bad_addresses_are_named(void **state)
{
    (void)state;
    static const char *const rows[] = { "foo", "http://localhost", "ipc://", "udp://x:1",
                                        "tcp://" };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rollcall_client *client = NULL;
        char *text = NULL;
        assert_int_equal(rollcall_client_new(rows[i], &client), ROLLCALL_OK);
        int code = rollcall_client_call(client, "status", NULL, SOON_MS, &text);
        const char *sentence = rollcall_client_error(client);
        if (code != ROLLCALL_E_INVALID || strstr(sentence, rows[i]) == NULL ||
            strstr(sentence, "allowed are ipc://") == NULL) {
            support_fail("row %zu: code %d, \"%s\"", i, code, sentence);
        }
        rollcall_client_free(client);
    }
}

static void
destructors_take_null(void **state)
{
    (void)state;
    rollcall_client_free(NULL);
    rollcall_answer_free(NULL);
}

#define WITH_CLIENT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CLIENT(a_check_is_asked_and_answered),
        WITH_CLIENT(every_field_of_a_question_travels),
        WITH_CLIENT(a_key_is_made_anew_for_each_call),
        WITH_CLIENT(next_result_and_cancel_name_their_query),
        WITH_CLIENT(a_refusal_keeps_its_code_and_sentence),
        WITH_CLIENT(what_is_no_answer_is_refused),
        WITH_CLIENT(bad_questions_are_not_sent),
        WITH_CLIENT(a_call_over_a_mebibyte_is_not_sent),
        WITH_CLIENT(nobody_there_is_unreachable),
        WITH_CLIENT(a_silent_daemon_is_a_timeout),
        WITH_CLIENT(an_interrupt_ends_the_call_in_hand),
        WITH_CLIENT(an_interrupt_ends_the_wait_for_a_connection),
        WITH_CLIENT(a_lost_connection_asks_again_with_the_same_key),
        WITH_CLIENT(a_daemon_that_comes_late_is_waited_for),
        cmocka_unit_test(bad_addresses_are_named),
        cmocka_unit_test(destructors_take_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
