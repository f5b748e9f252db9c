/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Calls of the process pool: from the caller into the queue, from the queue to a worker, and their
 * ends. A call is counted twice while it lives: the caller's reference, and that of the queue or of
 * the worker that has it in hand. */
#include "daemon/exec/procs_int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"

static struct procs_call *
call_of(struct future *future)
{
    return CONTAINER_OF(future, struct procs_call, future);
}

static void
free_call(struct future *future)
{
    struct procs_call *call = call_of(future);
    if (call->has_frame) {
        frame_release(&call->frame);
    }
    free(call->copy);
    free(call);
}

/* It is in a worker's hands: tell that one. It stays busy until it has answered. */
static void
cancel_call(struct future *future)
{
    struct procs_call *call = call_of(future);
    LIST_FOR_EACH (node, &call->procs->workers) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (worker->call == call) {
            procs_worker_cancel(worker);
            return;
        }
    }
}

static const struct future_ops call_ops = { .name = "process call",
                                            .cancel = cancel_call,
                                            .free = free_call };

/* Of the line that it waits in. */
enum where { IN_FRONT, AT_THE_BACK };

static void
unqueue(struct procs_call *call)
{
    list_remove(&call->node);
    call->procs->queued--;
    call->procs->queued_bytes -= call->len;
}

static void
enqueue(struct procs_call *call, enum where where)
{
    struct list *line = call->goes_first ? &call->procs->first : &call->procs->queue;
    (where == IN_FRONT ? list_push_front : list_push_back)(line, &call->node);
    call->procs->queued++;
    call->procs->queued_bytes += call->len;
}

static void
drop(struct procs_call *call)
{
    struct future *future = &call->future;
    future_unref(&future);
}

/* However it ended: one that was cancelled in the queue leaves it. */
static void
call_ended(struct future *future, void *context)
{
    struct procs_call *call = context;
    (void)future;
    if (list_is_linked(&call->node)) {
        unqueue(call);
        drop(call);
    }
}

void
procs_end_call(struct procs_call *call, struct frame *frame)
{
    call->frame = *frame;
    call->has_frame = true;
    call->answer = (struct procs_answer){ .bytes = frame->payload, .len = frame->len };
    (void)future_finish(&call->future, &call->answer);
    drop(call);
}

void
procs_fail_call(struct procs_call *call, int error)
{
    (void)future_fail(&call->future, error);
    drop(call);
}

void
procs_fail_queue(struct procs *procs, int error)
{
    struct list failed;
    list_init(&failed);
    list_append_all(&failed, &procs->first); /* their callbacks may queue anew */
    list_append_all(&failed, &procs->queue);
    while (!list_is_empty(&failed)) {
        struct procs_call *call = LIST_ENTRY(failed.next, struct procs_call, node);
        unqueue(call);
        procs_fail_call(call, error);
    }
}

void
procs_put_back(struct procs_call *call)
{
    enqueue(call, IN_FRONT);
}

/* The one that was busy last: so the others stay idle, and may leave. */
static struct worker *
find_idle(struct procs *procs)
{
    LIST_FOR_EACH (node, &procs->workers) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (worker->state == WORKER_IDLE) {
            return worker;
        }
    }
    return NULL;
}

/* To an idle worker, or ahead to a busy one. False: it stays where it is. */
static bool
hand_over(struct procs *procs, struct procs_call *call)
{
    bool is_probing = procs->phase == PHASE_PROBING;
    bool may_begin = procs_count(procs, WORKER_BUSY) < (is_probing ? 1 : procs->workers_max);
    struct worker *worker = may_begin ? find_idle(procs) : NULL;
    if (worker != NULL) {
        unqueue(call);
        procs_worker_feed(worker, call);
        return true;
    }
    worker = is_probing ? NULL : procs_find_ahead(procs, call);
    if (worker == NULL || procs_keep_bytes(call) != ERROR_OK) {
        return false;
    }
    unqueue(call);
    return procs_feed_ahead(worker, call);
}

static void
hand_out(struct procs *procs)
{
    bool goes_on = procs->queued > 0;
    if (goes_on) {
        procs_renew(procs);
    }
    while (goes_on && procs->queued > 0) {
        const struct list *line = list_is_empty(&procs->first) ? &procs->queue : &procs->first;
        goes_on = hand_over(procs, LIST_ENTRY(line->next, struct procs_call, node));
    }
}

bool
procs_takes_calls(const struct procs *procs)
{
    switch (procs->phase) {
    case PHASE_STARTING:
    case PHASE_READY:
    case PHASE_OUTDATED:
    case PHASE_PROBING:
        return true;
    case PHASE_REFUSED:
    case PHASE_ASIDE:
    case PHASE_CLOSED:
        return false;
    }
    return false;
}

int
procs_refusal(const struct procs *procs)
{
    return procs->phase == PHASE_CLOSED ? ERROR_CLOSED : ERROR_PLUGIN;
}

void
procs_balance(struct procs *procs)
{
    if (procs_takes_calls(procs)) {
        hand_out(procs);
    }
    procs_plan(procs);
}

static int
judge_call(const struct procs *procs, const struct procs_request *request)
{
    bool is_taken = procs->queued > 0 || procs_count(procs, WORKER_BUSY) > 0;
    if (!procs_takes_calls(procs) || (procs->phase == PHASE_PROBING && is_taken)) {
        return procs_refusal(procs);
    }
    if (procs->queued >= procs->queue_max || procs->queued_bytes > PROCS_QUEUE_BYTES_MAX ||
        request->len > PROCS_QUEUE_BYTES_MAX - procs->queued_bytes) {
        return ERROR_BUSY;
    }
    return ERROR_OK;
}

static struct procs_call *
new_call(struct procs *procs, const struct procs_request *request)
{
    struct procs_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    future_init(&call->future, &call_ops);
    call->procs = procs;
    list_init(&call->node);
    list_init(&call->follower);
    call->ended = (struct future_callback){ .fn = call_ended, .context = call };
    call->bytes = request->bytes;
    call->len = request->len;
    call->config = request->config;
    call->config_len = request->config != NULL ? request->config_len : 0;
    call->answer_max = request->answer_max;
    call->limit_us = request->limit_us;
    call->then_leaves = request->then_leaves;
    call->goes_first = request->goes_first;
    call->may_follow = request->may_follow;
    call->id = ++procs->next_id;
    future_on_done(&call->future, &call->ended);
    return call;
}

int
procs_keep_bytes(struct procs_call *call)
{
    if (call->copy != NULL) {
        return ERROR_OK;
    }
    char *copy = malloc(call->len + call->config_len + 1);
    if (copy == NULL) {
        return ERROR_NOMEM;
    }
    if (call->len > 0) {
        memcpy(copy, call->bytes, call->len);
    }
    if (call->config_len > 0) {
        memcpy(copy + call->len, call->config, call->config_len);
    }
    call->config = call->config != NULL ? copy + call->len : NULL;
    call->bytes = copy;
    call->copy = copy;
    return ERROR_OK;
}

void
procs_drop_bytes(struct procs_call *call)
{
    free(call->copy);
    call->copy = NULL;
    call->bytes = NULL;
    call->config = NULL;
}

int
procs_call(struct procs *procs, const struct procs_request *request, struct future **out_future)
{
    int error = judge_call(procs, request);
    if (error != ERROR_OK) {
        return error;
    }
    struct procs_call *call = new_call(procs, request);
    if (call == NULL) {
        return ERROR_NOMEM;
    }
    struct future *future = &call->future;
    (void)future_ref(future);
    enqueue(call, AT_THE_BACK);
    procs_balance(procs);
    if (list_is_linked(&call->node) && procs_keep_bytes(call) != ERROR_OK) {
        unqueue(call);
        drop(call); /* the queue's reference */
        error = ERROR_NOMEM;
    }
    if (error != ERROR_OK) {
        future_unref(&future);
        return error;
    }
    procs->calls++;
    *out_future = future;
    return ERROR_OK;
}
