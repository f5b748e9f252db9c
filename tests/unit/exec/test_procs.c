/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The process pool as its owner holds it: calls wait until it is configured, what its workers say
 * may be known beforehand, and closing or freeing it ends all calls and all workers, those that are
 * dead already too. */

#include <unistd.h>

#include "tests/support/tmpdir.h"
#include "tests/unit/exec/procs_fixture.h"

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
    const struct CMUnitTest tests[] = {
        PROCS_TEST(calls_wait_for_the_configuration),
        PROCS_TEST(a_known_hello_needs_no_first_start),
        PROCS_TEST(closing_lets_calls_end),
        PROCS_TEST(cancelled_calls_do_not_hang_the_closing),
        PROCS_TEST(dead_workers_can_be_told_to_end),
        PROCS_TEST(freeing_ends_calls_and_workers),
    };
    return cmocka_run_group_tests_name("procs", tests, NULL, NULL);
}
