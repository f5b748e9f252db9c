/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One client's connection: reads requests, waits as long as the script says, replies or misbehaves,
 * and logs each of these the moment it happens. It never stops reading, so a client that goes away
 * is seen while its reply is still due. Thread: the world's only one. */
#ifndef ROLLCALL_TESTS_WORLD_CONN_H
#define ROLLCALL_TESTS_WORLD_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <event2/event_struct.h> /* before ours: it has a LIST_ENTRY of its own */
#include <openssl/ssl.h>

#include "daemon/base/attr.h"
#include "daemon/base/list.h"
#include "tests/world/eventlog.h"
#include "tests/world/stage.h"

/* What all connections share. Borrowed by them. */
struct conn_host {
    struct event_base *base;
    const struct stage *stage;
    struct eventlog *log;
    SSL_CTX *tls;
    const char *origins[2]; /* of http and of https */
    double scale;
    struct list conns;
    uint64_t last_id;
    void (*on_free)(void *context); /* a descriptor has become free */
    void *context;
};

/** Serve an accepted socket, which is the connection's from now on, error or not. Errors: NOMEM. */
MUST_CHECK int conn_start(struct conn_host *host, int fd, bool is_tls);

/** The reply that is due next is due now. */
void conn_hurry_next(struct conn_host *host);

/** Close all connections. */
void conn_stop_all(struct conn_host *host);

#endif
