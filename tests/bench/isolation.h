/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The parts of bench_isolation: what each measures is said where it is printed. */
#ifndef ROLLCALL_TESTS_BENCH_ISOLATION_H
#define ROLLCALL_TESTS_BENCH_ISOLATION_H

#include <stddef.h>
#include <stdint.h>

#define ISOLATION_WORKER TEST_BUILD_DIR "/libexec/rollcall/rollcall-worker"

/** CLOCK_MONOTONIC. */
int64_t isolation_now_ns(void);

/** Sorts the samples; the one below which `share` of them lie, in microseconds. */
double isolation_quantile_us(int64_t *samples_ns, size_t count, double share);

/** Steps through a worker and on a thread of ours, pinned to one core. */
void isolation_round_trips(size_t trips);
/** From posix_spawn to HELLO, and what a worker weighs. */
void isolation_starts(size_t starts);
/** From a death to the next answer of the same plugin. */
void isolation_deaths(size_t deaths);
/** 500 sites through a daemon with workers and through one with threads. */
void isolation_sweeps(size_t sweeps);

#endif
