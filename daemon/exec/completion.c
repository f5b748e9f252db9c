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
 * The memory goes with the last reference to the outcome: the maker holds one, the members that
 * have not ended hold one together. */

#include "daemon/exec/completion.h"

#include <assert.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"

struct member {
    struct completion *completion;
    struct future *future;
    struct future_callback callback;
    _Atomic(struct future *) ended; /* what ended as number <index of this slot> */
};

struct completion {
    size_t capacity;
    size_t count;
    completion_accept_fn *accept; /* NULL: all-of */
    void *context;
    struct future outcome;
    struct list watches;
    _Atomic(struct future *) winner;
    atomic_bool closed;    /* all members have their callbacks */
    _Atomic uint32_t bell; /* see ring_bell() */
    atomic_size_t ended;   /* places taken in the order of ends */
    atomic_size_t left;
    struct member members[];
};

/* The bell's word: a count of rings, and whether anybody listens. */
#define LISTENING UINT32_C(1)
#define ONE_RING UINT32_C(2)

static void outcome_cancel(struct future *future);
static void outcome_free(struct future *future);

static const struct future_ops outcome_ops = { .name = "outcome",
                                               .cancel = outcome_cancel,
                                               .free = outcome_free };

int
completion_new(size_t capacity, struct completion **out_completion)
{
    struct completion *completion = NULL;
    if (capacity <= (SIZE_MAX - sizeof(*completion)) / sizeof(struct member)) {
        completion = calloc(1, sizeof(*completion) + capacity * sizeof(struct member));
    }
    if (completion == NULL) {
        return ERROR_NOMEM;
    }
    completion->capacity = capacity;
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
    struct member *member = &completion->members[completion->count++];
    member->completion = completion;
    member->future = future_ref(future);
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

/* Wake the threads in completion_wait(). A sleeper sets LISTENING, looks once more, and sleeps on
 * the word; who records an end looks at the word afterwards. Both are sequentially consistent, so
 * one of them sees the other. The first ring takes LISTENING away: a burst costs one wake-up. */
static void
ring_bell(struct completion *completion)
{
    uint32_t word = atomic_load_explicit(&completion->bell, memory_order_seq_cst);
    while ((word & LISTENING) != 0) {
        if (atomic_compare_exchange_weak_explicit(&completion->bell, &word,
                                                  (word & ~LISTENING) + ONE_RING,
                                                  memory_order_seq_cst, memory_order_seq_cst)) {
            syscall(SYS_futex, &completion->bell, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
            return;
        }
    }
}

/* Take and write the next place in the order of ends. */
static size_t
record(struct completion *completion, struct future *future)
{
    /* Acquire/release: who sees a place taken sees the ends of the places before it. */
    size_t place = atomic_fetch_add_explicit(&completion->ended, 1, memory_order_acq_rel);
    /* Pairs with the loads in completion_at() and completion_wait(). */
    atomic_store_explicit(&completion->members[place].ended, future, memory_order_seq_cst);
    ring_bell(completion);
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
    struct member *member = context;
    struct completion *completion = member->completion;
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
        member->callback = (struct future_callback){ .fn = member_ended, .context = member };
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
    return atomic_load_explicit(&completion->ended, memory_order_acquire);
}

struct future *
completion_at(const struct completion *completion, size_t index)
{
    assert(index < completion_ended(completion));
    struct future *future;
    do {
        /* A lower place can be written a moment later than a higher one, when two threads end
         * members at once; on the loop it is always there. Acquire pairs with record(). */
        future = atomic_load_explicit(&completion->members[index].ended, memory_order_acquire);
    } while (future == NULL);
    return future;
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

static struct future *
look(struct completion *completion, size_t index)
{
    return atomic_load_explicit(&completion->members[index].ended, memory_order_seq_cst);
}

/* Say that somebody listens, look once more, sleep until the bell rings or the deadline passed. */
static struct future *
look_or_sleep(struct completion *completion, size_t index, int64_t deadline_us)
{
    uint32_t word =
        atomic_fetch_or_explicit(&completion->bell, LISTENING, memory_order_seq_cst) | LISTENING;
    struct future *future = look(completion, index);
    if (future == NULL) {
        struct timespec until = { .tv_sec = (time_t)(deadline_us / CLOCK_US_PER_S),
                                  .tv_nsec = (long)(deadline_us % CLOCK_US_PER_S) * 1000 };
        syscall(SYS_futex, &completion->bell, FUTEX_WAIT_BITSET_PRIVATE, word,
                deadline_us == CLOCK_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
        future = look(completion, index);
    }
    return future;
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
        int64_t deadline_us = clock_deadline_us(timeout_us);
        while (future == NULL && (deadline_us == CLOCK_NEVER || clock_now_us() < deadline_us)) {
            future_assert_may_wait();
            future = look_or_sleep(completion, index, deadline_us);
        }
    }
    if (future == NULL) {
        return ERROR_TIMEOUT;
    }
    *out_member = future;
    return ERROR_OK;
}
