/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The thread pool: two bounded queues, one lock, threads that are started when there is work and
 * nobody idle. A thread takes quick work first; slow work only while fewer than half the threads
 * are at it.
 *
 * A job comes back where its home is: a job with a home loop is posted there and ends there, also
 * when it was skipped because it had been cancelled in the queue. Nothing is called under the lock.
 */

#include "daemon/exec/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/lock.h"

#define THREADS_MAX 256

struct queue {
    struct list jobs;
    size_t count;
};

struct pool {
    struct lock lock;
    struct cond work;
    struct queue quick;
    struct queue slow;
    size_t queue_max;
    unsigned threads_max;
    unsigned slow_max;
    unsigned threads; /* started */
    unsigned idle;
    unsigned slow_running;
    bool closed;
    uint64_t finished;
    char name[12];
    pthread_t handles[THREADS_MAX];
};

/* ---- One job ------------------------------------------------------------------------------------
 */

void
job_init(struct job *job, const struct future_ops *ops, int (*run)(struct job *job))
{
    memset(job, 0, sizeof(*job));
    future_init(&job->future, ops);
    list_init(&job->node);
    job->run = run;
}

bool
job_is_cancelled(const struct job *job)
{
    return future_state(&job->future) == FUTURE_CANCELLED;
}

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

/* ---- The queues ---------------------------------------------------------------------------------
 */

static struct job *
pop(struct queue *queue)
{
    struct list *node = list_pop_front(&queue->jobs);
    if (node == NULL) {
        return NULL;
    }
    queue->count--;
    return LIST_ENTRY(node, struct job, node);
}

static struct job *
take_locked(struct pool *pool) REQUIRES(&pool->lock)
{
    struct job *job = pop(&pool->quick);
    if (job == NULL && pool->slow_running < pool->slow_max) {
        job = pop(&pool->slow);
        pool->slow_running += job != NULL ? 1 : 0;
    }
    return job;
}

/* The next job, or NULL when the pool is closed and nothing is left that this thread may take. */
static struct job *
wait_for_job_locked(struct pool *pool) REQUIRES(&pool->lock)
{
    for (;;) {
        struct job *job = take_locked(pool);
        if (job != NULL || (pool->closed && pool->slow.count == 0)) {
            return job;
        }
        pool->idle++;
        cond_wait_locked(&pool->work, &pool->lock);
        pool->idle--;
    }
}

static void *
thread_main(void *argument)
{
    struct pool *pool = argument;
    lock_take(&pool->lock);
    for (;;) {
        struct job *job = wait_for_job_locked(pool);
        if (job == NULL) {
            break;
        }
        bool slow = job->kind == JOB_SLOW;
        lock_release(&pool->lock);
        run_job(job); /* the job may be gone after this */
        lock_take(&pool->lock);
        pool->finished++;
        if (slow) {
            pool->slow_running--;
            if (pool->slow.count > 0 || pool->closed) {
                cond_broadcast(&pool->work); /* room for slow work, or nothing left to wait for */
            }
        }
    }
    lock_release(&pool->lock);
    return NULL;
}

static bool
start_thread_locked(struct pool *pool) REQUIRES(&pool->lock)
{
    /* The one foreign call under this lock: it happens threads_max times in a pool's life, and the
     * new thread's first act is to wait for the lock. */
    pthread_t *handle = &pool->handles[pool->threads];
    if (pthread_create(handle, NULL, thread_main, pool) != 0) {
        return false;
    }
    char name[16]; /* the kernel's bound */
    snprintf(name, sizeof(name), "%s-%u", pool->name, pool->threads % 1000);
    pthread_setname_np(*handle, name);
    pool->threads++;
    return true;
}

/* ---- The pool -----------------------------------------------------------------------------------
 */

int
pool_start(const struct pool_options *options, struct pool **out_pool)
{
    assert(options->threads > 0 && options->threads <= THREADS_MAX);
    struct pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return ERROR_NOMEM;
    }
    lock_init(&pool->lock, LOCK_POOL);
    cond_init(&pool->work);
    list_init(&pool->quick.jobs);
    list_init(&pool->slow.jobs);
    pool->queue_max = options->queue_max;
    pool->threads_max = options->threads;
    pool->slow_max = options->threads > 1 ? options->threads / 2 : 1;
    snprintf(pool->name, sizeof(pool->name), "%s", options->name);
    *out_pool = pool;
    return ERROR_OK;
}

static int
push_locked(struct pool *pool, struct job *job) REQUIRES(&pool->lock)
{
    struct queue *queue = job->kind == JOB_SLOW ? &pool->slow : &pool->quick;
    if (pool->closed) {
        return ERROR_CLOSED;
    }
    if (queue->count >= pool->queue_max) {
        return ERROR_BUSY;
    }
    /* A thread that is idle but has been signalled already counts for the job it was signalled for.
     */
    bool covered = pool->idle > pool->quick.count + pool->slow.count;
    if (!covered && pool->threads < pool->threads_max && !start_thread_locked(pool) &&
        pool->threads == 0) {
        return ERROR_NOMEM;
    }
    future_ref(&job->future);
    list_push_back(&queue->jobs, &job->node);
    queue->count++;
    return ERROR_OK;
}

int
pool_submit(struct pool *pool, struct job *job)
{
    lock_take(&pool->lock);
    int error = push_locked(pool, job);
    if (error == ERROR_OK && pool->idle > 0) {
        cond_signal(&pool->work);
    }
    lock_release(&pool->lock);
    return error;
}

void
pool_close(struct pool *pool)
{
    lock_take(&pool->lock);
    pool->closed = true;
    cond_broadcast(&pool->work);
    lock_release(&pool->lock);
}

static void
cancel_queued(struct pool *pool)
{
    struct list dropped;
    list_init(&dropped);
    lock_take(&pool->lock);
    list_append_all(&dropped, &pool->quick.jobs);
    list_append_all(&dropped, &pool->slow.jobs);
    pool->quick.count = 0;
    pool->slow.count = 0;
    cond_broadcast(&pool->work);
    lock_release(&pool->lock);
    for (struct list *node = list_pop_front(&dropped); node != NULL;
         node = list_pop_front(&dropped)) {
        send_home(LIST_ENTRY(node, struct job, node), skip_at_home, job_skip);
    }
}

void
pool_stop(struct pool *pool, enum pool_stop how)
{
    pool_close(pool);
    if (how == POOL_CANCEL_QUEUED) {
        cancel_queued(pool);
    }
    for (unsigned i = 0; i < pool->threads; i++) { /* closed: nobody starts another */
        pthread_join(pool->handles[i], NULL);
    }
    pool->threads = 0;
}

void
pool_free(struct pool **pool)
{
    struct pool *dropped = *pool;
    if (dropped == NULL) {
        return;
    }
    *pool = NULL;
    assert(dropped->threads == 0);
    cond_fini(&dropped->work);
    lock_fini(&dropped->lock);
    free(dropped);
}

void
pool_stats(struct pool *pool, struct pool_stats *out_stats)
{
    lock_take(&pool->lock);
    *out_stats = (struct pool_stats){ .threads = pool->threads,
                                      .idle = pool->idle,
                                      .queued = pool->quick.count + pool->slow.count,
                                      .finished = pool->finished };
    lock_release(&pool->lock);
}
