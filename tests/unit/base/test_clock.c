/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The clock and its switch: deadlines that cannot overflow, time that a test holds. */
#include "daemon/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int
thaw(void **state)
{
    (void)state;
    clock_thaw();
    return 0;
}

static void
frozen_time_moves_only_when_told(void **state)
{
    (void)state;
    clock_freeze(5 * CLOCK_US_PER_S);
    assert_true(clock_is_frozen());
    assert_int_equal(clock_now_us(), 5 * CLOCK_US_PER_S);
    assert_int_equal(clock_now_us(), 5 * CLOCK_US_PER_S);
    clock_advance(CLOCK_US_PER_MS);
    assert_int_equal(clock_now_us(), 5 * CLOCK_US_PER_S + 1000);
    clock_freeze(0);
    assert_int_equal(clock_now_us(), 0);
}

static void
running_time_never_goes_back(void **state)
{
    (void)state;
    assert_false(clock_is_frozen());
    int64_t last_us = clock_now_us();
    assert_true(last_us > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now_us = clock_now_us();
        assert_true(now_us >= last_us);
        last_us = now_us;
    }
}

static void
thawing_gives_the_real_time_back(void **state)
{
    (void)state;
    int64_t before_us = clock_now_us();
    clock_freeze(1);
    clock_thaw();
    assert_false(clock_is_frozen());
    assert_true(clock_now_us() >= before_us);
}

static void
deadlines_do_not_overflow(void **state)
{
    (void)state;
    clock_freeze(100);
    assert_int_equal(clock_deadline_us(0), 100);
    assert_int_equal(clock_deadline_us(50), 150);
    assert_true(clock_deadline_us(CLOCK_NEVER) == CLOCK_NEVER);
    assert_true(clock_deadline_us(CLOCK_NEVER - 1) == CLOCK_NEVER);
    assert_true(clock_deadline_us(CLOCK_NEVER - 100) == CLOCK_NEVER);
    assert_true(clock_deadline_us(CLOCK_NEVER - 99) == CLOCK_NEVER);
    assert_true(clock_deadline_us(CLOCK_NEVER - 101) == CLOCK_NEVER - 1);
}

static void
wall_time_is_of_this_century(void **state)
{
    (void)state;
    assert_true(clock_wall_s() > INT64_C(1600000000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(frozen_time_moves_only_when_told, thaw),
        cmocka_unit_test_teardown(running_time_never_goes_back, thaw),
        cmocka_unit_test_teardown(thawing_gives_the_real_time_back, thaw),
        cmocka_unit_test_teardown(deadlines_do_not_overflow, thaw),
        cmocka_unit_test_teardown(wall_time_is_of_this_century, thaw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
