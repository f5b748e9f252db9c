/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A bounded queue of pointers for many producers and many consumers, without a lock: a ring of
 * cells, each with a sequence number that says whose turn it is (D. Vyukov's bounded MPMC queue).
 * Full and empty are answers. Owner: the embedding object. Thread: any. */
#ifndef ROLLCALL_EXEC_RING_H
#define ROLLCALL_EXEC_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/attr.h"

#define CACHE_LINE_BYTES 64

struct ring_cell {
    atomic_size_t turn;
    void *item;
};

struct ring {
    struct ring_cell *cells;
    size_t mask;
    size_t max;
    _Alignas(CACHE_LINE_BYTES) atomic_size_t tail; /* the next place to fill */
    atomic_size_t head_seen;                       /* by producers, some time ago */
    _Alignas(CACHE_LINE_BYTES) atomic_size_t head; /* the next place to empty */
};

/** Room for `max` items, at least 1, and one more for ring_return(). Errors: NOMEM. */
MUST_CHECK int ring_init(struct ring *ring, size_t max);
void ring_fini(struct ring *ring);

/** False: it is full. */
MUST_CHECK bool ring_push(struct ring *ring, void *item);
/** NULL: it is empty. */
void *ring_pop(struct ring *ring);
/** Put an item that was popped at the end again. There is always a place for the one item of the
 *  one thread that does so at a time, whatever others push. */
void ring_return(struct ring *ring, void *item);
/** A moment's count. What was pushed before a sequentially consistent exchange is counted after it.
 */
size_t ring_count(const struct ring *ring);
/** Whether ring_pop() would find something right now. What is being pushed may not count yet: who
 *  pushes it looks around afterwards. */
bool ring_is_ready(const struct ring *ring);
/** How many items were ever taken out. */
size_t ring_popped(const struct ring *ring);

#endif
