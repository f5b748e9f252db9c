/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Shared values: a token that many checks need. Fetched once however many wait, kept for its
 * lifetime, renewed when a step says that the platform no longer takes it.
 *
 * Thread: [loop], all of it. Owner: the epoch. */
#ifndef ROLLCALL_QUERY_SHARED_H
#define ROLLCALL_QUERY_SHARED_H

#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/list.h"
#include "daemon/query/epoch.h"
#include "daemon/query/verdict.h"

/* One that waits for a value; embedded. list_init() its node first. */
struct shared_wait {
    struct list node;
    struct shared_value *value; /* shared.c's own */
    /* Called once: it is there (NULL), or why it cannot be had. */
    void (*fn)(struct shared_wait *wait, const struct finding *failure);
};

/** The value, when there is one that has not outlived its lifetime; else NULL. Borrowed: until the
 *  loop's next turn. */
const char *shared_peek(struct epoch *epoch, const struct plugin *plugin, const char *name);

/**
 * Wait for a value that shared_peek() does not have; the first to wait has it fetched. wait->fn may
 * be called before this returns.
 * Errors: NOT_FOUND (the plugin declares no such value), NOMEM: fn is then not called.
 */
MUST_CHECK int
shared_wait(struct epoch *epoch, struct plugin *plugin, const char *name, struct shared_wait *wait);

/** Wait no more; the last one to go has the fetch cancelled. One that does not wait is fine. */
void shared_leave(struct shared_wait *wait);

/** The platform refused the value that was there when `epoch->shared_count` was `seen`: forget it,
 *  unless it has been renewed since. */
void
shared_stale(struct epoch *epoch, const struct plugin *plugin, const char *name, uint64_t seen);

/** For epoch_free(). */
void shared_free_all(struct epoch *epoch);

#endif
