/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* How many workers there are and what their deaths mean: who takes a dead one's place and when, the
 * back-off of starts, the circuit breaker, the start that is refused, the group that runs out. */

#include <unistd.h>

#include "tests/support/tmpdir.h"
#include "tests/unit/exec/procs_fixture.h"

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

/* Time passes only where nobody is there, lest it runs out for one that is slow. */
static void
kill_until_aside(struct bench *bench)
{
    while (look(bench).state != PROCS_ASIDE) {
        struct future *future = begin(bench, "exit:3");
        while (!future_is_done(future)) {
            if (look(bench).workers == 0) {
                clock_advance(10 * CLOCK_US_PER_MS);
            }
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROCS_TEST(who_hangs_up_still_counts),
        PROCS_TEST(the_spare_takes_over),
        PROCS_TEST(starts_back_off),
        PROCS_TEST(one_that_keeps_failing_is_put_aside),
        PROCS_TEST(old_deaths_do_not_count),
        PROCS_TEST(a_refused_start_is_final),
        PROCS_TEST(one_that_cannot_be_started_again_is_put_aside),
        PROCS_TEST(an_outdated_group_runs_out),
    };
    return cmocka_run_group_tests_name("procs life", tests, NULL, NULL);
}
