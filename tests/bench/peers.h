/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What is on a Debian machine to hand work to threads, each doing the same work in its natural way:
 * GLib's GThreadPool, libuv's pool, a queue under a mutex and a condition, Python's executor. */
#ifndef ROLLCALL_TESTS_BENCH_PEERS_H
#define ROLLCALL_TESTS_BENCH_PEERS_H

#include <stddef.h>
#include <stdint.h>

#define PEER_WINDOW 1024 /* tasks in flight, at most */
/* Where results come in sets, a new set is submitted for each that has been taken. */
#define PEER_BATCHES 2
#define PEER_BATCH (PEER_WINDOW / PEER_BATCHES)

/* The seed's 5, 1 and 3 s, a hundred times as fast. */
#define PEER_RACE_MS                                                                               \
    {                                                                                              \
        50, 10, 30                                                                                 \
    }
#define PEER_RACERS 3
#define PEER_WINNER_MS 10

struct peer {
    const char *name;
    /* Microseconds for `tasks` tasks (a multiple of PEER_WINDOW) on `threads` threads. One thread
     * submits them and takes each result as it completes, with PEER_WINDOW in flight. */
    int64_t (*stream)(unsigned threads, size_t tasks);
    /* Round trips of single tasks on one thread; fills out_ns, nanoseconds each. */
    void (*trips)(size_t count, int64_t *out_ns);
    /* Races of three tasks that block for PEER_RACE_MS, the quickest says yes; fills out_ns with
     * the nanoseconds from a race's start to its answer. NULL: it has no such thing. */
    void (*races)(size_t count, int64_t *out_ns);
};

extern const struct peer peer_rollcall;
extern const struct peer peer_glib;
extern const struct peer peer_libuv;
extern const struct peer peer_mutex;
extern const struct peer peer_python;

int64_t peer_now_ns(void);

#endif
