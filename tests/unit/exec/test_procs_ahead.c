/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Calls that a busy worker is sent ahead: their order, their bounds, and what becomes of them when
 * they are cancelled, when the worker dies, and when the group is closed. Workers are held on a
 * signal; the test's own thread is the loop. */
#include "tests/unit/exec/procs_fixture.h"

#define AHEAD_QUEUE_MAX 64
#define SOME 3

static pid_t holder; /* the one worker */
static struct future *held;
static struct future *sent_ahead[PROCS_AHEAD_MAX + SOME];

static struct future *
begin_quick_bytes(struct bench *bench, const char *bytes, size_t len)
{
    return begin_request(bench, &(const struct procs_request){ .bytes = bytes,
                                                               .len = len,
                                                               .answer_max = 1024,
                                                               .limit_us = LIMIT_US,
                                                               .may_follow = true });
}

static struct future *
begin_quick(struct bench *bench, const char *word)
{
    return begin_quick_bytes(bench, word, strlen(word));
}

/* end(), of one that the teardown would let go of. */
static int
end_of(struct bench *bench, struct future **future, char *text, size_t size)
{
    turn_until_done(bench, *future);
    struct future *ended = *future;
    *future = NULL;
    return end(bench, ended, text, size);
}

static void
expect_answer(struct bench *bench, struct future **future, const char *wanted)
{
    char text[64] = "";
    assert_int_equal(end_of(bench, future, text, sizeof(text)), ERROR_OK);
    assert_string_equal(text, wanted);
}

static int
setup_ahead(void **state)
{
    (void)setup(state);
    struct bench *bench = *state;
    bench->queue_max = AHEAD_QUEUE_MAX;
    open_configured(bench, "", 1);
    return 0;
}

static int
teardown_ahead(void **state)
{
    struct bench *bench = *state;
    procs_free(&bench->procs);
    future_unref(&held);
    for (size_t i = 0; i < PROCS_AHEAD_MAX + SOME; i++) {
        future_unref(&sent_ahead[i]);
    }
    return teardown(state);
}

/* One worker that is busy until let_go(). */
static void
hold(struct bench *bench, bool may_follow)
{
    holder = ask_pid(bench);
    held = may_follow ? begin_quick(bench, "hold") : begin(bench, "hold");
}

static void
let_go(struct bench *bench)
{
    assert_int_equal(kill(holder, SIGUSR1), 0);
    expect_answer(bench, &held, "held");
}

static void
quick_calls_are_sent_ahead_in_order(void **state)
{
    struct bench *bench = *state;
    static const char *const words[] = { "a", "b", "pid" };
    char pid[32];
    hold(bench, true);
    for (size_t i = 0; i < SOME; i++) {
        sent_ahead[i] = begin_quick(bench, words[i]);
    }
    assert_int_equal(look(bench).ahead, SOME);
    assert_int_equal(look(bench).queued, 0);
    assert_int_equal(look(bench).busy, 1);
    let_go(bench);
    expect_answer(bench, &sent_ahead[0], "a");
    assert_false(future_is_done(sent_ahead[SOME - 1]) && !future_is_done(sent_ahead[1]));
    expect_answer(bench, &sent_ahead[1], "b");
    (void)snprintf(pid, sizeof(pid), "%d", (int)holder);
    expect_answer(bench, &sent_ahead[2], pid);
    assert_int_equal(look(bench).ahead, 0);
    assert_int_equal(look(bench).busy, 0);
}

static void
so_many_and_no_more(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    for (size_t i = 0; i < PROCS_AHEAD_MAX + SOME; i++) {
        sent_ahead[i] = begin_quick(bench, "x");
    }
    assert_int_equal(look(bench).ahead, PROCS_AHEAD_MAX);
    assert_int_equal(look(bench).queued, SOME);
    let_go(bench);
    for (size_t i = 0; i < PROCS_AHEAD_MAX + SOME; i++) {
        expect_answer(bench, &sent_ahead[i], "x");
    }
}

static void
so_many_bytes_and_no_more(void **state)
{
    struct bench *bench = *state;
    static const char bytes[PROCS_AHEAD_BYTES_MAX / SOME];
    hold(bench, true);
    for (size_t i = 0; i < SOME; i++) {
        sent_ahead[i] = begin_quick_bytes(bench, bytes, sizeof(bytes));
    }
    sent_ahead[SOME] = begin_quick(bench, "and more");
    assert_int_equal(look(bench).ahead, SOME);
    assert_int_equal(look(bench).queued, 1);
    let_go(bench);
    for (size_t i = 0; i < SOME; i++) {
        expect_answer(bench, &sent_ahead[i], "21845");
    }
    expect_answer(bench, &sent_ahead[SOME], "and more");
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
    held = begin_quick(bench, "unread");
    while (sent < PROCS_AHEAD_MAX) {
        sent_ahead[sent++] = begin_quick_bytes(bench, bytes, sizeof(bytes));
    }
    for (size_t round = 0; look(bench).queued == 0; round++) {
        assert_true(round < 100);
        assert_int_equal(sigqueue(holder, SIGUSR1, (union sigval){ .sival_int = 1 + 8 }), 0);
        expect_answer(bench, &held, "unread");
        for (size_t i = 0; i < PROCS_AHEAD_MAX; i++) {
            expect_answer(bench, &sent_ahead[i], "unread");
        }
        held = begin_quick_bytes(bench, bytes, sizeof(bytes));
        for (size_t i = 0; i < PROCS_AHEAD_MAX; i++) {
            sent_ahead[i] = begin_quick_bytes(bench, bytes, sizeof(bytes));
        }
    }
    int ahead = (int)look(bench).ahead;
    assert_true(ahead < PROCS_AHEAD_MAX);
    assert_int_equal(look(bench).busy, 1);
    assert_int_equal(look(bench).deaths, 0);
    assert_int_equal(sigqueue(holder, SIGUSR1, (union sigval){ .sival_int = 1 + ahead }), 0);
    expect_answer(bench, &held, "unread");
    for (int i = 0; i < PROCS_AHEAD_MAX; i++) {
        expect_answer(bench, &sent_ahead[i], i < ahead ? "unread" : "8192");
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
    sent_ahead[0] = begin_quick(bench, "x");
    assert_int_equal(look(bench).ahead, 0);
    assert_int_equal(look(bench).queued, 1);
    let_go(bench);
    expect_answer(bench, &sent_ahead[0], "x");
    held = begin_quick(bench, "hold");
    sent_ahead[0] = begin(bench, "y");
    sent_ahead[1] = begin_quick(bench, "z"); /* first come, first served */
    assert_int_equal(look(bench).ahead, 0);
    assert_int_equal(look(bench).queued, 2);
    let_go(bench);
    expect_answer(bench, &sent_ahead[0], "y");
    expect_answer(bench, &sent_ahead[1], "z");
}

static void
a_cancelled_one_is_dropped(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    sent_ahead[0] = begin_quick(bench, "a");
    sent_ahead[1] = begin_quick(bench, "b");
    assert_true(future_cancel(sent_ahead[0]));
    assert_int_equal(future_state(sent_ahead[0]), FUTURE_CANCELLED);
    let_go(bench);
    expect_answer(bench, &sent_ahead[1], "b");
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
    sent_ahead[0] = begin_quick(bench, "pid");
    sent_ahead[1] = begin_quick(bench, "b");
    sent_ahead[2] = begin_quick(bench, "c");
    assert_true(future_cancel(sent_ahead[1]));
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(end_of(bench, &held, NULL, 0), ERROR_PLUGIN);
    assert_int_equal(end_of(bench, &sent_ahead[0], text, sizeof(text)), ERROR_OK);
    assert_int_not_equal(strtol(text, NULL, 10), holder);
    expect_answer(bench, &sent_ahead[2], "c");
    assert_int_equal(look(bench).deaths, 1);
}

/* What it answered before it died counts. */
static void
answers_before_a_death_count(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    sent_ahead[0] = begin_quick(bench, "a");
    sent_ahead[1] = begin_quick(bench, "exit:3");
    sent_ahead[2] = begin_quick(bench, "c");
    let_go(bench);
    expect_answer(bench, &sent_ahead[0], "a");
    assert_int_equal(end_of(bench, &sent_ahead[1], NULL, 0), ERROR_PLUGIN);
    expect_answer(bench, &sent_ahead[2], "c");
}

static void
the_limit_is_each_calls_own(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    sent_ahead[0] = begin_quick(bench, "hold");
    clock_advance(LIMIT_US - 1);
    loop_turn(bench->loop, 0);
    let_go(bench);
    clock_advance(LIMIT_US - 1); /* of the second one's */
    loop_turn(bench->loop, 0);
    assert_int_equal(look(bench).deaths, 0);
    assert_int_equal(kill(holder, SIGUSR1), 0);
    expect_answer(bench, &sent_ahead[0], "held");
}

static void
closing_lets_them_end(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    sent_ahead[0] = begin_quick(bench, "a");
    procs_close(bench->procs);
    let_go(bench);
    expect_answer(bench, &sent_ahead[0], "a");
    while (!procs_is_gone(bench->procs)) {
        turn(bench);
    }
}

static void
a_death_while_closing_fails_them(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    sent_ahead[0] = begin_quick(bench, "a");
    procs_close(bench->procs);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(end_of(bench, &held, NULL, 0), ERROR_PLUGIN);
    assert_int_equal(end_of(bench, &sent_ahead[0], NULL, 0), ERROR_CLOSED);
}

/* All ends with the group; teardown looks for what was left. */
static void
freeing_fails_them(void **state)
{
    struct bench *bench = *state;
    hold(bench, true);
    sent_ahead[0] = begin_quick(bench, "a");
    procs_free(&bench->procs);
    assert_int_equal(held->error, ERROR_CLOSED);
    assert_int_equal(sent_ahead[0]->error, ERROR_CLOSED);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_ahead, teardown_ahead)
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
