/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Monotonic time in microseconds, and a switch that lets a test hold it still. Wall time appears
 * only where a person or a header (Retry-After with a date) needs it. */
#ifndef ROLLCALL_BASE_CLOCK_H
#define ROLLCALL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_US_PER_MS INT64_C(1000)
#define CLOCK_US_PER_S INT64_C(1000000)

/* A deadline that never comes. */
#define CLOCK_NEVER INT64_MAX

/** CLOCK_MONOTONIC in microseconds, or the frozen time. Thread: any. */
int64_t clock_now_us(void);

/** Seconds since 1970 on the wall. Thread: any. */
int64_t clock_wall_s(void);

/** now + `span_us`, or CLOCK_NEVER where that overflows or the span is CLOCK_NEVER. Thread: any. */
int64_t clock_deadline_us(int64_t span_us);

/** For tests: hold the clock at `now_us`, move it on, let it run again. Thread: the test's. */
void clock_freeze(int64_t now_us);
void clock_advance(int64_t span_us);
void clock_thaw(void);
bool clock_is_frozen(void);

#endif
