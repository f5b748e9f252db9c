/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The executor: real futures, with result, cancel and the order of their ends. */

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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
    if (pool_stop(pool, POOL_DRAIN, CLOCK_NEVER) != 0) {
        abort();
    }
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

/* Each on lines of its own, as where each belongs to something larger. */
struct lone_job {
    _Alignas(CACHE_LINE_BYTES) struct job job;
};

/* Half of what is in flight. */
struct batch {
    struct completion *completion;
    struct lone_job *jobs;
};

static void
submit(struct pool *pool, struct batch *batch)
{
    if (completion_new(PEER_BATCH, &batch->completion) != 0) {
        abort();
    }
    for (size_t i = 0; i < PEER_BATCH; i++) {
        prepare(&batch->jobs[i].job);
        completion_add(batch->completion, &batch->jobs[i].job.future);
    }
    completion_all_of(batch->completion);
    for (size_t i = 0; i < PEER_BATCH; i++) {
        if (pool_submit(pool, &batch->jobs[i].job) != 0) {
            abort();
        }
    }
}

static void
collect(struct batch *batch)
{
    struct future *future = NULL;
    for (size_t i = 0; i < PEER_BATCH; i++) {
        if (completion_wait(batch->completion, i, CLOCK_NEVER, &future) != 0 ||
            future->result == NULL) {
            abort();
        }
    }
    completion_free(&batch->completion);
}

static int64_t
stream(unsigned threads, size_t tasks)
{
    struct pool *pool = new_pool(threads);
    struct lone_job *jobs = aligned_alloc(CACHE_LINE_BYTES, PEER_WINDOW * sizeof(*jobs));
    if (jobs == NULL) {
        abort();
    }
    memset(jobs, 0, PEER_WINDOW * sizeof(*jobs));
    struct batch batches[PEER_BATCHES];
    for (size_t i = 0; i < PEER_BATCHES; i++) {
        batches[i] = (struct batch){ .jobs = jobs + i * PEER_BATCH };
    }
    int64_t started_ns = peer_now_ns();
    size_t count = tasks / PEER_BATCH;
    for (size_t i = 0; i < count + PEER_BATCHES; i++) {
        struct batch *batch = &batches[i % PEER_BATCHES];
        if (i >= PEER_BATCHES) {
            collect(batch);
        }
        if (i < count) {
            submit(pool, batch);
        }
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

/* A task that blocks as long as somebody waits for it. */
struct racer {
    struct job job;
    int ms;
};

static int
run_racer(struct job *job)
{
    struct racer *racer = CONTAINER_OF(job, struct racer, job);
    struct pollfd cancel = { .fd = job_cancel_fd(job), .events = POLLIN };
    (void)poll(&cancel, 1, racer->ms);
    job->result = racer->ms == PEER_WINNER_MS ? racer : NULL;
    return 0;
}

static void
free_racer(struct future *future)
{
    struct racer *racer = CONTAINER_OF(CONTAINER_OF(future, struct job, future), struct racer, job);
    job_fini(&racer->job);
    free(racer);
}

static const struct future_ops racer_ops = { .name = "racer",
                                             .cancel = job_wake_cancelled,
                                             .free = free_racer };

static void
enter(struct pool *pool, struct completion *completion, int ms)
{
    struct racer *racer = calloc(1, sizeof(*racer));
    if (racer == NULL) {
        abort();
    }
    job_init(&racer->job, &racer_ops, run_racer);
    racer->job.kind = JOB_SLOW;
    racer->ms = ms;
    struct future *future = &racer->job.future;
    completion_add(completion, future);
    if (pool_submit(pool, &racer->job) != 0) {
        abort();
    }
    future_unref(&future);
}

static bool
is_yes(const struct future *member, void *context)
{
    (void)context;
    return member->result != NULL;
}

static void
races(size_t count, int64_t *out_ns)
{
    static const int race_ms[PEER_RACERS] = PEER_RACE_MS;
    struct pool *pool = new_pool(2 * PEER_RACERS); /* half of them for what blocks */
    for (size_t i = 0; i < count; i++) {
        struct completion *completion = NULL;
        if (completion_new(PEER_RACERS, &completion) != 0) {
            abort();
        }
        int64_t started_ns = peer_now_ns();
        for (size_t j = 0; j < PEER_RACERS; j++) {
            enter(pool, completion, race_ms[j]);
        }
        struct future *first = completion_first_of(completion, is_yes, NULL);
        if (future_wait(first, CLOCK_NEVER) != 0 || first->result == NULL) {
            abort();
        }
        out_ns[i] = peer_now_ns() - started_ns;
        completion_free(&completion);
    }
    end_pool(pool);
}

const struct peer peer_rollcall = { "rollcall", stream, trips, races };
