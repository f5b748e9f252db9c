/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The life of a connection. Each callback of the loop does one thing and then takes a turn: serve
 * what else was read already, or, when it is over, free the connection. So nothing frees it under
 * the feet of a caller. */
#include "tests/world/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/http.h"
#include "tests/world/render.h"
#include "tests/world/stream.h"

#define READ_BYTES 16384
#define INPUT_BYTES_MAX (HTTP_HEAD_BYTES_MAX + HTTP_BODY_BYTES_MAX + READ_BYTES)
#define DRIP_US 100000
#define METHOD_BYTES 16
/* Of an endless body in one turn of the loop; others want to be served too. */
#define CHUNKS_A_TURN 4

enum phase {
    PHASE_READ, /* no reply is due */
    PHASE_WAIT, /* for the latency, or for ever */
    PHASE_SEND,
    PHASE_OVER
};

/* How a connection ends that the world ends. */
enum ending { ENDING_CLOSE, ENDING_CUT, ENDING_RESET };

struct conn {
    struct list node;
    struct conn_host *host;
    struct stream stream;
    uint64_t id;
    bool is_tls;
    enum phase phase;
    struct event readable;
    struct event writable;
    struct event timer;
    struct buf input; /* what was read and not yet served */
    struct buf output;
    size_t sent;
    /* The request in hand, or the last one. */
    char method[METHOD_BYTES];
    char *target;
    bool keep_alive;
    struct play play;
    int status;
};

static void
log_event(const struct conn *conn, const char *event, int64_t t_us, const char *by)
{
    bool is_reply = conn->phase == PHASE_SEND && by == NULL && event[0] == 'r';
    const struct eventlog_entry entry = {
        .t_us = t_us,
        .event = event,
        .platform = conn->play.platform,
        .connection = conn->id,
        .method = conn->method,
        .target = conn->target != NULL ? conn->target : "",
        .status = is_reply ? conn->status : 0,
        .file = is_reply && conn->play.source != NULL ? conn->play.source->stem : NULL,
        .by = by,
    };
    eventlog_add(conn->host->log, &entry);
}

/* The client has gone. */
static void
hear_end(struct conn *conn)
{
    int64_t now_us = eventlog_now_us();
    if (conn->phase == PHASE_READ) {
        log_event(conn, "closed", now_us, "client");
    } else {
        log_event(conn, "aborted", now_us, NULL);
    }
    conn->phase = PHASE_OVER;
}

static void
end(struct conn *conn, enum ending ending)
{
    int64_t now_us = eventlog_now_us();
    switch (ending) {
    case ENDING_CLOSE:
        stream_close(&conn->stream);
        break;
    case ENDING_CUT:
        stream_cut(&conn->stream);
        break;
    case ENDING_RESET:
        stream_reset(&conn->stream);
        break;
    }
    log_event(conn, "closed", now_us, "world");
    conn->phase = PHASE_OVER;
}

static void
conn_free(struct conn *conn)
{
    struct conn_host *host = conn->host;
    (void)event_del(&conn->readable);
    (void)event_del(&conn->writable);
    (void)event_del(&conn->timer);
    if (conn->stream.fd >= 0) {
        stream_close(&conn->stream);
    }
    list_remove(&conn->node);
    buf_fini(&conn->input);
    buf_fini(&conn->output);
    free(conn->target);
    free(conn);
    host->on_free(host->context);
}

static void
start_timer(struct conn *conn, int64_t span_us)
{
    const struct timeval span = { .tv_sec = span_us / 1000000, .tv_usec = span_us % 1000000 };
    (void)event_add(&conn->timer, &span);
}

/* ---- Send */

static void
finish_reply(struct conn *conn, int64_t t_us)
{
    enum fault fault = conn->play.fault;
    log_event(conn, "reply", t_us, NULL);
    if (fault == FAULT_TRUNCATE || fault == FAULT_GARBAGE) {
        end(conn, ENDING_CUT);
    } else if (!conn->keep_alive) {
        end(conn, ENDING_CLOSE);
    } else {
        conn->phase = PHASE_READ;
        buf_fini(&conn->output); /* an idle connection keeps no memory */
    }
}

/* Hand the kernel what it takes, at most `len` bytes. False: it takes no more for now, or it is
 * over. */
static bool
push(struct conn *conn, const char *bytes, size_t len, size_t *sent)
{
    ssize_t written = stream_write(&conn->stream, bytes, len);
    if (written > 0) {
        *sent += (size_t)written;
        return true;
    }
    if (written == STREAM_WANT_WRITE) {
        (void)event_add(&conn->writable, NULL);
    } else if (written != STREAM_WANT_READ) {
        hear_end(conn);
    }
    return false;
}

static void
send_all(struct conn *conn)
{
    while (conn->sent < conn->output.len) {
        int64_t now_us = eventlog_now_us();
        if (!push(conn, conn->output.bytes + conn->sent, conn->output.len - conn->sent,
                  &conn->sent)) {
            return;
        }
        if (conn->sent == conn->output.len) {
            finish_reply(conn, now_us);
            return;
        }
    }
}

static void
send_drop(struct conn *conn)
{
    int64_t now_us = eventlog_now_us();
    if (!push(conn, conn->output.bytes + conn->sent, 1, &conn->sent)) {
        return;
    }
    if (conn->sent == conn->output.len) {
        finish_reply(conn, now_us);
    } else {
        start_timer(conn, (int64_t)(DRIP_US * conn->host->scale));
    }
}

/* The head, then one chunk over and over: `sent` counts on from one to the next. */
static void
send_endless(struct conn *conn)
{
    size_t chunk_len = 0;
    const char *chunk = render_chunk(&chunk_len);
    for (int i = 0; i < CHUNKS_A_TURN; i++) {
        size_t head_len = conn->output.len;
        size_t at = conn->sent < head_len ? conn->sent : (conn->sent - head_len) % chunk_len;
        bool is_head = conn->sent < head_len;
        if (!push(conn, is_head ? conn->output.bytes + at : chunk + at,
                  (is_head ? head_len : chunk_len) - at, &conn->sent)) {
            return;
        }
    }
    (void)event_add(&conn->writable, NULL);
}

static void
send_more(struct conn *conn)
{
    if (conn->play.fault == FAULT_ENDLESS) {
        send_endless(conn);
    } else if (conn->play.fault == FAULT_DRIP) {
        send_drop(conn);
    } else {
        send_all(conn);
    }
}

/* The latency is over: reply, or do what the fault says. */
static void
act(struct conn *conn)
{
    if (conn->play.fault == FAULT_RESET || conn->play.fault == FAULT_CLOSE) {
        end(conn, conn->play.fault == FAULT_RESET ? ENDING_RESET : ENDING_CUT);
        return;
    }
    const struct render_request request = {
        .origin = conn->host->origins[conn->is_tls],
        .target = conn->target,
        .is_head = strcmp(conn->method, "HEAD") == 0,
        .keep_alive = conn->keep_alive,
    };
    conn->phase = PHASE_SEND;
    conn->sent = 0;
    conn->status = render_reply(&conn->play, &request, &conn->output);
    if (conn->output.error) {
        (void)fprintf(stderr, "rollcall-world: a reply: %s\n", error_sentence(conn->output.error));
        end(conn, ENDING_RESET);
        return;
    }
    send_more(conn);
}

/* ---- Read */

/* What was read but not served moves to the front. */
static void
consume(struct conn *conn, size_t bytes)
{
    size_t left = conn->input.len - bytes;
    if (left == 0) {
        buf_fini(&conn->input); /* as above */
        return;
    }
    memmove(conn->input.bytes, conn->input.bytes + bytes, left + 1);
    conn->input.len = left;
}

static void
begin(struct conn *conn, const struct http_request *request)
{
    (void)snprintf(conn->method, sizeof(conn->method), "%s", request->method);
    free(conn->target);
    conn->target = strdup(request->target);
    conn->keep_alive = request->keep_alive;
    if (conn->target == NULL) {
        end(conn, ENDING_RESET);
        return;
    }
    conn->phase = PHASE_WAIT;
    stage_play(conn->host->stage, conn->method, conn->target, request->body, &conn->play);
    log_event(conn, "request", eventlog_now_us(), NULL);
}

static void
wait_or_act(struct conn *conn)
{
    if (conn->phase != PHASE_WAIT || conn->play.fault == FAULT_HANG) {
        return;
    }
    if (conn->play.delay_us > 0) {
        start_timer(conn, conn->play.delay_us);
    } else {
        act(conn);
    }
}

static void
refuse(struct conn *conn, const char *problem)
{
    struct buf text;
    buf_init(&text, 1024);
    buf_printf(&text, "rollcall-world: %s\n", problem);
    conn->phase = PHASE_SEND;
    conn->play = (struct play){ .platform = "" };
    conn->keep_alive = false;
    conn->sent = 0;
    conn->status = 400;
    render_refusal(conn->status, buf_str(&text), &conn->output);
    buf_fini(&text);
    send_all(conn);
}

/* Small enough to go out at once; if not, the client sends its body after a while anyway. */
static void
invite_body(struct conn *conn)
{
    static const char invitation[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t sent = 0;
    (void)push(conn, invitation, sizeof(invitation) - 1, &sent);
}

/* Serve one request of what was read. False: there is none, or it waits. */
static bool
serve_next(struct conn *conn)
{
    struct http_request request;
    const char *problem = NULL;
    char saved = '\0';
    if (conn->phase != PHASE_READ || conn->input.len == 0) {
        return false;
    }
    switch (http_read(conn->input.bytes, conn->input.len, &request, &saved, &problem)) {
    case HTTP_MORE:
        if (http_wants_continue(conn->input.bytes, conn->input.len)) {
            invite_body(conn);
        }
        return false;
    case HTTP_BAD:
        refuse(conn, problem);
        return false;
    case HTTP_DONE:
        break;
    }
    begin(conn, &request);
    conn->input.bytes[request.bytes] = saved;
    consume(conn, request.bytes);
    wait_or_act(conn);
    return true;
}

/* What every callback ends with. */
static void
take_turn(struct conn *conn)
{
    while (serve_next(conn)) {
    }
    if (conn->phase == PHASE_OVER) {
        conn_free(conn);
    }
}

static void
read_all(struct conn *conn)
{
    static char bytes[READ_BYTES];
    for (;;) {
        ssize_t len = stream_read(&conn->stream, bytes, sizeof(bytes));
        if (len == STREAM_WANT_WRITE) {
            (void)event_add(&conn->writable, NULL);
        }
        if (len == STREAM_WANT_READ || len == STREAM_WANT_WRITE) {
            return;
        }
        if (len > 0) {
            buf_append(&conn->input, bytes, (size_t)len);
        }
        if (len <= 0 || conn->input.error) {
            hear_end(conn);
            return;
        }
    }
}

/* ---- The loop's callbacks */

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct conn *conn = argument;
    (void)fd;
    (void)what;
    read_all(conn);
    take_turn(conn);
}

static void
on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct conn *conn = argument;
    (void)fd;
    (void)what;
    if (conn->phase == PHASE_SEND) {
        send_more(conn);
    } else {
        read_all(conn); /* a handshake that had to write */
    }
    take_turn(conn);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct conn *conn = argument;
    (void)fd;
    (void)what;
    if (conn->phase == PHASE_WAIT) {
        act(conn);
    } else if (conn->phase == PHASE_SEND) {
        send_more(conn);
    }
    take_turn(conn);
}

/* Whether a latency runs, and when it ends. */
static bool
is_due(const struct conn *conn, struct timeval *out_due)
{
    return conn->phase == PHASE_WAIT && event_pending(&conn->timer, EV_TIMEOUT, out_due) != 0;
}

void
conn_hurry_next(struct conn_host *host)
{
    struct conn *next = NULL;
    struct timeval next_due = { 0 };
    LIST_FOR_EACH (node, &host->conns) {
        struct conn *conn = LIST_ENTRY(node, struct conn, node);
        struct timeval due;
        if (is_due(conn, &due) && (next == NULL || evutil_timercmp(&due, &next_due, <))) {
            next = conn;
            next_due = due;
        }
    }
    if (next != NULL) {
        (void)event_del(&next->timer);
        act(next);
        take_turn(next);
    }
}

/* ---- Start and stop */

int
conn_start(struct conn_host *host, int fd, bool is_tls)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL || stream_init(&conn->stream, fd, is_tls ? host->tls : NULL) != 0) {
        free(conn);
        (void)evutil_closesocket(fd);
        return ERROR_NOMEM;
    }
    conn->host = host;
    conn->id = ++host->last_id;
    conn->is_tls = is_tls;
    buf_init(&conn->input, INPUT_BYTES_MAX);
    buf_init(&conn->output, RENDER_BYTES_MAX);
    list_push_back(&host->conns, &conn->node);
    (void)event_assign(&conn->readable, host->base, fd, EV_READ | EV_PERSIST, on_readable, conn);
    (void)event_assign(&conn->writable, host->base, fd, EV_WRITE, on_writable, conn);
    (void)evtimer_assign(&conn->timer, host->base, on_timer, conn);
    if (event_add(&conn->readable, NULL) != 0) {
        conn_free(conn);
        return ERROR_NOMEM;
    }
    return 0;
}

void
conn_stop_all(struct conn_host *host)
{
    LIST_FOR_EACH (node, &host->conns) {
        struct conn *conn = LIST_ENTRY(node, struct conn, node);
        end(conn, ENDING_CLOSE);
        conn_free(conn);
    }
}
