/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Singleflight: the running work of one checker for one subject. Equal checks of several queries
 * sit in the same flight; whoever leaves early leaves the others alone, and when the last one has
 * left, the work is cancelled for real. Thread: [loop], all of it. */
#ifndef ROLLCALL_QUERY_FLIGHT_H
#define ROLLCALL_QUERY_FLIGHT_H

#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/list.h"
#include "daemon/query/epoch.h"
#include "daemon/query/verdict.h"

struct flight;

/* A check's place in a flight; embedded. */
struct flight_seat {
    struct list node;
    struct flight *flight; /* NULL: in none */
    int64_t deadline_us;   /* when its query gives up: what would come later is not waited for */
    /* Called once: what it came to; `url` (or NULL) is borrowed. The seat is in no flight then. */
    void (*landed)(struct flight_seat *seat, const struct finding *finding, const char *url);
};

/**
 * Take a seat in the flight of this checker for this subject; the first one starts it.
 * Owner:  the subject is copied. seat->deadline_us and seat->landed are set; `landed` may be called
 *         before this returns.
 * Errors: NOMEM: `landed` is then not called.
 */
MUST_CHECK int flight_board(struct epoch *epoch, struct checker *checker,
                            const struct subject *subject, struct flight_seat *seat);

/** Leave before it landed; a seat in no flight is fine. `landed` is not called. */
void flight_leave(struct flight_seat *seat);

#endif
