/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One question's conversation against a scripted daemon: results as they complete, interruption,
 * a daemon that was restarted, an output that nobody reads. */
#include "client/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "tests/client/fake.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define CHECK(platform, verdict)                                                                   \
    "{\"platform\":\"" platform "\",\"verdict\":\"" verdict "\",\"state\":\"finished\","           \
    "\"started_ms\":0,\"elapsed_ms\":1,\"cached\":false}"
#define NEXT(checks, done) "{\"checks\":[" checks "],\"next\":1,\"done\":" done "}"
#define ANSWER(verdict)                                                                            \
    "{\"verdict\":\"" verdict "\",\"elapsed_ms\":1,\"asked\":1,\"cancelled\":0,\"checks\":[]}"
#define NO_QUERY "{\"code\":-32002,\"message\":\"no such query\"}"
#define OVERLOADED "{\"code\":-32001,\"message\":\"overloaded\"}"
#define LINE_A "a                    unregistered        1 ms\n"
#define LINE_B "b                    registered          1 ms\n"

struct bench {
    struct tmpdir *dir;
    char *url;
    rollcall_client *client;
    struct writer writer;
    char *text;
    size_t size;
};

static int
set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench->dir = tmpdir_new();
    bench->url = support_text("ipc://%s/s", tmpdir_path(bench->dir));
    assert_int_equal(rollcall_client_new(bench->url, &bench->client), ROLLCALL_OK);
    rollcall_client_patience(bench->client, 5000); /* milliseconds; the machine may be busy */
    bench->writer.ops = &writer_text;
    bench->writer.out = open_memstream(&bench->text, &bench->size);
    *state = bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;
    rollcall_client_free(bench->client);
    (void)fclose(bench->writer.out);
    free(bench->text);
    tmpdir_free(&bench->dir);
    free(bench->url);
    free(bench);
    return 0;
}

static struct sweep_end
run(struct bench *bench, const struct fake_step *steps, struct fake **out_fake)
{
    const struct sweep_options options = { .client = bench->client, .writer = &bench->writer };
    const rollcall_question question = { .subject = "alice" };
    *out_fake = fake_start(bench->url, steps, bench->client);
    struct sweep_end end = sweep_run(&options, &question);
    fake_stop(*out_fake);
    (void)fflush(bench->writer.out);
    return end;
}

static void
expect_end(const struct bench *bench, struct sweep_end *end, int code, const char *text)
{
    if (end->code != code || strcmp(bench->text, text) != 0) {
        support_fail("code %d (%s), wrote:\n%s", end->code, rollcall_client_error(bench->client),
                     bench->text);
    }
    assert_true((end->answer != NULL) == (code == ROLLCALL_OK));
    rollcall_answer_free(end->answer);
}

static int
param(const struct fake *fake, size_t request, const char *name)
{
    cJSON *root = cJSON_Parse(fake_request(fake, request));
    const cJSON *value = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "params"), name);
    int number = value != NULL ? value->valueint : -1;
    cJSON_Delete(root);
    return number;
}

static char *
key_of(const struct fake *fake, size_t request)
{
    cJSON *root = cJSON_Parse(fake_request(fake, request));
    const cJSON *value = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "params"), "key");
    char *key = strdup(cJSON_GetStringValue(value));
    cJSON_Delete(root);
    return key;
}

static void
results_come_as_they_complete(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = {
        { FAKE_RESULT, "submit", "{\"query\":\"q1\"}", NULL },
        { FAKE_RESULT, "next", NEXT("", "false"), NULL }, /* nothing within the time */
        { FAKE_RESULT, "next", NEXT(CHECK("a", "unregistered"), "false"), NULL },
        { FAKE_RESULT, "next", NEXT(CHECK("b", "registered"), "true"), NULL },
        { FAKE_RESULT, "result", ANSWER("registered"), NULL },
        { FAKE_END }
    };
    struct fake *fake = NULL;
    struct sweep_end end = run(bench, steps, &fake);
    assert_false(end.was_interrupted);
    expect_end(bench, &end, ROLLCALL_OK, LINE_A LINE_B);
    assert_int_equal(fake_count(fake), 5);
    assert_int_equal(param(fake, 2, "after"), 0);
    assert_int_equal(param(fake, 3, "after"), 1);
    fake_free(&fake);
}

static void
interrupt(void *context)
{
    rollcall_client_interrupt(context);
}

static void
an_interrupt_cancels_and_the_answer_still_comes(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = {
        { FAKE_RESULT, "submit", "{\"query\":\"q1\"}", NULL },
        { FAKE_RESULT, "next", NEXT(CHECK("a", "unregistered"), "false"), NULL },
        { FAKE_HANG, "next", NULL, interrupt },
        { FAKE_RESULT, "cancel", "{\"cancelled\":true}", NULL },
        { FAKE_RESULT, "next", NEXT(CHECK("b", "registered"), "true"), NULL },
        { FAKE_RESULT, "result", ANSWER("unknown"), NULL },
        { FAKE_END }
    };
    struct fake *fake = NULL;
    struct sweep_end end = run(bench, steps, &fake);
    assert_true(end.was_interrupted);
    expect_end(bench, &end, ROLLCALL_OK, LINE_A LINE_B);
    assert_int_equal(fake_count(fake), 6);
    fake_free(&fake);
}

static void
an_interrupt_before_the_query_has_an_id_ends_it(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = { { FAKE_HANG, "submit", NULL, interrupt }, { FAKE_END } };
    struct fake *fake = NULL;
    struct sweep_end end = run(bench, steps, &fake);
    assert_true(end.was_interrupted);
    expect_end(bench, &end, ROLLCALL_E_INTERRUPTED, "");
    fake_free(&fake);
}

static void
a_restarted_daemon_is_asked_again(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = {
        { FAKE_RESULT, "submit", "{\"query\":\"q1\"}", NULL },
        { FAKE_RESULT, "next", NEXT(CHECK("a", "unregistered"), "false"), NULL },
        { FAKE_RESTART, "next", NULL, NULL },
        { FAKE_ERROR, "next", NO_QUERY, NULL },
        { FAKE_RESULT, "submit", "{\"query\":\"q2\"}", NULL },
        { FAKE_RESULT, "next",
          NEXT(CHECK("b", "registered") "," CHECK("a", "unregistered"), "true"), NULL },
        { FAKE_RESULT, "result", ANSWER("registered"), NULL },
        { FAKE_END }
    };
    struct fake *fake = NULL;
    struct sweep_end end = run(bench, steps, &fake);
    expect_end(bench, &end, ROLLCALL_OK, LINE_A LINE_B);
    assert_int_equal(param(fake, 5, "after"), 0);
    char *first = key_of(fake, 0);
    char *second = key_of(fake, 4);
    assert_string_equal(first, second);
    free(first);
    free(second);
    fake_free(&fake);
}

static void
a_daemon_that_forgets_for_ever_is_given_up(void **state)
{
    struct bench *bench = *state;
    struct fake_step steps[FAKE_STEPS_MAX] = { { FAKE_END } };
    for (size_t i = 0; i < 12; i += 2) {
        steps[i] = (struct fake_step){ FAKE_RESULT, "submit", "{\"query\":\"q\"}", NULL };
        steps[i + 1] = (struct fake_step){ FAKE_ERROR, "next", NO_QUERY, NULL };
    }
    struct fake *fake = NULL;
    struct sweep_end end = run(bench, steps, &fake);
    expect_end(bench, &end, ROLLCALL_E_REFUSED, "");
    assert_int_equal(fake_count(fake), 12);
    fake_free(&fake);
}

static void
a_refusal_ends_it(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = {
        { FAKE_RESULT, "submit", "{\"query\":\"q1\"}", NULL },
        { FAKE_ERROR, "next", OVERLOADED, NULL },
        { FAKE_END },
    };
    struct fake *fake = NULL;
    struct sweep_end end = run(bench, steps, &fake);
    expect_end(bench, &end, ROLLCALL_E_REFUSED, "");
    assert_int_equal(fake_count(fake), 2);
    fake_free(&fake);
}

static void
an_output_that_fails_cancels_the_query(void **state)
{
    struct bench *bench = *state;
    const struct fake_step steps[] = {
        { FAKE_RESULT, "submit", "{\"query\":\"q1\"}", NULL },
        { FAKE_RESULT, "next", NEXT(CHECK("a", "unregistered"), "false"), NULL },
        { FAKE_RESULT, "cancel", "{\"cancelled\":true}", NULL },
        { FAKE_RESULT, "next", NEXT(CHECK("b", "registered"), "true"), NULL },
        { FAKE_RESULT, "result", ANSWER("unknown"), NULL },
        { FAKE_END }
    };
    FILE *memory = bench->writer.out;
    struct fake *fake = NULL;
    bench->writer.out = fopen("/dev/full", "we");
    assert_non_null(bench->writer.out);
    struct sweep_end end = run(bench, steps, &fake);
    assert_true(end.is_output_gone);
    assert_int_equal(end.code, ROLLCALL_OK);
    rollcall_answer_free(end.answer);
    (void)fclose(bench->writer.out);
    bench->writer.out = memory;
    assert_int_equal(fake_count(fake), 5);
    fake_free(&fake);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(results_come_as_they_complete),
        WITH_BENCH(an_interrupt_cancels_and_the_answer_still_comes),
        WITH_BENCH(an_interrupt_before_the_query_has_an_id_ends_it),
        WITH_BENCH(a_restarted_daemon_is_asked_again),
        WITH_BENCH(a_daemon_that_forgets_for_ever_is_given_up),
        WITH_BENCH(a_refusal_ends_it),
        WITH_BENCH(an_output_that_fails_cancels_the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
