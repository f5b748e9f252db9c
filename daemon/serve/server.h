/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The nng side: a REP socket with contexts on the configured listeners; one message in, one out.
 * nng's threads own nothing of ours: they post what came to the loop and return. The daemon's only
 * door to nng. */
#ifndef ROLLCALL_SERVE_SERVER_H
#define ROLLCALL_SERVE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/query/query.h"
#include "daemon/serve/order.h"

struct server;

#define SERVER_URL_BYTES 128

struct server_options {
    struct exec *exec;
    struct queries *queries;
    const char *const *listen; /* URLs */
    size_t listen_count;
    size_t max_calls;
    const char *admin;        /* ipc://…, 0600; NULL: none */
    struct order_taker taker; /* of what is asked there */
};

/** Judge the URLs of `listen` as server_new() would, and touch nothing. Errors: as
 *  endpoint_parse(). Thread: any. */
MUST_CHECK int server_judge_urls(const char *const *urls, size_t count, struct error_text *why);

/** The admin socket's URL when the configuration names none: admin.sock beside the first ipc
 *  socket of `urls`, which have been judged; "" when there is none. `url` has SERVER_URL_BYTES. */
void server_admin_url(const char *const *urls, size_t count, char *url);
/** Judge the admin socket's URL, as server_judge_urls(); DENIED: it is not ipc. */
MUST_CHECK int server_judge_admin(const char *url, struct error_text *why);

/** Lock the sockets' paths, listen, begin to probe. Errors: EXISTS ("…: another rollcalld serves
 *  this socket"), DENIED, UNSUPPORTED, IO, INVALID, RANGE, NOMEM; `why` names the URL. Thread:
 *  [main] before exec_start(), or [loop]. */
MUST_CHECK int server_new(const struct server_options *options, struct server **out_server,
                          struct error_text *why);

/** Wait until every listener has answered the daemon's own first call. Errors: TIMEOUT. Thread:
 *  [main], after exec_start(). */
MUST_CHECK int server_wait_ready(struct server *server, int64_t timeout_us);

/** No new connections; calls that would open a query are answered -32004. Thread: [loop]. May be
 *  called twice. */
void server_close(struct server *server);
/** Let the last replies leave, close the sockets, wait for nng. Errors: TIMEOUT: nng does not let
 * go of them, so nothing that it may touch can be freed; all that is left is to exit. Thread:
 * [main], after the queries have ended and before exec_stop(). */
MUST_CHECK int server_stop(struct server *server);
/** Accepts NULL and one that was never stopped. Thread: [main], when the loop does not run. */
void server_free(struct server **server);

/** Whether the last self-probes were answered in time: for the watchdog. Thread: any. */
bool server_is_alive(struct server *server);

/** The URLs really listened on (port 0 resolved), for logs and tests: i-th or NULL. The admin
 *  socket's, where there is one, is the last. */
const char *server_url(const struct server *server, size_t index);

#endif
