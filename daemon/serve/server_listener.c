/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Listeners: for ipc a lock, nng's own socket beside the public one, the gate in front; for tcp
 * nng's listener alone, which bears rude peers. Each is probed for as long as it lives, and made
 * anew when it no longer answers. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/serve/lockfile.h"
#include "daemon/serve/server_int.h"

#define INNER_MODE 0600

/* A failure that lasts is told this often. */
#define WARN_SPAN_US (10 * CLOCK_US_PER_S)

static int
say(struct error_text *why, const struct listener *listener, int error, const char *sentence)
{
    return error_say(why, error, "%s: %.380s", listener->url, sentence);
}

static int
listen_nng(struct listener *listener, const char *url, bool is_private, struct error_text *why)
{
    int rv = nng_listener_create(&listener->nng, listener->server->socket, url);
    if (rv == 0 && is_private) {
        rv = nng_listener_set_int(listener->nng, NNG_OPT_IPC_PERMISSIONS, INNER_MODE);
    }
    if (rv == 0) {
        rv = nng_listener_start(listener->nng, 0);
    }
    if (rv == 0) {
        listener->is_listening = true;
        return ERROR_OK;
    }
    if (nng_listener_id(listener->nng) > 0) {
        (void)nng_listener_close(listener->nng);
    }
    listener->nng = (nng_listener)NNG_LISTENER_INITIALIZER;
    return say(why, listener, rv == NNG_ENOMEM ? ERROR_NOMEM : ERROR_IO, nng_strerror(rv));
}

/* ---- probing and mending ------------------------------------------------------------------ */

static int
listen_inner(struct listener *listener, struct error_text *why)
{
    char url[sizeof("ipc://") + LISTENER_INNER_BYTES];
    (void)unlink(listener->inner_path); /* ours: the lock is held */
    (void)snprintf(url, sizeof(url), "ipc://%s", listener->inner_path);
    return listen_nng(listener, url, true, why);
}

static int
mend_ipc(struct listener *listener, struct error_text *why)
{
    if (!gate_is_in_place(listener->gate)) {
        return gate_reopen(listener->gate, why);
    }
    if (listener->is_listening) {
        (void)nng_listener_close(listener->nng); /* and with it all its connections */
        listener->is_listening = false;
    }
    return listen_inner(listener, why);
}

static void
warn(struct listener *listener, int error, const struct error_text *why)
{
    int64_t now_us = clock_now_us();
    if (listener->warned_us != 0 && now_us - listener->warned_us < WARN_SPAN_US) {
        return;
    }
    listener->warned_us = now_us;
    if (error == ERROR_OK) {
        log_warning("serve", "%s: did not answer the daemon's own call; made anew (%llu times)",
                    listener->url, (unsigned long long)listener->mended);
    } else {
        log_error("serve", "cannot be made anew: %s", why->text);
    }
}

static void
mend(struct listener *listener)
{
    struct error_text why = { "" };
    if (listener->endpoint.kind != ENDPOINT_IPC) {
        (void)say(&why, listener, ERROR_TIMEOUT, "did not answer the daemon's own call");
        warn(listener, ERROR_TIMEOUT, &why);
        return;
    }
    int error = mend_ipc(listener, &why);
    listener->mended++;
    warn(listener, error, &why);
}

static void
on_probe(void *context, bool is_alive)
{
    struct listener *listener = context;
    struct server *server = listener->server;
    bool is_ready = true;
    lock_take(&server_lock);
    listener->is_alive = is_alive;
    lock_release(&server_lock);
    if (!is_alive) {
        mend(listener);
        return;
    }
    if (listener->is_known) {
        return;
    }
    listener->is_known = true;
    for (size_t i = 0; i < server->listener_count; i++) {
        is_ready = is_ready && server->listeners[i].is_known;
    }
    if (is_ready) {
        (void)future_finish(&server->ready, NULL);
    }
}

static int
start_probe(struct listener *listener, const void *address, socklen_t len)
{
    return probe_new(exec_loop(listener->server->exec), address, len, on_probe, listener,
                     &listener->probe);
}

/* ---- ipc ---------------------------------------------------------------------------------- */

static int
open_gate(struct listener *listener, struct error_text *why)
{
    struct gate_options options = {
        .loop = exec_loop(listener->server->exec),
        .url = listener->url,
        .path = listener->endpoint.path,
        .inner_path = listener->inner_path,
        .is_private = listener->is_admin,
        .links_max = listener->server->links_max,
        .message_bytes_max = SERVER_MESSAGE_BYTES_MAX,
    };
    struct error_text reason = { "" };
    int error = gate_new(&options, &listener->gate, &reason);
    return error == ERROR_OK ? ERROR_OK : say(why, listener, error, reason.text);
}

static int
open_ipc(struct listener *listener, struct error_text *why)
{
    const char *path = listener->endpoint.path;
    struct error_text reason = { "" };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(listener->inner_path, sizeof(listener->inner_path), "%s.nng", path);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int error = lockfile_take(path, &listener->lock_fd, &reason);
    if (error != ERROR_OK) {
        return say(why, listener, error, reason.text);
    }
    error = listen_inner(listener, why);
    if (error == ERROR_OK) {
        error = open_gate(listener, why);
    }
    if (error == ERROR_OK) {
        error = start_probe(listener, &address, sizeof(address));
    }
    return error;
}

/* ---- tcp ---------------------------------------------------------------------------------- */

/* The port that is really listened on; in network order. */
static uint16_t
bound_port(const struct listener *listener)
{
    nng_sockaddr address;
    if (nng_listener_get_addr(listener->nng, NNG_OPT_LOCADDR, &address) != 0) {
        return htons(listener->endpoint.port);
    }
    return address.s_family == NNG_AF_INET6 ? address.s_in6.sa_port : address.s_in.sa_port;
}

static int
probe_tcp(struct listener *listener, uint16_t port)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = port };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = port };
    if (inet_pton(AF_INET, listener->endpoint.host, &four.sin_addr) == 1) {
        return start_probe(listener, &four, sizeof(four));
    }
    (void)inet_pton(AF_INET6, listener->endpoint.host, &six.sin6_addr);
    return start_probe(listener, &six, sizeof(six));
}

static int
open_tcp(struct listener *listener, struct error_text *why)
{
    const char *host = listener->endpoint.host;
    const char *format = strchr(host, ':') != NULL ? "tcp://[%s]:%u" : "tcp://%s:%u";
    char url[ENDPOINT_URL_BYTES];
    (void)snprintf(url, sizeof(url), format, host, listener->endpoint.port);
    int error = listen_nng(listener, url, false, why);
    if (error != ERROR_OK) {
        return error;
    }
    uint16_t port = bound_port(listener);
    (void)snprintf(listener->url, sizeof(listener->url), format, host, ntohs(port));
    return probe_tcp(listener, port);
}

/* ---- lives -------------------------------------------------------------------------------- */

int
listener_open(struct server *server, struct listener *listener, struct error_text *why)
{
    listener->server = server;
    listener->lock_fd = -1;
    memcpy(listener->url, listener->endpoint.url, sizeof(listener->url));
    int error =
        listener->endpoint.kind == ENDPOINT_IPC ? open_ipc(listener, why) : open_tcp(listener, why);
    return error;
}

void
listener_close(struct listener *listener)
{
    probe_free(&listener->probe);
    if (listener->gate != NULL) {
        gate_close(listener->gate);
    }
}

bool
listener_is_admin(const struct server *server, nng_pipe pipe)
{
    const struct listener *last = &server->listeners[server->listener_count - 1];
    return last->is_admin && last->is_listening &&
           nng_listener_id(nng_pipe_listener(pipe)) == nng_listener_id(last->nng);
}

void
listener_fini(struct listener *listener)
{
    if (listener->server == NULL) {
        return; /* never opened */
    }
    listener_close(listener);
    gate_free(&listener->gate);
    if (listener->is_listening && listener->endpoint.kind == ENDPOINT_IPC) {
        (void)unlink(listener->inner_path);
    }
    lockfile_release(&listener->lock_fd);
}
