/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A cell at place p is free for the producer of p when its turn is p, and filled for the consumer
 * of p when its turn is p + 1; emptied, its turn becomes p + size: the next lap's producer. */

#include "daemon/exec/ring.h"

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>

#include "daemon/base/error.h"

/* In `tail`: no new items. */
#define CLOSED ((size_t)1 << (8 * sizeof(size_t) - 1))

int
ring_init(struct ring *ring, size_t max)
{
    size_t size = 2;
    while (size < max + 1) {
        size *= 2;
    }
    ring->cells = calloc(size, sizeof(*ring->cells));
    if (ring->cells == NULL) {
        return ERROR_NOMEM;
    }
    for (size_t i = 0; i < size; i++) {
        atomic_init(&ring->cells[i].turn, i);
    }
    ring->mask = size - 1;
    ring->max = max;
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->head_seen, 0);
    atomic_init(&ring->head, 0);
    return ERROR_OK;
}

void
ring_fini(struct ring *ring)
{
    free(ring->cells);
    ring->cells = NULL;
}

/* Whether `max` places before this one are taken. The consumers' head is read only when what was
 * seen of it is not enough: it is theirs, and dear to look at. It may be past `place` by now, when
 * others filled and emptied that meanwhile: then there is room, and the exchange fails. */
static bool
is_full(struct ring *ring, size_t place, size_t max)
{
    size_t head = atomic_load_explicit(&ring->head_seen, memory_order_relaxed);
    if ((intptr_t)(place - head) < (intptr_t)max) {
        return false;
    }
    head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    atomic_store_explicit(&ring->head_seen, head, memory_order_relaxed);
    return (intptr_t)(place - head) >= (intptr_t)max;
}

/* Fill the next place, if fewer than `max` are taken and its cell has been emptied. */
static int
push_below(struct ring *ring, void *item, size_t max, bool even_closed)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    for (;;) {
        size_t place = tail & ~CLOSED;
        struct ring_cell *cell = &ring->cells[place & ring->mask];
        /* Acquire pairs with the release in ring_pop(): the cell is empty before it is filled anew.
         */
        size_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if ((tail & CLOSED) != 0 && !even_closed) {
            return ERROR_CLOSED;
        }
        if (turn == place) {
            if (is_full(ring, place, max)) {
                return ERROR_BUSY;
            }
            if (atomic_compare_exchange_weak_explicit(&ring->tail, &tail, tail + 1,
                                                      memory_order_seq_cst, memory_order_relaxed)) {
                atomic_store_explicit(&cell->item, item, memory_order_relaxed);
                /* Pairs with the acquire in ring_pop(). */
                atomic_store_explicit(&cell->turn, place + 1, memory_order_release);
                return ERROR_OK;
            }
        } else if ((intptr_t)(turn - place) < 0) {
            return ERROR_BUSY;
        } else {
            tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        }
    }
}

int
ring_push(struct ring *ring, void *item)
{
    return push_below(ring, item, ring->max, false);
}

void
ring_return(struct ring *ring, void *item)
{
    while (push_below(ring, item, ring->max + 1, true) != ERROR_OK) {
        sched_yield(); /* a consumer has claimed the cell and is about to empty it */
    }
}

void
ring_close(struct ring *ring)
{
    atomic_fetch_or_explicit(&ring->tail, CLOSED, memory_order_seq_cst);
}

/* The item after the next one was written by another processor and will be worked on soon. */
static void
prefetch_after(const struct ring *ring, size_t place)
{
    place += 2;
    const struct ring_cell *cell = &ring->cells[place & ring->mask];
    if (atomic_load_explicit(&cell->turn, memory_order_acquire) == place + 1) {
        PREFETCH_FOR_WRITE(atomic_load_explicit(&cell->item, memory_order_relaxed));
    }
}

void *
ring_pop(struct ring *ring)
{
    size_t place = atomic_load_explicit(&ring->head, memory_order_relaxed);
    for (;;) {
        struct ring_cell *cell = &ring->cells[place & ring->mask];
        /* Pairs with the release in push_below(): the item is there. */
        size_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (turn == place + 1) {
            if (atomic_compare_exchange_weak_explicit(&ring->head, &place, place + 1,
                                                      memory_order_relaxed, memory_order_relaxed)) {
                void *item = atomic_load_explicit(&cell->item, memory_order_relaxed);
                prefetch_after(ring, place);
                atomic_store_explicit(&cell->turn, place + ring->mask + 1, memory_order_release);
                return item;
            }
        } else if ((intptr_t)(turn - (place + 1)) < 0) {
            return NULL;
        } else {
            place = atomic_load_explicit(&ring->head, memory_order_relaxed);
        }
    }
}

size_t
ring_count(const struct ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_seq_cst) & ~CLOSED;
    return tail > head ? tail - head : 0;
}

bool
ring_has_items(const struct ring *ring)
{
    size_t place = atomic_load_explicit(&ring->head, memory_order_relaxed);
    const struct ring_cell *cell = &ring->cells[place & ring->mask];
    return atomic_load_explicit(&cell->turn, memory_order_acquire) == place + 1 ||
           ring_count(ring) > 0;
}

size_t
ring_popped(const struct ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_relaxed);
}
