/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The scripted server. One mutex guards all that the test may ask while connections run; the
 * connection's own buffer belongs to its thread. */

#include "tests/support/scripted.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/list.h"
#include "tests/support/common.h"

#define BACKLOG 256
#define REQUESTS_MAX 256
#define REQUEST_BYTES_MAX 262144

struct scripted_conn {
    struct list node;
    struct scripted *server;
    int fd;
    void *stream;
    char *bytes; /* what was read and not yet handed out, a NUL behind it */
    size_t len;
    size_t taken; /* bytes of the request that was handed out last */
    char kept;    /* the byte that the NUL behind it hides */
};

struct scripted {
    scripted_fn *fn;
    void *context;
    const struct scripted_layer *layer;
    int listen_fd;
    unsigned port;
    pthread_t thread;
    sem_t gate;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct list open; /* connections whose threads run */
    unsigned connection_count;
    unsigned closed_count;
    char *requests[REQUESTS_MAX];
    unsigned request_count;
};

/* ---- A connection */

static ssize_t
receive(struct scripted_conn *conn, void *bytes, size_t len)
{
    const struct scripted_layer *layer = conn->server->layer;
    return layer != NULL ? layer->recv(conn->stream, bytes, len) : recv(conn->fd, bytes, len, 0);
}

bool
scripted_send(struct scripted_conn *conn, const void *bytes, size_t len)
{
    const struct scripted_layer *layer = conn->server->layer;
    const char *at = bytes;
    while (len > 0) {
        ssize_t sent = layer != NULL ? layer->send(conn->stream, at, len)
                                     : send(conn->fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool
scripted_say(struct scripted_conn *conn, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        abort();
    }
    bool sent = scripted_send(conn, text, (size_t)len);
    free(text);
    return sent;
}

static size_t
content_length(const char *head)
{
    const char *field = strcasestr(head, "\r\nContent-Length:");
    return field != NULL ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Bytes of the request at the start of the buffer; 0: not all there yet. */
static size_t
whole_request(const struct scripted_conn *conn)
{
    const char *end = conn->len > 0 ? strstr(conn->bytes, "\r\n\r\n") : NULL;
    if (end == NULL) {
        return 0;
    }
    size_t size = (size_t)(end - conn->bytes) + 4 + content_length(conn->bytes);
    return size <= conn->len ? size : 0;
}

static void
drop_taken(struct scripted_conn *conn)
{
    if (conn->taken > 0) {
        conn->bytes[conn->taken] = conn->kept;
        memmove(conn->bytes, conn->bytes + conn->taken, conn->len - conn->taken + 1);
        conn->len -= conn->taken;
        conn->taken = 0;
    }
}

static void
record(struct scripted *server, const char *request)
{
    pthread_mutex_lock(&server->mutex);
    if (server->request_count < REQUESTS_MAX) {
        server->requests[server->request_count++] = strdup(request);
    }
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
}

const char *
scripted_read(struct scripted_conn *conn)
{
    drop_taken(conn);
    while (whole_request(conn) == 0) {
        ssize_t got = receive(conn, conn->bytes + conn->len, REQUEST_BYTES_MAX - conn->len);
        if (got <= 0) {
            return NULL;
        }
        conn->len += (size_t)got;
        conn->bytes[conn->len] = '\0';
    }
    conn->taken = whole_request(conn);
    conn->kept = conn->bytes[conn->taken];
    conn->bytes[conn->taken] = '\0';
    record(conn->server, conn->bytes);
    return conn->bytes;
}

void
scripted_until_closed(struct scripted_conn *conn)
{
    char dropped[4096];
    while (receive(conn, dropped, sizeof(dropped)) > 0) {
    }
}

void
scripted_gate(struct scripted_conn *conn)
{
    while (sem_wait(&conn->server->gate) != 0) {
    }
}

void
scripted_reset(struct scripted_conn *conn)
{
    struct linger none = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

static void
run_script(struct scripted_conn *conn)
{
    struct scripted *server = conn->server;
    const struct scripted_layer *layer = server->layer;
    if (layer != NULL) {
        conn->stream = layer->open(layer->context, conn->fd);
    }
    if (layer == NULL || conn->stream != NULL) {
        server->fn(conn, server->context);
    }
    if (conn->stream != NULL) {
        layer->close(conn->stream);
    }
}

static void *
connection_main(void *argument)
{
    struct scripted_conn *conn = argument;
    struct scripted *server = conn->server;
    conn->bytes = calloc(1, REQUEST_BYTES_MAX + 1);
    if (conn->bytes == NULL) {
        abort();
    }
    run_script(conn);
    pthread_mutex_lock(&server->mutex);
    close(conn->fd);
    list_remove(&conn->node);
    server->closed_count++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
    free(conn->bytes);
    free(conn);
    return NULL;
}

/* ---- The server */

static void
begin_connection(struct scripted *server, int fd)
{
    pthread_t thread;
    struct scripted_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        abort();
    }
    *conn = (struct scripted_conn){ .server = server, .fd = fd };
    pthread_mutex_lock(&server->mutex);
    list_push_back(&server->open, &conn->node);
    server->connection_count++;
    pthread_mutex_unlock(&server->mutex);
    if (pthread_create(&thread, NULL, connection_main, conn) != 0) {
        abort();
    }
    pthread_detach(thread);
}

static void *
listen_main(void *argument)
{
    struct scripted *server = argument;
    for (;;) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return NULL; /* shut down by scripted_stop() */
        }
        begin_connection(server, fd);
    }
}

struct scripted *
scripted_start(scripted_fn *fn, void *context, const struct scripted_layer *layer)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    struct scripted *server = calloc(1, sizeof(*server));
    pthread_condattr_t monotonic;
    if (server == NULL) {
        support_fail("scripted server: out of memory");
    }
    list_init(&server->open);
    server->fn = fn;
    server->context = context;
    server->layer = layer;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&server->mutex, NULL);
    sem_init(&server->gate, 0, 0);
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(server->listen_fd, BACKLOG) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&server->thread, NULL, listen_main, server) != 0) {
        support_fail("scripted server: %s", strerror(errno));
    }
    server->port = ntohs(address.sin_port);
    return server;
}

static void
cut_connections(struct scripted *server)
{
    pthread_mutex_lock(&server->mutex);
    LIST_FOR_EACH (node, &server->open) {
        shutdown(LIST_ENTRY(node, struct scripted_conn, node)->fd, SHUT_RDWR);
        sem_post(&server->gate);
    }
    while (!list_is_empty(&server->open)) {
        pthread_cond_wait(&server->changed, &server->mutex);
    }
    pthread_mutex_unlock(&server->mutex);
}

void
scripted_stop(struct scripted **server)
{
    struct scripted *dropped = *server;
    if (dropped == NULL) {
        return;
    }
    *server = NULL;
    shutdown(dropped->listen_fd, SHUT_RDWR);
    pthread_join(dropped->thread, NULL);
    cut_connections(dropped);
    for (unsigned i = 0; i < dropped->request_count; i++) {
        free(dropped->requests[i]);
    }
    close(dropped->listen_fd);
    sem_destroy(&dropped->gate);
    pthread_cond_destroy(&dropped->changed);
    pthread_mutex_destroy(&dropped->mutex);
    free(dropped);
}

unsigned
scripted_port(const struct scripted *server)
{
    return server->port;
}

void
scripted_open_gate(struct scripted *server)
{
    sem_post(&server->gate);
}

static unsigned
read_locked(struct scripted *server, const unsigned *counter)
{
    pthread_mutex_lock(&server->mutex);
    unsigned value = *counter;
    pthread_mutex_unlock(&server->mutex);
    return value;
}

unsigned
scripted_connections(struct scripted *server)
{
    return read_locked(server, &server->connection_count);
}

unsigned
scripted_closed(struct scripted *server)
{
    return read_locked(server, &server->closed_count);
}

unsigned
scripted_requests(struct scripted *server)
{
    return read_locked(server, &server->request_count);
}

char *
scripted_request(struct scripted *server, unsigned index)
{
    pthread_mutex_lock(&server->mutex);
    char *copy = index < server->request_count ? strdup(server->requests[index]) : NULL;
    pthread_mutex_unlock(&server->mutex);
    return copy;
}

bool
scripted_await_closed(struct scripted *server, unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SUPPORT_WAIT_MS / 1000;
    pthread_mutex_lock(&server->mutex);
    int code = 0;
    while (server->closed_count < count && code == 0) {
        code = pthread_cond_timedwait(&server->changed, &server->mutex, &until);
    }
    bool reached = server->closed_count >= count;
    pthread_mutex_unlock(&server->mutex);
    return reached;
}
