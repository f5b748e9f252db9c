/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The world's loop: two listeners, their connections, the name server, and the signals that end it.
 */
#ifndef ROLLCALL_TESTS_WORLD_SERVER_H
#define ROLLCALL_TESTS_WORLD_SERVER_H

#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "tests/world/eventlog.h"
#include "tests/world/stage.h"

struct server;

struct server_options {
    const struct stage *stage; /* borrowed */
    struct eventlog *log;      /* borrowed */
    const char *ca_file;       /* where to write the authority's certificate */
    double scale;
};

/** Listen on 127.0.0.1, http, https and DNS, ports of the kernel's choice. Owner: free with
 *  server_free(). Errors: IO, NOMEM. */
MUST_CHECK int server_new(const struct server_options *options, struct server **out_server,
                          struct error_text *why);
void server_free(struct server **server);

const char *server_http(const struct server *server);
const char *server_https(const struct server *server);
/** "127.0.0.1:5353": where names are asked for. */
const char *server_dns(const struct server *server);

/** Serve until SIGTERM or SIGINT. With SIGUSR1 the reply that is due next goes out at once. */
void server_run(struct server *server);

#endif
