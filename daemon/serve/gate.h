/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The door in front of nng's ipc listener. nng 1.5.2 stops accepting for good when a peer goes away
 * during its handshake (nanomsg/nng issue 1518), so strangers never meet it: the gate owns the
 * public socket, takes a peer's greeting itself, and only then connects to nng's own socket, beside
 * it and for this process's user alone, and carries bytes both ways. It reads no message; it only
 * counts their bytes, to name in the log what nng would close without a word.
 * [loop] throughout. */
#ifndef ROLLCALL_SERVE_GATE_H
#define ROLLCALL_SERVE_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/error.h"
#include "daemon/exec/loop.h"

/* How long a peer may take for its greeting: as long as nng itself would give it. */
#define GATE_GREETING_US (10 * INT64_C(1000) * 1000)

/* Peers that have not greeted yet; one more, and the oldest is closed. */
#define GATE_GREETING_MAX 512

struct gate;

struct gate_options {
    struct loop *loop;
    const char *url;          /* for the log */
    const char *path;         /* the public socket */
    const char *inner_path;   /* nng's */
    bool is_private;          /* 0600 */
    size_t links_max;         /* connections at the same time; at least 1 */
    size_t message_bytes_max; /* a peer that announces more is closed */
};

/** Bind and listen: 0660, for the group `rollcall` where there is one, or 0600. The caller holds
 * the lock of the path, so a socket that is there is a dead daemon's and is removed. Owner:  the
 * options' texts must stay. *out_gate is the caller's. Errors: INVALID (the path is there and is no
 * socket), IO, NOMEM; `why` has the sentence. */
MUST_CHECK int
gate_new(const struct gate_options *options, struct gate **out_gate, struct error_text *why);

/** Whether the path still leads here; and listen on it again when somebody removed it. */
bool gate_is_in_place(const struct gate *gate);
MUST_CHECK int gate_reopen(struct gate *gate, struct error_text *why);

/** No new connections, the path is removed; those that are open go on. */
void gate_close(struct gate *gate);

/** Connections that are open. */
size_t gate_links(const struct gate *gate);

/** Close all. Accepts NULL. */
void gate_free(struct gate **gate);

#endif
