/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Calls that a busy worker is sent ahead: their order, their bounds, and what becomes of them when
 * they are cancelled, when the worker dies, and when the group is closed. Workers are held on a
 * signal; the test's own thread is the loop. */
#include "daemon/exec/procs.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "tests/support/common.h"

#define PROGRAM TEST_BUILD_DIR "/tests/worker_fixture"
#define QUEUE_MAX 64
#define LIMIT_US INT64_C(1000000)
#define START_US INT64_C(1000000000)
#define TURN_US INT64_C(20000)
#define SOME 3

struct bench {
    struct loop *loop;
    struct procs *procs;
    int64_t give_up_us;
    pid_t pid; /* of the one worker */
    struct future *held;
    struct future *sent[PROCS_AHEAD_MAX + SOME];
};

static void
told(void *context, enum procs_state state, const char *sentence)
{
    (void)context;
    (void)state;
    (void)sentence;
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

static struct procs_stats
look(const struct bench *bench)
{
    struct procs_stats stats;
    procs_stats(bench->procs, &stats);
    return stats;
}

static struct future *
begin_bytes(struct bench *bench, const char *bytes, size_t len, bool may_follow)
{
    struct future *future = NULL;
    const struct procs_request request = { .bytes = bytes,
                                           .len = len,
                                           .answer_max = 1024,
                                           .limit_us = LIMIT_US,
                                           .may_follow = may_follow };
    assert_int_equal(procs_call(bench->procs, &request, &future), ERROR_OK);
    return future;
}

static struct future *
begin(struct bench *bench, const char *word, bool may_follow)
{
    return begin_bytes(bench, word, strlen(word), may_follow);
}

/* The error it ends with, and the answer where there is one. */
static int
end(struct bench *bench, struct future **future, char *text, size_t size)
{
    while (!future_is_done(*future)) {
        turn(bench);
    }
    int error = (*future)->error;
    const struct procs_answer *answer = (*future)->result;
    if (error == ERROR_OK && text != NULL) {
        (void)snprintf(text, size, "%.*s", (int)answer->len, (const char *)answer->bytes);
    }
    future_unref(future);
    return error;
}

static void
expect_answer(struct bench *bench, struct future **future, const char *wanted)
{
    char text[64] = "";
    assert_int_equal(end(bench, future, text, sizeof(text)), ERROR_OK);
    assert_string_equal(text, wanted);
}

static int
setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->give_up_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;
    clock_freeze(START_US);
    assert_int_equal(loop_new(&bench->loop), ERROR_OK);
    const char *argv[] = { "worker", "", NULL };
    const struct procs_options options = { .loop = bench->loop,
                                           .program = PROGRAM,
                                           .argv = argv,
                                           .queue_max = QUEUE_MAX,
                                           .told = told,
                                           .context = bench };
    assert_int_equal(procs_new(&options, &bench->procs), ERROR_OK);
    assert_int_equal(procs_configure(bench->procs, "", 0, 1), ERROR_OK);
    *state = bench;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *bench = *state;
    procs_free(&bench->procs);
    future_unref(&bench->held);
    for (size_t i = 0; i < PROCS_AHEAD_MAX + SOME; i++) {
        future_unref(&bench->sent[i]);
    }
    loop_free(&bench->loop);
    free(bench);
    clock_thaw();
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

/* One worker that is busy until let_go(). */
static void
hold(struct bench *bench, bool may_follow)
{
    char text[32] = "";
    struct future *future = begin(bench, "pid", false);
    assert_int_equal(end(bench, &future, text, sizeof(text)), ERROR_OK);
    bench->pid = (pid_t)strtol(text, NULL, 10);
    bench->held = begin(bench, "hold", may_follow);
}

static void
let_go(struct bench *bench)
{
    assert_int_equal(kill(bench->pid, SIGUSR1), 0);
    expect_answer(bench, &bench->held, "held");
}

static void
quick_calls_are_sent_ahead_in_order(void **state)
{
    struct bench *bench = *state;
    static const char *const words[] = { "a", "b", "pid" };
    char pid[32];
    hold(bench, true);
    for (size_t i = 0; i < SOME; i++) {
        bench->sent[i] = begin(bench, words[i], true);
    }
    assert_int_equal(look(bench).ahead, SOME);
    assert_int_equal(look(bench).queued, 0);
    assert_int_equal(look(bench).busy, 1);
    let_go(bench);
    expect_answer(bench, &bench->sent[0], "a");
    assert_false(future_is_done(bench->sent[SOME - 1]) && !future_is_done(bench->sent[1]));
    expect_answer(bench, &bench->sent[1], "b");
    (void)snprintf(pid, sizeof(pid), "%d", (int)bench->pid);
    expect_answer(bench, &bench->sent[2], pid);
    assert_int_equal(look(bench).ahead, 0);
    assert_int_equal(look(bench).busy, 0);
}

static void
so_many_and_no_more(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    for (size_t i = 0; i < PROCS_AHEAD_MAX + SOME; i++) {
        bench->sent[i] = begin(bench, "x", true);
    }
    assert_int_equal(look(bench).ahead, PROCS_AHEAD_MAX);
    assert_int_equal(look(bench).queued, SOME);
    let_go(bench);
    for (size_t i = 0; i < PROCS_AHEAD_MAX + SOME; i++) {
        expect_answer(bench, &bench->sent[i], "x");
    }
}

static void
so_many_bytes_and_no_more(void **state)
{
    struct bench *bench = *state;
    static const char bytes[PROCS_AHEAD_BYTES_MAX / SOME];
    hold(bench, true);
    for (size_t i = 0; i < SOME; i++) {
        bench->sent[i] = begin_bytes(bench, bytes, sizeof(bytes), true);
    }
    bench->sent[SOME] = begin(bench, "and more", true);
    assert_int_equal(look(bench).ahead, SOME);
    assert_int_equal(look(bench).queued, 1);
    let_go(bench);
    for (size_t i = 0; i < SOME; i++) {
        expect_answer(bench, &bench->sent[i], "21845");
    }
    expect_answer(bench, &bench->sent[SOME], "and more");
}

/* It answers what it never read, until its socket is full: then nothing is sent ahead any more, and
 * when it is idle it is found out. What it was to be sent another one gets. */
static void
a_full_socket_is_an_answer(void **state)
{
    struct bench *bench = *state;
    static const char bytes[PROCS_AHEAD_BYTES_MAX / PROCS_AHEAD_MAX];
    size_t sent = 0;
    hold(bench, false);
    let_go(bench);
    bench->held = begin(bench, "unread", true);
    while (sent < PROCS_AHEAD_MAX) {
        bench->sent[sent++] = begin_bytes(bench, bytes, sizeof(bytes), true);
    }
    for (size_t round = 0; look(bench).queued == 0; round++) {
        assert_true(round < 100);
        assert_int_equal(sigqueue(bench->pid, SIGUSR1, (union sigval){ .sival_int = 1 + 8 }), 0);
        expect_answer(bench, &bench->held, "unread");
        for (size_t i = 0; i < PROCS_AHEAD_MAX; i++) {
            expect_answer(bench, &bench->sent[i], "unread");
        }
        bench->held = begin_bytes(bench, bytes, sizeof(bytes), true);
        for (size_t i = 0; i < PROCS_AHEAD_MAX; i++) {
            bench->sent[i] = begin_bytes(bench, bytes, sizeof(bytes), true);
        }
    }
    int ahead = (int)look(bench).ahead;
    assert_true(ahead < PROCS_AHEAD_MAX);
    assert_int_equal(look(bench).busy, 1);
    assert_int_equal(look(bench).deaths, 0);
    assert_int_equal(sigqueue(bench->pid, SIGUSR1, (union sigval){ .sival_int = 1 + ahead }), 0);
    expect_answer(bench, &bench->held, "unread");
    for (int i = 0; i < PROCS_AHEAD_MAX; i++) {
        expect_answer(bench, &bench->sent[i], i < ahead ? "unread" : "8192");
    }
    while (look(bench).deaths == 0) {
        turn(bench);
    }
    assert_string_equal(look(bench).last_error, "broke the protocol: it does not read");
}

/* A call that may take its time is neither sent ahead nor followed. */
static void
others_wait_in_the_queue(void **state)
{
    struct bench *bench = *state;
    hold(bench, false);
    bench->sent[0] = begin(bench, "x", true);
    assert_int_equal(look(bench).ahead, 0);
    assert_int_equal(look(bench).queued, 1);
    let_go(bench);
    expect_answer(bench, &bench->sent[0], "x");
    bench->held = begin(bench, "hold", true);
    bench->sent[0] = begin(bench, "y", false);
    bench->sent[1] = begin(bench, "z", true); /* first come, first served */
    assert_int_equal(look(bench).ahead, 0);
    assert_int_equal(look(bench).queued, 2);
    let_go(bench);
    expect_answer(bench, &bench->sent[0], "y");
    expect_answer(bench, &bench->sent[1], "z");
}

static void
a_cancelled_one_is_dropped(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    bench->sent[0] = begin(bench, "a", true);
    bench->sent[1] = begin(bench, "b", true);
    assert_true(future_cancel(bench->sent[0]));
    assert_int_equal(future_state(bench->sent[0]), FUTURE_CANCELLED);
    let_go(bench);
    expect_answer(bench, &bench->sent[1], "b");
    assert_int_equal(look(bench).ahead, 0);
}

/* The call in hand dies with its worker; what had been sent ahead is another's, but for what nobody
 * wants any more. */
static void
a_death_costs_the_call_in_hand_alone(void **state)
{
    struct bench *bench = *state;
    char text[32] = "";
    hold(bench, true);
    bench->sent[0] = begin(bench, "pid", true);
    bench->sent[1] = begin(bench, "b", true);
    bench->sent[2] = begin(bench, "c", true);
    assert_true(future_cancel(bench->sent[1]));
    assert_int_equal(kill(bench->pid, SIGKILL), 0);
    assert_int_equal(end(bench, &bench->held, NULL, 0), ERROR_PLUGIN);
    assert_int_equal(end(bench, &bench->sent[0], text, sizeof(text)), ERROR_OK);
    assert_int_not_equal(strtol(text, NULL, 10), bench->pid);
    expect_answer(bench, &bench->sent[2], "c");
    assert_int_equal(look(bench).deaths, 1);
}

/* What it answered before it died counts. */
static void
answers_before_a_death_count(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    bench->sent[0] = begin(bench, "a", true);
    bench->sent[1] = begin(bench, "exit:3", true);
    bench->sent[2] = begin(bench, "c", true);
    let_go(bench);
    expect_answer(bench, &bench->sent[0], "a");
    assert_int_equal(end(bench, &bench->sent[1], NULL, 0), ERROR_PLUGIN);
    expect_answer(bench, &bench->sent[2], "c");
}

static void
the_limit_is_each_calls_own(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    bench->sent[0] = begin(bench, "hold", true);
    clock_advance(LIMIT_US - 1);
    loop_turn(bench->loop, 0);
    let_go(bench);
    clock_advance(LIMIT_US - 1); /* of the second one's */
    loop_turn(bench->loop, 0);
    assert_int_equal(look(bench).deaths, 0);
    assert_int_equal(kill(bench->pid, SIGUSR1), 0);
    expect_answer(bench, &bench->sent[0], "held");
}

static void
closing_lets_them_end(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    bench->sent[0] = begin(bench, "a", true);
    procs_close(bench->procs);
    let_go(bench);
    expect_answer(bench, &bench->sent[0], "a");
    while (!procs_is_gone(bench->procs)) {
        turn(bench);
    }
}

static void
a_death_while_closing_fails_them(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    bench->sent[0] = begin(bench, "a", true);
    procs_close(bench->procs);
    assert_int_equal(kill(bench->pid, SIGKILL), 0);
    assert_int_equal(end(bench, &bench->held, NULL, 0), ERROR_PLUGIN);
    assert_int_equal(end(bench, &bench->sent[0], NULL, 0), ERROR_CLOSED);
}

/* All ends with the group; teardown looks for what was left. */
static void
freeing_fails_them(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    bench->sent[0] = begin(bench, "a", true);
    procs_free(&bench->procs);
    assert_int_equal(bench->held->error, ERROR_CLOSED);
    assert_int_equal(bench->sent[0]->error, ERROR_CLOSED);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(quick_calls_are_sent_ahead_in_order),
        TEST(so_many_and_no_more),
        TEST(so_many_bytes_and_no_more),
        TEST(a_full_socket_is_an_answer),
        TEST(others_wait_in_the_queue),
        TEST(a_cancelled_one_is_dropped),
        TEST(a_death_costs_the_call_in_hand_alone),
        TEST(answers_before_a_death_count),
        TEST(the_limit_is_each_calls_own),
        TEST(closing_lets_them_end),
        TEST(a_death_while_closing_fails_them),
        TEST(freeing_fails_them),
    };
    return cmocka_run_group_tests_name("procs ahead", tests, NULL, NULL);
}
