/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One connection to a daemon: a message out, its reply back. librollcall's only door to nng.
 *
 * A lost connection is dialled again and the message sent again, within the call. So a message may
 * travel more than once: it must carry a key where that matters. One thread calls; conn_interrupt()
 * may come from anywhere. */
#ifndef ROLLCALL_CLIENT_CONN_H
#define ROLLCALL_CLIENT_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "client/why.h"

/* How long to go without a connection: before there was one, and after it was lost. A restart by
 * systemd takes about one second. */
#define CONN_CONNECT_MS 1000
#define CONN_LOST_MS 5000

struct conn;

/**
 * Prepare a connection to `url`; nothing is dialled yet.
 * Owner:  *out_conn is the caller's, free with conn_free().
 * Errors: NOMEM; INVALID: not an address that nng can dial.
 */
int conn_new(const char *url, struct conn **out_conn, struct why *why);
void conn_free(struct conn **conn);

/** How long a first connection may take; CONN_CONNECT_MS unless set. */
void conn_set_patience(struct conn *conn, int64_t connect_ms);

/**
 * Send `text`, wait for the reply, at most `wait_ms`.
 * Owner:  *out_reply is the caller's, free(); a NUL follows its *out_length bytes.
 * Errors: TOO_BIG (nothing was sent), UNREACHABLE, TIMEOUT, INTERRUPTED, NOMEM.
 */
int conn_call(struct conn *conn, const char *text, int64_t wait_ms, char **out_reply,
              size_t *out_length, struct why *why);

/** End the call in hand, or the next one, with INTERRUPTED. Async-signal-safe. */
void conn_interrupt(struct conn *conn);

#endif
