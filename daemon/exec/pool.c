/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The thread pool: two bounded queues without a lock, threads that are started when there is work
 * and nobody idle. A thread takes quick work first; slow work only while fewer than half the
 * threads are at it.
 *
 * A job comes back where its home is: a job with a home loop is posted there and ends there, also
 * when it was skipped because it had been cancelled in the queue. Nothing is called under the lock.
 */

#include "daemon/exec/pool.h"

#include <assert.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/base/lock.h"
#include "daemon/exec/ring.h"

#define THREADS_MAX 256

static void more_hands(struct pool *pool);

struct pool {
    struct ring quick;
    struct ring slow;
    unsigned threads_max;
    unsigned slow_max;
    char name[12];
    /* How sleepers and wakers meet: see sleep_for_work(). */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t epoch; /* the word that idle threads sleep on */
    atomic_uint sleepers;
    atomic_bool waking; /* one thread has been woken and has not looked yet: no need for another */
    atomic_bool closed; /* no new jobs */
    atomic_bool
        ending; /* and nobody is submitting any more: threads leave once the queues are empty */
    atomic_uint slow_running;
    atomic_uint threads;
    /* Changed with each job: kept away from what all threads read. */
    _Alignas(CACHE_LINE_BYTES)
        atomic_uint submitting;                  /* in pool_submit(): closing waits for them */
    atomic_flag sweeping;                        /* somebody is in sweep() */
    int64_t sweep_due_us;                        /* whoever is in sweep() */
    _Alignas(CACHE_LINE_BYTES) struct lock lock; /* the starting of threads */
    pthread_t handles[THREADS_MAX];
};

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

/* ---- Idle threads -------------------------------------------------------------------- */

/* Sleeping and waking without a lost wake-up. A thread that finds nothing says so in `sleepers`,
 * looks once more, and sleeps on `epoch`. Whoever brings work pushes it, then looks at `sleepers`.
 * Both sides are sequentially consistent, so one of them sees the other. A burst wakes one thread,
 * not one for each job: `waking` stays set until that thread has looked, and it passes the word on
 * while work is left. */
static void
wake_one(struct pool *pool)
{
    if (atomic_load_explicit(&pool->sleepers, memory_order_seq_cst) == 0 ||
        atomic_load_explicit(&pool->waking, memory_order_seq_cst) ||
        atomic_exchange_explicit(&pool->waking, true, memory_order_seq_cst)) {
        return;
    }
    atomic_fetch_add_explicit(&pool->epoch, 1, memory_order_seq_cst);
    syscall(SYS_futex, &pool->epoch, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void
wake_all(struct pool *pool)
{
    atomic_fetch_add_explicit(&pool->epoch, 1, memory_order_seq_cst);
    syscall(SYS_futex, &pool->epoch, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

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

/* A place that is given back wakes nobody. Whoever ran slow work looks again itself; whoever got a
 * place and no job does so between saying that it sleeps and sleeping, where a push that it missed
 * changes the epoch and so keeps it awake. */
static struct job *
take_slow(struct pool *pool)
{
    if (ring_count(&pool->slow) == 0 || !begin_slow(pool)) {
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

static bool
is_backlog(const struct pool *pool)
{
    return ring_count(&pool->quick) > 0 || ring_count(&pool->slow) > 0;
}

/* Whether one more thread would find something to do. */
static bool
is_work_for_another(struct pool *pool)
{
    return ring_is_ready(&pool->quick) ||
           (ring_is_ready(&pool->slow) &&
            atomic_load_explicit(&pool->slow_running, memory_order_seq_cst) < pool->slow_max);
}

/* The pool ends and there is nothing left: slow work that nobody may take yet is still something.
 */
static bool
is_over(struct pool *pool)
{
    return atomic_load_explicit(&pool->ending, memory_order_seq_cst) && !is_backlog(pool);
}

/* Say that this thread sleeps, look once more, sleep. Returns a job that the second look found. */
static struct job *
sleep_for_work(struct pool *pool)
{
    atomic_fetch_add_explicit(&pool->sleepers, 1, memory_order_seq_cst);
    uint32_t epoch = atomic_load_explicit(&pool->epoch, memory_order_seq_cst);
    (void)atomic_exchange_explicit(&pool->waking, false, memory_order_seq_cst);
    struct job *job = take(pool);
    if (job == NULL && !is_over(pool)) {
        syscall(SYS_futex, &pool->epoch, FUTEX_WAIT_PRIVATE, epoch, NULL, NULL, 0);
    }
    atomic_fetch_sub_explicit(&pool->sleepers, 1, memory_order_seq_cst);
    /* A wake-up that was meant for this thread is spent: the next job needs one of its own. An
     * exchange, so that the pushes of those who saw it set are seen by our next look. */
    (void)atomic_exchange_explicit(&pool->waking, false, memory_order_seq_cst);
    return job;
}

static _Thread_local const struct pool *mine;

static void *
thread_main(void *argument)
{
    struct pool *pool = argument;
    mine = pool;
    future_forbid_wait("a thread of a pool");
    for (;;) {
        struct job *job = take(pool);
        if (job == NULL) {
            if (is_over(pool)) {
                break;
            }
            job = sleep_for_work(pool);
        }
        if (job == NULL) {
            continue;
        }
        bool slow = job->kind == JOB_SLOW;
        if (is_work_for_another(pool)) {
            more_hands(pool);
        }
        run_job(job); /* the job may be gone after this */
        if (slow) {
            end_slow(pool);
        }
    }
    wake_all(pool); /* the others look again whether it is over */
    return NULL;
}

static bool
start_thread_locked(struct pool *pool) REQUIRES(&pool->lock)
{
    unsigned index = atomic_load_explicit(&pool->threads, memory_order_relaxed);
    /* The one foreign call under this lock: it happens threads_max times in a pool's life. */
    if (index >= pool->threads_max || atomic_load_explicit(&pool->ending, memory_order_relaxed) ||
        pthread_create(&pool->handles[index], NULL, thread_main, pool) != 0) {
        return false;
    }
    char name[16]; /* the kernel's bound */
    snprintf(name, sizeof(name), "%s-%u", pool->name, index % 1000);
    pthread_setname_np(pool->handles[index], name);
    atomic_store_explicit(&pool->threads, index + 1, memory_order_seq_cst);
    return true;
}

static void
more_hands(struct pool *pool)
{
    if (atomic_load_explicit(&pool->sleepers, memory_order_seq_cst) > 0) {
        wake_one(pool);
    } else if (atomic_load_explicit(&pool->threads, memory_order_relaxed) < pool->threads_max) {
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

static int
push(struct pool *pool, struct job *job)
{
    struct ring *ring = job->kind == JOB_SLOW ? &pool->slow : &pool->quick;
    if (atomic_load_explicit(&pool->closed, memory_order_seq_cst)) {
        return ERROR_CLOSED;
    }
    bool first = atomic_load_explicit(&pool->threads, memory_order_relaxed) == 0;
    if (!has_thread(pool)) {
        return ERROR_NOMEM;
    }
    future_ref(&job->future);
    if (!ring_push(ring, job) && !(sweep(pool, ring) && ring_push(ring, job))) {
        struct future *future = &job->future;
        future_unref(&future);
        return ERROR_BUSY;
    }
    if (first) {
        wake_one(pool); /* it may have looked and gone to sleep already */
    } else {
        more_hands(pool);
    }
    return ERROR_OK;
}

int
pool_submit(struct pool *pool, struct job *job)
{
    /* Pairs with end_submitting(): either this sees `closed`, or that sees us. */
    atomic_fetch_add_explicit(&pool->submitting, 1, memory_order_seq_cst);
    int error = push(pool, job);
    atomic_fetch_sub_explicit(&pool->submitting, 1, memory_order_seq_cst);
    return error;
}

void
pool_close(struct pool *pool)
{
    atomic_store_explicit(&pool->closed, true, memory_order_seq_cst);
}

static void
end_submitting(struct pool *pool)
{
    while (atomic_load_explicit(&pool->submitting, memory_order_seq_cst) > 0) {
        sched_yield(); /* a submit in progress: it never waits */
    }
}

static void
cancel_queued(struct ring *ring)
{
    for (struct job *job = ring_pop(ring); job != NULL; job = ring_pop(ring)) {
        send_home(job, skip_at_home, job_skip);
    }
}

void
pool_stop(struct pool *pool, enum pool_stop how)
{
    assert(mine != pool);
    pool_close(pool);
    end_submitting(pool);
    if (how == POOL_CANCEL_QUEUED) {
        cancel_queued(&pool->quick);
        cancel_queued(&pool->slow);
    }
    lock_take(&pool->lock); /* after this no thread starts another */
    atomic_store_explicit(&pool->ending, true, memory_order_seq_cst);
    unsigned threads = atomic_exchange_explicit(&pool->threads, 0, memory_order_seq_cst);
    lock_release(&pool->lock);
    wake_all(pool);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(pool->handles[i], NULL);
    }
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
