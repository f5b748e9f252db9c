/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* libuv: uv_queue_work, results on its loop. Its pool is one for the process and its size is set by
 * the environment before the first use, so each size is a process of its own: bench_pool forks. */

#include <stdlib.h>

#include <uv.h>

#include "tests/bench/peers.h"

static size_t ended;
static size_t unsent;

static void
run(uv_work_t *work)
{
    work->data = work;
}

static void
on_end(uv_work_t *work, int status)
{
    ended += status == 0 ? 1 : 0;
    if (unsent > 0) {
        unsent--;
        if (uv_queue_work(work->loop, work, run, on_end) != 0) {
            abort();
        }
    }
}

static void
run_until(uv_loop_t *loop, size_t count)
{
    while (ended < count) {
        uv_run(loop, UV_RUN_ONCE);
    }
}

static int64_t
stream(unsigned threads, size_t tasks)
{
    static uv_work_t works[PEER_WINDOW];
    (void)threads; /* UV_THREADPOOL_SIZE says it */
    uv_loop_t *loop = uv_default_loop();
    ended = 0;
    int64_t started_ns = peer_now_ns();
    unsent = tasks - PEER_WINDOW;
    for (size_t i = 0; i < PEER_WINDOW; i++) {
        if (uv_queue_work(loop, &works[i], run, on_end) != 0) {
            abort();
        }
    }
    run_until(loop, tasks);
    return (peer_now_ns() - started_ns) / 1000;
}

static void
trips(size_t count, int64_t *out_ns)
{
    uv_work_t work;
    uv_loop_t *loop = uv_default_loop();
    ended = 0;
    unsent = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t started_ns = peer_now_ns();
        if (uv_queue_work(loop, &work, run, on_end) != 0) {
            abort();
        }
        run_until(loop, i + 1);
        out_ns[i] = peer_now_ns() - started_ns;
    }
}

const struct peer peer_libuv = { "libuv", stream, trips, NULL };
