/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One connection through the gate: a peer's socket and ours to nng, and the bytes between them.
 * [loop] throughout. */
#ifndef ROLLCALL_SERVE_LINK_H
#define ROLLCALL_SERVE_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/list.h"
#include "daemon/exec/loop.h"

/* What all links of a gate share. Owned by the gate. */
struct link_shared {
    struct loop *loop;
    const char *url; /* for the log */
    const char *inner_path;
    size_t message_bytes_max;
    size_t count;
    size_t greeting_count;
    struct list greeting; /* links whose peer has not greeted yet, the oldest first */
    struct list joined;   /* the others, the longest silent first */
    int64_t logged_us;    /* when a peer's fault was logged last */
    uint64_t unlogged;    /* faults since then */
};

struct link;

/** Take over a connected, non-blocking descriptor; it is closed when there is no memory. */
void link_start(struct link_shared *shared, int fd);

/** Close both sides and free it. */
void link_close(struct link *link);

struct link *link_of(struct list *node);

#endif
