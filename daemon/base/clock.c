/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The clock and its switch. The frozen time is one atomic number, so a test may move it on while
 * threads of the code under test read it. */
#include "daemon/base/clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <time.h>

/* The value of frozen_us while the clock runs. */
#define RUNNING INT64_MIN

/* Stored by clock_freeze(), clock_advance() and clock_thaw(), loaded by clock_now_us().
 * Sequentially consistent: a test that moves the clock and then wakes a thread wants that thread to
 * see it. */
static _Atomic int64_t frozen_us = RUNNING;

int64_t
clock_now_us(void)
{
    int64_t frozen = atomic_load(&frozen_us); /* pairs with the stores below */
    if (frozen != RUNNING) {
        return frozen;
    }
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(!failed);
    return now.tv_sec * CLOCK_US_PER_S + now.tv_nsec / 1000;
}

int64_t
clock_wall_s(void)
{
    return time(NULL);
}

int64_t
clock_deadline_us(int64_t span_us)
{
    int64_t now_us = clock_now_us();
    if (span_us >= CLOCK_NEVER - now_us) {
        return CLOCK_NEVER;
    }
    return now_us + span_us;
}

void
clock_freeze(int64_t now_us)
{
    assert(now_us >= 0);
    atomic_store(&frozen_us, now_us); /* pairs with the load in clock_now_us() */
}

void
clock_advance(int64_t span_us)
{
    assert(clock_is_frozen() && span_us >= 0);
    atomic_fetch_add(&frozen_us, span_us); /* pairs with the load in clock_now_us() */
}

void
clock_thaw(void)
{
    atomic_store(&frozen_us, RUNNING); /* pairs with the load in clock_now_us() */
}

bool
clock_is_frozen(void)
{
    return atomic_load(&frozen_us) != RUNNING; /* pairs with the stores above */
}
