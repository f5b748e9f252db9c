/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* A future is one state word and one stack of callbacks, both atomic; there is no lock.
 *
 * Ending has three moves. Claim: whoever sets ENDING in the state word owns the end, everybody else
 * loses; that is the exactly-once. A cancel sets CANCELLING with it, so that others can tell who
 * won before it is published. Publish: result and error are written, then the final state.
 * Deliver: the stack of callbacks is swapped for the CLOSED mark and run in the order of adding; a
 * callback that comes later finds CLOSED and runs at once. */

#include "daemon/exec/future.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"

/* The state word: an enum future_state and two flags. */
#define STATE_MASK UINT32_C(3)
#define ENDING UINT32_C(4)      /* somebody has claimed the end */
#define SLEEPERS UINT32_C(8)    /* a thread sleeps on the word: wake it after publishing */
#define CANCELLING UINT32_C(16) /* it was a cancel */

static struct future_callback closed_mark;
#define CLOSED (&closed_mark)

void
future_init(struct future *future, const struct future_ops *ops)
{
    future->ops = ops;
    future->result = NULL;
    future->error = ERROR_OK;
    atomic_init(&future->state, FUTURE_PENDING);
    atomic_init(&future->references, 1);
    atomic_init(&future->callbacks, NULL);
}

struct future *
future_ref(struct future *future)
{
    /* Relaxed: the caller has a reference already, so the count cannot reach 0 meanwhile. */
    uint32_t before = atomic_fetch_add_explicit(&future->references, 1, memory_order_relaxed);
    assert(before > 0);
    return future;
}

void
future_unref(struct future **future)
{
    struct future *dropped = *future;
    if (dropped == NULL) {
        return;
    }
    *future = NULL;
    /* The only holder needs no atomic change. Acquire pairs with the release of the other unrefs:
     * all uses come before the free. */
    uint32_t before = atomic_load_explicit(&dropped->references, memory_order_acquire);
    if (before == 1) {
        atomic_store_explicit(&dropped->references, 0, memory_order_relaxed);
    } else {
        before = atomic_fetch_sub_explicit(&dropped->references, 1, memory_order_acq_rel);
    }
    assert(before > 0);
    if (before == 1 && dropped->ops->free != NULL) {
        dropped->ops->free(dropped);
    }
}

bool
future_start(struct future *future)
{
    uint32_t word = atomic_load_explicit(&future->state, memory_order_relaxed);
    do {
        if ((word & (STATE_MASK | ENDING)) != FUTURE_PENDING) {
            return false;
        }
        /* Acquire pairs with the release in future_init's publication through a queue or a post. */
    } while (!atomic_compare_exchange_weak_explicit(&future->state, &word, word | FUTURE_RUNNING,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return true;
}

/* Claim the end, setting `flags`; on success *out_state is the state it had. */
static bool
claim(struct future *future, uint32_t flags, enum future_state *out_state)
{
    uint32_t word = atomic_load_explicit(&future->state, memory_order_relaxed);
    do {
        if ((word & ENDING) != 0 || (word & STATE_MASK) >= FUTURE_FINISHED) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&future->state, &word, word | flags,
                                                    memory_order_acq_rel, memory_order_relaxed));
    *out_state = (enum future_state)(word & STATE_MASK);
    return true;
}

static struct future_callback *
oldest_first(struct future_callback *newest)
{
    struct future_callback *oldest = NULL;
    while (newest != NULL) {
        struct future_callback *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

/* A callback may drop the last reference: with several of them one more is held meanwhile. After
 * the last one nothing is touched. */
static void
deliver(struct future *future, struct future_callback *newest)
{
    struct future *held = newest->next != NULL ? future_ref(future) : NULL;
    struct future_callback *callback = oldest_first(newest);
    while (callback != NULL) {
        struct future_callback *next = callback->next; /* first: it may free its own memory */
        callback->fn(future, callback->context);
        callback = next;
    }
    future_unref(&held);
}

/* Publish the final state and tell everybody. */
static void
publish(struct future *future, enum future_state state)
{
    /* Release: pairs with the acquire in future_state(), so result and error are seen with it. */
    uint32_t before =
        atomic_exchange_explicit(&future->state, (uint32_t)state, memory_order_acq_rel);
    if ((before & SLEEPERS) != 0) {
        syscall(SYS_futex, &future->state, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
    }
    /* Acquire: pairs with the release in future_on_done(); what the adder wrote is seen. */
    struct future_callback *newest =
        atomic_exchange_explicit(&future->callbacks, CLOSED, memory_order_acq_rel);
    if (newest != NULL) {
        deliver(future, newest);
    }
}

bool
future_finish(struct future *future, void *result)
{
    enum future_state before;
    if (!claim(future, ENDING, &before)) {
        return false;
    }
    future->result = result;
    publish(future, FUTURE_FINISHED);
    return true;
}

bool
future_fail(struct future *future, int error)
{
    enum future_state before;
    assert(error != ERROR_OK);
    if (!claim(future, ENDING, &before)) {
        return false;
    }
    future->error = error;
    publish(future, FUTURE_FINISHED);
    return true;
}

bool
future_cancel(struct future *future)
{
    enum future_state before;
    if (!claim(future, ENDING | CANCELLING, &before)) {
        return future_is_cancelled(future);
    }
    future->error = ERROR_CANCELLED;
    if (before == FUTURE_RUNNING && future->ops->cancel != NULL) {
        future->ops->cancel(future);
    }
    publish(future, FUTURE_CANCELLED);
    return true;
}

bool
future_is_cancelled(const struct future *future)
{
    uint32_t word = atomic_load_explicit(&future->state, memory_order_acquire);
    return (word & CANCELLING) != 0 || (word & STATE_MASK) == FUTURE_CANCELLED;
}

enum future_state
future_state(const struct future *future)
{
    return (enum future_state)(atomic_load_explicit(&future->state, memory_order_acquire) &
                               STATE_MASK);
}

bool
future_is_done(const struct future *future)
{
    return future_state(future) >= FUTURE_FINISHED;
}

void
future_on_done(struct future *future, struct future_callback *callback)
{
    struct future_callback *head = atomic_load_explicit(&future->callbacks, memory_order_acquire);
    do {
        if (head == CLOSED) {
            callback->fn(future, callback->context);
            return;
        }
        callback->next = head;
        /* Release: what the adder wrote before is seen by whoever runs the callback; acquire on
         * failure: when CLOSED is found, the result is seen here. */
    } while (!atomic_compare_exchange_weak_explicit(&future->callbacks, &head, callback,
                                                    memory_order_acq_rel, memory_order_acquire));
}

/* ---- Waiting ------------------------------------------------------------------------- */

static _Thread_local const char *waiting_forbidden;

void
future_forbid_wait(const char *who)
{
    waiting_forbidden = who;
}

void
future_assert_may_wait(void)
{
    if (waiting_forbidden != NULL) {
        fprintf(stderr, "future: %s would block in a wait; chain with a callback instead\n",
                waiting_forbidden);
        abort();
    }
}

/* Sleep until the word is no longer `word`, or the deadline passed. */
static void
sleep_on(struct future *future, uint32_t word, int64_t deadline_us)
{
    struct timespec until = { .tv_sec = (time_t)(deadline_us / CLOCK_US_PER_S),
                              .tv_nsec = (long)(deadline_us % CLOCK_US_PER_S) * 1000 };
    /* FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time. */
    syscall(SYS_futex, &future->state, FUTEX_WAIT_BITSET_PRIVATE, word,
            deadline_us == CLOCK_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
}

int
future_wait(struct future *future, int64_t timeout_us)
{
    int64_t deadline_us = clock_deadline_us(timeout_us);
    for (;;) {
        uint32_t word = atomic_load_explicit(&future->state, memory_order_acquire);
        if ((word & STATE_MASK) >= FUTURE_FINISHED) {
            return ERROR_OK;
        }
        if (deadline_us != CLOCK_NEVER && clock_now_us() >= deadline_us) {
            return ERROR_TIMEOUT;
        }
        future_assert_may_wait();
        uint32_t asleep = word | SLEEPERS;
        /* The exchange in publish() sees SLEEPERS or happens before: then the futex finds another
         * word and does not sleep. */
        if (atomic_compare_exchange_strong_explicit(&future->state, &word, asleep,
                                                    memory_order_acq_rel, memory_order_relaxed)) {
            sleep_on(future, asleep, deadline_us);
        }
    }
}
