/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The executor: real futures, with result, cancel and the order of their ends. */

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/exec/completion.h"
#include "daemon/exec/pool.h"
#include "tests/bench/peers.h"

static int
run(struct job *job)
{
    job->result = job;
    return 0;
}

static const struct future_ops ops = { .name = "bench" };

static struct pool *
new_pool(unsigned threads)
{
    struct pool *pool = NULL;
    const struct pool_options options = { .threads = threads,
                                          .queue_max = PEER_WINDOW,
                                          .name = "bench" };
    if (pool_start(&options, &pool) != 0) {
        abort();
    }
    return pool;
}

static void
end_pool(struct pool *pool)
{
    pool_stop(pool, POOL_DRAIN);
    pool_free(&pool);
}

static void
prepare(struct job *job)
{
    while (atomic_load_explicit(&job->future.references, memory_order_acquire) > 1) {
        sched_yield(); /* the pool is about to let go of its last use */
    }
    job_init(job, &ops, run);
}

static void
window(struct pool *pool, struct job *jobs)
{
    struct completion *completion = NULL;
    struct future *future = NULL;
    if (completion_new(PEER_WINDOW, &completion) != 0) {
        abort();
    }
    for (size_t i = 0; i < PEER_WINDOW; i++) {
        prepare(&jobs[i]);
        completion_add(completion, &jobs[i].future);
    }
    completion_all_of(completion);
    for (size_t i = 0; i < PEER_WINDOW; i++) {
        if (pool_submit(pool, &jobs[i]) != 0) {
            abort();
        }
    }
    for (size_t i = 0; i < PEER_WINDOW; i++) {
        if (completion_wait(completion, i, CLOCK_NEVER, &future) != 0 || future->result == NULL) {
            abort();
        }
    }
    completion_free(&completion);
}

static int64_t
stream(unsigned threads, size_t tasks)
{
    struct pool *pool = new_pool(threads);
    struct job *jobs = calloc(PEER_WINDOW, sizeof(*jobs));
    int64_t started_ns = peer_now_ns();
    for (size_t sent = 0; sent < tasks; sent += PEER_WINDOW) {
        window(pool, jobs);
    }
    int64_t took_ns = peer_now_ns() - started_ns;
    end_pool(pool);
    free(jobs);
    return took_ns / 1000;
}

static void
trips(size_t count, int64_t *out_ns)
{
    struct pool *pool = new_pool(1);
    struct job job = { 0 };
    for (size_t i = 0; i < count; i++) {
        prepare(&job);
        int64_t started_ns = peer_now_ns();
        if (pool_submit(pool, &job) != 0 || future_wait(&job.future, CLOCK_NEVER) != 0) {
            abort();
        }
        out_ns[i] = peer_now_ns() - started_ns;
    }
    end_pool(pool);
}

const struct peer peer_rollcall = { "rollcall", stream, trips };
