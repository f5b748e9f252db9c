/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One run of a sweep, measured from outside: a client or the peer. */
#ifndef ROLLCALL_TESTS_BENCH_SWEEP_MEASURE_H
#define ROLLCALL_TESTS_BENCH_SWEEP_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sweep_cost {
    int64_t wall_us;
    int64_t client_cpu_us; /* of rollcall, or of the peer */
    int64_t daemon_cpu_us;
    int64_t worker_cpu_us;
    int64_t first_us;  /* when the first line that says registered was read; CLOCK_MONOTONIC */
    size_t registered; /* such lines */
    size_t lines;
    int64_t client_peak_kb; /* resident */
    int64_t daemon_peak_kb;
    int64_t worker_peak_kb; /* of all workers together */
    int64_t pss_peak_kb;    /* of all three, sampled; 0: not asked for */
    int64_t anon_peak_kb;   /* likewise: what is private */
    int status;
};

/** Run a rollcall (`argv`) against the daemon of that pid. With `samples` its memory is looked at
 *  all the while, which costs time. Fails the program. */
struct sweep_cost sweep_measure(const char *const *argv, pid_t daemon, bool samples);

/** Run the peer on a file of requests. */
struct sweep_cost sweep_measure_peer(const char *requests);

#endif
