/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* A future is one atomic word: the state in its low bits, the stack of callbacks above them. There
 * is no lock.
 *
 * Ending has three moves. Claim: whoever moves the state to FINISHING or CANCELLING owns the end,
 * everybody else loses; that is the exactly-once. Publish: result and error are written, then the
 * stack of callbacks is swapped for the DONE mark. Deliver: what was on the stack is run in the
 * order of adding; a callback that comes later finds DONE and runs at once. */

#include "daemon/exec/future.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/base/futex.h"

/* The low bits of the word. */
enum { PENDING, RUNNING, FINISHING, CANCELLING, STATE_MASK = 3, SLEEPERS = 4, LOW_MASK = 7 };
/* In the place of the newest callback: it has ended, as FINISHING or CANCELLING says. */
#define DONE ((uintptr_t)8)

_Static_assert(_Alignof(struct future_callback) > LOW_MASK, "callbacks leave the low bits free");

static bool
is_done(uintptr_t word)
{
    return (word & ~(uintptr_t)LOW_MASK) == DONE;
}

static struct future_callback *
newest_of(uintptr_t word)
{
    return (struct future_callback *)(word & ~(uintptr_t)LOW_MASK);
}

void
future_init(struct future *future, const struct future_ops *ops)
{
    future->ops = ops;
    future->result = NULL;
    future->error = ERROR_OK;
    atomic_init(&future->word, PENDING);
    atomic_init(&future->references, 1);
}

struct future *
future_ref(struct future *future)
{
    /* The only holder, which is the caller, needs no atomic change. Relaxed: as long as the caller
     * has a reference the count cannot reach 0. */
    uint32_t before = atomic_load_explicit(&future->references, memory_order_relaxed);
    if (before == 1) {
        atomic_store_explicit(&future->references, 2, memory_order_relaxed);
    } else {
        before = atomic_fetch_add_explicit(&future->references, 1, memory_order_relaxed);
    }
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
    uintptr_t word = atomic_load_explicit(&future->word, memory_order_relaxed);
    do {
        if ((word & STATE_MASK) != PENDING) {
            return false;
        }
        /* Whoever handed the future over, through a queue or a post, published what is in it. */
    } while (!atomic_compare_exchange_weak_explicit(&future->word, &word, word | RUNNING,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return true;
}

/* Claim the end as `how`; on success *out_state is the state it had. */
static bool
claim(struct future *future, uintptr_t how, uintptr_t *out_state)
{
    uintptr_t word = atomic_load_explicit(&future->word, memory_order_relaxed);
    do {
        if ((word & STATE_MASK) >= FINISHING) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&future->word, &word,
                                                    (word & ~(uintptr_t)STATE_MASK) | how,
                                                    memory_order_acq_rel, memory_order_relaxed));
    *out_state = word & STATE_MASK;
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

/* The half of the word that holds the low bits, for sleeping on. */
static _Atomic uint32_t *
low_half(struct future *future)
{
    _Atomic uint32_t *halves = (_Atomic uint32_t *)(void *)&future->word;
    size_t last = sizeof(future->word) / sizeof(*halves) - 1;
    return &halves[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? last : 0];
}

/* Publish the end that was claimed as `how` and tell everybody. */
static void
publish(struct future *future, uintptr_t how)
{
    /* Release: pairs with the acquire in future_state(), so result and error are seen with it.
     * Acquire: pairs with the release in future_on_done(); what the adder wrote is seen. */
    uintptr_t before = atomic_exchange_explicit(&future->word, DONE | how, memory_order_acq_rel);
    if ((before & SLEEPERS) != 0) {
        futex_wake(low_half(future), FUTEX_ALL);
    }
    if (newest_of(before) != NULL) {
        deliver(future, newest_of(before));
    }
}

bool
future_finish(struct future *future, void *result)
{
    uintptr_t before;
    if (!claim(future, FINISHING, &before)) {
        return false;
    }
    future->result = result;
    publish(future, FINISHING);
    return true;
}

bool
future_fail(struct future *future, int error)
{
    uintptr_t before;
    assert(error != ERROR_OK);
    if (!claim(future, FINISHING, &before)) {
        return false;
    }
    future->error = error;
    publish(future, FINISHING);
    return true;
}

bool
future_cancel(struct future *future)
{
    uintptr_t before;
    if (!claim(future, CANCELLING, &before)) {
        return future_is_cancelled(future);
    }
    future->error = ERROR_CANCELLED;
    if (before == RUNNING && future->ops->cancel != NULL) {
        future->ops->cancel(future);
    }
    publish(future, CANCELLING);
    return true;
}

bool
future_is_cancelled(const struct future *future)
{
    uintptr_t word = atomic_load_explicit(&future->word, memory_order_acquire);
    return (word & STATE_MASK) == CANCELLING;
}

enum future_state
future_state(const struct future *future)
{
    uintptr_t word = atomic_load_explicit(&future->word, memory_order_acquire);
    if (is_done(word)) {
        return (word & STATE_MASK) == FINISHING ? FUTURE_FINISHED : FUTURE_CANCELLED;
    }
    return (word & STATE_MASK) == PENDING ? FUTURE_PENDING : FUTURE_RUNNING;
}

bool
future_is_done(const struct future *future)
{
    return is_done(atomic_load_explicit(&future->word, memory_order_acquire));
}

void
future_on_done(struct future *future, struct future_callback *callback)
{
    uintptr_t word = atomic_load_explicit(&future->word, memory_order_acquire);
    do {
        if (is_done(word)) {
            callback->fn(future, callback->context);
            return;
        }
        callback->next = newest_of(word);
        /* Release: what the adder wrote before is seen by whoever runs the callback; acquire on
         * failure: when DONE is found, the result is seen here. */
    } while (!atomic_compare_exchange_weak_explicit(&future->word, &word,
                                                    (uintptr_t)callback | (word & LOW_MASK),
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

int
future_wait(struct future *future, int64_t timeout_us)
{
    int64_t deadline_us = clock_deadline_us(timeout_us);
    for (;;) {
        uintptr_t word = atomic_load_explicit(&future->word, memory_order_acquire);
        if (is_done(word)) {
            return ERROR_OK;
        }
        if (deadline_us != CLOCK_NEVER && clock_now_us() >= deadline_us) {
            return ERROR_TIMEOUT;
        }
        future_assert_may_wait();
        uintptr_t asleep = word | SLEEPERS;
        /* The exchange in publish() sees SLEEPERS or happens before: then the futex finds another
         * word and does not sleep. */
        if (atomic_compare_exchange_strong_explicit(&future->word, &word, asleep,
                                                    memory_order_acq_rel, memory_order_relaxed)) {
            futex_sleep(low_half(future), (uint32_t)asleep, deadline_us);
        }
    }
}
