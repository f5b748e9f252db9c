/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One piece of work for the pool.
 *
 * A job is embedded in what it is about, so submitting allocates nothing. Its future is pending in
 * the queue, running on a thread. A job with a home loop ends there; one without ends on the thread
 * that ran it. Cancelling a queued job ends it at once and its turn is skipped; cancelling a
 * running one ends its future at once, and the work runs on: long work polls job_is_cancelled().
 *
 * Whose memory. The caller's, for as long as anybody holds a reference to the future: the caller
 * has one, the pool takes one for as long as the job is queued or runs, a cancelled job included.
 * So free a job in its future's ops->free. Memory that is used again (job_init() anew) must wait
 * until `references` is back at the caller's 1: a waiter sees the end a moment before the pool has
 * let go. The pool's is often the last one: ops->free then runs on a thread of the pool, or for a
 * job with a home on its loop. */
#ifndef ROLLCALL_EXEC_JOB_H
#define ROLLCALL_EXEC_JOB_H

#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/exec/future.h"
#include "daemon/exec/loop.h"

enum job_kind { JOB_QUICK, JOB_SLOW };

struct job {
    struct future future;
    /* [pool] Do the work; returns ERROR_OK with job->result set, or an error. What it allocated is
     * its own to free when the future turns out to be cancelled: see `drop`. */
    int (*run)(struct job *job);
    void *result;
    struct loop *home; /* where the future ends; NULL: on the thread that ran it */
    enum job_kind kind;
    int error; /* job.c's and pool.c's own */
    /* What most jobs never come to stands behind what all do, which is a cache line. */
    /* The result of a job that had been cancelled while it ran; NULL: nothing to free. Same thread
     * as the end of the future would have had. */
    void (*drop)(struct job *job);
    _Atomic int cancel_fd; /* -1: nobody has asked for it; job.c's own, like what follows */
    struct loop_post post;
};

/** Initialise a job, pending, one reference: the caller's. Then set the other fields. */
void job_init(struct job *job, const struct future_ops *ops, int (*run)(struct job *job));

/** For run(): whether nobody waits any more. The token that long work polls. */
bool job_is_cancelled(const struct job *job);

/**
 * For run(): the same as a descriptor, which becomes readable when nobody waits any more, for work
 * that blocks in poll() anyway. Made at the first asking; -1 where the system has none left: then
 * ask job_is_cancelled() from time to time.
 * Owner: the job. Only to be polled. Wants job_wake_cancelled() and job_fini() in the future's ops.
 */
int job_cancel_fd(struct job *job);

/** For ops->cancel (or called by it): make the descriptor readable, if there is one. Thread: any.
 */
void job_wake_cancelled(struct future *future);
/** For ops->free: close the descriptor, if there is one. */
void job_fini(struct job *job);

#endif
