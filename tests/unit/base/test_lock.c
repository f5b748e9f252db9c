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

static struct lock low;
static struct lock high;

static int
set_up(void **state)
{
    (void)state;
    lock_init(&low, LOCK_SERVER);
    lock_init(&high, LOCK_POOL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    lock_fini(&low);
    lock_fini(&high);
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
    lock_init(&other, LOCK_POOL);
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

static void
wrong_orders_abort_and_name_both(void **state)
{
    (void)state;
    static const struct {
        void (*act)(void);
        const char *said;
    } cases[] = {
        { take_falling, "lock: takes SERVER (rank 10) while holding POOL (rank 20)" },
        { take_equal, "lock: takes POOL (rank 20) while holding POOL (rank 20)" },
        { take_twice, "lock: takes SERVER (rank 10) while holding SERVER (rank 10)" },
        { release_unheld, "lock: releases POOL (rank 20), which this thread does not hold" },
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rising_ranks_are_fine, set_up, tear_down),
#ifdef ROLLCALL_DEBUG
        cmocka_unit_test_setup_teardown(wrong_orders_abort_and_name_both, set_up, tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
