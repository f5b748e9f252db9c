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

struct ring_cell {
    atomic_size_t turn;
    _Atomic(void *) item;
};

struct ring {
    struct ring_cell *cells;
    size_t mask;
    size_t max;
    _Alignas(CACHE_LINE_BYTES) atomic_size_t tail; /* the next place to fill, and CLOSED */
    atomic_size_t head_seen;                       /* by producers, some time ago */
    _Alignas(CACHE_LINE_BYTES) atomic_size_t head; /* the next place to empty */
};

/** Room for `max` items, at least 1, and one more for ring_return(). Errors: NOMEM. */
MUST_CHECK int ring_init(struct ring *ring, size_t max);
void ring_fini(struct ring *ring);

/** Errors: BUSY (it is full), CLOSED. On success a sequentially consistent change of the ring came
 *  before all that the caller reads next; so who says that it sleeps and then asks ring_count()
 *  sees the item, or the caller sees the sleeper. */
MUST_CHECK int ring_push(struct ring *ring, void *item);
/** From now on ring_push() answers CLOSED; what is in stays. May be called twice. */
void ring_close(struct ring *ring);
/** NULL: it is empty, or the next item is being written just now. */
void *ring_pop(struct ring *ring);
/** Put an item that was popped at the end again, closed or not. There is always a place for the one
 *  item of the one thread that does so at a time, whatever others push. */
void ring_return(struct ring *ring, void *item);
/** A moment's count, with items that are being written. */
size_t ring_count(const struct ring *ring);
/** Whether that is more than 0. Sooner said: only where the next cell is empty does it look at the
 *  word that all producers change. */
bool ring_has_items(const struct ring *ring);
/** How many items were ever taken out. */
size_t ring_popped(const struct ring *ring);

#endif
