/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Ranked locks. What must abort runs in a forked child; those tests need a build with
 * ROLLCALL_DEBUG, as the checks themselves. */
#include "daemon/base/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/clock.h"

static struct lock low;
static struct lock high;
static struct cond cond;

static int
set_up(void **state)
{
    (void)state;
    lock_init(&low, LOCK_SERVER);
    lock_init(&high, LOCK_CREW);
    cond_init(&cond);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    clock_thaw();
    lock_fini(&low);
    lock_fini(&high);
    cond_fini(&cond);
    return 0;
}

static void
rising_ranks_are_fine(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        lock_take(&low);
        lock_take(&high);
        lock_release(&low); /* the order of releases is free */
        lock_release(&high);
    }
    lock_take(&high);
    lock_release(&high);
    lock_take(&low);
    lock_release(&low);
}

#ifdef ROLLCALL_DEBUG

/* Run `act` in a child; gives what it wrote to standard error. It must die of SIGABRT. */
static void
run_aborting(void (*act)(void), char *out_text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = { 0, 0 };
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while (len < size - 1 && (got = read(ends[0], out_text + len, size - 1 - len)) > 0) {
        len += (size_t)got;
    }
    out_text[len] = '\0';
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* clang sees these mistakes when it compiles; here the running program shall. */
NO_LOCK_ANALYSIS static void
take_falling(void)
{
    lock_take(&high);
    lock_take(&low);
}

NO_LOCK_ANALYSIS static void
take_equal(void)
{
    struct lock other;
    lock_init(&other, LOCK_CREW);
    lock_take(&high);
    lock_take(&other);
}

NO_LOCK_ANALYSIS static void
take_twice(void)
{
    lock_take(&low);
    lock_take(&low);
}

NO_LOCK_ANALYSIS static void
release_unheld(void)
{
    lock_take(&low);
    lock_release(&high);
}

NO_LOCK_ANALYSIS static void
wait_below_another(void)
{
    lock_take(&low);
    lock_take(&high);
    cond_wait_locked(&cond, &low);
}

NO_LOCK_ANALYSIS static void
wait_unheld(void)
{
    (void)cond_wait_until_locked(&cond, &low, 0);
}

static void
wrong_orders_abort_and_name_both(void **state)
{
    (void)state;
    static const struct {
        void (*act)(void);
        const char *said;
    } cases[] = {
        { take_falling, "lock: takes SERVER (rank 10) while holding CREW (rank 30)" },
        { take_equal, "lock: takes CREW (rank 30) while holding CREW (rank 30)" },
        { take_twice, "lock: takes SERVER (rank 10) while holding SERVER (rank 10)" },
        { release_unheld, "lock: releases CREW (rank 30), which this thread does not hold" },
        { wait_below_another, "lock: waits with SERVER (rank 10) while holding CREW (rank 30)" },
        { wait_unheld, "lock: waits with SERVER (rank 10), which this thread does not hold" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[4096];
        run_aborting(cases[i].act, text, sizeof text);
        if (strstr(text, cases[i].said) == NULL) {
            fail_msg("case %zu said: %s", i, text);
        }
    }
}

#endif

static void *
signal_it(void *unused)
{
    (void)unused;
    lock_take(&low);
    cond_signal(&cond);
    cond_broadcast(&cond);
    lock_release(&low);
    return NULL;
}

static void
a_signal_ends_the_wait(void **state)
{
    (void)state;
    pthread_t thread;
    lock_take(&low);
    assert_int_equal(pthread_create(&thread, NULL, signal_it, NULL), 0);
    cond_wait_locked(&cond, &low);
    lock_release(&low);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
never_is_a_wait_without_end(void **state)
{
    (void)state;
    pthread_t thread;
    lock_take(&low);
    assert_int_equal(pthread_create(&thread, NULL, signal_it, NULL), 0);
    assert_true(cond_wait_until_locked(&cond, &low, CLOCK_NEVER));
    lock_release(&low);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
deadlines_pass(void **state)
{
    (void)state;
    lock_take(&low);
    assert_false(cond_wait_until_locked(&cond, &low, 0));
    assert_false(cond_wait_until_locked(&cond, &low, -5));
    int64_t deadline_us = clock_now_us() + 2000;
    while (cond_wait_until_locked(&cond, &low, deadline_us)) {
    }
    assert_true(clock_now_us() >= deadline_us);
    lock_release(&low);
}

static void
deadlines_follow_the_frozen_clock(void **state)
{
    (void)state;
    clock_freeze(CLOCK_US_PER_S);
    lock_take(&low);
    /* In frozen time this is the future, whatever the machine's clock says. */
    assert_true(cond_wait_until_locked(&cond, &low, CLOCK_US_PER_S + 1));
    clock_advance(1);
    assert_false(cond_wait_until_locked(&cond, &low, CLOCK_US_PER_S + 1));
    lock_release(&low);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rising_ranks_are_fine, set_up, tear_down),
#ifdef ROLLCALL_DEBUG
        cmocka_unit_test_setup_teardown(wrong_orders_abort_and_name_both, set_up, tear_down),
#endif
        cmocka_unit_test_setup_teardown(a_signal_ends_the_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(never_is_a_wait_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deadlines_pass, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deadlines_follow_the_frozen_clock, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
