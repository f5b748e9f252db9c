/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A result that arrives once. Semantics follow Python's concurrent.futures where they make sense in
 * an event-driven daemon: pending, running, then finished or cancelled; ended exactly once, by
 * whoever claims the end first; callbacks in the order they were added.
 *
 * A future is embedded in the thing that does the work (a transfer, a job of the pool, a check, a
 * query), so creating one allocates nothing. It is counted: whoever works on it holds a reference
 * until finish, fail or cancel has returned (or a callback has dropped it), and so does whoever
 * waits; the last one to let go frees it through its ops. Where ops->free is NULL the memory is
 * somebody else's, who leaves it alone until `references` is back at its own 1: a waiter may see
 * the end a moment before the thread that brought it has let go.
 *
 * Where the callbacks run: on the thread that ends the future, or at once on the thread that adds
 * one to a future that has ended. A job with a home loop (pool.h) always ends on that loop, and so
 * does all that is owned by [loop]; so code on the loop sees callbacks on the loop only. A callback
 * cannot fail, and may add callbacks, end other futures and let go of this one. `then` is a
 * callback that starts or ends the next future: no thread is parked for a chain.
 *
 * Threads that other futures depend on never block in a wait: the loop's and the pool's. A job that
 * waited for another job would hang once the pool is full of such jobs; here it aborts the first
 * time it runs (future_forbid_wait()). */
#ifndef ROLLCALL_EXEC_FUTURE_H
#define ROLLCALL_EXEC_FUTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/attr.h"

enum future_state { FUTURE_PENDING, FUTURE_RUNNING, FUTURE_FINISHED, FUTURE_CANCELLED };

struct future;
typedef void future_fn(struct future *future, void *context);

/* Embedded by whoever wants to be told; must stay until it has been called. It is called exactly
 * once, since each future ends. */
struct future_callback {
    _Alignas(8) future_fn *fn; /* its address leaves three bits of the future's word free */
    void *context;
    struct future_callback *next;
};

struct future_ops {
    const char *name; /* what the work is, for assertions: "fetch", "call" */
    /* Stop the work in hand: called once, by future_cancel(), on its thread, only when the future
     * was running, before its callbacks. NULL: the work runs on and its result is dropped. */
    void (*cancel)(struct future *future);
    /* The last reference is gone. NULL: the memory is somebody else's. */
    void (*free)(struct future *future);
};

struct future {
    const struct future_ops *ops;
    void *result; /* after FINISHED; what it is and who frees it, the maker of the future says */
    _Atomic uintptr_t word; /* the state, and the callbacks: future.c's own */
    int error;              /* after FINISHED: ERROR_OK or why there is no result */
    _Atomic uint32_t references;
};

/** Pending, one reference (the caller's). Thread: any. */
void future_init(struct future *future, const struct future_ops *ops);

struct future *future_ref(struct future *future);
/** Let go and NULL the caller's variable. NULL is fine. Thread: any. */
void future_unref(struct future **future);

/** Pending to running. False when it was cancelled first: then do not begin. Thread: any. */
MUST_CHECK bool future_start(struct future *future);

/** End it with a result, or with an error. False when it had ended before (cancelled): the result
 *  stays the caller's. Thread: any; callbacks run here. */
bool future_finish(struct future *future, void *result);
bool future_fail(struct future *future, int error);

/** End it as cancelled, pending or running. True when it is cancelled, by this call or by another
 *  one (which may be about to tell everybody, on its own thread); false when it had finished.
 *  Thread: as ops->cancel demands ([loop] for what the loop owns), else any; callbacks run here. */
bool future_cancel(struct future *future);

/** Whether a cancel has claimed it: the token that running work polls. It turns true before
 *  ops->cancel is called, so no later than the state does. Thread: any. */
bool future_is_cancelled(const struct future *future);

enum future_state future_state(const struct future *future);
/** Finished or cancelled. A true answer orders all reads of result and error behind it. */
bool future_is_done(const struct future *future);

/** Be told when it ends: see the head of this file for where. Thread: any. */
void future_on_done(struct future *future, struct future_callback *callback);

/**
 * Block until it ends. On a thread that may not wait it only looks, and aborts where it would
 * block. Units:  `timeout_us`; 0 only looks, CLOCK_NEVER waits for good. Errors: TIMEOUT. ERROR_OK
 * says only that it ended; then ask future_state().
 */
MUST_CHECK int future_wait(struct future *future, int64_t timeout_us);

/** From now on the calling thread must not block for a future, nor in completion_wait(): `who` says
 *  what it is, for the abort's sentence; NULL allows it again. Static text. For loop and pool. */
void future_forbid_wait(const char *who);

/** Abort when the calling thread must not block; who waits by other means asks this first. */
void future_assert_may_wait(void);

#endif
