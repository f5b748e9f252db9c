/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A REQ socket with deadlines of its own. nng dials and dials again in the background, so that a
 * call can be interrupted while there is nobody to talk to; a message whose connection went before
 * the reply came is sent again from here, because nng's own resending goes by the clock. What nng's
 * threads learn (a connection came or went, an operation ended) they leave under the lock, where
 * they also ring an eventfd. The calling thread alone decides when to give up.
 *
 * A message is sent first and its reply awaited after that, never both at once: nng 1.5.2 crashes
 * when a receive is cancelled while its send is still pending. */
#include "client/conn.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include <rollcall/client.h>

#define REPLY_BYTES_MAX (64U * 1024 * 1024) /* an answer over 100,000 sites is about half of it */
#define REDIAL_MS 100
#define LOST 1        /* of a receive: the connection went, ask again */
#define LOSSES_MAX 64 /* connections lost in one call, and time enough: the call kills them */
#define LOOK_MS 250   /* how long a dialer is left alone */

/* Guards what nng's threads and a call both touch, of all connections: it is only ever held for a
 * few instructions. Not in the struct, so that taking it is also what publishes the struct to nng's
 * threads. */
static pthread_mutex_t conns_lock = PTHREAD_MUTEX_INITIALIZER;

struct conn {
    char *url;
    nng_socket socket;
    nng_dialer dialer;
    nng_aio *aio;
    unsigned pipes;  /* under conns_lock: open connections */
    unsigned losses; /* under conns_lock: connections that went */
    bool is_done;    /* under conns_lock: the operation in hand has ended */
    int wake_fd;
    int interrupt_fd;
    int64_t connect_ms;
    int64_t look_ms; /* when it is looked next, without a connection, whether the dialer goes on */
    bool is_dialled;
    bool was_connected;
};

/* What the calling thread sees in one look. */
struct view {
    bool is_done;
    bool is_connected;
    unsigned losses;
};

static int64_t
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Async-signal-safe. An eventfd that is full is rung already. */
static void
ring(int fd)
{
    const uint64_t one = 1;
    int saved = errno;
    ssize_t written = write(fd, &one, sizeof(one));
    (void)written;
    errno = saved;
}

static bool
drain(int fd)
{
    uint64_t count = 0;
    return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

/* [nng's threads] Counted from before it carries anything: what comes after its start may be told
 * later than its end. */
static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *context)
{
    (void)pipe;
    struct conn *conn = context;
    (void)pthread_mutex_lock(&conns_lock);
    if (event == NNG_PIPE_EV_ADD_PRE) {
        conn->pipes++;
    } else {
        conn->pipes--;
        conn->losses++;
    }
    ring(conn->wake_fd);
    (void)pthread_mutex_unlock(&conns_lock);
}

/* [nng's threads] */
static void
on_done(void *context)
{
    struct conn *conn = context;
    (void)pthread_mutex_lock(&conns_lock);
    conn->is_done = true;
    ring(conn->wake_fd);
    (void)pthread_mutex_unlock(&conns_lock);
}

static int
open_socket(struct conn *conn)
{
    int failed = nng_req0_open(&conn->socket);
    if (failed != 0) {
        return failed;
    }
    const nng_socket socket = conn->socket;
    failed |= nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    failed |= nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, REPLY_BYTES_MAX);
    failed |= nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, REDIAL_MS);
    failed |= nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, REDIAL_MS);
    failed |= nng_pipe_notify(socket, NNG_PIPE_EV_ADD_PRE, on_pipe, conn);
    failed |= nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_pipe, conn);
    return failed != 0 ? NNG_EINTERNAL : nng_aio_alloc(&conn->aio, on_done, conn);
}

/* Only an address that can be dialled makes a dialer. */
static int
judge_url(const struct conn *conn)
{
    nng_dialer dialer;
    int failed = nng_dialer_create(&dialer, conn->socket, conn->url);
    if (failed == 0) {
        (void)nng_dialer_close(dialer);
    }
    return failed;
}

static int
refuse_url(const char *url, int failed, struct why *why)
{
    if (failed == NNG_ENOMEM) {
        return why_nomem(why);
    }
    return why_say(why, ROLLCALL_E_INVALID,
                   "\"%s\" is no address (%s); allowed are ipc:///path, tcp://host:port and "
                   "ws://host:port/path",
                   url, nng_strerror(failed));
}

int
conn_new(const char *url, struct conn **out_conn, struct why *why)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        return why_nomem(why);
    }
    (void)pthread_mutex_lock(&conns_lock);
    conn->connect_ms = CONN_CONNECT_MS;
    conn->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    conn->interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)pthread_mutex_unlock(&conns_lock);
    int code = ROLLCALL_OK;
    conn->url = strdup(url);
    if (conn->url == NULL) {
        code = why_nomem(why);
    } else if (conn->wake_fd < 0 || conn->interrupt_fd < 0) {
        code = why_say(why, ROLLCALL_E_NOMEM, "no descriptors left: %s", strerror(errno));
    } else if (open_socket(conn) != 0) {
        code = why_say(why, ROLLCALL_E_NOMEM, "cannot open a socket: out of memory or threads");
    } else {
        int failed = judge_url(conn);
        code = failed == 0 ? ROLLCALL_OK : refuse_url(url, failed, why);
    }
    if (code != ROLLCALL_OK) {
        conn_free(&conn);
        return code;
    }
    *out_conn = conn;
    return ROLLCALL_OK;
}

void
conn_free(struct conn **conn)
{
    struct conn *gone = *conn;
    *conn = NULL;
    if (gone == NULL) {
        return;
    }
    if (nng_socket_id(gone->socket) > 0) {
        (void)nng_close(gone->socket); /* returns after the last callback */
    }
    (void)pthread_mutex_lock(&conns_lock);
    (void)pthread_mutex_unlock(&conns_lock);
    if (gone->aio != NULL) {
        nng_aio_free(gone->aio);
    }
    if (gone->wake_fd >= 0) {
        (void)close(gone->wake_fd);
    }
    if (gone->interrupt_fd >= 0) {
        (void)close(gone->interrupt_fd);
    }
    free(gone->url);
    free(gone);
}

void
conn_set_patience(struct conn *conn, int64_t connect_ms)
{
    conn->connect_ms = connect_ms;
}

void
conn_interrupt(struct conn *conn)
{
    ring(conn->interrupt_fd);
}

static struct view
look(struct conn *conn)
{
    (void)drain(conn->wake_fd);
    (void)pthread_mutex_lock(&conns_lock);
    struct view view = { .is_done = conn->is_done,
                         .is_connected = conn->pipes > 0,
                         .losses = conn->losses };
    (void)pthread_mutex_unlock(&conns_lock);
    conn->was_connected = conn->was_connected || view.is_connected;
    return view;
}

/* One call's clock: when it began and must end, since when there is no connection (-1: there is
 * one), and how many connections had been lost before it began. */
struct watch {
    int64_t begun_ms;
    int64_t deadline_ms;
    int64_t alone_ms;
    unsigned losses;
};

static int64_t
patience_ms(const struct conn *conn)
{
    if (!conn->was_connected || conn->connect_ms > CONN_LOST_MS) {
        return conn->connect_ms;
    }
    return CONN_LOST_MS;
}

/* It dials on by itself from then on, mostly. */
static int
start_dialer(struct conn *conn)
{
    int failed = nng_dialer_create(&conn->dialer, conn->socket, conn->url);
    failed = failed == 0 ? nng_dialer_start(conn->dialer, NNG_FLAG_NONBLOCK) : failed;
    conn->is_dialled = failed == 0;
    conn->look_ms = now_ms() + LOOK_MS;
    return failed;
}

/* nng 1.5.2 never dials again when the other side goes between the connection and its greeting.
 * Only its statistics tell: by an error that is none of those after which it goes on. */
static bool
has_given_up(const struct conn *conn)
{
    nng_stat *all = NULL;
    if (nng_stats_get(&all) != 0) {
        return false;
    }
    nng_stat *dialer = nng_stat_find_dialer(all, conn->dialer);
    nng_stat *others = dialer != NULL ? nng_stat_find(dialer, "other") : NULL;
    bool has = others != NULL && nng_stat_value(others) > 0;
    nng_stats_free(all);
    return has;
}

/* Whether there is a connection; without one, that somebody dials. That no other dialer can be had
 * now is no end: the next look tries again. */
static void
keep_dialling(struct conn *conn, struct watch *watch, bool is_connected, int64_t now)
{
    if (is_connected) {
        watch->alone_ms = -1;
        return;
    }
    watch->alone_ms = watch->alone_ms < 0 ? now : watch->alone_ms;
    if (now < conn->look_ms) {
        return;
    }
    conn->look_ms = now + LOOK_MS;
    if (!conn->is_dialled || has_given_up(conn)) {
        (void)nng_dialer_close(conn->dialer);
        (void)start_dialer(conn);
    }
}

/* Whether it is time to give up; else how long to sleep, to *out_sleep_ms. */
static int
judge(struct conn *conn, const struct view *view, struct watch *watch, int64_t *out_sleep_ms,
      struct why *why)
{
    int64_t now = now_ms();
    unsigned losses = view->losses - watch->losses;
    keep_dialling(conn, watch, view->is_connected, now);
    int64_t until = watch->deadline_ms;
    if (watch->alone_ms >= 0 && watch->alone_ms + patience_ms(conn) < until) {
        until = watch->alone_ms + patience_ms(conn);
    }
    if (losses > LOSSES_MAX && now >= watch->begun_ms + patience_ms(conn)) {
        return why_say(why, ROLLCALL_E_UNREACHABLE, "the daemon closed the connection %u times",
                       losses);
    }
    if (now < until) {
        int64_t next = watch->alone_ms >= 0 && conn->look_ms < until ? conn->look_ms : until;
        *out_sleep_ms = next - now;
        return ROLLCALL_OK;
    }
    if (watch->alone_ms >= 0) {
        return why_say(why, ROLLCALL_E_UNREACHABLE, "no daemon answers");
    }
    return why_say(why, ROLLCALL_E_TIMEOUT, "the daemon did not answer in time");
}

static int
sleep_until_rung(struct conn *conn, int64_t sleep_ms, struct why *why)
{
    struct pollfd fds[] = { { .fd = conn->wake_fd, .events = POLLIN },
                            { .fd = conn->interrupt_fd, .events = POLLIN } };
    const int64_t longest = 60 * 1000;
    (void)poll(fds, 2, (int)(sleep_ms < longest ? sleep_ms : longest));
    if (drain(conn->interrupt_fd)) {
        return why_say(why, ROLLCALL_E_INTERRUPTED, "interrupted");
    }
    return ROLLCALL_OK;
}

/* Wait for the operation that the aio carries. When it is given up it is cancelled, and has ended
 * when this returns. */
static int
await(struct conn *conn, struct watch *watch, struct why *why)
{
    for (;;) {
        int64_t sleep_ms = 0;
        struct view view = look(conn);
        if (view.is_done) {
            return ROLLCALL_OK;
        }
        int code = judge(conn, &view, watch, &sleep_ms, why);
        if (code == ROLLCALL_OK) {
            code = sleep_until_rung(conn, sleep_ms, why);
        }
        if (code != ROLLCALL_OK) {
            nng_aio_cancel(conn->aio);
            nng_aio_wait(conn->aio);
            return code;
        }
    }
}

static void
begin(struct conn *conn)
{
    (void)pthread_mutex_lock(&conns_lock);
    conn->is_done = false;
    (void)pthread_mutex_unlock(&conns_lock);
}

static int
result_of(struct conn *conn, struct why *why)
{
    int failed = nng_aio_result(conn->aio);
    if (failed == 0) {
        return ROLLCALL_OK;
    }
    if (failed == NNG_ECONNRESET) {
        return LOST;
    }
    return why_say(why, ROLLCALL_E_UNREACHABLE, "the connection failed: %s", nng_strerror(failed));
}

static int
send_text(struct conn *conn, const char *text, struct watch *watch, struct why *why)
{
    nng_msg *message = NULL;
    if (nng_msg_alloc(&message, 0) != 0) {
        return why_nomem(why);
    }
    if (nng_msg_append(message, text, strlen(text)) != 0) {
        nng_msg_free(message);
        return why_nomem(why);
    }
    begin(conn);
    nng_aio_set_msg(conn->aio, message);
    nng_send_aio(conn->socket, conn->aio);
    int code = await(conn, watch, why);
    if (nng_aio_result(conn->aio) != 0) {
        nng_msg_free(nng_aio_get_msg(conn->aio)); /* not taken: still ours */
    }
    return code == ROLLCALL_OK ? result_of(conn, why) : code;
}

static int
copy_reply(nng_msg *message, char **out_reply, size_t *out_length, struct why *why)
{
    size_t length = nng_msg_len(message);
    char *reply = malloc(length + 1);
    if (reply == NULL) {
        return why_nomem(why);
    }
    if (length > 0) {
        memcpy(reply, nng_msg_body(message), length);
    }
    reply[length] = '\0';
    *out_reply = reply;
    *out_length = length;
    return ROLLCALL_OK;
}

static int
receive_reply(struct conn *conn, struct watch *watch, char **out_reply, size_t *out_length,
              struct why *why)
{
    begin(conn);
    nng_recv_aio(conn->socket, conn->aio);
    int code = await(conn, watch, why);
    if (nng_aio_result(conn->aio) != 0) {
        return code == ROLLCALL_OK ? result_of(conn, why) : code;
    }
    nng_msg *message = nng_aio_get_msg(conn->aio);
    if (code == ROLLCALL_OK) {
        code = copy_reply(message, out_reply, out_length, why);
    }
    nng_msg_free(message);
    return code;
}

/* The first call starts the dialer. */
static int
dial(struct conn *conn, struct why *why)
{
    int failed = conn->is_dialled ? 0 : start_dialer(conn);
    return failed == 0
               ? ROLLCALL_OK
               : why_say(why, ROLLCALL_E_UNREACHABLE, "cannot dial: %s", nng_strerror(failed));
}

int
conn_call(struct conn *conn, const char *text, int64_t wait_ms, char **out_reply,
          size_t *out_length, struct why *why)
{
    if (strlen(text) > ROLLCALL_CALL_BYTES_MAX) {
        return why_say(why, ROLLCALL_E_TOO_BIG, "the call has %zu bytes; allowed are %d",
                       strlen(text), ROLLCALL_CALL_BYTES_MAX);
    }
    int code = dial(conn, why);
    struct view view = look(conn);
    int64_t begun_ms = now_ms();
    struct watch watch = { .begun_ms = begun_ms,
                           .deadline_ms = begun_ms + wait_ms,
                           .alone_ms = -1,
                           .losses = view.losses };
    if (code != ROLLCALL_OK) {
        return code;
    }
    do {
        code = send_text(conn, text, &watch, why);
        if (code == ROLLCALL_OK) {
            code = receive_reply(conn, &watch, out_reply, out_length, why);
        }
    } while (code == LOST);
    return code;
}
