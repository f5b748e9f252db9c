/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* A set of futures, the order of their ends, and one outcome.
 *
 * Members only get their callback when first_of or all_of closes the set, so nothing ends before it
 * is known what to wait for. Each end takes the next place in `order`; the outcome is resolved
 * once, by whoever claims `resolved`: the first accepted member, or the last end. The memory is
 * counted: the maker holds one reference, each member that has not ended another. */

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
    atomic_size_t references;
    atomic_size_t places;   /* taken in the order of ends */
    _Atomic uint32_t ended; /* ends recorded; the word that sleeping threads watch */
    atomic_uint sleepers;
    atomic_bool closed; /* all members have their callbacks */
    atomic_bool resolved;
    struct member members[];
};

static void outcome_cancel(struct future *future);

static const struct future_ops outcome_ops = { .name = "outcome", .cancel = outcome_cancel };

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
    atomic_init(&completion->references, 1);
    *out_completion = completion;
    return ERROR_OK;
}

static void
unref(struct completion *completion)
{
    /* Release/acquire: all use of the memory comes before its end. */
    if (atomic_fetch_sub_explicit(&completion->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < completion->count; i++) {
        future_unref(&completion->members[i].future);
    }
    free(completion);
}

static void
ref(struct completion *completion)
{
    /* Relaxed: the caller holds one already. */
    atomic_fetch_add_explicit(&completion->references, 1, memory_order_relaxed);
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

static void
outcome_cancel(struct future *future)
{
    struct completion *completion = CONTAINER_OF(future, struct completion, outcome);
    ref(completion);
    cancel_members(completion);
    unref(completion);
}

/* End the outcome if it is time: there is a winner, or all have ended. */
static void
resolve(struct completion *completion)
{
    if (!atomic_load_explicit(&completion->closed, memory_order_seq_cst)) {
        return; /* pairs with the store in close_set(), which resolves after it */
    }
    struct future *winner = atomic_load_explicit(&completion->winner, memory_order_seq_cst);
    if (winner == NULL && completion_ended(completion) < completion->count) {
        return;
    }
    if (atomic_exchange_explicit(&completion->resolved, true, memory_order_acq_rel)) {
        return;
    }
    if (winner != NULL) {
        cancel_members(completion);
    }
    future_finish(&completion->outcome, winner);
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

/* Write the next place in the order of ends, and wake threads that wait for it. */
static void
record(struct completion *completion, struct future *future)
{
    size_t place = atomic_fetch_add_explicit(&completion->places, 1, memory_order_relaxed);
    /* Release: pairs with the acquire in completion_at() and completion_wait(). */
    atomic_store_explicit(&completion->members[place].ended, future, memory_order_release);
    /* Sequentially consistent against `sleepers`: either the sleeper sees this end, or we see it.
     */
    atomic_fetch_add_explicit(&completion->ended, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&completion->sleepers, memory_order_seq_cst) > 0) {
        syscall(SYS_futex, &completion->ended, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
    }
}

static void
member_ended(struct future *future, void *context)
{
    struct member *member = context;
    struct completion *completion = member->completion;
    record(completion, future);
    if (completion->accept != NULL && future_state(future) == FUTURE_FINISHED &&
        completion->accept(future, completion->context)) {
        struct future *none = NULL;
        /* The first accepted one wins; pairs with the load in resolve(). */
        atomic_compare_exchange_strong_explicit(&completion->winner, &none, future,
                                                memory_order_seq_cst, memory_order_relaxed);
    }
    resolve(completion);
    fire_watches(completion);
    unref(completion);
}

static struct future *
close_set(struct completion *completion)
{
    bool first_time = future_start(&completion->outcome);
    assert(first_time);
    ref(completion); /* a callback of the outcome may let go of us */
    for (size_t i = 0; i < completion->count; i++) {
        struct member *member = &completion->members[i];
        ref(completion);
        member->callback = (struct future_callback){ .fn = member_ended, .context = member };
        future_on_done(member->future, &member->callback);
    }
    atomic_store_explicit(&completion->closed, true, memory_order_seq_cst);
    resolve(completion);
    unref(completion);
    return &completion->outcome;
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
    return atomic_load_explicit(&completion->ended, memory_order_seq_cst);
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

/* Sleep until more than `seen` ends are recorded, or the deadline passed. */
static void
sleep_on(struct completion *completion, uint32_t seen, int64_t deadline_us)
{
    struct timespec until = { .tv_sec = (time_t)(deadline_us / CLOCK_US_PER_S),
                              .tv_nsec = (long)(deadline_us % CLOCK_US_PER_S) * 1000 };
    atomic_fetch_add_explicit(&completion->sleepers, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&completion->ended, memory_order_seq_cst) == seen) {
        syscall(SYS_futex, &completion->ended, FUTEX_WAIT_BITSET_PRIVATE, seen,
                deadline_us == CLOCK_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    }
    atomic_fetch_sub_explicit(&completion->sleepers, 1, memory_order_seq_cst);
}

int
completion_wait(struct completion *completion, size_t index, int64_t timeout_us,
                struct future **out_member)
{
    if (index >= completion->count) {
        return ERROR_NOT_FOUND;
    }
    int64_t deadline_us = clock_deadline_us(timeout_us);
    for (;;) {
        uint32_t seen = atomic_load_explicit(&completion->ended, memory_order_seq_cst);
        struct future *future =
            atomic_load_explicit(&completion->members[index].ended, memory_order_acquire);
        if (future != NULL && seen > index) {
            *out_member = future;
            return ERROR_OK;
        }
        if (clock_now_us() >= deadline_us) {
            return ERROR_TIMEOUT;
        }
        sleep_on(completion, seen, deadline_us);
    }
}
