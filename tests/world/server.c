/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Listens and runs the loop. Timers are exact to the microsecond: libevent's own rounding to
 * milliseconds would blur what is measured against the world. */
#include "tests/world/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/world/conn.h"
#include "tests/world/dns.h"
#include "tests/world/tls.h"

#define BACKLOG 4096
#define ACCEPTS_A_TURN 256
#define ORIGIN_BYTES 64
#define LISTENERS 2

struct listener {
    struct server *server;
    bool is_tls;
    int fd;
    char origin[ORIGIN_BYTES];
    struct event *event;
};

struct server {
    struct conn_host host;
    struct listener listeners[LISTENERS]; /* http, https */
    struct dns *dns;
    struct event *signals[3];
    bool is_full; /* no descriptors left: listeners rest until one is free */
    bool is_stopping;
};

/* ---- Accept */

static void
rest(struct server *server)
{
    (void)fprintf(stderr, "rollcall-world: no more connections for now: %s\n", strerror(errno));
    server->is_full = true;
    for (size_t i = 0; i < LISTENERS; i++) {
        (void)event_del(server->listeners[i].event);
    }
}

static void
on_conn_free(void *context)
{
    struct server *server = context;
    if (!server->is_full || server->is_stopping) {
        return;
    }
    server->is_full = false;
    for (size_t i = 0; i < LISTENERS; i++) {
        (void)event_add(server->listeners[i].event, NULL);
    }
}

static bool
accept_one(struct listener *listener)
{
    const int on = 1;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            rest(listener->server);
        }
        return errno == ECONNABORTED;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return conn_start(&listener->server->host, fd, listener->is_tls) == 0;
}

static void
on_accept(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        if (!accept_one(argument)) {
            return;
        }
    }
}

/* ---- Start and stop */

static int
bind_listener(struct listener *listener, struct error_text *why)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(address);
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0 ||
        bind(listener->fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener->fd, BACKLOG) != 0 ||
        getsockname(listener->fd, (struct sockaddr *)&address, &len) != 0) {
        return error_say(why, ERROR_IO, "127.0.0.1: cannot listen: %s", strerror(errno));
    }
    (void)snprintf(listener->origin, sizeof(listener->origin), "%s://127.0.0.1:%u",
                   listener->is_tls ? "https" : "http", (unsigned)ntohs(address.sin_port));
    return 0;
}

static int
start_listener(struct server *server, size_t index, struct error_text *why)
{
    struct listener *listener = &server->listeners[index];
    listener->server = server;
    listener->is_tls = index == 1;
    int error = bind_listener(listener, why);
    if (error) {
        return error;
    }
    server->host.origins[index] = listener->origin;
    listener->event =
        event_new(server->host.base, listener->fd, EV_READ | EV_PERSIST, on_accept, listener);
    if (listener->event == NULL || event_add(listener->event, NULL) != 0) {
        return error_say(why, ERROR_NOMEM, "a listener: out of memory");
    }
    return 0;
}

static void
on_signal(evutil_socket_t number, short what, void *argument)
{
    struct server *server = argument;
    (void)what;
    if (number == SIGUSR1) {
        conn_hurry_next(&server->host);
    } else {
        server->is_stopping = true;
    }
}

static int
start_loop(struct server *server, struct error_text *why)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1 };
    struct event_config *config = event_config_new();
    if (config != NULL) {
        (void)event_config_set_flag(config,
                                    EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NO_CACHE_TIME);
        server->host.base = event_base_new_with_config(config);
        event_config_free(config);
    }
    for (size_t i = 0; server->host.base != NULL && i < ARRAY_LEN(numbers); i++) {
        server->signals[i] = evsignal_new(server->host.base, numbers[i], on_signal, server);
        if (server->signals[i] == NULL || event_add(server->signals[i], NULL) != 0) {
            return error_say(why, ERROR_NOMEM, "the loop: out of memory");
        }
    }
    return server->host.base != NULL ? 0 : error_say(why, ERROR_IO, "libevent has no loop for us");
}

/* As many descriptors as we may have: one a client. */
static void
raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    (void)signal(SIGPIPE, SIG_IGN);
}

static int
start(struct server *server, const struct server_options *options, struct error_text *why)
{
    int error = start_loop(server, why);
    if (!error) {
        error = tls_new(options->ca_file, &server->host.tls, why);
    }
    for (size_t i = 0; i < LISTENERS && !error; i++) {
        error = start_listener(server, i, why);
    }
    if (!error) {
        error =
            dns_new(stage_dns(options->stage), server->host.base, options->log, &server->dns, why);
    }
    return error;
}

int
server_new(const struct server_options *options, struct server **out_server, struct error_text *why)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    raise_limits();
    server->host = (struct conn_host){
        .stage = options->stage,
        .log = options->log,
        .scale = options->scale,
        .on_free = on_conn_free,
        .context = server,
    };
    list_init(&server->host.conns);
    for (size_t i = 0; i < LISTENERS; i++) {
        server->listeners[i].fd = -1;
    }
    int error = start(server, options, why);
    if (error) {
        server_free(&server);
        return error;
    }
    *out_server = server;
    return 0;
}

static void
stop_listener(struct listener *listener)
{
    if (listener->event != NULL) {
        event_free(listener->event);
    }
    if (listener->fd >= 0) {
        (void)close(listener->fd);
    }
}

void
server_free(struct server **server)
{
    struct server *one = *server;
    if (one == NULL) {
        return;
    }
    one->is_stopping = true;
    conn_stop_all(&one->host);
    for (size_t i = 0; i < LISTENERS; i++) {
        stop_listener(&one->listeners[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(one->signals); i++) {
        if (one->signals[i] != NULL) {
            event_free(one->signals[i]);
        }
    }
    dns_free(&one->dns);
    SSL_CTX_free(one->host.tls);
    if (one->host.base != NULL) {
        event_base_free(one->host.base);
    }
    free(one);
    *server = NULL;
}

const char *
server_http(const struct server *server)
{
    return server->listeners[0].origin;
}

const char *
server_https(const struct server *server)
{
    return server->listeners[1].origin;
}

const char *
server_dns(const struct server *server)
{
    return dns_address(server->dns);
}

void
server_run(struct server *server)
{
    while (!server->is_stopping && event_base_loop(server->host.base, EVLOOP_ONCE) == 0) {
        eventlog_flush(server->host.log);
    }
}
