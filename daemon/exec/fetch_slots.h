/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* How many transfers run, in all and to one origin; the others wait here, in order. libcurl could
 * queue them, but its waiting counts against a transfer's time. Thread: [loop]. */
#ifndef ROLLCALL_EXEC_FETCH_SLOTS_H
#define ROLLCALL_EXEC_FETCH_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/error.h"
#include "daemon/base/list.h"

#define FETCH_HOST_BUCKETS 256

struct fetch_slots {
    size_t running_max;      /* 0: no limit */
    size_t host_running_max; /* 0: no limit */
    size_t running;
    size_t waiting;
    struct list ready; /* hosts with somebody waiting and room */
    struct list buckets[FETCH_HOST_BUCKETS];
};

struct fetch_host;

/* Embedded in a transfer; zeroed memory is a slot at rest. */
struct fetch_slot {
    struct fetch_host *host;
    struct list node;
    bool running;
};

void fetch_slots_init(struct fetch_slots *slots, size_t running_max, size_t host_running_max);

/** Queue up for `origin`. Errors: NOMEM. */
MUST_CHECK int
fetch_slots_enter(struct fetch_slots *slots, struct fetch_slot *slot, const char *origin);

/** Whoever may run now, hosts taking turns; it runs from here on. NULL: nobody may. */
struct fetch_slot *fetch_slots_next(struct fetch_slots *slots);

/** Another one that runs for the same origin, or NULL. */
struct fetch_slot *fetch_slots_sibling(const struct fetch_slot *slot);

/** Stop waiting or running; a slot at rest is fine. */
void fetch_slots_leave(struct fetch_slots *slots, struct fetch_slot *slot);

#endif
