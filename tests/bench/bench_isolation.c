/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* What it costs to run plugins in sandboxed processes, each figure beside its goal and, where there
 * is one, beside the same without a process in the same run. Usage: bench_isolation [PERCENT], of
 * the usual number of samples. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/isolation.h"

#define TRIPS 20000
#define STARTS 500
#define DEATHS 200
#define SWEEPS 40

int64_t
isolation_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

double
isolation_quantile_us(int64_t *samples_ns, size_t count, double share)
{
    qsort(samples_ns, count, sizeof(*samples_ns), compare);
    return (double)samples_ns[(size_t)((double)(count - 1) * share)] / 1000;
}

int
main(int argc, char **argv)
{
    size_t percent = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 100;
    if (percent < 10 || percent > 10000) {
        (void)fprintf(stderr, "usage: bench_isolation [PERCENT, 10 to 10000]\n");
        return 64;
    }
    isolation_round_trips(TRIPS * percent / 100);
    isolation_starts(STARTS * percent / 100);
    isolation_deaths(DEATHS * percent / 100);
    isolation_sweeps(SWEEPS * percent / 100);
    return 0;
}
