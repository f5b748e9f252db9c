/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* A set of futures, the order of their ends, and one outcome.
 *
 * Members only get their callback when first_of or all_of closes the set, so nothing ends before it
 * is known what to wait for. Each end takes the next place in the order and is judged; `left`
 * counts those that have not been through all of that, and the closing itself. The outcome is
 * resolved by the first accepted member, else by whoever brings `left` to nothing, when every
 * member has been judged.
 *
 * A thread that waits marks `ended` with LISTENING and sleeps on it. Places are taken from the same
 * word, so whoever takes one that somebody may be waiting for sees the mark, and clears it: a burst
 * costs one wake-up.
 *
 * The memory goes with the last reference to the outcome: the maker holds one, the members that
 * have not ended hold one together. */

#include "daemon/exec/completion.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/base/futex.h"
#include "daemon/base/spin.h"

struct member {
    struct future *future;
    struct future_callback callback;
};

typedef _Atomic(struct future *) ended_place;

struct completion {
    size_t capacity;
    size_t count;
    struct member *members;
    ended_place *order;           /* what ended as number <index> */
    completion_accept_fn *accept; /* NULL: all-of */
    void *context;
    struct future outcome;
    struct list watches;
    _Atomic(struct future *) winner;
    atomic_bool closed; /* all members have their callbacks */
    /* Changed by each end: kept away from what each end reads. */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t ended; /* places taken in the order, LISTENING */
    atomic_size_t left;
};

/* The word `ended`. */
#define LISTENING UINT32_C(1)
#define ONE_PLACE UINT32_C(2)
#define CAPACITY_MAX (UINT32_MAX / ONE_PLACE)

/* What another processor changed last is fetched so far ahead: it takes as long as a few ends. */
#define PREFETCH_MEMBERS 8
#define PREFETCH_PLACES 12

static void outcome_cancel(struct future *future);
static void outcome_free(struct future *future);

static const struct future_ops outcome_ops = { .name = "outcome",
                                               .cancel = outcome_cancel,
                                               .free = outcome_free };

int
completion_new(size_t capacity, struct completion **out_completion)
{
    struct completion *completion = NULL;
    if (capacity <= CAPACITY_MAX) {
        size_t bytes =
            sizeof(*completion) + capacity * sizeof(struct member) + capacity * sizeof(ended_place);
        bytes += CACHE_LINE_BYTES - bytes % CACHE_LINE_BYTES;
        completion = aligned_alloc(CACHE_LINE_BYTES, bytes);
    }
    if (completion == NULL) {
        return ERROR_NOMEM;
    }
    memset(completion, 0, sizeof(*completion));
    completion->capacity = capacity;
    completion->members = (struct member *)(completion + 1);
    completion->order = (ended_place *)(completion->members + capacity);
    future_init(&completion->outcome, &outcome_ops);
    list_init(&completion->watches);
    *out_completion = completion;
    return ERROR_OK;
}

static struct completion *
completion_of(struct future *outcome)
{
    return CONTAINER_OF(outcome, struct completion, outcome);
}

static void
outcome_free(struct future *future)
{
    struct completion *completion = completion_of(future);
    for (size_t i = 0; i < completion->count; i++) {
        if (i + PREFETCH_MEMBERS < completion->count) {
            PREFETCH_FOR_WRITE(completion->members[i + PREFETCH_MEMBERS].future);
        }
        future_unref(&completion->members[i].future);
    }
    free(completion);
}

static void
unref(struct completion *completion)
{
    struct future *outcome = &completion->outcome;
    future_unref(&outcome);
}

void
completion_free(struct completion **completion)
{
    if (*completion != NULL) {
        struct completion *dropped = *completion;
        *completion = NULL;
        unref(dropped);
    }
}

void
completion_add(struct completion *completion, struct future *future)
{
    assert(completion->count < completion->capacity);
    assert(future_state(&completion->outcome) == FUTURE_PENDING);
    size_t index = completion->count++;
    completion->members[index].future = future_ref(future);
    atomic_init(&completion->order[index], NULL);
}

static void
cancel_members(struct completion *completion)
{
    for (size_t i = 0; i < completion->count; i++) {
        future_cancel(completion->members[i].future);
    }
}

/* Whoever cancels holds a reference, if only through the members. */
static void
outcome_cancel(struct future *future)
{
    cancel_members(completion_of(future));
}

/* There is a winner: cancel the others, then say so. Until the set is closed, close_set() does. */
static void
resolve_won(struct completion *completion)
{
    /* Sequentially consistent, as the stores of `winner` and `closed`: either we see the set
     * closed, or close_set() sees the winner. When both do, the second finish is void. */
    if (atomic_load_explicit(&completion->closed, memory_order_seq_cst)) {
        cancel_members(completion);
        future_finish(&completion->outcome,
                      atomic_load_explicit(&completion->winner, memory_order_relaxed));
    }
}

static bool
is_due(const struct completion *completion, const struct completion_watch *watch)
{
    size_t ended = completion_ended(completion);
    return ended > watch->after || ended == completion->count;
}

static void
fire_watches(struct completion *completion)
{
    struct list due;
    list_init(&due);
    LIST_FOR_EACH (node, &completion->watches) {
        if (is_due(completion, LIST_ENTRY(node, struct completion_watch, node))) {
            list_remove(node);
            list_push_back(&due, node);
        }
    }
    for (struct list *node = list_pop_front(&due); node != NULL; node = list_pop_front(&due)) {
        struct completion_watch *watch = LIST_ENTRY(node, struct completion_watch, node);
        watch->fn(watch);
    }
}

/* Take and write the next place in the order of ends. */
static size_t
record(struct completion *completion, struct future *future)
{
    /* Acquire/release: who sees a place taken sees the ends of the places before it. */
    uint32_t word = atomic_fetch_add_explicit(&completion->ended, ONE_PLACE, memory_order_acq_rel);
    size_t place = word / ONE_PLACE;
    PREFETCH_FOR_WRITE(&completion->order[place + PREFETCH_PLACES]);
    /* Release: pairs with the loads in completion_at() and completion_wait(). */
    atomic_store_explicit(&completion->order[place], future, memory_order_release);
    if ((word & LISTENING) != 0) {
        word = atomic_fetch_and_explicit(&completion->ended, ~LISTENING, memory_order_relaxed);
        if ((word & LISTENING) != 0) {
            futex_wake(&completion->ended, FUTEX_ALL);
        }
    }
    return place;
}

/* Whether this end wins the race: the first accepted one. */
static bool
is_winner(struct completion *completion, struct future *future)
{
    struct future *none = NULL;
    return completion->accept != NULL && future_state(future) == FUTURE_FINISHED &&
           completion->accept(future, completion->context) &&
           atomic_compare_exchange_strong_explicit(&completion->winner, &none, future,
                                                   memory_order_seq_cst, memory_order_relaxed);
}

/* One member, or the closing, is through. Whoever is last knows that all have been judged. */
static void
leave(struct completion *completion)
{
    /* Release and acquire: what the others did comes before what the last one does. */
    if (atomic_fetch_sub_explicit(&completion->left, 1, memory_order_acq_rel) == 1) {
        future_finish(&completion->outcome, NULL); /* void when there was a winner */
        fire_watches(completion);
        unref(completion);
    }
}

static void
member_ended(struct future *future, void *context)
{
    struct completion *completion = context;
    bool is_last = record(completion, future) + 1 == completion->count;
    if (is_winner(completion, future)) {
        resolve_won(completion);
    }
    if (!is_last) {
        fire_watches(completion); /* the last does so after the outcome */
    }
    leave(completion);
}

static struct future *
close_set(struct completion *completion)
{
    bool first_time = future_start(&completion->outcome);
    assert(first_time);
    struct future *outcome = future_ref(&completion->outcome); /* the members', together */
    atomic_store_explicit(&completion->left, completion->count + 1, memory_order_relaxed);
    for (size_t i = 0; i < completion->count; i++) {
        struct member *member = &completion->members[i];
        member->callback = (struct future_callback){ .fn = member_ended, .context = completion };
        future_on_done(member->future, &member->callback);
    }
    atomic_store_explicit(&completion->closed, true, memory_order_seq_cst);
    if (atomic_load_explicit(&completion->winner, memory_order_seq_cst) != NULL) {
        resolve_won(completion);
    }
    leave(completion);
    return outcome;
}

struct future *
completion_first_of(struct completion *completion, completion_accept_fn *accept, void *context)
{
    completion->accept = accept;
    completion->context = context;
    return close_set(completion);
}

struct future *
completion_all_of(struct completion *completion)
{
    return close_set(completion);
}

size_t
completion_count(const struct completion *completion)
{
    return completion->count;
}

size_t
completion_ended(const struct completion *completion)
{
    return atomic_load_explicit(&completion->ended, memory_order_acquire) / ONE_PLACE;
}

/* Acquire pairs with record(): what is there is seen to have ended. */
static struct future *
look(const struct completion *completion, size_t index)
{
    return atomic_load_explicit(&completion->order[index], memory_order_acquire);
}

/* A place that has been taken is written a moment later. */
static struct future *
await_place(const struct completion *completion, size_t index)
{
    struct future *future = look(completion, index);
    while (future == NULL) {
        sched_yield(); /* another thread is between the two; on the loop this never happens */
        future = look(completion, index);
    }
    return future;
}

struct future *
completion_at(const struct completion *completion, size_t index)
{
    assert(index < completion_ended(completion));
    return await_place(completion, index);
}

void
completion_watch(struct completion *completion, struct completion_watch *watch)
{
    list_init(&watch->node);
    if (is_due(completion, watch)) {
        watch->fn(watch);
        return;
    }
    list_push_back(&completion->watches, &watch->node);
}

void
completion_unwatch(struct completion_watch *watch)
{
    list_remove(&watch->node);
}

/* Say that somebody listens; sleep until a place is taken or the deadline passed, unless the one
 * that is waited for has been. */
static struct future *
look_or_sleep(struct completion *completion, size_t index, int64_t deadline_us)
{
    uint32_t word =
        atomic_fetch_or_explicit(&completion->ended, LISTENING, memory_order_acq_rel) | LISTENING;
    if (index < word / ONE_PLACE) {
        return await_place(completion, index);
    }
    futex_sleep(&completion->ended, word, deadline_us);
    return look(completion, index);
}

int
completion_wait(struct completion *completion, size_t index, int64_t timeout_us,
                struct future **out_member)
{
    if (index >= completion->count) {
        return ERROR_NOT_FOUND;
    }
    struct future *future = look(completion, index);
    if (future == NULL) {
        unsigned rounds = 0;
        int64_t deadline_us = clock_deadline_us(timeout_us);
        while (future == NULL && (deadline_us == CLOCK_NEVER || clock_now_us() < deadline_us)) {
            future_assert_may_wait();
            future = spin_on(&rounds) ? look(completion, index)
                                      : look_or_sleep(completion, index, deadline_us);
        }
    }
    if (future == NULL) {
        return ERROR_TIMEOUT;
    }
    *out_member = future;
    return ERROR_OK;
}
