/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the tests of the process pool share: a loop that the test itself turns, a clock that is held
 * still, real processes (worker_fixture.c, whose words a call is made of) and small verbs. Nothing
 * sleeps: a test turns the loop until what it waits for has happened. Included by one test program
 * each, hence static. */
#ifndef ROLLCALL_TESTS_UNIT_EXEC_PROCS_FIXTURE_H
#define ROLLCALL_TESTS_UNIT_EXEC_PROCS_FIXTURE_H

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/procs.h"
#include "tests/support/common.h"

#define PROGRAM TEST_BUILD_DIR "/tests/worker_fixture"
#define START_US (INT64_C(1000) * 1000 * 1000)
#define TURN_US 20000
#define LIMIT_US (2 * CLOCK_US_PER_S)
#define QUEUE_MAX 3
#define ANSWER_MAX ((size_t)1024 * 1024)

struct bench {
    struct loop *loop;
    struct procs *procs;
    size_t queue_max;
    int64_t give_up_us;
    unsigned told[PROCS_CLOSED + 1];
    unsigned deaths;
    unsigned current; /* so often what the workers are made of is still the same */
    char sentence[PROCS_SENTENCE_BYTES];
};

static void
told(void *context, enum procs_state state, const char *sentence)
{
    struct bench *bench = context;
    bench->told[state] += state != PROCS_READY || sentence[0] == '\0';
    if (sentence[0] != '\0') {
        bench->deaths++;
        (void)snprintf(bench->sentence, sizeof(bench->sentence), "%s", sentence);
    }
}

static bool
is_current(void *context)
{
    struct bench *bench = context;
    bool still_is = bench->current > 0;
    bench->current -= still_is;
    return still_is;
}

static void
open_program(struct bench *bench, const char *program, const char *mode)
{
    const char *argv[] = { "worker", mode, NULL };
    const struct procs_options options = { .loop = bench->loop,
                                           .program = program,
                                           .argv = argv,
                                           .queue_max = bench->queue_max,
                                           .told = told,
                                           .is_current = is_current,
                                           .context = bench };
    assert_int_equal(procs_new(&options, &bench->procs), ERROR_OK);
}

MAYBE_UNUSED static void
open_configured(struct bench *bench, const char *mode, unsigned workers_max)
{
    open_program(bench, PROGRAM, mode);
    assert_int_equal(procs_configure(bench->procs, "secret-free", 11, workers_max), ERROR_OK);
}

MAYBE_UNUSED static int
setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->give_up_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;
    bench->queue_max = QUEUE_MAX;
    bench->current = UINT_MAX;
    clock_freeze(START_US);
    assert_int_equal(loop_new(&bench->loop), ERROR_OK);
    *state = bench;
    return 0;
}

/* Whatever a test leaves behind is killed and reaped. */
MAYBE_UNUSED static int
teardown(void **state)
{
    struct bench *bench = *state;
    procs_free(&bench->procs);
    loop_free(&bench->loop);
    free(bench);
    clock_thaw();
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static struct procs_stats
look(const struct bench *bench)
{
    struct procs_stats stats;
    procs_stats(bench->procs, &stats);
    return stats;
}

/* One turn of a test that waits for something. */
static void
turn(struct bench *bench)
{
    if (support_now_us() >= bench->give_up_us) {
        support_fail("what it waits for does not happen");
    }
    loop_turn(bench->loop, TURN_US);
}

MAYBE_UNUSED static void
turn_until_state(struct bench *bench, enum procs_state state)
{
    while (look(bench).state != state) {
        turn(bench);
    }
}

static void
turn_until_workers(struct bench *bench, unsigned workers)
{
    while (look(bench).workers != workers) {
        turn(bench);
    }
}

static void
turn_until_idle(struct bench *bench, unsigned idle)
{
    while (look(bench).idle != idle) {
        turn(bench);
    }
}

MAYBE_UNUSED static void
turn_until_busy(struct bench *bench, unsigned busy)
{
    while (look(bench).busy != busy) {
        turn(bench);
    }
}

MAYBE_UNUSED static void
turn_until_deaths(struct bench *bench, unsigned deaths)
{
    while (bench->deaths < deaths) {
        turn(bench);
    }
}

static void
turn_until_done(struct bench *bench, const struct future *future)
{
    while (!future_is_done(future)) {
        turn(bench);
    }
}

static struct future *
begin_request(struct bench *bench, const struct procs_request *request)
{
    struct future *future = NULL;
    assert_int_equal(procs_call(bench->procs, request, &future), ERROR_OK);
    assert_non_null(future);
    return future;
}

static struct future *
begin(struct bench *bench, const char *word)
{
    return begin_request(bench, &(const struct procs_request){ .bytes = word,
                                                               .len = strlen(word),
                                                               .answer_max = ANSWER_MAX,
                                                               .limit_us = LIMIT_US });
}

MAYBE_UNUSED static int
try_call(struct bench *bench)
{
    struct future *future = NULL;
    const struct procs_request request = { .bytes = "x", .len = 1, .limit_us = LIMIT_US };
    int error = procs_call(bench->procs, &request, &future);
    future_unref(&future);
    return error;
}

/* The error it ends with; the answer's bytes as a text where there is one. */
static int
end(struct bench *bench, struct future *future, char *text, size_t size)
{
    turn_until_done(bench, future);
    int error = future->error;
    if (error == ERROR_OK && text != NULL) {
        const struct procs_answer *answer = future->result;
        (void)snprintf(text, size, "%.*s", (int)answer->len, (const char *)answer->bytes);
    }
    future_unref(&future);
    return error;
}

MAYBE_UNUSED static void
assert_answer(struct bench *bench, const char *word, const char *wanted)
{
    char text[128] = "";
    assert_int_equal(end(bench, begin(bench, word), text, sizeof(text)), ERROR_OK);
    assert_string_equal(text, wanted);
}

static pid_t
ask_pid(struct bench *bench)
{
    char text[32] = "";
    assert_int_equal(end(bench, begin(bench, "pid"), text, sizeof(text)), ERROR_OK);
    return (pid_t)strtol(text, NULL, 10);
}

/* A worker and its spare, both idle; the pid of the one that gets the next call. The spare is
 * started while there is a call in hand, so one is held until it is there. */
MAYBE_UNUSED static pid_t
get_spare(struct bench *bench)
{
    pid_t pid = ask_pid(bench);
    struct future *held = begin(bench, "hold");
    turn_until_workers(bench, 2);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    turn_until_idle(bench, 2);
    return pid;
}

#define PROCS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
