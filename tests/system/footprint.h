/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a daemon holds: private memory, descriptors, connections to platforms, workers. Measured
 * before something is done to it, and again until all of it has come back. */
#ifndef ROLLCALL_TESTS_SYSTEM_FOOTPRINT_H
#define ROLLCALL_TESTS_SYSTEM_FOOTPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/proc.h"
#include "tests/support/rpc.h"

/* Bytes that the allocator may keep back; and descriptors of its own. */
#define FOOTPRINT_SLACK_BYTES (2 * 1024 * 1024)
#define FOOTPRINT_SLACK_FDS 16
/* `workers` of the configuration's default, and the spare. An idle one stays for a minute. */
#define FOOTPRINT_WORKERS_EACH 3
/* Its socket and its pidfd. */
#define FOOTPRINT_FDS_OF_WORKER 2
/* Connections that are kept for later, which depend on how many checks met at the same time: the
 * daemon keeps 256 at most. */
#define FOOTPRINT_CONNECTIONS_MAX 300

struct footprint {
    int64_t anon_bytes;
    size_t fds; /* but for connections and those of its workers */
    size_t connections;
    size_t workers;
};

static inline struct footprint
footprint(const struct daemon *daemon)
{
    pid_t pid = daemon_pid(daemon);
    size_t workers = proc_children(pid);
    size_t fds = proc_fds(pid);
    size_t connections = proc_tcp(pid);
    size_t theirs = workers * FOOTPRINT_FDS_OF_WORKER + connections;
    return (struct footprint){
        .anon_bytes = proc_memory(pid).anon_bytes,
        .fds = fds > theirs ? fds - theirs : 0,
        .connections = connections,
        .workers = workers,
    };
}

static inline bool
footprint_is_back(const struct footprint *now, const struct footprint *before, size_t plugins)
{
#if !defined(ROLLCALL_SANITIZED) /* a sanitizer keeps freed memory back */
    if (now->anon_bytes > before->anon_bytes + FOOTPRINT_SLACK_BYTES) {
        return false;
    }
#endif
    return now->fds <= before->fds + FOOTPRINT_SLACK_FDS &&
           now->connections <= FOOTPRINT_CONNECTIONS_MAX &&
           now->workers <= plugins * FOOTPRINT_WORKERS_EACH;
}

/* Workers leave and descriptors are closed in their own time: ask the daemon until it is so.
 * `plugins` is how many of them have workers. */
static inline void
footprint_expect_back(const struct daemon *daemon, struct rpc *rpc, const struct footprint *before,
                      size_t plugins)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    struct footprint now = footprint(daemon);
    while (!footprint_is_back(&now, before, plugins)) {
        if (support_now_us() > deadline_us) {
            support_fail("before: %lld bytes, %zu descriptors, %zu connections, %zu workers; "
                         "now: %lld, %zu, %zu, %zu",
                         (long long)before->anon_bytes, before->fds, before->connections,
                         before->workers, (long long)now.anon_bytes, now.fds, now.connections,
                         now.workers);
        }
        cJSON_Delete(rpc_result(rpc, "status", NULL));
        now = footprint(daemon);
    }
}

#endif
