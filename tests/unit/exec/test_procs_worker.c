/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One worker: what it is born with, how long it may take, and its end. Whatever kills it fails the
 * call in hand and is said in a sentence; leaving in good order is no death. */

#include <poll.h>
#include <sched.h>

#include "daemon/exec/procs_int.h"
#include "tests/unit/exec/procs_fixture.h"

static void
a_worker_inherits_nothing(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    /* 0, 1, 2 and the socket. */
    assert_answer(bench, "inheritance", "4 descriptors, 0 variables");
}

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
hanging_up_is_a_death(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    assert_answer(bench, "x", "x");
    struct future *future = begin(bench, "hang-up");
    assert_int_equal(look(bench).busy, 1);
    turn_until_busy(bench, 0);
    clock_advance(PROCS_LEAVE_US);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_PLUGIN);
    assert_string_equal(bench->sentence, "broke the protocol: it hung up and did not end");
}

/* It took its time between the two: what it ended with is said all the same. */
static void
who_hangs_up_and_ends_says_how(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *future = begin(bench, "hang-up-exit:3");
    turn_until_busy(bench, 0);
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

/* Between a turn's descriptors and its timers: the worker answers, and its time is over. */
struct late_turn {
    struct loop_post post;
    const struct procs *procs;
    pid_t pid;
};

static bool
has_answered(const struct procs *procs)
{
    bool has = false;
    for (const struct list *node = procs->workers.next; node != &procs->workers;
         node = node->next) {
        struct pollfd look = { .fd = LIST_ENTRY(node, const struct worker, node)->proc.fd,
                               .events = POLLIN };
        has = has || poll(&look, 1, 0) == 1;
    }
    return has;
}

static void
be_late(struct loop_post *post)
{
    struct late_turn *late = CONTAINER_OF(post, struct late_turn, post);
    int64_t give_up_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;
    assert_int_equal(kill(late->pid, SIGUSR1), 0);
    while (!has_answered(late->procs)) {
        assert_true(support_now_us() < give_up_us);
        (void)sched_yield();
    }
    clock_advance(LIMIT_US);
}

/* It answered in time, and the loop had no time to hear it. */
static void
an_answer_counts_though_the_loop_is_late(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = get_spare(bench);
    struct future *future = begin(bench, "hold");
    turn_until_busy(bench, 1);
    struct late_turn late = { .post.fn = be_late, .procs = bench->procs, .pid = pid };
    loop_post(bench->loop, &late.post);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_OK);
    assert_int_equal(look(bench).deaths, 0);
    assert_int_equal(ask_pid(bench), pid);
}

/* Where the machine stood still the worker did too: it gets its time again, a few times. */
static void
a_loop_that_was_held_up_gives_time_again(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    (void)get_spare(bench);
    struct future *future = begin(bench, "loop");
    for (int i = 0; i < PROCS_LATE_MAX; i++) {
        clock_advance(LIMIT_US + PROCS_LATE_US + 1);
        loop_turn(bench->loop, 0);
        assert_int_equal(future_state(future), FUTURE_RUNNING);
    }
    clock_advance(LIMIT_US + PROCS_LATE_US + 1);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_TIMEOUT);
    assert_string_equal(bench->sentence, "was killed after 2 s");
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
    struct future *held = begin(bench, "hold"); /* by the spare, so that a new one is needed */
    turn_until_idle(bench, 1);
    assert_int_equal(bench->deaths, 1);
    future_unref(&held);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROCS_TEST(a_worker_inherits_nothing),
        PROCS_TEST(a_death_fails_the_call_in_hand),
        PROCS_TEST(hanging_up_is_a_death),
        PROCS_TEST(who_hangs_up_and_ends_says_how),
        PROCS_TEST(a_call_over_its_limit_kills_its_worker),
        PROCS_TEST(an_answer_counts_though_the_loop_is_late),
        PROCS_TEST(a_loop_that_was_held_up_gives_time_again),
        PROCS_TEST(an_idle_death_costs_no_call),
        PROCS_TEST(who_retires_is_no_death),
        PROCS_TEST(who_does_not_leave_is_killed),
    };
    return cmocka_run_group_tests_name("procs worker", tests, NULL, NULL);
}
