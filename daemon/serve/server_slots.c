/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Slots: each is one nng context with its aio, and takes one message after the other. nng's threads
 * run on_aio() alone, which posts; all else is [loop]'s. Slots are opened as they are needed, so
 * that some are always free to take the calls that never wait. */
#include <stdlib.h>
#include <string.h>

#include <nng/nng.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/serve/server_int.h"

/* A peer that takes its reply no sooner is closed: its slot is worth more. */
#define SEND_LIMIT_MS 5000

/* When slots run out, peers that have let replies lie for this long are closed at once. With fewer
 * than a crowd of them the machine may be to blame, which gets more time. */
#define SEND_PATIENCE_US (INT64_C(100) * 1000)
#define SEND_CROWD 8
#define SEND_PATIENCE_FEW_US (2 * CLOCK_US_PER_S)

/* All replies that wait for their peers to take them; past it the slowest are closed. */
#define SENDING_BYTES_MAX ((size_t)128 * 1024 * 1024)

/* How often the waiting calls' connections are looked at. */
#define SWEEP_US (INT64_C(100) * 1000)

enum slot_state { SLOT_RECEIVING, SLOT_SERVING, SLOT_SENDING, SLOT_CLOSED };

struct slot {
    struct exchange exchange;
    struct server *server;
    struct loop *loop; /* the server's */
    nng_ctx context;
    nng_aio *aio;
    nng_pipe pipe; /* of the message in hand */
    enum slot_state state;
    struct list sending; /* while SENDING */
    int64_t sent_us;
    size_t sent_bytes;
    bool is_given_up; /* its connection is being closed */
    struct loop_post post;
};

/* ---- slots -------------------------------------------------------------------------------- */

/* [nng's threads] */
static void
on_aio(void *argument)
{
    struct slot *slot = argument;
    lock_take(&server_lock);
    struct loop *loop = slot->loop;
    lock_release(&server_lock);
    loop_post(loop, &slot->post);
}

/* All that the loop wrote is there for the thread that calls on_aio(). */
static void
hand_over(void)
{
    lock_take(&server_lock);
    lock_release(&server_lock);
}

static void
receive(struct slot *slot)
{
    slot->state = SLOT_RECEIVING;
    slot->server->receiving++;
    nng_aio_set_timeout(slot->aio, NNG_DURATION_INFINITE);
    hand_over();
    nng_ctx_recv(slot->context, slot->aio);
}

static void
on_reply(struct exchange *exchange, const char *bytes, size_t len)
{
    struct slot *slot = CONTAINER_OF(exchange, struct slot, exchange);
    nng_msg *message = NULL;
    if (bytes == NULL || nng_msg_alloc(&message, len) != 0) {
        receive(slot); /* which forgets whom it would have answered */
        return;
    }
    if (len > 0) {
        memcpy(nng_msg_body(message), bytes, len);
    }
    slot->state = SLOT_SENDING;
    slot->sent_us = clock_now_us();
    slot->sent_bytes = len;
    slot->is_given_up = false;
    list_push_back(&slot->server->sending, &slot->sending);
    slot->server->sending_bytes += len;
    nng_aio_set_msg(slot->aio, message);
    nng_aio_set_timeout(slot->aio, SEND_LIMIT_MS);
    hand_over();
    nng_ctx_send(slot->context, slot->aio);
}

static void
on_message(struct slot *slot)
{
    struct server *server = slot->server;
    nng_msg *message = nng_aio_get_msg(slot->aio);
    nng_aio_set_msg(slot->aio, NULL);
    slot->state = SLOT_SERVING;
    slot->pipe = nng_msg_get_pipe(message);
    slot->exchange.reply = on_reply;
    slot->exchange.is_admin = listener_is_admin(server, slot->pipe);
    slots_grow(server);
    calls_begin(server->calls, &slot->exchange, nng_msg_body(message), nng_msg_len(message));
    nng_msg_free(message);
}

static void
on_sent(struct slot *slot, int rv)
{
    list_remove(&slot->sending);
    slot->server->sending_bytes -= slot->sent_bytes;
    if (rv != 0) {
        nng_msg_free(nng_aio_get_msg(slot->aio));
        nng_aio_set_msg(slot->aio, NULL);
    }
    if (rv == NNG_ETIMEDOUT) {
        log_info("serve", "a connection is closed: it does not take its replies");
        (void)nng_pipe_close(slot->pipe);
    }
    receive(slot);
}

static void
on_post(struct loop_post *post)
{
    struct slot *slot = CONTAINER_OF(post, struct slot, post);
    int rv = nng_aio_result(slot->aio);
    if (slot->state == SLOT_SENDING) {
        on_sent(slot, rv);
        return;
    }
    slot->server->receiving--;
    if (rv == 0) {
        on_message(slot);
    } else if (rv == NNG_ECLOSED || rv == NNG_ECANCELED) {
        slot->state = SLOT_CLOSED; /* the server stops */
    } else {
        receive(slot);
    }
}

static void
slot_free(struct slot *slot)
{
    if (slot->aio != NULL) {
        nng_aio_free(slot->aio);
    }
    free(slot);
}

static struct slot *
slot_new(struct server *server)
{
    struct slot *slot = calloc(1, sizeof(*slot));
    if (slot == NULL) {
        return NULL;
    }
    slot->server = server;
    slot->loop = exec_loop(server->exec);
    slot->state = SLOT_CLOSED;
    slot->post.fn = on_post;
    list_init(&slot->sending);
    if (nng_aio_alloc(&slot->aio, on_aio, slot) != 0 ||
        nng_ctx_open(&slot->context, server->socket) != 0) {
        slot_free(slot);
        return NULL;
    }
    return slot;
}

/* Open slots until enough are free. One that cannot be opened now is tried with the next message.
 */
void
slots_grow(struct server *server)
{
    while (server->receiving < SLOTS_SPARE && server->slot_count < server->slots_max) {
        struct slot *slot = slot_new(server);
        if (slot == NULL) {
            return;
        }
        server->slots[server->slot_count++] = slot;
        receive(slot);
    }
}

static bool
is_gone(nng_pipe pipe)
{
    nng_sockaddr address;
    int rv = nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address);
    return rv == NNG_ENOENT || rv == NNG_ECLOSED;
}

/* Close the connection of a slot; all replies on their way to it come back as not sent. */
static void
give_up(struct slot *slot)
{
    LIST_FOR_EACH (node, &slot->server->sending) {
        struct slot *other = LIST_ENTRY(node, struct slot, sending);
        other->is_given_up = other->is_given_up || other->pipe.id == slot->pipe.id;
    }
    log_info("serve", "a connection is closed: it does not take its replies");
    (void)nng_pipe_close(slot->pipe);
}

static bool
is_to_blame(const struct slot *slot, int64_t now_us)
{
    size_t count = 0;
    LIST_FOR_EACH (node, &slot->server->sending) {
        count += LIST_ENTRY(node, struct slot, sending)->pipe.id == slot->pipe.id;
    }
    return count >= SEND_CROWD || now_us - slot->sent_us > SEND_PATIENCE_FEW_US;
}

/* Peers that ask and do not read hold slots that others need, and memory. */
static void
give_up_slow(struct server *server)
{
    bool is_short = server->receiving < SLOTS_SPARE / 2 && server->slot_count == server->slots_max;
    bool is_heavy = server->sending_bytes > SENDING_BYTES_MAX;
    int64_t now_us = clock_now_us();
    LIST_FOR_EACH (node, &server->sending) {
        struct slot *slot = LIST_ENTRY(node, struct slot, sending);
        if ((!is_short && !is_heavy) || now_us - slot->sent_us < SEND_PATIENCE_US) {
            return;
        }
        if (!slot->is_given_up && is_to_blame(slot, now_us)) {
            give_up(slot);
        }
    }
}

/* Calls that wait for nobody: asking nng for each connection is cheap and misses none. */
static void
on_sweep(struct loop_timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, sweep);
    struct exchange *next = NULL;
    for (struct exchange *exchange = calls_first(server->calls); exchange != NULL;
         exchange = next) {
        next = calls_next(server->calls, exchange);
        if (is_gone(CONTAINER_OF(exchange, struct slot, exchange)->pipe)) {
            calls_drop(exchange);
        }
    }
    give_up_slow(server);
    loop_timer_arm(exec_loop(server->exec), timer, clock_deadline_us(SWEEP_US));
}

void
slots_start(struct server *server)
{
    slots_grow(server);
    server->sweep.fn = on_sweep;
    loop_timer_arm(exec_loop(server->exec), &server->sweep, clock_deadline_us(SWEEP_US));
}

void
slots_stop(struct server *server)
{
    for (size_t i = 0; i < server->slot_count; i++) {
        nng_aio_stop(server->slots[i]->aio);
    }
}

void
slots_free(struct server *server)
{
    for (size_t i = 0; i < server->slot_count; i++) {
        slot_free(server->slots[i]);
    }
    free(server->slots);
}
