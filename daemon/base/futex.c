/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
#include "daemon/base/futex.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"

void
futex_sleep(_Atomic uint32_t *word, uint32_t value, int64_t deadline_us)
{
    struct timespec until = { .tv_sec = (time_t)(deadline_us / CLOCK_US_PER_S),
                              .tv_nsec = (long)(deadline_us % CLOCK_US_PER_S) * 1000 };
    /* FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time. */
    (void)syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
                  deadline_us == CLOCK_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
}

void
futex_wake(_Atomic uint32_t *word, int count)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
