/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One probe at a time: connect, send greeting and call together, read greeting and reply, close.
 * A probe that was answered has shaken hands in full, so it never is the half-way client that nng's
 * listener cannot bear. The call is a notification, whose reply is an empty message: all that comes
 * back is known byte for byte. */
#include "daemon/serve/probe.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/base/clock.h"

/* A timer that comes this late means that the loop was held up: no judgement then. */
#define PROBE_LATE_US (INT64_C(50) * 1000)

#define CALL "{\"jsonrpc\":\"2.0\",\"method\":\"status\"}"
#define CALL_LEN (sizeof(CALL) - 1)
#define ID_LEN 4U

#define GREETING(protocol) 0, 'S', 'P', 0, 0, (protocol), 0, 0
#define LENGTH(bytes) 0, 0, 0, 0, 0, 0, 0, (bytes)
#define ID 0x80, 0, 0, 1
#define REQ 0x30
#define REP 0x31

/* What goes out before the call's text and what comes back, on ipc (a byte 1 before each length)
 * and on tcp. */
static const uint8_t ipc_head[] = { GREETING(REQ), 1, LENGTH(ID_LEN + CALL_LEN), ID };
static const uint8_t ipc_reply[] = { GREETING(REP), 1, LENGTH(ID_LEN), ID };
static const uint8_t tcp_head[] = { GREETING(REQ), LENGTH(ID_LEN + CALL_LEN), ID };
static const uint8_t tcp_reply[] = { GREETING(REP), LENGTH(ID_LEN), ID };

struct probe {
    struct loop *loop;
    struct sockaddr_storage address;
    socklen_t address_len;
    probe_fn *told;
    void *context;
    struct loop_timer timer;
    struct loop_watch watch; /* fd -1: at rest */
    bool is_connecting;      /* the call goes out when that is over */
    unsigned failures;       /* in a row */
    size_t got;
    uint8_t reply[sizeof(ipc_reply)];
};

static bool
is_ipc(const struct probe *probe)
{
    return probe->address.ss_family == AF_UNIX;
}

static void
hang_up(struct probe *probe)
{
    if (probe->watch.fd >= 0) {
        loop_watch_remove(probe->loop, &probe->watch);
        (void)close(probe->watch.fd);
        probe->watch.fd = -1;
    }
}

static void
conclude(struct probe *probe, bool is_alive)
{
    hang_up(probe);
    probe->failures = is_alive ? 0 : probe->failures + 1;
    if (!is_alive && probe->failures < PROBE_TRIES) {
        loop_timer_arm(probe->loop, &probe->timer, clock_now_us());
        return;
    }
    probe->failures = 0;
    loop_timer_arm(probe->loop, &probe->timer, clock_deadline_us(PROBE_PERIOD_US));
    probe->told(probe->context, is_alive);
}

static bool
is_expected(const struct probe *probe)
{
    const uint8_t *expected = is_ipc(probe) ? ipc_reply : tcp_reply;
    return memcmp(probe->reply, expected, probe->got) == 0;
}

static void
read_reply(struct probe *probe)
{
    size_t whole = is_ipc(probe) ? sizeof(ipc_reply) : sizeof(tcp_reply);
    ssize_t got =
        recv(probe->watch.fd, probe->reply + probe->got, whole - probe->got, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    probe->got += got > 0 ? (size_t)got : 0;
    if (got <= 0 || !is_expected(probe)) {
        conclude(probe, false);
    } else if (probe->got == whole) {
        conclude(probe, true);
    }
}

/* Greeting and call in one go: they fit into any socket's buffer. */
static bool
send_call(const struct probe *probe)
{
    uint8_t bytes[sizeof(ipc_head) + CALL_LEN];
    size_t head_len = is_ipc(probe) ? sizeof(ipc_head) : sizeof(tcp_head);
    memcpy(bytes, is_ipc(probe) ? ipc_head : tcp_head, head_len);
    memcpy(bytes + head_len, CALL, CALL_LEN);
    ssize_t sent = send(probe->watch.fd, bytes, head_len + CALL_LEN, MSG_NOSIGNAL);
    return sent == (ssize_t)(head_len + CALL_LEN);
}

static void
on_event(struct loop_watch *watch, uint32_t events)
{
    struct probe *probe = CONTAINER_OF(watch, struct probe, watch);
    (void)events;
    if (!probe->is_connecting) {
        read_reply(probe);
        return;
    }
    probe->is_connecting = false;
    watch->events = EPOLLIN;
    if (!send_call(probe) || loop_watch_change(probe->loop, watch) != ERROR_OK) {
        conclude(probe, false);
    }
}

/* A socket that is connected, or about to be. */
static int
dial(const struct probe *probe)
{
    int fd = socket(probe->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&probe->address, probe->address_len) == 0 ||
        errno == EINPROGRESS) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static void
begin(struct probe *probe)
{
    probe->got = 0;
    probe->is_connecting = true;
    probe->watch.events = EPOLLOUT;
    probe->watch.fd = dial(probe);
    if (probe->watch.fd < 0 || loop_watch_add(probe->loop, &probe->watch) != ERROR_OK) {
        conclude(probe, false);
        return;
    }
    loop_timer_arm(probe->loop, &probe->timer, clock_deadline_us(PROBE_LIMIT_US));
}

static void
on_timer(struct loop_timer *timer)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);
    if (probe->watch.fd < 0) {
        begin(probe);
    } else if (clock_now_us() - timer->due_us > PROBE_LATE_US) {
        loop_timer_arm(probe->loop, timer, clock_deadline_us(PROBE_LIMIT_US));
    } else {
        conclude(probe, false);
    }
}

int
probe_new(struct loop *loop, const struct sockaddr *address, socklen_t len, probe_fn *told,
          void *context, struct probe **out_probe)
{
    struct probe *probe = calloc(1, sizeof(*probe));
    if (probe == NULL) {
        return ERROR_NOMEM;
    }
    probe->loop = loop;
    memcpy(&probe->address, address, len);
    probe->address_len = len;
    probe->told = told;
    probe->context = context;
    probe->timer.fn = on_timer;
    probe->watch = (struct loop_watch){ .fd = -1, .fn = on_event };
    loop_timer_arm(loop, &probe->timer, clock_now_us());
    *out_probe = probe;
    return ERROR_OK;
}

void
probe_free(struct probe **probe)
{
    if (*probe == NULL) {
        return;
    }
    loop_timer_disarm((*probe)->loop, &(*probe)->timer);
    hang_up(*probe);
    free(*probe);
    *probe = NULL;
}
