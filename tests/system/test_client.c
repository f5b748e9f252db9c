/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The real command against the real daemon: exit statuses, lines as they complete, formats, Ctrl+C,
 * a daemon that dies under it. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/world.h"

#define ROLLCALL TEST_BUILD_DIR "/bin/rollcall"
#define ROLLCALLD TEST_BUILD_DIR "/bin/rollcalld"
#define ARGS_MAX 20
/* For a daemon that is slow to take the connection, and for one that is started again. */
#define PATIENCE "--wait 60"

/* github and twitter answer at once, facebook never within a test's patience. */
static const char slow_facebook[] =
    "{\"platforms\":{\"facebook\":{\"registered\":[],\"latency_ms\":600000},"
    "\"github\":{\"registered\":[\"alice@example.com\"],\"latency_ms\":0},"
    "\"twitter\":{\"registered\":[\"bob@example.com\"],\"latency_ms\":0}}}";

struct stage {
    struct world *world;
    struct daemon *daemon;
};

static int
set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage->world = world_start(&(struct world_options){ .script = slow_facebook });
    stage->daemon = daemon_start(&(struct daemon_options){ .world = stage->world });
    *state = stage;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *stage = *state;
    daemon_free(&stage->daemon);
    world_stop(&stage->world);
    free(stage);
    return 0;
}

/* argv of the command: its words, split at blanks, then patience and --url. Borrowed until the next
 * call. */
static const char *const *
command(const struct stage *stage, const char *words)
{
    static char text[512];
    static const char *argv[ARGS_MAX];
    size_t count = 0;
    char *save = NULL;
    (void)snprintf(text, sizeof(text), "%s " PATIENCE, words);
    argv[count++] = ROLLCALL;
    for (char *word = strtok_r(text, " ", &save); word != NULL && count < ARGS_MAX - 3;
         word = strtok_r(NULL, " ", &save)) {
        argv[count++] = word;
    }
    argv[count++] = "--url";
    argv[count++] = daemon_url(stage->daemon);
    argv[count] = NULL;
    return argv;
}

static struct child *
start(const struct stage *stage, const char *words)
{
    return child_start(&(struct child_options){ .argv = command(stage, words) });
}

/* Run to the end; stdout is the caller's. Fails the test when the status is another. */
static char *
run(const struct stage *stage, const char *words, int wanted)
{
    char *out = NULL;
    char *err = NULL;
    int status = child_run(&(struct child_options){ .argv = command(stage, words) }, &out, &err);
    if (status != wanted) {
        support_fail("rollcall %s: status %d, wanted %d\n%s%s", words, status, wanted, out, err);
    }
    free(err);
    return out;
}

static void
expect_output(const struct stage *stage, const char *words, int status, const char *wanted)
{
    char *out = run(stage, words, status);
    if (strstr(out, wanted) == NULL) {
        support_fail("rollcall %s: wanted \"%s\" in:\n%s", words, wanted, out);
    }
    if (strchr(out, '\033') != NULL || strchr(out, '\r') != NULL) {
        support_fail("rollcall %s: control characters in a pipe:\n%s", words, out);
    }
    free(out);
}

static void
the_exit_status_is_as_with_grep(void **state)
{
    struct stage *stage = *state;
    expect_output(stage, "check alice@example.com", 0, "registered: github (");
    expect_output(stage, "check alice@example.com --platform twitter", 1,
                  "unregistered: nowhere (");
    expect_output(stage, "check bob@example.com --platform github", 2,
                  "github shows only what owners made public");
    expect_output(stage, "check carol@example.com --platform facebook --timeout 0.2", 2,
                  "unknown: 1 timeout (");
}

static void
several_subjects_have_one_status(void **state)
{
    struct stage *stage = *state;
    expect_output(stage, "check --platform twitter alice@example.com bob@example.com", 0,
                  "\n\nbob@example.com\n");
    expect_output(stage, "check --platform twitter alice@example.com carol@example.com", 1,
                  "\n\ncarol@example.com\n");
    expect_output(stage, "check --platform github --platform twitter alice@example.com x@y.example",
                  0, "\n\nx@y.example\n");
}

static void
subjects_come_from_standard_input(void **state)
{
    struct stage *stage = *state;
    char *out = NULL;
    int status = child_run(
        &(struct child_options){ .argv = command(stage, "check --platform twitter --format csv -"),
                                 .input = "bob@example.com\n\nalice@example.com" },
        &out, NULL);
    if (status != 0) {
        support_fail("status %d\n%s", status, out);
    }
    assert_non_null(strstr(out, "\r\n\"bob@example.com\",\"twitter\",\"registered\","));
    assert_non_null(strstr(out, "\r\n\"alice@example.com\",\"twitter\",\"unregistered\","));
    free(out);
}

static void
bad_words_are_usage(void **state)
{
    struct stage *stage = *state;
    static const char *const rows[][2] = {
        { "check alice --platform nowhere", "nowhere" },
        { "check alice --strategy fast", "fast" },
        { "check alice@", "alice@" },
        { "check alice --only maybe", "maybe" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *err = NULL;
        int status =
            child_run(&(struct child_options){ .argv = command(stage, rows[i][0]) }, NULL, &err);
        if (status != 64 || strstr(err, rows[i][1]) == NULL) {
            support_fail("row %zu: status %d, said %s", i, status, err);
        }
        free(err);
    }
}

static void
an_unreachable_daemon_is_69(void **state)
{
    (void)state;
    static const char *const argv[] = {
        ROLLCALL, "check", "alice", "--url", "ipc:///nowhere/rollcall.sock", NULL
    };
    char *err = NULL;
    assert_int_equal(child_run(&(struct child_options){ .argv = argv }, NULL, &err), 69);
    assert_string_equal(err, "rollcall: no daemon answers at ipc:///nowhere/rollcall.sock: there "
                             "is no socket (systemctl status rollcalld?)\n");
    free(err);
}

/* Lines until `count` of them are there, the first words to `words`. */
static void
read_lines(struct child *child, size_t count, char *const *words)
{
    for (size_t i = 0; i < count; i++) {
        char *line = child_read_line(child, CHILD_WAIT_MS);
        if (line == NULL) {
            support_fail("line %zu did not come", i);
        }
        line[strcspn(line, " ")] = '\0';
        (void)snprintf(words[i], 32, "%s", line);
        free(line);
    }
}

static void
lines_come_as_they_complete_and_ctrl_c_still_answers(void **state)
{
    struct stage *stage = *state;
    char first[32];
    char second[32];
    char *const words[] = { first, second };
    struct child *child = start(stage, "check --all carol@example.com");
    read_lines(child, 2, words); /* while facebook is still being waited for */
    assert_true(strcmp(first, "github") == 0 || strcmp(first, "twitter") == 0);
    assert_true(strcmp(second, "github") == 0 || strcmp(second, "twitter") == 0);
    child_signal(child, SIGINT);
    int status = -1;
    assert_true(child_wait(child, CHILD_WAIT_MS, &status));
    char *out = child_output(child, CHILD_STDOUT);
    assert_int_equal(status, 2);
    assert_non_null(strstr(out, "facebook             cancelled"));
    assert_non_null(strstr(out, "unknown: "));
    assert_non_null(strstr(out, "1 cancelled)"));
    free(out);
    child_free(&child);
    assert_true(world_wait(stage->world, WORLD_ABORTED, "facebook", 1, CHILD_WAIT_MS));
}

static void
ctrl_c_twice_leaves_at_once(void **state)
{
    struct stage *stage = *state;
    char first[32];
    char *const words[] = { first };
    struct child *child = start(stage, "check --all carol@example.com");
    read_lines(child, 1, words);
    child_signal(daemon_child(stage->daemon), SIGSTOP); /* nobody is there to take the cancel */
    child_signal(child, SIGINT);
    child_signal(child, SIGTERM); /* another one, so that the two cannot become one */
    int status = -1;
    bool has_ended = child_wait(child, CHILD_WAIT_MS, &status);
    child_signal(daemon_child(stage->daemon), SIGCONT);
    assert_true(has_ended);
    if (status != 130) {
        support_fail("ended with %d: %s", status, child_output(child, CHILD_STDERR));
    }
    child_free(&child);
}

static void
json_is_the_daemons(void **state)
{
    struct stage *stage = *state;
    char *out = run(stage,
                    "check --format json --all --platform github --platform twitter "
                    "alice@example.com",
                    0);
    cJSON *answer = cJSON_ParseWithOpts(out, NULL, 0);
    assert_non_null(answer);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(answer, "verdict")), "registered");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(answer, "checks")), 2);
    cJSON_Delete(answer);
    free(out);
}

static void
jsonl_is_a_line_a_check_and_the_answer(void **state)
{
    struct stage *stage = *state;
    char *out = run(stage,
                    "check --format jsonl --all --platform github --platform twitter "
                    "alice@example.com",
                    0);
    size_t lines = 0;
    char *rest = out;
    for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0';
         line = strsep(&rest, "\n")) {
        cJSON *object = cJSON_ParseWithOpts(line, NULL, 1);
        bool is_check = cJSON_GetObjectItem(object, "platform") != NULL &&
                        cJSON_GetObjectItem(object, "checks") == NULL;
        if (!cJSON_IsObject(object) || is_check != (lines < 2)) {
            support_fail("line %zu: %s", lines, line);
        }
        cJSON_Delete(object);
        lines++;
    }
    assert_int_equal(lines, 3);
    free(out);
}

static void
the_other_verbs_list(void **state)
{
    struct stage *stage = *state;
    expect_output(stage, "platforms --kind email", 0, "\ngithub ");
    expect_output(stage, "plugins", 0, "\ngithub ");
    expect_output(stage, "status", 0, "queries.open");
    expect_output(stage, "status --format json", 0, "\"queries\":{");
    expect_output(stage, "version", 0, "rollcalld ");
    expect_output(stage, "check alice@example.com --timeline", 0, " ms  registered\n");
    char *out = run(stage, "cancel q0000", 1);
    free(out);
}

/* The command asks the second daemon for all of it again, and shows each line once. The world's end
 * is facebook's. */
static void
a_daemon_that_is_killed_and_started_again_still_answers(void **state)
{
    struct stage *stage = *state;
    char first[32];
    char second_line[32];
    char *const words[] = { first, second_line };
    struct child *child = start(stage, "check --all carol@example.com");
    read_lines(child, 2, words);
    int status = 0;
    child_signal(daemon_child(stage->daemon), SIGKILL);
    assert_true(child_wait(daemon_child(stage->daemon), CHILD_WAIT_MS, &status));
    const char *const argv[] = { ROLLCALLD, "--config", daemon_config_file(stage->daemon), NULL };
    struct child *second = child_start(&(struct child_options){ .argv = argv });
    assert_true(world_wait(stage->world, WORLD_REPLY, "github", 2, CHILD_WAIT_MS));
    assert_true(world_wait(stage->world, WORLD_REPLY, "twitter", 2, CHILD_WAIT_MS));
    struct world_log log = world_log(stage->world);
    world_stop(&stage->world);
    assert_true(child_wait(child, CHILD_WAIT_MS, &status));
    char *out = child_output(child, CHILD_STDOUT);
    char *err = child_output(child, CHILD_STDERR);
    if (status != 2 || strstr(out, "1 unreachable") == NULL) {
        support_fail("status %d\n%s%s", status, out, err);
    }
    const char *github = strstr(out, "github ");
    assert_non_null(github);
    assert_null(strstr(github + 1, "\ngithub  "));                       /* no line twice */
    assert_int_equal(world_log_count(&log, WORLD_REQUEST, "github"), 2); /* asked by both */
    world_log_free(&log);
    free(out);
    free(err);
    child_free(&child);
    child_signal(second, SIGTERM);
    assert_true(child_wait(second, CHILD_WAIT_MS, &status));
    if (status != 0) {
        support_fail("rollcalld: status %d\n%s", status, child_output(second, CHILD_STDERR));
    }
    child_free(&second);
}

static void
colours_only_on_a_terminal(void **state)
{
    struct stage *stage = *state;
    char *line = support_text(ROLLCALL " check " PATIENCE " --url %s alice@example.com",
                              daemon_url(stage->daemon));
    const char *const argv[] = { "script", "-qec", line, "/dev/null", NULL };
    static const char *const plain[] = { "TERM=xterm", "NO_COLOR=1", NULL };
    static const char *const colour[] = { "TERM=xterm", "NO_COLOR", NULL };
    char *out = NULL;
    assert_int_equal(child_run(&(struct child_options){ .argv = argv, .env = colour }, &out, NULL),
                     0);
    assert_non_null(strstr(out, "\033[32mregistered"));
    free(out);
    assert_int_equal(child_run(&(struct child_options){ .argv = argv, .env = plain }, &out, NULL),
                     0);
    assert_null(strstr(out, "\033[32m"));
    free(out);
    free(line);
}

/* Only where somebody sees it: both streams are one terminal here, and in all other tests none. The
 * world's end is facebook's. */
static void
progress_stands_on_a_terminal(void **state)
{
    struct stage *stage = *state;
    char *line = support_text(ROLLCALL " check --all --only registered " PATIENCE " --url %s "
                                       "alice@example.com",
                              daemon_url(stage->daemon));
    const char *const argv[] = { "script", "-qec", line, "/dev/null", NULL };
    static const char *const env[] = { "TERM=xterm", "NO_COLOR=1", NULL };
    struct child *child = child_start(&(struct child_options){ .argv = argv, .env = env });
    assert_true(child_wait_text(child, CHILD_STDOUT, "2 of 3 done, 1 found, ", CHILD_WAIT_MS));
    world_stop(&stage->world);
    int status = -1;
    assert_true(child_wait(child, CHILD_WAIT_MS, &status));
    char *out = child_output(child, CHILD_STDOUT);
    const char *progress = strstr(out, "2 of 3 done, 1 found, ");
    const char *answer = strstr(out, "\r\033[Kregistered: github (");
    const char *unknown = strstr(out, "unknown: 1 unreachable");
    if (status != 0 || progress == NULL || answer == NULL || unknown == NULL || progress > answer ||
        strstr(out, "twitter") != NULL) {
        support_fail("status %d\n%s", status, out);
    }
    free(out);
    free(line);
    child_free(&child);
}

#define WITH_STAGE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#if !defined(ROLLCALL_SANITIZED) /* whose runtimes want to be in front of all others */
/* A daemon that leaves between a connection and its greeting is dialled again: nng itself does not.
 */
static void
a_greeting_that_fails_is_not_the_end(void **state)
{
    const struct stage *stage = *state;
    static const char *const env[] = { "LD_PRELOAD=" TEST_BUILD_DIR "/tests/loses_greeting.so",
                                       NULL };
    const struct child_options options = { .argv = command(stage, "status"), .env = env };
    char *out = NULL;
    char *err = NULL;
    assert_int_equal(child_run(&options, &out, &err), 0);
    free(out);
    free(err);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAGE(the_exit_status_is_as_with_grep),
        WITH_STAGE(several_subjects_have_one_status),
        WITH_STAGE(subjects_come_from_standard_input),
        WITH_STAGE(bad_words_are_usage),
        cmocka_unit_test(an_unreachable_daemon_is_69),
        WITH_STAGE(lines_come_as_they_complete_and_ctrl_c_still_answers),
        WITH_STAGE(ctrl_c_twice_leaves_at_once),
        WITH_STAGE(json_is_the_daemons),
        WITH_STAGE(jsonl_is_a_line_a_check_and_the_answer),
        WITH_STAGE(the_other_verbs_list),
        WITH_STAGE(a_daemon_that_is_killed_and_started_again_still_answers),
#if !defined(ROLLCALL_SANITIZED)
        WITH_STAGE(a_greeting_that_fails_is_not_the_end),
#endif
        WITH_STAGE(colours_only_on_a_terminal),
        WITH_STAGE(progress_stands_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
