/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The thread pool: two bounded queues without a lock, threads that are started when there is work
 * and nobody idle. A thread takes quick work first; slow work only while fewer than half the
 * threads are at it.
 *
 * A job comes back where its home is: a job with a home loop is posted there and ends there, also
 * when it was skipped because it had been cancelled in the queue. Under the lock a thread is
 * started, nothing else. */

#include "daemon/exec/pool.h"

#include <assert.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/base/futex.h"
#include "daemon/exec/pool_int.h"

/* ---- One job ------------------------------------------------------------------------- */

/* End the future with what the run gave, where the job is at home, and let go of the pool's
 * reference. */
static void
job_end(struct job *job)
{
    bool taken = job->error == ERROR_OK ? future_finish(&job->future, job->result)
                                        : future_fail(&job->future, job->error);
    if (!taken && job->error == ERROR_OK && job->drop != NULL) {
        job->drop(job);
    }
    struct future *future = &job->future;
    future_unref(&future);
}

/* A job that never ran: cancel it (it may be so already) and let go. */
static void
job_skip(struct job *job)
{
    future_cancel(&job->future);
    struct future *future = &job->future;
    future_unref(&future);
}

static void
end_at_home(struct loop_post *post)
{
    job_end(CONTAINER_OF(post, struct job, post));
}

static void
skip_at_home(struct loop_post *post)
{
    job_skip(CONTAINER_OF(post, struct job, post));
}

static void
send_home(struct job *job, void (*at_home)(struct loop_post *post), void (*here)(struct job *job))
{
    if (job->home == NULL) {
        here(job);
        return;
    }
    job->post.fn = at_home;
    loop_post(job->home, &job->post);
}

static void
run_job(struct job *job)
{
    if (!future_start(&job->future)) {
        send_home(job, skip_at_home, job_skip);
        return;
    }
    job->error = job->run(job);
    send_home(job, end_at_home, job_end);
}

/* ---- Threads ------------------------------------------------------------------------- */

/* Take one of the places for slow work. It is never held by a thread that finds them all taken, not
 * for a moment: else two that look at once could both go to sleep beside a free place. */
static bool
begin_slow(struct pool *pool)
{
    unsigned running = atomic_load_explicit(&pool->slow_running, memory_order_seq_cst);
    while (running < pool->slow_max) {
        if (atomic_compare_exchange_weak_explicit(&pool->slow_running, &running, running + 1,
                                                  memory_order_seq_cst, memory_order_seq_cst)) {
            return true;
        }
    }
    return false;
}

static void
end_slow(struct pool *pool)
{
    atomic_fetch_sub_explicit(&pool->slow_running, 1, memory_order_seq_cst);
}

/* A place that is given back wakes nobody: whoever had it, with a job or without, looks again
 * itself before it sleeps. */
static struct job *
take_slow(struct pool *pool)
{
    if (!ring_has_items(&pool->slow) || !begin_slow(pool)) {
        return NULL;
    }
    struct job *job = ring_pop(&pool->slow);
    if (job == NULL) {
        end_slow(pool);
    }
    return job;
}

static struct job *
take(struct pool *pool)
{
    struct job *job = ring_pop(&pool->quick);
    return job != NULL ? job : take_slow(pool);
}

static void more_hands(struct pool *pool);

static _Thread_local const struct pool *mine;

static void *
thread_main(void *argument)
{
    struct pool *pool = argument;
    mine = pool;
    future_forbid_wait("a thread of a pool");
    for (;;) {
        struct job *job = take(pool);
        if (job == NULL && pool_is_over(pool)) {
            break;
        }
        if (job == NULL) {
            pool_idle(pool);
            continue;
        }
        bool slow = job->kind == JOB_SLOW;
        if (pool_has_work(pool)) {
            more_hands(pool);
        }
        run_job(job); /* the job may be gone after this */
        if (slow) {
            end_slow(pool);
        }
    }
    pool_wake_all(pool); /* the others look again whether it is over */
    atomic_fetch_sub_explicit(&pool->alive, 1, memory_order_seq_cst);
    futex_wake(&pool->alive, FUTEX_ALL);
    return NULL;
}

static bool
start_thread_locked(struct pool *pool) REQUIRES(&pool->lock)
{
    unsigned index = atomic_load_explicit(&pool->threads, memory_order_relaxed);
    /* The only foreign calls under this lock: threads_max times in a pool's life. */
    if (index >= pool->threads_max || atomic_load_explicit(&pool->ending, memory_order_relaxed) ||
        pthread_create(&pool->handles[index], NULL, thread_main, pool) != 0) {
        return false;
    }
    char name[16]; /* the kernel's bound */
    snprintf(name, sizeof(name), "%s-%u", pool->name, index % 1000);
    pthread_setname_np(pool->handles[index], name);
    atomic_store_explicit(&pool->threads, index + 1, memory_order_seq_cst);
    atomic_fetch_add_explicit(&pool->alive, 1, memory_order_seq_cst); /* its end needs the lock */
    return true;
}

/* There is work that nobody has in hand. */
static void
more_hands(struct pool *pool)
{
    if (pool_wants_hands(pool) && !pool_wake_one(pool) &&
        atomic_load_explicit(&pool->threads, memory_order_relaxed) < pool->threads_max) {
        lock_take(&pool->lock);
        start_thread_locked(pool);
        lock_release(&pool->lock);
    }
}

/* ---- The pool ------------------------------------------------------------------------ */

int
pool_start(const struct pool_options *options, struct pool **out_pool)
{
    assert(options->threads > 0 && options->threads <= THREADS_MAX);
    struct pool *pool = aligned_alloc(CACHE_LINE_BYTES, sizeof(*pool));
    if (pool == NULL) {
        return ERROR_NOMEM;
    }
    memset(pool, 0, sizeof(*pool));
    lock_init(&pool->lock, LOCK_POOL);
    atomic_flag_clear(&pool->sweeping);
    pool->threads_max = options->threads;
    pool->slow_max = options->threads > 1 ? options->threads / 2 : 1;
    snprintf(pool->name, sizeof(pool->name), "%s", options->name);
    if (ring_init(&pool->quick, options->queue_max) != ERROR_OK ||
        ring_init(&pool->slow, options->queue_max) != ERROR_OK) {
        pool_free(&pool);
        return ERROR_NOMEM;
    }
    *out_pool = pool;
    return ERROR_OK;
}

/* The first thread must be there before a job is taken in, so that each job has somebody. */
static bool
has_thread(struct pool *pool)
{
    if (atomic_load_explicit(&pool->threads, memory_order_relaxed) > 0) {
        return true;
    }
    lock_take(&pool->lock);
    bool any =
        atomic_load_explicit(&pool->threads, memory_order_relaxed) > 0 || start_thread_locked(pool);
    lock_release(&pool->lock);
    return any;
}

/* Clear cancelled jobs out of a full queue: each job is taken out once and, if alive, put at the
 * end again, so they keep their order. False when it was not worth it, or another one is at it. */
static bool
sweep(struct pool *pool, struct ring *ring)
{
    if (atomic_flag_test_and_set_explicit(&pool->sweeping, memory_order_acquire)) {
        return false;
    }
    bool is_due = clock_now_us() >= pool->sweep_due_us;
    for (size_t left = is_due ? ring_count(ring) : 0; left > 0; left--) {
        struct job *job = ring_pop(ring);
        if (job == NULL) {
            break;
        }
        if (future_is_cancelled(&job->future)) {
            send_home(job, skip_at_home, job_skip);
        } else {
            ring_return(ring, job);
        }
    }
    if (is_due) {
        pool->sweep_due_us = clock_deadline_us(POOL_SWEEP_US);
        more_hands(pool); /* a thread may have found the queue empty while we had a job in hand */
    }
    atomic_flag_clear_explicit(&pool->sweeping, memory_order_release);
    return is_due;
}

/* As ring_push(), after making room where that is possible. */
static int
push(struct pool *pool, struct job *job)
{
    struct ring *ring = job->kind == JOB_SLOW ? &pool->slow : &pool->quick;
    int error = ring_push(ring, job);
    return error == ERROR_BUSY && sweep(pool, ring) ? ring_push(ring, job) : error;
}

int
pool_submit(struct pool *pool, struct job *job)
{
    bool is_first = atomic_load_explicit(&pool->threads, memory_order_relaxed) == 0;
    if (is_first && !has_thread(pool)) {
        return atomic_load_explicit(&pool->ending, memory_order_relaxed) ? ERROR_CLOSED
                                                                         : ERROR_NOMEM;
    }
    struct future *future = future_ref(&job->future);
    bool is_slow = job->kind == JOB_SLOW; /* the job may be gone after the push */
    int error = push(pool, job);
    if (error != ERROR_OK) {
        future_unref(&future);
    } else if (is_first) {
        (void)pool_wake_one(pool); /* it may have looked and gone to sleep already */
    } else if (!is_slow || !pool_wake_another(pool)) {
        more_hands(pool);
    }
    return error;
}

void
pool_close(struct pool *pool)
{
    ring_close(&pool->quick);
    ring_close(&pool->slow);
}

/* A job that a sweep has in hand is in no queue, where threads that end would not find it: let one
 * that is at it come to its end, and none begin. */
static void
end_sweeping(struct pool *pool)
{
    while (!atomic_load_explicit(&pool->ending, memory_order_seq_cst) &&
           atomic_flag_test_and_set_explicit(&pool->sweeping, memory_order_acquire)) {
        sched_yield();
    }
}

static void
cancel_queued(struct ring *ring)
{
    for (struct job *job = ring_pop(ring); job != NULL; job = ring_pop(ring)) {
        send_home(job, skip_at_home, job_skip);
    }
}

static bool
await_threads(struct pool *pool, int64_t deadline_us)
{
    for (;;) {
        uint32_t alive = atomic_load_explicit(&pool->alive, memory_order_seq_cst);
        if (alive == 0 || clock_now_us() >= deadline_us) {
            return alive == 0;
        }
        futex_sleep(&pool->alive, alive, deadline_us);
    }
}

int
pool_stop(struct pool *pool, enum pool_stop how, int64_t deadline_us)
{
    assert(mine != pool);
    pool_close(pool);
    end_sweeping(pool);
    if (how == POOL_CANCEL_QUEUED) {
        cancel_queued(&pool->quick);
        cancel_queued(&pool->slow);
    }
    lock_take(&pool->lock); /* after this no thread starts another */
    atomic_store_explicit(&pool->ending, true, memory_order_seq_cst);
    lock_release(&pool->lock);
    pool_wake_all(pool);
    if (!await_threads(pool, deadline_us)) {
        return ERROR_TIMEOUT;
    }
    unsigned threads = atomic_exchange_explicit(&pool->threads, 0, memory_order_seq_cst);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(pool->handles[i], NULL);
    }
    return ERROR_OK;
}

void
pool_free(struct pool **pool)
{
    struct pool *dropped = *pool;
    if (dropped == NULL) {
        return;
    }
    *pool = NULL;
    assert(atomic_load(&dropped->threads) == 0);
    ring_fini(&dropped->quick);
    ring_fini(&dropped->slow);
    lock_fini(&dropped->lock);
    free(dropped);
}

void
pool_stats(struct pool *pool, struct pool_stats *out_stats)
{
    *out_stats =
        (struct pool_stats){ .threads = atomic_load_explicit(&pool->threads, memory_order_relaxed),
                             .idle = atomic_load_explicit(&pool->sleepers, memory_order_relaxed),
                             .queued = ring_count(&pool->quick) + ring_count(&pool->slow),
                             .taken = ring_popped(&pool->quick) + ring_popped(&pool->slow) };
}
