/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The daemon asks itself: a client of one of its own listeners that dials anew each time, sends the
 * cheapest call there is and expects its reply. It speaks SP over plain sockets on the loop, so it
 * needs no thread, and it sees what any client sees. [loop] throughout. */
#ifndef ROLLCALL_SERVE_PROBE_H
#define ROLLCALL_SERVE_PROBE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "daemon/base/error.h"
#include "daemon/exec/loop.h"

/* How often, and how long a reply may take. A listener is dead after PROBE_TRIES of these without
 * one. To make it anew costs every client its connection, so the limit is far beyond what a machine
 * with too much to do makes of a reply. */
#define PROBE_PERIOD_US (INT64_C(250) * 1000)
#define PROBE_LIMIT_US (INT64_C(2500) * 1000)
#define PROBE_TRIES 2

struct probe;

/* The outcome of each probe, from the loop; a failure is told after PROBE_TRIES in a row. */
typedef void probe_fn(void *context, bool is_alive);

/** Owner: the address is copied. *out_probe is the caller's. Errors: NOMEM. Begins at once, in the
 *  next turn of the loop. */
MUST_CHECK int probe_new(struct loop *loop, const struct sockaddr *address, socklen_t len,
                         probe_fn *told, void *context, struct probe **out_probe);
/** Accepts NULL. Not from inside `told`. */
void probe_free(struct probe **probe);

#endif
