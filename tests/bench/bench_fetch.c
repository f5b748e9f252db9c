/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Ten thousand transfers in flight on one loop, each to a name of its own: what each weighs in
 * private memory (RssAnon), and the CPU time to get it going, beside bare libcurl in the same run.
 * Usage: bench_fetch [TRANSFERS]
 *
 * Needs as many descriptors as transfers, and a few. Each measurement is a process of its own, and
 * counts from the first transfer on, which has read the CA bundle: reading it for each handshake
 * would show as some 20 ms more for each. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/fetch_crowd.h"
#include "tests/support/common.h"
#include "tests/support/proc.h"
#include "tests/support/tmpdir.h"

#define TRANSFERS_DEFAULT 10000
#define TRANSFERS_MAX 14000 /* two runs to one port have some 28,000 local ports between them */
#define SPARE_FDS 64

static const struct client {
    const char *name;
    crowd_grow_fn *grow;
} clients[] = {
    { "bare libcurl", crowd_grow_bare },
    { "rollcall", crowd_grow_ours },
};

static void
measure(struct crowd *crowd, const struct client *client, bool https, size_t count)
{
    client->grow(crowd, https, 1);
    struct proc_memory before = proc_memory(getpid());
    int64_t cpu_us = proc_cpu_us(getpid());
    int64_t started_us = support_now_us();
    client->grow(crowd, https, count);
    struct proc_memory after = proc_memory(getpid());
    double each = (double)(after.anon_bytes - before.anon_bytes) / (double)(count - 1);
    printf("%-5s  %-12s  %zu in flight after %.1f s: %.1f KB each, %.0f us of CPU each\n",
           https ? "https" : "http", client->name, count,
           (double)(support_now_us() - started_us) / 1e6, each / 1024,
           (double)(proc_cpu_us(getpid()) - cpu_us) / (double)(count - 1));
}

/* In a child, which ends with all of its transfers open. */
static void
run(struct crowd *crowd, const struct client *client, bool https, size_t count)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        measure(crowd, client, https, count);
        (void)fflush(stdout);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0) {
        support_fail("%s: it did not end well", client->name);
    }
    while (atomic_load(&crowd->held) > 0) {
        (void)usleep(10000); /* the server sees them go */
    }
}

static pid_t
start_server(struct crowd *crowd)
{
    struct crowd_server *server = crowd_server_new(crowd);
    pid_t child = fork();
    if (child == 0) {
        crowd_server_run(server);
    }
    return child;
}

static void
raise_limits(size_t count)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < count + SPARE_FDS) {
        support_fail("%zu transfers need %zu descriptors, the limit is %lu", count,
                     count + SPARE_FDS, (unsigned long)limit.rlim_cur);
    }
}

int
main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : TRANSFERS_DEFAULT;
    if (count < 2 || count > TRANSFERS_MAX) {
        fprintf(stderr, "usage: bench_fetch [TRANSFERS, 2 to %d]\n", TRANSFERS_MAX);
        return 64;
    }
    raise_limits(count);
    (void)signal(SIGPIPE, SIG_IGN);
    struct crowd *crowd =
        mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct tmpdir *dir = tmpdir_new();
    (void)snprintf(crowd->ca_file, sizeof(crowd->ca_file), "%s/ca.pem", tmpdir_path(dir));
    pid_t server = start_server(crowd);
    for (size_t i = 0; i < 2 * ARRAY_LEN(clients); i++) {
        run(crowd, &clients[i % 2], i >= ARRAY_LEN(clients), count);
    }
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    tmpdir_free(&dir);
    return 0;
}
