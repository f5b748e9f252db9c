/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Sleeping on a word: a changed word, a wake-up and a deadline each end it. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/futex.h"
#include "daemon/base/spin.h"

static void
does_not_sleep_on_another_value(void **state)
{
    (void)state;
    _Atomic uint32_t word = 1;
    futex_sleep(&word, 0, CLOCK_NEVER);
}

static void
ends_at_its_deadline(void **state)
{
    (void)state;
    _Atomic uint32_t word = 0;
    int64_t deadline_us = clock_deadline_us(1000);
    while (clock_now_us() < deadline_us) { /* a signal may end it early */
        futex_sleep(&word, 0, deadline_us);
    }
    futex_sleep(&word, 0, 0); /* long ago */
}

static void *
sleep_until_set(void *argument)
{
    _Atomic uint32_t *word = argument;
    while (atomic_load(word) == 0) {
        futex_sleep(word, 0, CLOCK_NEVER);
    }
    return NULL;
}

static void
a_wake_up_ends_it_for_all(void **state)
{
    (void)state;
    _Atomic uint32_t word = 0;
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, sleep_until_set, &word), 0);
    }
    atomic_store(&word, 1);
    futex_wake(&word, FUTEX_ALL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void
spinning_comes_to_an_end(void **state)
{
    (void)state;
    unsigned rounds = 0;
    int count = 0;
    while (spin_on(&rounds)) {
        count++;
    }
    assert_int_equal(count, SPIN_ROUNDS);
    assert_false(spin_on(&rounds));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_not_sleep_on_another_value),
        cmocka_unit_test(ends_at_its_deadline),
        cmocka_unit_test(a_wake_up_ends_it_for_all),
        cmocka_unit_test(spinning_comes_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
