/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Signals wait until they are asked for, and a broken pipe is an error code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/app/signals.h"
#include "daemon/base/clock.h"

static void
test_wait(void **state)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
    (void)state;
    signals_block();
    assert_int_equal(signals_wait(0), 0);
    assert_int_equal(signals_wait(CLOCK_US_PER_MS), 0);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(kill(getpid(), numbers[i]), 0);
        assert_int_equal(signals_wait(CLOCK_NEVER), numbers[i]);
        assert_int_equal(signals_wait(0), 0);
    }
}

/* A stop is seen while it waits, and does not queue behind what came before it. */
static void
test_a_stop_comes_first(void **state)
{
    static const int stops[] = { SIGTERM, SIGINT };
    (void)state;
    signals_block();
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        assert_int_equal(kill(getpid(), SIGHUP), 0);
        signals_wake();
        assert_false(signals_is_stop_pending());
        assert_int_equal(kill(getpid(), stops[i]), 0);
        assert_true(signals_is_stop_pending());
        int number = signals_wait(CLOCK_NEVER);
        assert_int_equal(number, stops[i]);
        assert_true(signals_is_stop(number));
        assert_false(signals_is_stop_pending());
        assert_int_equal(signals_wait(CLOCK_NEVER), SIGHUP);
        number = signals_wait(CLOCK_NEVER);
        assert_int_equal(number, SIGNALS_WAKE);
        assert_false(signals_is_stop(number));
    }
}

static void *
look_at_mask(void *argument)
{
    sigset_t *mask = argument;
    (void)pthread_sigmask(SIG_BLOCK, NULL, mask);
    return NULL;
}

/* Threads started later inherit the mask, so none of them can be hit. */
static void
test_threads_inherit(void **state)
{
    sigset_t mask;
    pthread_t thread;
    (void)state;
    signals_block();
    assert_int_equal(pthread_create(&thread, NULL, look_at_mask, &mask), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGINT));
    assert_true(sigismember(&mask, SIGHUP) && !sigismember(&mask, SIGSEGV));
}

static void
test_broken_pipe(void **state)
{
    int ends[2];
    (void)state;
    signals_block();
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    (void)close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_a_stop_comes_first),
        cmocka_unit_test(test_threads_inherit),
        cmocka_unit_test(test_broken_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
