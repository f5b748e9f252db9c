/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Workers that have nothing to do: one that calls had come for leaves after a while, some are kept,
 * and until then they use no processor time. */

#include "tests/support/proc.h"
#include "tests/unit/exec/procs_fixture.h"

static void
an_idle_worker_does_not_work(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    pid_t pid = get_spare(bench); /* nobody is starting any more */
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
    pid_t pid = get_spare(bench);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROCS_TEST(an_idle_worker_does_not_work),
        PROCS_TEST(a_busy_worker_may_work),
        PROCS_TEST(workers_come_and_go),
    };
    return cmocka_run_group_tests_name("procs idle", tests, NULL, NULL);
}
