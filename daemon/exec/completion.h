/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A set of futures and the order in which they end: as-completed, first-of, all-of.
 *
 * The order is kept: completion_at(c, 0) is the first that ended, and stays so; that is what a
 * client reads with `next`. A completion is itself waited for through a future, its outcome:
 * first-of ends at the first member that is accepted, all-of when every member has ended. The race
 * of a query is completion_first_of() over its checks. Waiting for the first that failed needs
 * nothing more: take them as completed until one has an error, or accept by the error.
 *
 * Members may end on any thread; when two end at the same moment either may come first. Watches are
 * for members that end on the loop. */
#ifndef ROLLCALL_EXEC_COMPLETION_H
#define ROLLCALL_EXEC_COMPLETION_H

#include <stddef.h>

#include "daemon/base/list.h"
#include "daemon/exec/future.h"

struct completion;

/**
 * An empty set for at most `capacity` futures, 2^31 - 1 of them.
 * Owner:  *out_completion is the caller's, let go with completion_free(); from a callback too. What
 *         members need lives until they have ended, and they are held until then.
 * Errors: NOMEM.
 */
MUST_CHECK int completion_new(size_t capacity, struct completion **out_completion);
void completion_free(struct completion **completion);

/** Add a member (a reference is taken). Before first_of or all_of; at most `capacity`; the same
 *  future twice is twice a member. Thread: the maker's. */
void completion_add(struct completion *completion, struct future *future);

/* Whether this member ends a first-of. Runs where the member ended. */
typedef bool completion_accept_fn(const struct future *member, void *context);

/**
 * No more members: wait for the first that is accepted; then the others are cancelled, and only
 * then the outcome ends, with that member (a borrowed struct future *) as its result. When all
 * ended and none was accepted the outcome finishes with NULL.
 * Owner:  the outcome is part of the completion: borrowed; cancelling it cancels every member.
 * Thread: the maker's. Once, instead of completion_all_of().
 */
struct future *
completion_first_of(struct completion *completion, completion_accept_fn *accept, void *context);

/** No more members: wait for all. The outcome finishes with NULL as result. Otherwise as above. */
struct future *completion_all_of(struct completion *completion);

/** How many members there are, and how many have ended so far. Thread: any. */
size_t completion_count(const struct completion *completion);
size_t completion_ended(const struct completion *completion);

/** The member that ended as number `index` (from 0); `index` < completion_ended(). Borrowed. */
struct future *completion_at(const struct completion *completion, size_t index);

/* As-completed without a parked thread. Embedded by the waiter. */
struct completion_watch {
    struct list node;
    size_t after;
    void (*fn)(struct completion_watch *watch);
};

/** Call watch->fn once, as soon as more than watch->after members have ended or all have; at once
 *  when that is so already. Thread: [loop]. */
void completion_watch(struct completion *completion, struct completion_watch *watch);
/** Forget a watch; one that has fired or was never set is fine (list_init its node first). */
void completion_unwatch(struct completion_watch *watch);

/**
 * As-completed for a thread: the member number `index` to end, waiting for it. Where future_wait()
 * may not block, neither may this.
 * Units:  `timeout_us`; 0 only looks, CLOCK_NEVER waits for good.
 * Errors: TIMEOUT; NOT_FOUND when the set has no more than `index` members.
 */
MUST_CHECK int completion_wait(struct completion *completion, size_t index, int64_t timeout_us,
                               struct future **out_member);

#endif
