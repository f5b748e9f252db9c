/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Builds the socket, its listeners and its slots, and takes them down in an order that nng bears:
 * stop accepting, let replies leave, close the socket, stop every aio, run what it posted last,
 * free. */
#include "daemon/serve/server.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/serve/server_int.h"

/* What the last replies may take when the server stops. */
#define FLUSH_LIMIT_US CLOCK_US_PER_S
#define FLUSH_STEP_NS 1000000

/* What nng gets to close its socket. */
#define CLOSE_LIMIT_S 2

/* Descriptors that are not for connections; and how many one connection through the gate takes. */
#define FDS_RESERVED 256
#define FDS_PER_LINK 3
#define LINKS_MIN 16

struct lock server_lock = { .mutex = PTHREAD_MUTEX_INITIALIZER, .rank = LOCK_SERVER };

static const struct future_ops ready_ops = { .name = "server" };

/* ---- connections -------------------------------------------------------------------------- */

/* [nng's threads] While the server closes, peers by tcp are turned away here. */
static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct server *server = argument;
    (void)event;
    lock_take(&server_lock);
    bool is_closed = server->is_closed;
    lock_release(&server_lock);
    if (is_closed) {
        (void)nng_pipe_close(pipe);
    }
}

/* ---- lives -------------------------------------------------------------------------------- */

int
server_judge_urls(const char *const *urls, size_t count, struct error_text *why)
{
    struct endpoint endpoint;
    for (size_t i = 0; i < count; i++) {
        int error = endpoint_parse(urls[i], &endpoint, why);
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

void
server_admin_url(const char *const *urls, size_t count, char *url)
{
    struct endpoint endpoint;
    struct error_text why;
    url[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (endpoint_parse(urls[i], &endpoint, &why) == ERROR_OK && endpoint.kind == ENDPOINT_IPC) {
            const char *slash = strrchr(endpoint.path, '/');
            int folder = slash != NULL ? (int)(slash - endpoint.path) + 1 : 0;
            (void)snprintf(url, SERVER_URL_BYTES, "ipc://%.*sadmin.sock", folder, endpoint.path);
            return;
        }
    }
}

int
server_judge_admin(const char *url, struct error_text *why)
{
    struct endpoint endpoint;
    int error = endpoint_parse(url, &endpoint, why);
    if (error == ERROR_OK && endpoint.kind != ENDPOINT_IPC) {
        return error_say(why, ERROR_DENIED, "%s: the admin socket is ipc:// only", url);
    }
    return error;
}

static size_t
count_links(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur < FDS_RESERVED + FDS_PER_LINK * LINKS_MIN) {
        return LINKS_MIN;
    }
    return (size_t)(limit.rlim_cur - FDS_RESERVED) / FDS_PER_LINK;
}

static int
open_socket(struct server *server, struct error_text *why)
{
    lock_take(&server_lock); /* on_pipe() may run from now on */
    server->is_closed = false;
    lock_release(&server_lock);
    int rv = nng_rep0_open(&server->socket);
    server->has_socket = rv == 0;
    if (rv == 0) { /* before any listener: they take it over when they are made */
        rv = nng_socket_set_size(server->socket, NNG_OPT_RECVMAXSZ, SERVER_MESSAGE_BYTES_MAX);
    }
    if (rv == 0) {
        rv = nng_pipe_notify(server->socket, NNG_PIPE_EV_ADD_PRE, on_pipe, server);
    }
    return rv == 0 ? ERROR_OK : error_say(why, ERROR_NOMEM, "nng: %s", nng_strerror(rv));
}

static int
open_listener(struct server *server, const char *url, bool is_admin, struct error_text *why)
{
    struct listener *listener = &server->listeners[server->listener_count];
    int error = endpoint_parse(url, &listener->endpoint, why);
    if (error != ERROR_OK) {
        return error;
    }
    listener->is_admin = is_admin;
    server->listener_count++;
    return listener_open(server, listener, why);
}

static int
open_listeners(struct server *server, const struct server_options *options, struct error_text *why)
{
    int error = ERROR_OK;
    server->listeners = calloc(options->listen_count + 1, sizeof(*server->listeners));
    if (server->listeners == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < options->listen_count && error == ERROR_OK; i++) {
        error = open_listener(server, options->listen[i], false, why);
    }
    if (error == ERROR_OK && options->admin != NULL) {
        error = open_listener(server, options->admin, true, why);
    }
    return error;
}

static int
open_all(struct server *server, const struct server_options *options, struct error_text *why)
{
    const struct calls_options calls = {
        .exec = options->exec,
        .queries = options->queries,
        .waiting_max = options->max_calls,
        .taker = options->taker,
    };
    server->slots_max = options->max_calls + SLOTS_SPARE;
    server->slots = calloc(server->slots_max, sizeof(struct slot *));
    if (server->slots == NULL || calls_new(&calls, &server->calls) != ERROR_OK) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    int error = open_socket(server, why);
    if (error == ERROR_OK) {
        error = open_listeners(server, options, why);
    }
    if (error != ERROR_OK) {
        return error;
    }
    slots_start(server);
    return ERROR_OK;
}

int
server_new(const struct server_options *options, struct server **out_server, struct error_text *why)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    server->exec = options->exec;
    server->links_max = count_links();
    list_init(&server->sending);
    future_init(&server->ready, &ready_ops);
    int error = open_all(server, options, why);
    if (error != ERROR_OK) {
        server_free(&server);
        return error;
    }
    *out_server = server;
    return ERROR_OK;
}

int
server_wait_ready(struct server *server, int64_t timeout_us)
{
    return future_wait(&server->ready, timeout_us);
}

static void
close_doors(struct server *server)
{
    lock_take(&server_lock);
    server->is_closed = true;
    lock_release(&server_lock);
    calls_close(server->calls);
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_close(&server->listeners[i]);
    }
}

void
server_close(struct server *server)
{
    assert(loop_is_mine(exec_loop(server->exec)));
    close_doors(server);
}

/* What still has to leave: replies that nng did not take yet, or bytes in the gates. */
struct flush {
    struct server *server;
    bool is_done;
};

static void
look_for_replies(void *context)
{
    struct flush *flush = context;
    flush->is_done =
        list_is_empty(&flush->server->sending) && calls_first(flush->server->calls) == NULL;
}

static void
look_for_links(void *context)
{
    struct flush *flush = context;
    flush->is_done = true;
    for (size_t i = 0; i < flush->server->listener_count; i++) {
        const struct gate *gate = flush->server->listeners[i].gate;
        flush->is_done = flush->is_done && (gate == NULL || gate_links(gate) == 0);
    }
}

static void
flush(struct server *server, void (*look)(void *context))
{
    struct flush flush = { .server = server };
    int64_t deadline_us = clock_deadline_us(FLUSH_LIMIT_US);
    const struct timespec step = { .tv_nsec = FLUSH_STEP_NS };
    exec_run_on_loop(server->exec, look, &flush);
    while (!flush.is_done && clock_now_us() < deadline_us) {
        (void)nanosleep(&step, NULL);
        exec_run_on_loop(server->exec, look, &flush);
    }
}

static void
close_on_loop(void *context)
{
    struct server *server = context;
    close_doors(server);
    loop_timer_disarm(exec_loop(server->exec), &server->sweep);
}

static void
drop_exchanges(void *context)
{
    struct server *server = context;
    for (struct exchange *exchange = calls_first(server->calls); exchange != NULL;
         exchange = calls_first(server->calls)) {
        calls_drop(exchange);
    }
}

/* ---- closing nng's socket ----------------------------------------------------------------- */

struct closing {
    nng_socket socket;
    sem_t done;
};

static void *
run_closing(void *argument)
{
    struct closing *closing = argument;
    (void)nng_close(closing->socket);
    (void)sem_post(&closing->done);
    return NULL;
}

static bool
await_closing(struct closing *closing)
{
    struct timespec limit;
    (void)clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += CLOSE_LIMIT_S;
    int rv = 0;
    do {
        rv = sem_clockwait(&closing->done, CLOCK_MONOTONIC, &limit);
    } while (rv != 0 && errno == EINTR);
    return rv == 0;
}

/* nng 1.5.2 now and then waits for ever for a connection that ended in the midst of a message. So
 * a thread of its own closes, and one that does not come back is left behind with what it holds. */
static bool
close_in_time(nng_socket socket)
{
    pthread_t thread;
    struct closing *closing = calloc(1, sizeof(*closing));
    if (closing == NULL || sem_init(&closing->done, 0, 0) != 0) {
        free(closing);
        return nng_close(socket) == 0;
    }
    closing->socket = socket;
    bool is_closed = false;
    if (pthread_create(&thread, NULL, run_closing, closing) != 0) {
        is_closed = nng_close(socket) == 0;
    } else if (await_closing(closing)) {
        is_closed = pthread_join(thread, NULL) == 0;
    } else {
        (void)pthread_detach(thread);
        return false;
    }
    (void)sem_destroy(&closing->done);
    free(closing);
    return is_closed;
}

static int
close_nng(struct server *server)
{
    if (server->has_socket) {
        server->has_socket = false;
        if (!close_in_time(server->socket)) {
            return ERROR_TIMEOUT;
        }
    }
    slots_stop(server);
    return ERROR_OK;
}

int
server_stop(struct server *server)
{
    exec_run_on_loop(server->exec, close_on_loop, server);
    flush(server, look_for_replies);
    exec_run_on_loop(server->exec, drop_exchanges, server);
    int error = close_nng(server);
    if (error != ERROR_OK) {
        return error;
    }
    flush(server, look_for_links); /* also runs what nng posted last */
    server->is_stopped = true;
    return ERROR_OK;
}

void
server_free(struct server **server)
{
    struct server *dropped = *server;
    if (dropped == NULL) {
        return;
    }
    *server = NULL;
    if (!dropped->is_stopped && dropped->calls != NULL) {
        close_on_loop(dropped);
    }
    if (close_nng(dropped) != ERROR_OK) {
        return; /* nng still uses it */
    }
    for (size_t i = 0; i < dropped->listener_count; i++) {
        listener_fini(&dropped->listeners[i]);
    }
    slots_free(dropped);
    calls_free(&dropped->calls);
    (void)future_cancel(&dropped->ready);
    free(dropped->listeners);
    free(dropped);
}

bool
server_is_alive(struct server *server)
{
    bool is_alive = true;
    lock_take(&server_lock);
    for (size_t i = 0; i < server->listener_count; i++) {
        is_alive = is_alive && server->listeners[i].is_alive;
    }
    lock_release(&server_lock);
    return is_alive;
}

const char *
server_url(const struct server *server, size_t index)
{
    return index < server->listener_count ? server->listeners[index].url : NULL;
}
