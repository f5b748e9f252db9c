/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Threads for work that blocks or computes. A bounded queue whose fullness is an answer, not a
 * wait; idle threads are used before new ones are started; slow work (it may block for long) gets
 * at most half the threads, so quick work always finds one. A thread joins in when work waits,
 * unless those at it take more than a few jobs a microsecond: then it looks again 50 us later.
 *
 * No job waits for another one (future_wait() and completion_wait() abort where they would block on
 * a thread of a pool): a pool full of jobs that wait would never get to those they wait for. Chain
 * with callbacks instead. A job may submit jobs. */
#ifndef ROLLCALL_EXEC_POOL_H
#define ROLLCALL_EXEC_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/exec/job.h"

struct pool;

/* A full queue is searched for cancelled jobs at most so often: the search takes every job in hand
 * once (some 40 us for a thousand), which must not happen to each submitter under overload. */
#define POOL_SWEEP_US 1000

struct pool_options {
    unsigned threads; /* at most; started when first needed */
    size_t queue_max; /* jobs that wait, of each kind; one more is BUSY */
    const char *name; /* of the threads, at most 11 characters */
};

struct pool_stats {
    unsigned threads;
    unsigned idle;
    size_t queued;
    uint64_t taken; /* jobs that left the queue, so far */
};

/** An empty pool; it starts its threads when there is work.
 *  Owner:  *out_pool is the caller's: pool_stop(), then pool_free(). Thread: any.
 *  Errors: NOMEM. Asserts 1 to 256 threads. */
MUST_CHECK int pool_start(const struct pool_options *options, struct pool **out_pool);

/**
 * Queue it. The pool takes a reference until the job has run or been skipped. Jobs that were
 * cancelled in the queue keep their places until a thread comes by; when they make it full, the
 * submitter clears them out first (at most once in POOL_SWEEP_US), so a queue full of cancelled
 * jobs is not full. One of those without a home is let go of here.
 * Errors: BUSY (full), CLOSED, NOMEM (no first thread): the job stays pending and the caller's.
 * Thread: any. Of several that submit a pool's very first jobs at the same moment, one job may wait
 * for another, or for the next submit: one thread submits here, the loop.
 */
MUST_CHECK int pool_submit(struct pool *pool, struct job *job);

/** No new work from now on: submit answers CLOSED. Never blocks, may be called twice. */
void pool_close(struct pool *pool);

enum pool_stop { POOL_DRAIN, POOL_CANCEL_QUEUED };

/** Close, then wait for the threads: DRAIN runs what is queued, CANCEL_QUEUED cancels it; what runs
 *  runs to its end in both, so cancel it first where that matters. Never from a job of this pool,
 *  which could not wait for itself (asserted): close it, and let somebody else stop it.
 *  Errors: TIMEOUT: at `deadline_us` a job still ran. Nothing of it may be freed; stop it again, or
 *  leave the process. */
MUST_CHECK int pool_stop(struct pool *pool, enum pool_stop how, int64_t deadline_us);
/** After pool_stop(), and after the last pool_submit() has returned. */
void pool_free(struct pool **pool);

void pool_stats(struct pool *pool, struct pool_stats *out_stats);

#endif
