/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The process pool with real processes and a clock that is held still: what a worker is born with,
 * what its death costs and what is said about it, who takes its place and when. Nothing sleeps: a
 * test turns the loop until what it waits for has happened. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/exec/procs.h"
#include "tests/support/common.h"
#include "tests/support/proc.h"
#include "tests/support/tmpdir.h"

#define PROGRAM TEST_BUILD_DIR "/tests/worker_fixture"
#define START_US (INT64_C(1000) * 1000 * 1000)
#define TURN_US 20000
#define LIMIT_US (2 * CLOCK_US_PER_S)
#define QUEUE_MAX 3
#define ANSWER_MAX ((size_t)1024 * 1024)

struct bench {
    struct loop *loop;
    struct procs *procs;
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
                                           .queue_max = QUEUE_MAX,
                                           .told = told,
                                           .is_current = is_current,
                                           .context = bench };
    assert_int_equal(procs_new(&options, &bench->procs), ERROR_OK);
}

static void
open_configured(struct bench *bench, const char *mode, unsigned workers_max)
{
    open_program(bench, PROGRAM, mode);
    assert_int_equal(procs_configure(bench->procs, "secret-free", 11, workers_max), ERROR_OK);
}

static int
setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->give_up_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;
    bench->current = UINT_MAX;
    clock_freeze(START_US);
    assert_int_equal(loop_new(&bench->loop), ERROR_OK);
    *state = bench;
    return 0;
}

/* Whatever a test leaves behind is killed and reaped. */
static int
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

static void
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

static void
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
begin(struct bench *bench, const char *word)
{
    struct future *future = NULL;
    const struct procs_request request = {
        .bytes = word, .len = strlen(word), .answer_max = ANSWER_MAX, .limit_us = LIMIT_US
    };
    assert_int_equal(procs_call(bench->procs, &request, &future), ERROR_OK);
    assert_non_null(future);
    return future;
}

static int
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

static void
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
static pid_t
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

/* ---- calls -------------------------------------------------------------------------------- */

static void
calls_are_answered(void **state)
{
    struct bench *bench = *state;
    size_t len = 0;
    open_configured(bench, "", 2);
    assert_null(procs_hello(bench->procs, &len));
    assert_answer(bench, "alice", "alice"); /* begun before the worker was */
    assert_memory_equal(procs_hello(bench->procs, &len), "hello", 5);
    assert_int_equal(len, 5);
    assert_answer(bench, "config", "secret-free");
    assert_answer(bench, "", "");
    assert_int_equal(look(bench).calls, 3);
    assert_int_equal(look(bench).busy, 0);
    assert_int_equal(bench->told[PROCS_READY], 1);
    assert_int_equal(bench->deaths, 0);
}

static void
large_calls_and_answers_cross(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 2);
    struct future *future = begin(bench, "big:1000000");
    turn_until_done(bench, future);
    assert_int_equal(future->error, ERROR_OK);
    const struct procs_answer *answer = future->result;
    assert_int_equal(answer->len, 1000000);
    assert_memory_equal((const char *)answer->bytes + 999990, "xxxxxxxxxx", 10);
    future_unref(&future);
    char *large = calloc(1, 500001);
    assert_non_null(large);
    memset(large, 'y', 500000);
    assert_answer(bench, large, "500000");
    free(large);
}

/* It had all of the call, or had said all of the answer. */
static void
large_ones_cross_or_fail_with_their_worker(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 2);
    char *large = calloc(1, 500001);
    assert_non_null(large);
    memset(large, 'y', 500000);
    memcpy(large, "die", 3);
    assert_int_equal(end(bench, begin(bench, large), NULL, 0), ERROR_PLUGIN);
    assert_string_equal(bench->sentence, "exited with status 3");
    struct future *future = begin(bench, "big-exit:1000000");
    turn_until_deaths(bench, 2);
    assert_int_equal(future->error, ERROR_OK);
    const struct procs_answer *answer = future->result;
    assert_int_equal(answer->len, 1000000);
    assert_memory_equal((const char *)answer->bytes + 999990, "xxxxxxxxxx", 10);
    future_unref(&future);
    memset(large, 'y', 3);
    assert_answer(bench, large, "500000");
    free(large);
}

static void
calls_wait_for_the_configuration(void **state)
{
    struct bench *bench = *state;
    open_program(bench, PROGRAM, "");
    struct future *future = begin(bench, "config");
    turn_until_state(bench, PROCS_READY);
    loop_turn(bench->loop, 0);
    assert_int_equal(future_state(future), FUTURE_PENDING);
    assert_int_equal(procs_configure(bench->procs, "late", 4, 1), ERROR_OK);
    char text[16] = "";
    assert_int_equal(end(bench, future, text, sizeof(text)), ERROR_OK);
    assert_string_equal(text, "late");
}

static void
a_worker_inherits_nothing(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    /* 0, 1, 2 and the socket. */
    assert_answer(bench, "inheritance", "4 descriptors, 0 variables");
}

static void
a_full_queue_is_an_answer(void **state)
{
    struct bench *bench = *state;
    struct future *waiting[QUEUE_MAX];
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *held = begin(bench, "hold");
    for (size_t i = 0; i < QUEUE_MAX; i++) {
        waiting[i] = begin(bench, "x");
    }
    assert_int_equal(try_call(bench), ERROR_BUSY);
    assert_int_equal(look(bench).queued, QUEUE_MAX);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    for (size_t i = 0; i < QUEUE_MAX; i++) {
        assert_int_equal(end(bench, waiting[i], NULL, 0), ERROR_OK);
    }
}

/* Whichever came first. */
static void
what_goes_first_is_not_kept_waiting(void **state)
{
    struct bench *bench = *state;
    struct future *urgent = NULL;
    const struct procs_request request = {
        .bytes = "x", .len = 1, .answer_max = ANSWER_MAX, .limit_us = LIMIT_US, .goes_first = true
    };
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *held = begin(bench, "hold");
    struct future *waiting = begin(bench, "hold");
    assert_int_equal(procs_call(bench->procs, &request, &urgent), ERROR_OK);
    assert_int_equal(look(bench).queued, 2);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    assert_int_equal(end(bench, urgent, NULL, 0), ERROR_OK);
    assert_false(future_is_done(waiting));
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, waiting, NULL, 0), ERROR_OK);
}

static void
a_cancelled_call_leaves_the_queue(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *held = begin(bench, "hold");
    struct future *queued = begin(bench, "exit:3");
    struct future *next = begin(bench, "next");
    assert_true(future_cancel(queued));
    assert_int_equal(look(bench).queued, 1);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    assert_int_equal(end(bench, next, NULL, 0), ERROR_OK);
    future_unref(&queued);
    assert_int_equal(bench->deaths, 0);
}

static void
a_cancelled_running_call_is_finished_and_dropped(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *held = begin(bench, "hold");
    assert_int_equal(future_state(held), FUTURE_RUNNING);
    assert_true(future_cancel(held));
    future_unref(&held);
    struct future *next = begin(bench, "pid");
    assert_int_equal(future_state(next), FUTURE_PENDING); /* there is one worker at a time */
    assert_int_equal(kill(pid, SIGUSR1), 0);
    char text[32] = "";
    assert_int_equal(end(bench, next, text, sizeof(text)), ERROR_OK);
    assert_int_equal(strtol(text, NULL, 10), pid);
    assert_int_equal(bench->deaths, 0);
}

static void
a_cancelled_running_call_is_told_so(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *waiting = begin(bench, "wait"); /* answers when it is cancelled, or never */
    assert_int_equal(future_state(waiting), FUTURE_RUNNING);
    assert_true(future_cancel(waiting));
    future_unref(&waiting);
    assert_int_equal(ask_pid(bench), pid); /* the worker is free again, and the same */
    assert_int_equal(bench->deaths, 0);
}

/* ---- deaths ------------------------------------------------------------------------------- */

static void
a_death_fails_the_call_in_hand(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *word;
        const char *sentence;
    } rows[] = {
        { "signal:11", "killed by signal 11 (SIGSEGV)" },
        { "signal:6", "killed by signal 6 (SIGABRT)" },
        { "signal:9", "killed by signal 9 (SIGKILL)" },
        { "exit:0", "exited with status 0" },
        { "exit:3", "exited with status 3" },
        { "garbage", "broke the protocol: what it said is no answer, or too long" },
        { "big:1048577", "broke the protocol: what it said is no answer, or too long" },
        { "wrong-id", "broke the protocol: it spoke out of turn" },
        { "wrong-type", "broke the protocol: it spoke out of turn" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned before = bench->deaths;
        open_configured(bench, "", 1);
        int error = end(bench, begin(bench, rows[i].word), NULL, 0);
        if (error != ERROR_PLUGIN || strcmp(bench->sentence, rows[i].sentence) != 0 ||
            bench->deaths != before + 1) {
            fail_msg("row %zu, %s: %s, \"%s\", %u deaths", i, rows[i].word, error_name(error),
                     bench->sentence, bench->deaths - before);
        }
        assert_string_equal(look(bench).last_error, rows[i].sentence);
        assert_answer(bench, "next", "next");
        procs_free(&bench->procs);
    }
}

static void
speaking_unasked_is_a_death(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    assert_answer(bench, "twice", "twice"); /* the second answer is nobody's */
    turn_until_deaths(bench, 1);
    assert_string_equal(bench->sentence, "broke the protocol: it spoke out of turn, or nonsense");
    assert_answer(bench, "next", "next");
}

static void
hanging_up_is_a_death(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    assert_answer(bench, "x", "x");
    struct future *future = begin(bench, "hang-up");
    assert_int_equal(look(bench).busy, 1);
    while (look(bench).busy > 0) {
        turn(bench);
    }
    clock_advance(PROCS_LEAVE_US);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_PLUGIN);
    assert_string_equal(bench->sentence, "broke the protocol: it hung up and did not end");
}

/* While the clock stands none of them is killed yet, and they fill all places that there are. */
static void
who_hangs_up_still_counts(void **state)
{
    struct bench *bench = *state;
    enum { MAX = 2 };
    struct future *hung[MAX + 1];
    open_configured(bench, "", MAX);
    for (size_t i = 0; i <= MAX; i++) {
        hung[i] = begin(bench, "hang-up");
        while (future_state(hung[i]) == FUTURE_PENDING || look(bench).busy > 0) {
            turn(bench);
        }
    }
    struct future *next = begin(bench, "next");
    for (size_t i = 0; i < 10; i++) { /* the starter would be due at once */
        loop_turn(bench->loop, 0);
        assert_int_equal(look(bench).workers, MAX + 1);
    }
    assert_int_equal(look(bench).queued, 1);
    assert_int_equal(bench->deaths, 0);
    clock_advance(PROCS_HUNG_UP_US);
    for (size_t i = 0; i <= MAX; i++) {
        assert_int_equal(end(bench, hung[i], NULL, 0), ERROR_PLUGIN);
    }
    assert_int_equal(bench->deaths, MAX + 1);
    clock_advance(4 * PROCS_RESPAWN_US);
    assert_int_equal(end(bench, next, NULL, 0), ERROR_OK);
}

/* It took its time between the two: what it ended with is said all the same. */
static void
who_hangs_up_and_ends_says_how(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *future = begin(bench, "hang-up-exit:3");
    while (look(bench).busy > 0) {
        turn(bench);
    }
    assert_int_equal(kill(pid, SIGUSR1), 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    clock_advance(PROCS_HUNG_UP_US); /* late, it is killed as well */
    assert_int_equal(end(bench, future, NULL, 0), ERROR_PLUGIN);
    assert_string_equal(bench->sentence, "exited with status 3");
}

static void
a_call_over_its_limit_kills_its_worker(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t first = get_spare(bench);
    struct future *future = begin(bench, "loop");
    clock_advance(LIMIT_US - 1);
    loop_turn(bench->loop, 0);
    assert_int_equal(future_state(future), FUTURE_RUNNING);
    clock_advance(1);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_TIMEOUT);
    assert_string_equal(bench->sentence, "was killed after 2 s");
    assert_int_not_equal(ask_pid(bench), first);
}

/* The clock stands, so nobody is started in its place: the spare answers. */
static void
the_spare_takes_over(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    for (unsigned i = 0; i < 2; i++) {
        (void)get_spare(bench);
        assert_int_equal(end(bench, begin(bench, "exit:3"), NULL, 0), ERROR_PLUGIN);
        assert_answer(bench, "pid?", "pid?");
    }
    assert_int_equal(bench->deaths, 2);
}

/* One that was killed unnoticed gets the call sent, or the next one does: nobody waits for good. */
static void
an_idle_death_costs_no_call(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = get_spare(bench);
    assert_int_equal(kill(pid, SIGKILL), 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_answer(bench, "next", "next");
    turn_until_deaths(bench, 1);
    assert_string_equal(bench->sentence, "killed by signal 9 (SIGKILL)");
}

/* An old one that leaves between two calls is replaced and not mourned; a young one is. */
static void
who_retires_is_no_death(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    (void)get_spare(bench);
    assert_answer(bench, "retire", "retire");
    turn_until_deaths(bench, 1);
    assert_string_equal(bench->sentence, "exited with status 0");
    (void)get_spare(bench);
    clock_advance(PROCS_HEALTHY_US);
    assert_answer(bench, "retire", "retire");
    assert_answer(bench, "next", "next");
    turn_until_workers(bench, 2);
    assert_int_equal(bench->deaths, 1);
}

static void
kill_all(struct bench *bench)
{
    while (look(bench).workers > 0) {
        if (look(bench).idle > 0) {
            assert_int_equal(end(bench, begin(bench, "exit:3"), NULL, 0), ERROR_PLUGIN);
        } else {
            turn(bench);
        }
    }
}

/* At once, then a tenth of a second later give or take a fifth, then twice that. */
static void
starts_back_off(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    assert_int_equal(end(bench, begin(bench, "exit:3"), NULL, 0), ERROR_PLUGIN);
    assert_int_equal(end(bench, begin(bench, "exit:3"), NULL, 0), ERROR_PLUGIN);
    kill_all(bench);
    while (bench->deaths < PROCS_FAILURES_MAX - 1) { /* two die each time: the spare as well */
        int64_t delay_us = PROCS_RESPAWN_US << (bench->deaths - 2);
        struct future *future = begin(bench, "exit:3");
        clock_advance(delay_us / 100 * 79);
        for (size_t i = 0; i < 3; i++) {
            loop_turn(bench->loop, 0);
        }
        assert_int_equal(look(bench).workers, 0);
        clock_advance(delay_us / 100 * 42);
        assert_int_equal(end(bench, future, NULL, 0), ERROR_PLUGIN);
        kill_all(bench);
    }
}

struct reader {
    struct bench *bench;
    struct future_callback ended;
};

static void
reject(struct future *future, void *context)
{
    struct reader *reader = context;
    assert_int_equal(future->error, ERROR_OK);
    procs_reject(reader->bench->procs, "its answer is none");
}

static void
reject_answer(struct bench *bench, struct reader *reader, const char *word)
{
    struct future *future = begin(bench, word);
    *reader = (struct reader){ .bench = bench, .ended = { .fn = reject, .context = reader } };
    future_on_done(future, &reader->ended);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_OK);
}

static void
an_answer_that_cannot_be_read_is_a_death(void **state)
{
    struct bench *bench = *state;
    struct reader reader;
    open_configured(bench, "", 1);
    pid_t pid = get_spare(bench);
    reject_answer(bench, &reader, "x");
    assert_int_equal(bench->deaths, 1); /* told at once */
    assert_string_equal(bench->sentence, "broke the protocol: its answer is none");
    assert_string_equal(look(bench).last_error, bench->sentence);
    assert_int_not_equal(ask_pid(bench), pid);
    while (kill(pid, 0) == 0) { /* until it is buried */
        turn(bench);
    }
    assert_int_equal(bench->deaths, 1); /* and once */
}

/* Nor does it end what such answers began. */
static void
answers_that_cannot_be_read_put_aside(void **state)
{
    struct bench *bench = *state;
    struct reader reader;
    open_configured(bench, "", 1);
    while (look(bench).state != PROCS_ASIDE) {
        clock_advance(CLOCK_US_PER_S);
        reject_answer(bench, &reader, "x");
    }
    assert_int_equal(bench->deaths, PROCS_FAILURES_MAX);
    turn_until_workers(bench, 0);
    clock_advance(PROCS_ASIDE_US);
    turn_until_workers(bench, 1);
    reject_answer(bench, &reader, "x");
    assert_int_equal(look(bench).state, PROCS_ASIDE);
    assert_int_equal(bench->told[PROCS_READY], 1);
    turn_until_workers(bench, 0);
    clock_advance(PROCS_ASIDE_US); /* that was half of it */
    loop_turn(bench->loop, 0);
    assert_int_equal(try_call(bench), ERROR_PLUGIN);
    clock_advance(PROCS_ASIDE_US);
    turn_until_workers(bench, 1);
    assert_answer(bench, "back", "back");
    assert_int_equal(look(bench).state, PROCS_READY);
}

/* ---- idleness ----------------------------------------------------------------------------- */

static void
an_idle_worker_does_not_work(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    int64_t before_us = proc_cpu_us(pid);
    assert_answer(bench, "then-burn", "then-burn");
    while (proc_cpu_us(pid) - before_us < 2 * PROCS_IDLE_CPU_US) {
        turn(bench);
    }
    clock_advance(PROCS_LOOK_US);
    turn_until_deaths(bench, 1);
    assert_non_null(strstr(bench->sentence, " s of processor time without a call"));
    assert_string_equal(look(bench).last_error, bench->sentence);
    assert_int_not_equal(ask_pid(bench), pid);
}

/* A call may use all the time that it takes, and whoever only waits uses none. */
static void
a_busy_worker_may_work(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *future = begin(bench, "burn");
    clock_advance(CLOCK_US_PER_S);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_OK);
    for (size_t i = 0; i < 5; i++) {
        clock_advance(PROCS_LOOK_US);
        loop_turn(bench->loop, 0);
    }
    assert_int_equal(ask_pid(bench), pid);
    assert_int_equal(bench->deaths, 0);
}

/* ---- the circuit breaker ------------------------------------------------------------------ */

static void
kill_until_aside(struct bench *bench)
{
    while (look(bench).state != PROCS_ASIDE) {
        struct future *future = begin(bench, "exit:3");
        while (!future_is_done(future)) {
            clock_advance(10 * CLOCK_US_PER_MS);
            turn(bench);
        }
        assert_int_equal(future->error, ERROR_PLUGIN);
        future_unref(&future);
    }
}

static void
one_that_keeps_failing_is_put_aside(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    kill_until_aside(bench);
    assert_int_equal(bench->deaths, PROCS_FAILURES_MAX);
    assert_int_equal(bench->told[PROCS_ASIDE], 1);
    assert_int_equal(try_call(bench), ERROR_PLUGIN);
    turn_until_workers(bench, 0);

    clock_advance(PROCS_ASIDE_US); /* one may try, and fails */
    turn_until_workers(bench, 1);
    struct future *probe = begin(bench, "exit:4");
    assert_int_equal(try_call(bench), ERROR_PLUGIN); /* one at a time */
    assert_int_equal(end(bench, probe, NULL, 0), ERROR_PLUGIN);
    assert_string_equal(bench->sentence, "exited with status 4");

    clock_advance(PROCS_ASIDE_US); /* that was half of it */
    loop_turn(bench->loop, 0);
    assert_int_equal(try_call(bench), ERROR_PLUGIN);
    clock_advance(PROCS_ASIDE_US);
    turn_until_workers(bench, 1);
    assert_answer(bench, "back", "back");
    assert_int_equal(look(bench).state, PROCS_READY);
    assert_int_equal(bench->told[PROCS_READY], 2);
    assert_answer(bench, "again", "again");
}

static void
old_deaths_do_not_count(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    for (unsigned i = 0; i < 2 * PROCS_FAILURES_MAX; i++) {
        assert_int_equal(end(bench, begin(bench, "exit:3"), NULL, 0), ERROR_PLUGIN);
        clock_advance(PROCS_WINDOW_US);
    }
    assert_int_equal(look(bench).state, PROCS_READY);
}

/* ---- starts ------------------------------------------------------------------------------- */

static void
a_refused_start_is_final(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *program;
        const char *mode;
        const char *sentence;
    } rows[] = {
        { PROGRAM, "refuse", "x.so: is no plugin" },
        { PROGRAM, "crash", "killed by signal 11 (SIGSEGV)" },
        { PROGRAM, "deaf", "broke the protocol: it spoke out of turn" },
        { PROGRAM, "silent", "did not start within 5 s" },
        { "/nonexistent/worker", "", "could not be started: No such file or directory" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_program(bench, rows[i].program, rows[i].mode);
        struct future *future = begin(bench, "x");
        loop_turn(bench->loop, 0);
        if (strcmp(rows[i].mode, "silent") == 0) {
            clock_advance(PROCS_START_US);
        }
        assert_int_equal(end(bench, future, NULL, 0), ERROR_PLUGIN);
        if (look(bench).state != PROCS_REFUSED || strcmp(bench->sentence, rows[i].sentence) != 0) {
            fail_msg("row %zu, %s: state %d, \"%s\"", i, rows[i].mode, (int)look(bench).state,
                     bench->sentence);
        }
        assert_int_equal(bench->told[PROCS_REFUSED], i + 1);
        assert_int_equal(try_call(bench), ERROR_PLUGIN);
        turn_until_workers(bench, 0);
        procs_free(&bench->procs);
    }
}

/* What a worker says is known: then no start is the first, and one that fails is tried again. */
static void
a_known_hello_needs_no_first_start(void **state)
{
    struct bench *bench = *state;
    struct tmpdir *folder = tmpdir_new();
    char *program = tmpdir_join(folder, "worker");
    const char *argv[] = { "worker", "", NULL };
    const struct procs_options options = { .loop = bench->loop,
                                           .program = program,
                                           .argv = argv,
                                           .queue_max = QUEUE_MAX,
                                           .hello = "hello",
                                           .hello_len = 5,
                                           .told = told,
                                           .context = bench };
    assert_int_equal(procs_new(&options, &bench->procs), ERROR_OK);
    assert_int_equal(look(bench).state, PROCS_READY);
    assert_int_equal(procs_configure(bench->procs, "", 0, 1), ERROR_OK);
    struct future *future = begin(bench, "x");
    turn_until_deaths(bench, 1);
    assert_string_equal(bench->sentence, "could not be started: No such file or directory");
    assert_int_equal(look(bench).state, PROCS_READY);
    assert_int_equal(symlink(PROGRAM, program), 0);
    clock_advance(4 * PROCS_RESPAWN_US);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_OK);
    free(program);
    tmpdir_free(&folder);
}

/* Back-off and breaker are for starts too. */
static void
one_that_cannot_be_started_again_is_put_aside(void **state)
{
    struct bench *bench = *state;
    struct tmpdir *folder = tmpdir_new();
    char *program = tmpdir_join(folder, "worker");
    assert_int_equal(symlink(PROGRAM, program), 0);
    open_program(bench, program, "");
    assert_int_equal(procs_configure(bench->procs, "", 0, 1), ERROR_OK);
    (void)get_spare(bench);
    assert_int_equal(unlink(program), 0);
    for (size_t i = 0; i < 2; i++) { /* the worker, its spare */
        assert_int_equal(end(bench, begin(bench, "exit:3"), NULL, 0), ERROR_PLUGIN);
    }
    struct future *future = begin(bench, "x");
    while (!future_is_done(future)) {
        clock_advance(PROCS_RESPAWN_US);
        turn(bench);
    }
    assert_int_equal(end(bench, future, NULL, 0), ERROR_PLUGIN);
    assert_int_equal(look(bench).state, PROCS_ASIDE);
    assert_int_equal(bench->deaths, PROCS_FAILURES_MAX);
    assert_string_equal(look(bench).last_error, "could not be started: No such file or directory");
    assert_int_equal(symlink(PROGRAM, program), 0);
    clock_advance(PROCS_ASIDE_US);
    turn_until_workers(bench, 1);
    assert_answer(bench, "back", "back");
    assert_int_equal(look(bench).state, PROCS_READY);
    free(program);
    tmpdir_free(&folder);
}

static void
another_hello_is_another_plugin(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "changing", 1);
    assert_int_equal(end(bench, begin(bench, "x"), NULL, 0), ERROR_OK);
    turn_until_deaths(bench, 1); /* the spare */
    assert_string_equal(bench->sentence, "its file has changed; reload the plugin");
    assert_answer(bench, "x", "x");
    assert_int_equal(look(bench).state, PROCS_OUTDATED);
    assert_int_equal(bench->told[PROCS_OUTDATED], 1);
}

/* Who is there goes on; nobody new comes, however long one waits. */
static void
an_outdated_group_runs_out(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    (void)get_spare(bench);
    bench->current = 0;
    assert_int_equal(end(bench, begin(bench, "exit:3"), NULL, 0), ERROR_PLUGIN);
    pid_t pid = ask_pid(bench);
    struct future *held = begin(bench, "hold"); /* wants a spare beside it */
    turn_until_state(bench, PROCS_OUTDATED);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    assert_string_equal(bench->sentence, "its file has changed; reload the plugin");
    for (size_t i = 0; i < 5; i++) {
        clock_advance(PROCS_ASIDE_US);
        loop_turn(bench->loop, 0);
        assert_answer(bench, "x", "x");
        assert_int_equal(look(bench).workers, 1);
    }
    struct future *last = begin(bench, "exit:4");
    struct future *queued = begin(bench, "x");
    assert_int_equal(end(bench, last, NULL, 0), ERROR_PLUGIN);
    assert_int_equal(end(bench, queued, NULL, 0), ERROR_PLUGIN);
    assert_int_equal(look(bench).state, PROCS_REFUSED);
    assert_int_equal(bench->told[PROCS_REFUSED], 1);
    assert_string_equal(bench->sentence, "its file has changed; reload the plugin");
    assert_int_equal(try_call(bench), ERROR_PLUGIN);
    assert_int_equal(look(bench).deaths, 2);
}

/* It was read after it was looked at: who said HELLO may be made of the new one. */
static void
a_change_during_a_start_is_seen(void **state)
{
    struct bench *bench = *state;
    bench->current = 1; /* at the start of the spare; nobody asks for the first */
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *held = begin(bench, "hold");
    turn_until_state(bench, PROCS_OUTDATED);
    turn_until_workers(bench, 1);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    assert_int_equal(ask_pid(bench), pid);
    assert_int_equal(look(bench).deaths, 0);
}

/* ---- growing, leaving --------------------------------------------------------------------- */

static void
workers_come_and_go(void **state)
{
    struct bench *bench = *state;
    struct future *held[3];
    open_configured(bench, "", 3);
    pid_t pid[3];
    for (size_t i = 0; i < 3; i++) {
        pid[i] = ask_pid(bench); /* the one that was busy last, hence free now */
        held[i] = begin(bench, "hold");
        turn_until_workers(bench, (unsigned)i + 2);
    }
    while (look(bench).busy < 3) {
        turn(bench);
    }
    struct future *fourth = begin(bench, "x");
    loop_turn(bench->loop, 0);
    assert_int_equal(look(bench).queued, 1); /* the spare stays the spare */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(kill(pid[i], SIGUSR1), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(end(bench, held[i], NULL, 0), ERROR_OK);
    }
    assert_int_equal(end(bench, fourth, NULL, 0), ERROR_OK);
    turn_until_idle(bench, 4);
    clock_advance(PROCS_IDLE_US - 1);
    loop_turn(bench->loop, 0);
    assert_int_equal(look(bench).workers, 4);
    clock_advance(1);
    turn_until_workers(bench, PROCS_IDLE_KEPT);
    assert_string_equal(bench->sentence, "");
}

/* The idle one at once, the busy one when it has answered; both are replaced. */
static void
who_holds_what_is_gone_leaves(void **state)
{
    struct bench *bench = *state;
    struct tmpdir *folder = tmpdir_new();
    char *path = tmpdir_write(folder, "servers", "old");
    const char *const paths[] = { "/nonexistent", path, NULL };
    const char *argv[] = { "worker", "", NULL };
    const struct procs_options options = { .loop = bench->loop,
                                           .program = PROGRAM,
                                           .argv = argv,
                                           .queue_max = QUEUE_MAX,
                                           .told = told,
                                           .held_paths = paths,
                                           .context = bench };
    assert_int_equal(procs_new(&options, &bench->procs), ERROR_OK);
    assert_int_equal(procs_configure(bench->procs, "", 0, 2), ERROR_OK);
    pid_t busy = get_spare(bench);
    struct future *held = begin(bench, "hold");
    pid_t idle = ask_pid(bench);
    assert_int_equal(ask_pid(bench), idle);
    char *next = tmpdir_write(folder, "next", "new");
    assert_int_equal(rename(next, path), 0);
    pid_t fresh = ask_pid(bench);
    assert_true(fresh != idle && fresh != busy);
    assert_int_equal(kill(busy, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    assert_int_not_equal(ask_pid(bench), busy); /* which was busy last, and would be the next */
    while (kill(busy, 0) == 0 || kill(idle, 0) == 0) {
        turn(bench);
    }
    assert_int_equal(bench->deaths, 0);
    procs_free(&bench->procs); /* which borrowed the paths */
    free(next);
    free(path);
    tmpdir_free(&folder);
}

static void
closing_lets_calls_end(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = get_spare(bench);
    struct future *held = begin(bench, "hold");
    struct future *queued = begin(bench, "x");
    procs_close(bench->procs);
    procs_close(bench->procs);
    assert_int_equal(end(bench, queued, NULL, 0), ERROR_CLOSED);
    assert_int_equal(try_call(bench), ERROR_CLOSED);
    turn_until_workers(bench, 1);
    assert_false(procs_is_gone(bench->procs));
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    turn_until_workers(bench, 0);
    assert_true(procs_is_gone(bench->procs));
    assert_int_equal(bench->told[PROCS_CLOSED], 1);
    assert_int_equal(bench->deaths, 0);
}

/* One in hand, one that waits: neither holds anything up. */
static void
cancelled_calls_do_not_hang_the_closing(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *running = begin(bench, "hold");
    struct future *queued = begin(bench, "x");
    assert_true(future_cancel(queued));
    assert_true(future_cancel(running));
    procs_close(bench->procs);
    future_unref(&running);
    future_unref(&queued);
    assert_int_equal(look(bench).queued, 0);
    assert_int_equal(kill(pid, SIGUSR1), 0); /* it finishes what nobody waits for */
    turn_until_workers(bench, 0);
    assert_int_equal(bench->told[PROCS_CLOSED], 1);
    assert_int_equal(bench->deaths, 0);
}

static void
dead_workers_can_be_told_to_end(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < 2; i++) {
        siginfo_t info;
        open_configured(bench, "", 1);
        pid_t pid = get_spare(bench);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        if (i == 0) {
            procs_close(bench->procs);
            turn_until_workers(bench, 0);
        }
        procs_free(&bench->procs); /* of the second the loop never hears */
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG), -1);
    }
    assert_int_equal(bench->deaths, 0);
}

static void
who_does_not_leave_is_killed(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "stubborn", 1);
    (void)get_spare(bench);
    procs_close(bench->procs);
    loop_turn(bench->loop, 0);
    assert_int_equal(look(bench).workers, 2);
    clock_advance(PROCS_LEAVE_US);
    turn_until_workers(bench, 0);
    assert_int_equal(bench->deaths, 0);
}

static void
freeing_ends_calls_and_workers(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    assert_answer(bench, "x", "x");
    struct future *running = begin(bench, "loop");
    struct future *queued = begin(bench, "x");
    procs_free(&bench->procs);
    assert_int_equal(running->error, ERROR_CLOSED);
    assert_int_equal(queued->error, ERROR_CLOSED);
    future_unref(&running);
    future_unref(&queued);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(calls_are_answered),
        TEST(large_calls_and_answers_cross),
        TEST(large_ones_cross_or_fail_with_their_worker),
        TEST(calls_wait_for_the_configuration),
        TEST(a_worker_inherits_nothing),
        TEST(a_full_queue_is_an_answer),
        TEST(what_goes_first_is_not_kept_waiting),
        TEST(a_cancelled_call_leaves_the_queue),
        TEST(a_cancelled_running_call_is_finished_and_dropped),
        TEST(a_cancelled_running_call_is_told_so),
        TEST(a_death_fails_the_call_in_hand),
        TEST(speaking_unasked_is_a_death),
        TEST(hanging_up_is_a_death),
        TEST(who_hangs_up_still_counts),
        TEST(who_hangs_up_and_ends_says_how),
        TEST(a_call_over_its_limit_kills_its_worker),
        TEST(the_spare_takes_over),
        TEST(an_idle_death_costs_no_call),
        TEST(who_retires_is_no_death),
        TEST(starts_back_off),
        TEST(an_answer_that_cannot_be_read_is_a_death),
        TEST(answers_that_cannot_be_read_put_aside),
        TEST(an_idle_worker_does_not_work),
        TEST(a_busy_worker_may_work),
        TEST(one_that_keeps_failing_is_put_aside),
        TEST(old_deaths_do_not_count),
        TEST(a_refused_start_is_final),
        TEST(a_known_hello_needs_no_first_start),
        TEST(one_that_cannot_be_started_again_is_put_aside),
        TEST(another_hello_is_another_plugin),
        TEST(an_outdated_group_runs_out),
        TEST(a_change_during_a_start_is_seen),
        TEST(workers_come_and_go),
        TEST(who_holds_what_is_gone_leaves),
        TEST(closing_lets_calls_end),
        TEST(cancelled_calls_do_not_hang_the_closing),
        TEST(dead_workers_can_be_told_to_end),
        TEST(who_does_not_leave_is_killed),
        TEST(freeing_ends_calls_and_workers),
    };
    return cmocka_run_group_tests_name("procs", tests, NULL, NULL);
}
