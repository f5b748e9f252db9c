/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A link greets, joins, then carries. SP over a stream socket: each side sends eight bytes first
 * (0, 'S', 'P', version 0, the protocol's number, two zeros), then messages, each a byte 1, eight
 * bytes of length in network order, and that many bytes.
 *
 * The rule that keeps nng's listener alive: a connection to it is not closed before its greeting
 * has come back. */
#include "daemon/serve/link.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/serve/gate.h"

#define GREETING_BYTES 8U
#define FRAME_HEAD_BYTES 9U
#define FRAME_MESSAGE 1U

/* What is read at once; and so the most that is kept for a side that does not read. */
#define CHUNK_BYTES 65536U

/* nng's socket is not there for a moment only while its listener is made anew. */
#define JOIN_RETRY_US (20 * CLOCK_US_PER_MS)
#define JOIN_TRIES_MAX 500

/* One line about peers' faults in this span, however many there are. */
#define LOG_SPAN_US (10 * CLOCK_US_PER_S)

static const uint8_t req_greeting[GREETING_BYTES] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };

enum link_state { LINK_GREETING, LINK_JOINING, LINK_OPEN };

struct side {
    struct loop_watch watch;
    uint32_t armed; /* events that are watched; 0: none, then it is not in the loop */
    bool has_ended; /* no more bytes come from it */
    uint8_t *kept;  /* bytes that it did not take yet */
    size_t kept_len;
    size_t kept_from;
};

struct link {
    struct link_shared *shared;
    struct list node;
    enum link_state state;
    struct side peer;
    struct side inner;
    struct loop_timer timer;
    unsigned tries;
    uint8_t greeting[GREETING_BYTES];
    size_t greeted; /* bytes of it: first the peer's, then nng's */
    uint8_t head[FRAME_HEAD_BYTES];
    size_t head_len;
    uint64_t frame_left; /* bytes until the next head */
};

struct link *
link_of(struct list *node)
{
    return LIST_ENTRY(node, struct link, node);
}

static void
watch_side(struct link *link, struct side *side, uint32_t events)
{
    struct loop *loop = link->shared->loop;
    int error = ERROR_OK;
    if (events == side->armed) {
        return;
    }
    side->watch.events = events;
    if (events == 0) {
        loop_watch_remove(loop, &side->watch);
    } else if (side->armed == 0) {
        error = loop_watch_add(loop, &side->watch);
    } else {
        error = loop_watch_change(loop, &side->watch);
    }
    side->armed = error == ERROR_OK ? events : 0;
    side->has_ended = side->has_ended || error != ERROR_OK; /* deaf: better to close it */
}

static void
close_side(struct link *link, struct side *side)
{
    watch_side(link, side, 0);
    if (side->watch.fd >= 0) {
        (void)close(side->watch.fd);
    }
    free(side->kept);
    *side = (struct side){ .watch = { .fd = -1, .fn = side->watch.fn } };
}

void
link_close(struct link *link)
{
    struct link_shared *shared = link->shared;
    loop_timer_disarm(shared->loop, &link->timer);
    close_side(link, &link->peer);
    close_side(link, &link->inner);
    list_remove(&link->node);
    shared->count--;
    shared->greeting_count -= link->state == LINK_GREETING ? 1 : 0;
    free(link);
}

/* ---- carrying ----------------------------------------------------------------------------- */

static void
log_fault(struct link_shared *shared, const char *what)
{
    int64_t now_us = clock_now_us();
    if (shared->logged_us != 0 && now_us - shared->logged_us < LOG_SPAN_US) {
        shared->unlogged++;
        return;
    }
    log_warning("serve", "%s: a connection is closed: %s", shared->url, what);
    if (shared->unlogged > 0) {
        log_warning("serve", "%s: %llu more were closed for such faults since the last line",
                    shared->url, (unsigned long long)shared->unlogged);
    }
    shared->logged_us = now_us;
    shared->unlogged = 0;
}

static uint64_t
frame_length(const uint8_t head[FRAME_HEAD_BYTES])
{
    uint64_t length = 0;
    for (size_t i = 1; i < FRAME_HEAD_BYTES; i++) {
        length = length << 8 | head[i];
    }
    return length;
}

static bool
judge_head(struct link *link)
{
    char what[128];
    if (link->head[0] != FRAME_MESSAGE) {
        log_fault(link->shared, "what it sent is no SP message");
        return false;
    }
    link->frame_left = frame_length(link->head);
    link->head_len = 0;
    if (link->frame_left > link->shared->message_bytes_max) {
        (void)snprintf(what, sizeof(what), "a message of %llu bytes, at most %zu are read",
                       (unsigned long long)link->frame_left, link->shared->message_bytes_max);
        log_fault(link->shared, what);
        return false;
    }
    return true;
}

/* Follow the peer's messages through `len` bytes. False: one that must not reach nng. */
static bool
follow_frames(struct link *link, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t step = link->frame_left < len ? (size_t)link->frame_left : len;
        link->frame_left -= step;
        bytes += step;
        len -= step;
        if (len == 0) {
            break;
        }
        link->head[link->head_len++] = *bytes++;
        len--;
        if (link->head_len == FRAME_HEAD_BYTES && !judge_head(link)) {
            return false;
        }
    }
    return true;
}

/* Write what can be written now. Returns how much, or -1 when that side is gone. */
static ssize_t
push(struct side *to, const uint8_t *bytes, size_t len)
{
    ssize_t sent = send(to->watch.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    return sent;
}

static bool
deliver(struct side *to, const uint8_t *bytes, size_t len)
{
    ssize_t sent = push(to, bytes, len);
    if (sent < 0) {
        return false;
    }
    if ((size_t)sent == len) {
        return true;
    }
    to->kept_len = len - (size_t)sent;
    to->kept_from = 0;
    to->kept = malloc(to->kept_len);
    if (to->kept == NULL) {
        return false;
    }
    memcpy(to->kept, bytes + sent, to->kept_len);
    return true;
}

static bool
deliver_kept(struct side *to)
{
    if (to->kept == NULL) {
        return true;
    }
    ssize_t sent = push(to, to->kept + to->kept_from, to->kept_len);
    if (sent < 0) {
        return false;
    }
    to->kept_from += (size_t)sent;
    to->kept_len -= (size_t)sent;
    if (to->kept_len == 0) {
        free(to->kept);
        to->kept = NULL;
    }
    return true;
}

/* Carry what `from` has to say, unless `to` still has to take something. False: it is over. */
static bool
carry(struct link *link, struct side *from, struct side *to)
{
    uint8_t chunk[CHUNK_BYTES];
    if (to->kept != NULL || from->has_ended) {
        return true;
    }
    ssize_t got = recv(from->watch.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    from->has_ended = got == 0;
    if (from == &link->peer && !follow_frames(link, chunk, (size_t)got)) {
        return false;
    }
    list_remove(&link->node); /* it is the latest to have said something */
    list_push_back(&link->shared->joined, &link->node);
    return got == 0 || deliver(to, chunk, (size_t)got);
}

static uint32_t
wanted_events(const struct side *side, const struct side *other)
{
    uint32_t events = side->kept != NULL ? (uint32_t)EPOLLOUT : 0;
    return events | (other->kept == NULL && !side->has_ended ? (uint32_t)EPOLLIN : 0);
}

/* After anything happened to an open link. */
static void
settle(struct link *link)
{
    watch_side(link, &link->peer, wanted_events(&link->peer, &link->inner));
    watch_side(link, &link->inner, wanted_events(&link->inner, &link->peer));
    if ((link->peer.has_ended && link->inner.kept == NULL) ||
        (link->inner.has_ended && link->peer.kept == NULL)) {
        link_close(link);
    }
}

static void
on_open_event(struct link *link, struct side *side, struct side *other, uint32_t events)
{
    bool is_alive = true;
    if ((events & (EPOLLOUT | EPOLLERR)) != 0) {
        is_alive = deliver_kept(side);
    }
    if (is_alive && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        is_alive = carry(link, side, other);
    }
    if (is_alive) {
        settle(link);
    } else {
        link_close(link);
    }
}

/* ---- greeting and joining ----------------------------------------------------------------- */

/* Read the rest of a greeting. 1: it is whole; 0: not yet; -1: there will be none. */
static int
read_greeting(struct link *link, const struct side *side)
{
    ssize_t got = recv(side->watch.fd, link->greeting + link->greeted,
                       GREETING_BYTES - link->greeted, MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    }
    link->greeted += (size_t)got;
    return got == 0 ? -1 : link->greeted == GREETING_BYTES;
}

static void
join_later(struct link *link)
{
    close_side(link, &link->inner);
    link->greeted = 0;
    link->tries++;
    if (link->tries > JOIN_TRIES_MAX) {
        link_close(link);
        return;
    }
    loop_timer_arm(link->shared->loop, &link->timer, clock_deadline_us(JOIN_RETRY_US));
}

static int
connect_inner(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, req_greeting, sizeof(req_greeting), MSG_NOSIGNAL) == sizeof(req_greeting)) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static void
join(struct link *link)
{
    link->greeted = 0;
    link->inner.watch.fd = connect_inner(link->shared->inner_path);
    if (link->inner.watch.fd < 0) {
        join_later(link);
        return;
    }
    watch_side(link, &link->inner, EPOLLIN);
}

static void
on_peer_greeting(struct link *link)
{
    int whole = read_greeting(link, &link->peer);
    if (whole == 0) {
        return;
    }
    if (whole < 0 || memcmp(link->greeting, req_greeting, sizeof(req_greeting)) != 0) {
        link_close(link);
        return;
    }
    loop_timer_disarm(link->shared->loop, &link->timer);
    watch_side(link, &link->peer, 0); /* what comes next waits in the kernel */
    link->state = LINK_JOINING;
    link->shared->greeting_count--;
    list_remove(&link->node);
    list_push_back(&link->shared->joined, &link->node);
    join(link);
}

static void
on_inner_greeting(struct link *link)
{
    int whole = read_greeting(link, &link->inner);
    if (whole == 0) {
        return;
    }
    if (whole < 0) {
        join_later(link);
        return;
    }
    link->state = LINK_OPEN;
    if (deliver(&link->peer, link->greeting, GREETING_BYTES)) {
        settle(link);
    } else {
        link_close(link);
    }
}

static void
on_peer(struct loop_watch *watch, uint32_t events)
{
    struct link *link = CONTAINER_OF(watch, struct link, peer.watch);
    if (link->state == LINK_GREETING) {
        on_peer_greeting(link);
    } else {
        on_open_event(link, &link->peer, &link->inner, events);
    }
}

static void
on_inner(struct loop_watch *watch, uint32_t events)
{
    struct link *link = CONTAINER_OF(watch, struct link, inner.watch);
    if (link->state == LINK_JOINING) {
        on_inner_greeting(link);
    } else {
        on_open_event(link, &link->inner, &link->peer, events);
    }
}

static void
on_timer(struct loop_timer *timer)
{
    struct link *link = CONTAINER_OF(timer, struct link, timer);
    if (link->state == LINK_GREETING) {
        link_close(link);
    } else {
        join(link);
    }
}

void
link_start(struct link_shared *shared, int fd)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        (void)close(fd);
        return;
    }
    link->shared = shared;
    link->state = LINK_GREETING;
    link->peer.watch = (struct loop_watch){ .fd = fd, .fn = on_peer };
    link->inner.watch = (struct loop_watch){ .fd = -1, .fn = on_inner };
    link->timer.fn = on_timer;
    list_push_back(&shared->greeting, &link->node);
    shared->count++;
    shared->greeting_count++;
    loop_timer_arm(shared->loop, &link->timer, clock_deadline_us(GATE_GREETING_US));
    watch_side(link, &link->peer, EPOLLIN);
    if (link->peer.armed == 0) {
        link_close(link);
    }
}
