/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What server.c and server_listener.c share. */
#ifndef ROLLCALL_SERVE_SERVER_INT_H
#define ROLLCALL_SERVE_SERVER_INT_H

#include <nng/nng.h>

#include "daemon/base/lock.h"
#include "daemon/exec/future.h"
#include "daemon/exec/loop.h"
#include "daemon/serve/calls.h"
#include "daemon/serve/endpoint.h"
#include "daemon/serve/gate.h"
#include "daemon/serve/probe.h"
#include "daemon/serve/server.h"

/* nng closes the connection of a message over this. */
#define SERVER_MESSAGE_BYTES_MAX ((size_t)1024 * 1024)

/* Slots beyond max_calls: `cancel`, `status` and the probe find one when all others wait. */
#define SLOTS_SPARE 32

/* Room for ".nng" behind the longest path. */
#define LISTENER_INNER_BYTES (ENDPOINT_PATH_MAX + 8)

/* One URL of `listen`. [loop], once the server runs, but for what the lock guards. */
struct listener {
    struct server *server;
    struct endpoint endpoint;
    char url[ENDPOINT_URL_BYTES]; /* the port filled in */
    char inner_path[LISTENER_INNER_BYTES];
    int lock_fd;
    bool is_admin;
    nng_listener nng;
    bool is_listening;
    struct gate *gate; /* of ipc */
    struct probe *probe;
    bool is_known;     /* it has answered once */
    bool is_alive;     /* server_lock */
    int64_t warned_us; /* when a failure was logged last; 0: never */
    uint64_t mended;
};

struct slot;

/* What nng's threads and others see of a server: whatever is handed to nng is handed over under
 * this lock, and taken up under it. One for all servers, so that nothing has to be read to find it.
 */
extern struct lock server_lock;

struct server {
    struct exec *exec;
    nng_socket socket;
    bool has_socket;
    struct calls *calls;
    struct listener *listeners;
    size_t listener_count;
    size_t links_max;    /* connections of one listener */
    struct future ready; /* ends when every listener has answered once */
    bool is_closed;      /* refuse new connections; server_lock */
    struct loop_timer sweep;
    struct slot **slots;
    size_t slot_count;
    size_t slots_max;
    size_t receiving;    /* slots that could take a message now */
    struct list sending; /* slots whose reply nng has not passed on yet, the oldest first */
    size_t sending_bytes;
    bool is_stopped;
};

/** Lock, listen; the probe begins when the loop runs. `why` begins with the URL. Thread: [main],
 *  before the loop runs, or [loop]. Errors: see server_new(). */
MUST_CHECK int
listener_open(struct server *server, struct listener *listener, struct error_text *why);
/** No new connections by ipc, no more probes. [loop] */
void listener_close(struct listener *listener);
/** Whether a message of that pipe came by the admin socket. [loop] */
bool listener_is_admin(const struct server *server, nng_pipe pipe);
/** The rest, once nng's socket is closed; half-built is fine. [loop], or when it does not run. */
void listener_fini(struct listener *listener);

/* The slots of a server. slots_start() takes the first messages; slots_stop() comes after nng's
 * socket is closed, and what it posted last runs before slots_free(). [loop], stop and free:
 * [main].
 */
void slots_start(struct server *server);
/** Open slots until enough are free, or there are all. */
void slots_grow(struct server *server);
void slots_stop(struct server *server);
void slots_free(struct server *server);

#endif
