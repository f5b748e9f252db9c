/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Calls that a busy worker is sent ahead: it finds the next one waiting when it has answered, and
 * neither side sleeps in between. They keep their bytes, so that another worker can have them when
 * this one dies of the call in hand. */
#include "daemon/exec/procs_int.h"

#include <assert.h>

/* Quick calls only, behind quick calls only. */
static bool
has_room(const struct worker *worker, const struct procs_call *call)
{
    return worker->state == WORKER_BUSY && worker->call->may_follow && !worker->is_old &&
           worker->ahead_count < PROCS_AHEAD_MAX &&
           call->len <= PROCS_AHEAD_BYTES_MAX - worker->ahead_bytes;
}

struct worker *
procs_find_ahead(struct procs *procs, const struct procs_call *call)
{
    struct worker *found = NULL;
    if (!call->may_follow || call->config != NULL || call->len >= FRAME_INLINE_BYTES) {
        return NULL;
    }
    LIST_FOR_EACH (node, &procs->workers) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (has_room(worker, call) && (found == NULL || worker->ahead_count < found->ahead_count)) {
            found = worker;
        }
    }
    return found;
}

static void
note_sent(struct worker *worker, struct procs_call *call)
{
    bool is_begun = call->is_begun || future_start(&call->future);
    assert(is_begun); /* one that was cancelled has left the queue */
    call->is_begun = true;
    list_push_back(&worker->ahead, &call->follower);
    worker->ahead_count++;
    worker->ahead_bytes += call->len;
    worker->procs->ahead++;
}

static void
note_taken(struct worker *worker, struct procs_call *call)
{
    list_remove(&call->follower);
    worker->ahead_count--;
    worker->ahead_bytes -= call->len;
    worker->procs->ahead--;
}

bool
procs_feed_ahead(struct worker *worker, struct procs_call *call)
{
    int error = frame_send(worker->proc.fd, FRAME_CALL, call->id, call->bytes, call->len);
    switch (error) {
    case ERROR_OK:
        note_sent(worker, call);
        return true;
    case ERROR_BUSY:   /* its socket is full: it reads on when it has answered */
    case ERROR_CLOSED: /* it died unnoticed so far, and will be buried */
        procs_put_back(call);
        return false;
    default:
        procs_fail_call(call, error);
        return true;
    }
}

struct procs_call *
procs_next_ahead(struct worker *worker)
{
    if (list_is_empty(&worker->ahead)) {
        return NULL;
    }
    struct procs_call *call = LIST_ENTRY(worker->ahead.next, struct procs_call, follower);
    note_taken(worker, call);
    return call;
}

void
procs_take_back(struct worker *worker)
{
    struct procs *procs = worker->procs;
    while (!list_is_empty(&worker->ahead)) {
        struct procs_call *call = LIST_ENTRY(worker->ahead.prev, struct procs_call, follower);
        note_taken(worker, call);
        if (future_is_done(&call->future)) { /* it was cancelled meanwhile */
            procs_fail_call(call, ERROR_CANCELLED);
        } else {
            procs_put_back(call);
        }
    }
    if (!procs_takes_calls(procs)) {
        procs_fail_queue(procs, procs_refusal(procs));
    }
}
