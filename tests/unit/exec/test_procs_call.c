/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Calls of the process pool: they cross whole in both directions, wait in a bounded queue and leave
 * it when they are cancelled; one that runs is told so, and its worker goes on. */

#include "tests/unit/exec/procs_fixture.h"

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
    clock_advance(2 * PROCS_RESPAWN_US); /* in case nobody was started in time */
    memset(large, 'y', 3);
    assert_answer(bench, large, "500000");
    free(large);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROCS_TEST(calls_are_answered),
        PROCS_TEST(large_calls_and_answers_cross),
        PROCS_TEST(large_ones_cross_or_fail_with_their_worker),
        PROCS_TEST(a_full_queue_is_an_answer),
        PROCS_TEST(what_goes_first_is_not_kept_waiting),
        PROCS_TEST(a_cancelled_call_leaves_the_queue),
        PROCS_TEST(a_cancelled_running_call_is_finished_and_dropped),
        PROCS_TEST(a_cancelled_running_call_is_told_so),
    };
    return cmocka_run_group_tests_name("procs call", tests, NULL, NULL);
}
