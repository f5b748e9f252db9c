/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Start and size: from the start of rollcalld to READY=1, and what it weighs when idle, with the
 * three plugins. Usage: bench_start [STARTS] */

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/proc.h"
#include "tests/support/world.h"

#define STARTS_DEFAULT 20
#define MIB (1024.0 * 1024.0)

static int
compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

int
main(int argc, char **argv)
{
    size_t starts = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : STARTS_DEFAULT;
    if (starts == 0 || starts > 10000) {
        fprintf(stderr, "usage: bench_start [STARTS, 1 to 10000]\n");
        return 64;
    }
    int64_t *ready_us = calloc(starts, sizeof(*ready_us));
    struct proc_memory memory = { 0 };
    struct world *world = world_start(NULL);
    for (size_t i = 0; i < starts; i++) {
        struct daemon *daemon = daemon_start(&(struct daemon_options){ .world = world });
        ready_us[i] = daemon_ready_us(daemon);
        memory = proc_memory(daemon_pid(daemon));
        daemon_stop(&daemon);
    }
    world_stop(&world);
    qsort(ready_us, starts, sizeof(*ready_us), compare);
    printf("%zu starts: ready after p50 %.1f ms, max %.1f ms\n", starts,
           (double)ready_us[starts / 2] / 1000, (double)ready_us[starts - 1] / 1000);
    printf("idle: RssAnon %.1f MB, RSS %.1f MB\n", (double)memory.anon_bytes / MIB,
           (double)memory.rss_bytes / MIB);
    free(ready_us);
    return 0;
}
