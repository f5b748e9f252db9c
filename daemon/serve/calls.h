/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The calls in hand: from the bytes of a message to the bytes of its reply, whatever carried them.
 * A call that waits costs memory, not a thread; at most `waiting_max` may. One that would be one
 * more is told `overloaded` at once, and calls that do not wait are always served.
 * Everything here runs on [loop]. */
#ifndef ROLLCALL_SERVE_CALLS_H
#define ROLLCALL_SERVE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/list.h"
#include "daemon/query/query.h"
#include "daemon/serve/jsonrpc.h"
#include "daemon/serve/order.h"

/* How long a `check` goes on when its client is gone: time to dial and to ask again by its key. */
#define CALLS_GONE_US (2 * INT64_C(1000) * 1000)

struct calls;
struct call;

/* One message in, one message out: embedded by whoever carries it, who sets `reply`. */
struct exchange {
    /* Called exactly once for each calls_begin(), perhaps from inside it. The bytes are lent.
     * NULL: the peer is gone, nothing is
     * to be sent. */
    void (*reply)(struct exchange *exchange, const char *bytes, size_t len);
    bool is_admin;       /* it came by the admin socket: set before calls_begin() */
    struct calls *calls; /* from here on calls.c's own */
    struct list node;
    struct jsonrpc_message message;
    struct call *members;
    size_t open;
};

struct calls_options {
    struct exec *exec;
    struct queries *queries;
    size_t waiting_max;
    struct order_taker taker; /* for what comes by the admin socket */
};

/** Errors: NOMEM. Thread: [main] before the loop runs, or [loop]. */
MUST_CHECK int calls_new(const struct calls_options *options, struct calls **out_calls);

/** From now on calls that would open a query are answered -32004. */
void calls_close(struct calls *calls);

/** When no exchange is in hand and no query is open. Thread: [loop], or when it no longer runs. */
void calls_free(struct calls **calls);

/** Serve one message. `bytes` are read before this returns; `exchange` stays until its reply. */
void calls_begin(struct calls *calls, struct exchange *exchange, const char *bytes, size_t len);

/** The peer is gone: its exchange ends now; a query that only it waited for ends after
 *  CALLS_GONE_US. */
void calls_drop(struct exchange *exchange);

/** Walk the exchanges that wait: the first, the next; NULL at the end. */
struct exchange *calls_first(struct calls *calls);
struct exchange *calls_next(struct calls *calls, struct exchange *exchange);

size_t calls_waiting(const struct calls *calls);

#endif
