/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A server that does what a test's function says, byte by byte: each connection gets a thread that
 * runs that function. For what no well-behaved server would do; the platforms are played by the
 * world (support/world.h).
 *
 * Nothing here waits for time. A function that waits, waits for the next request, for the client to
 * close or for the test (scripted_gate). */
#ifndef ROLLCALL_TESTS_SUPPORT_SCRIPTED_H
#define ROLLCALL_TESTS_SUPPORT_SCRIPTED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/base/attr.h"

struct scripted;
struct scripted_conn;

/* [connection's thread] The connection is closed when it returns. */
typedef void scripted_fn(struct scripted_conn *conn, void *context);

/* Between socket and script, for TLS. `open` gives NULL when the handshake fails. */
struct scripted_layer {
    void *context;
    void *(*open)(void *context, int fd);
    ssize_t (*recv)(void *stream, void *bytes, size_t len);
    ssize_t (*send)(void *stream, const void *bytes, size_t len);
    void (*close)(void *stream);
};

/** Listen on a free port of 127.0.0.1. `layer` may be NULL: plain. Fails the test. */
struct scripted *scripted_start(scripted_fn *fn, void *context, const struct scripted_layer *layer);
/** Opens the gate for all, cuts all connections, waits for their threads. */
void scripted_stop(struct scripted **server);

unsigned scripted_port(const struct scripted *server);

/** How many connections came, how many of them ended, how many requests were read. */
unsigned scripted_connections(struct scripted *server);
unsigned scripted_closed(struct scripted *server);
unsigned scripted_requests(struct scripted *server);
/** A copy of request number `index` (from 0), head and body; free() it. NULL: not there. */
char *scripted_request(struct scripted *server, unsigned index);

/** Wait until so many connections have ended. False when SUPPORT_WAIT_MS was not enough. */
bool scripted_await_closed(struct scripted *server, unsigned count);

/** Let one scripted_gate() pass. */
void scripted_open_gate(struct scripted *server);

/* ---- For the script */

/** The next request, head and body; NULL when the client has closed. Valid until the next. */
const char *scripted_read(struct scripted_conn *conn);
/** False when the client has closed. */
bool scripted_send(struct scripted_conn *conn, const void *bytes, size_t len);
bool scripted_say(struct scripted_conn *conn, const char *format, ...) PRINTF_LIKE(2, 3);
/** Read and drop until the client closes. */
void scripted_until_closed(struct scripted_conn *conn);
/** Wait for scripted_open_gate(). */
void scripted_gate(struct scripted_conn *conn);
/** Close with a reset instead of an orderly end. */
void scripted_reset(struct scripted_conn *conn);

#endif
