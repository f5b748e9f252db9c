/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The nng side: REP sockets with contexts on the configured listeners; one message in, one out.
 * nng's threads own nothing of ours: they take a message, post it to the loop and return. The
 * daemon's only door to nng. */
#ifndef ROLLCALL_SERVE_SERVER_H
#define ROLLCALL_SERVE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/query/query.h"

struct server;

struct server_options {
    struct exec *exec;
    struct queries *queries;
    const struct conf *conf;
    void (*reload)(void *context); /* reserved for an admin's request; may be NULL */
    void *context;
};

/** Lock the socket's path, listen, probe itself once. Errors: EXISTS ("…: another rollcalld serves
 * this socket"), DENIED, IO, INVALID (a listener's URL); `why` names the URL. Thread: [main]. */
MUST_CHECK int server_new(const struct server_options *options, struct server **out_server,
                          struct error_text *why);

/** No new connections; calls that would open a query are answered -32004. Thread: [loop]. */
void server_close(struct server *server);
/** Close the sockets and wait for nng. Thread: [main], after the queries have ended. */
void server_stop(struct server *server);
void server_free(struct server **server);

/** Whether the last self-probe was answered in time: for the watchdog. Thread: any. */
bool server_is_alive(const struct server *server);

/** The URLs really listened on (port 0 resolved), for logs and tests: i-th or NULL. */
const char *server_url(const struct server *server, size_t index);

#endif
