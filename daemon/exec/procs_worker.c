/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One worker: its start, what it is sent, how long it may take for it, its end. Only its end on the
 * pidfd buries it, so no function that reads from it has to fear for its memory. */
#include "daemon/exec/procs_int.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/base/clock.h"

bool
procs_worker_is_usable(const struct worker *worker)
{
    return worker->state <= WORKER_BUSY;
}

bool
procs_worker_may_speak(const struct worker *worker)
{
    return worker->state == WORKER_STARTING || worker->state == WORKER_BUSY;
}

static void
hang_up(struct worker *worker)
{
    if (worker->proc.fd >= 0) {
        loop_watch_remove(worker->procs->loop, &worker->frames);
        proc_hang_up(&worker->proc);
    }
}

void
procs_worker_kill(struct worker *worker, int error, const char *format, ...)
{
    if (worker->reason[0] == '\0') {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(worker->reason, sizeof(worker->reason), format, args);
        va_end(args);
        worker->error = error;
    }
    worker->state = WORKER_DYING;
    hang_up(worker);
    loop_timer_disarm(worker->procs->loop, &worker->limit);
    proc_kill(&worker->proc);
}

void
procs_worker_hung_up(struct worker *worker)
{
    worker->state = WORKER_DYING;
    worker->has_hung_up = true;
    hang_up(worker);
    loop_timer_arm(worker->procs->loop, &worker->limit, clock_deadline_us(PROCS_HUNG_UP_US));
}

void
procs_worker_leave(struct worker *worker)
{
    if (!procs_worker_is_usable(worker)) {
        return;
    }
    worker->was_expected = true;
    worker->state = WORKER_LEAVING;
    hang_up(worker);
    loop_timer_arm(worker->procs->loop, &worker->limit, clock_deadline_us(PROCS_LEAVE_US));
}

static void
become_idle(struct worker *worker)
{
    struct procs *procs = worker->procs;
    loop_timer_disarm(procs->loop, &worker->limit);
    if (worker->state == WORKER_BUSY) { /* its memory is warm: the next call is its */
        list_remove(&worker->node);
        list_push_front(&procs->workers, &worker->node);
    } else { /* what its start took is its own */
        procs_begin_account(worker);
    }
    worker->state = WORKER_IDLE;
    worker->idle_since_us = clock_now_us();
    if (!procs_takes_calls(procs) || worker->is_old) {
        procs_worker_leave(worker);
    }
}

/* ---- what it is sent ---------------------------------------------------------------------- */

void
procs_worker_configure(struct worker *worker)
{
    const struct procs *procs = worker->procs;
    int error = frame_send(worker->proc.fd, FRAME_CONFIG, 0, procs->config, procs->config_len);
    if (error == ERROR_OK) {
        become_idle(worker);
    } else if (error == ERROR_CLOSED) {
        procs_worker_hung_up(worker);
    } else {
        procs_worker_kill(worker, ERROR_PLUGIN, "could not be sent its configuration: %s",
                          error_sentence(error));
    }
}

static void
take_in_hand(struct worker *worker, struct procs_call *call)
{
    bool is_begun = call->is_begun || future_start(&call->future);
    assert(is_begun); /* one that was cancelled has left the queue */
    call->is_begun = true;
    procs_drop_bytes(call);
    worker->call = call;
    worker->state = WORKER_BUSY;
    worker->taken_us = clock_now_us();
    worker->held_up = 0;
    loop_timer_arm(worker->procs->loop, &worker->limit, clock_deadline_us(call->limit_us));
}

void
procs_worker_answered(struct worker *worker)
{
    struct procs_call *next = procs_next_ahead(worker);
    worker->busy_us += clock_now_us() - worker->taken_us;
    worker->answers++;
    worker->call = NULL;
    if (next != NULL) {
        take_in_hand(worker, next);
    } else {
        become_idle(worker);
    }
}

/* A configuration of its own goes first. */
static int
send_call(const struct worker *worker, const struct procs_call *call)
{
    int error = ERROR_OK;
    if (call->config != NULL) {
        assert(call->then_leaves); /* the next call would find it */
        error = frame_send(worker->proc.fd, FRAME_CONFIG, 0, call->config, call->config_len);
    }
    return error == ERROR_OK
               ? frame_send(worker->proc.fd, FRAME_CALL, call->id, call->bytes, call->len)
               : error;
}

void
procs_worker_feed(struct worker *worker, struct procs_call *call)
{
    int error = send_call(worker, call);
    switch (error) {
    case ERROR_OK:
        take_in_hand(worker, call);
        break;
    case ERROR_CLOSED: /* it died unnoticed so far; another one gets the call */
        procs_worker_hung_up(worker);
        procs_put_back(call);
        break;
    case ERROR_BUSY: /* its socket holds a configuration and a call with ease */
        procs_worker_kill(worker, ERROR_PLUGIN, "broke the protocol: it does not read");
        procs_put_back(call);
        break;
    default:
        procs_fail_call(call, error);
    }
}

void
procs_worker_cancel(struct worker *worker)
{
    if (worker->state == WORKER_BUSY) {
        /* When it cannot be told it finds out by its limit, or is dead already. */
        (void)!frame_send(worker->proc.fd, FRAME_CANCEL, worker->call->id, NULL, 0);
    }
}

/* ---- its end ------------------------------------------------------------------------------ */

/* Nothing has come of what it was given that time for. What it has said while the loop was busy is
 * heard first. */
static bool
is_still_awaited(struct worker *worker)
{
    enum worker_state awaited = worker->state;
    if (procs_worker_may_speak(worker)) {
        procs_hear(worker);
    }
    return worker->state == awaited && !worker->limit.armed; /* it is again for the next call */
}

/* The loop comes this much too late: the machine stood still, and the worker with it. It gets its
 * time again, but not for ever. */
static bool
was_held_up(struct worker *worker)
{
    int64_t late_us = clock_now_us() - worker->limit.due_us;
    return procs_worker_may_speak(worker) && late_us > PROCS_LATE_US &&
           ++worker->held_up <= PROCS_LATE_MAX;
}

static void
limit_due(struct loop_timer *timer)
{
    struct worker *worker = CONTAINER_OF(timer, struct worker, limit);
    if (!is_still_awaited(worker)) {
        return;
    }
    if (was_held_up(worker)) {
        int64_t limit_us = worker->state == WORKER_BUSY ? worker->call->limit_us : PROCS_START_US;
        loop_timer_arm(worker->procs->loop, &worker->limit, clock_deadline_us(limit_us));
        return;
    }
    switch (worker->state) {
    case WORKER_BUSY:
        procs_worker_kill(worker, ERROR_TIMEOUT, "was killed after %g s",
                          (double)worker->call->limit_us / (double)CLOCK_US_PER_S);
        break;
    case WORKER_STARTING:
        procs_worker_kill(worker, ERROR_PLUGIN, "did not start within %g s",
                          (double)PROCS_START_US / (double)CLOCK_US_PER_S);
        break;
    default:
        procs_worker_kill(worker, ERROR_PLUGIN, "broke the protocol: it hung up and did not end");
    }
}

static void
forget(struct worker *worker)
{
    struct loop *loop = worker->procs->loop;
    hang_up(worker);
    loop_watch_remove(loop, &worker->exit);
    loop_timer_disarm(loop, &worker->limit);
    list_remove(&worker->node);
    proc_fini(&worker->proc);
    free(worker);
}

/* Our reason, unless it hung up and then ended by itself before it was killed. */
static const char *
what_ended(const struct worker *worker, const struct proc_end *end)
{
    bool ended_itself = worker->has_hung_up && end->signal != SIGKILL;
    return worker->reason[0] == '\0' || ended_itself ? end->sentence : worker->reason;
}

/* One that has used up its processor time leaves between two calls, after hours. One that leaves so
 * when it is young has something else in mind. */
static bool
has_retired(const struct worker *worker, const struct proc_end *end)
{
    return worker->call == NULL && worker->reason[0] == '\0' && end->is_fair &&
           clock_now_us() - worker->started_us >= PROCS_HEALTHY_US;
}

/* It has ended. What it said before is heard first. */
static void
exit_ready(struct loop_watch *watch, uint32_t events)
{
    struct worker *worker = CONTAINER_OF(watch, struct worker, exit);
    struct procs *procs = worker->procs;
    char sentence[PROCS_SENTENCE_BYTES];
    struct proc_end end;
    (void)events;
    if (procs_worker_may_speak(worker)) {
        procs_hear(worker);
    }
    if (!proc_bury(&worker->proc, false, &end)) {
        return;
    }
    (void)snprintf(sentence, sizeof(sentence), "%s", what_ended(worker, &end));
    struct procs_call *call = worker->call;
    int error = worker->error != ERROR_OK ? worker->error : ERROR_PLUGIN;
    bool was_expected = worker->was_expected || has_retired(worker, &end);
    procs_take_back(worker);
    forget(worker);
    if (!was_expected) {
        procs_note_death(procs, sentence);
    }
    if (call != NULL) {
        procs_fail_call(call, error);
    }
    procs_balance(procs);
    procs_note_gone(procs);
}

void
procs_worker_free(struct worker *worker)
{
    struct proc_end end;
    struct procs_call *call = worker->call;
    proc_kill(&worker->proc);
    (void)!proc_bury(&worker->proc, true, &end);
    procs_take_back(worker);
    forget(worker);
    if (call != NULL) {
        procs_fail_call(call, ERROR_CLOSED);
    }
}

/* ---- its start ---------------------------------------------------------------------------- */

static int
watch(struct worker *worker)
{
    struct loop *loop = worker->procs->loop;
    worker->frames =
        (struct loop_watch){ .fd = worker->proc.fd, .events = EPOLLIN, .fn = procs_frames_ready };
    worker->exit =
        (struct loop_watch){ .fd = worker->proc.pidfd, .events = EPOLLIN, .fn = exit_ready };
    int error = loop_watch_add(loop, &worker->frames);
    return error == ERROR_OK ? loop_watch_add(loop, &worker->exit) : error;
}

int
procs_worker_start(struct procs *procs, struct error_text *why)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    int error = proc_spawn(procs->program, procs->argv, &worker->proc, why);
    if (error != ERROR_OK) {
        free(worker);
        return error;
    }
    worker->procs = procs;
    worker->started_us = clock_now_us();
    worker->limit.fn = limit_due;
    list_init(&worker->node);
    list_init(&worker->ahead);
    error = watch(worker);
    if (error != ERROR_OK) {
        procs_worker_free(worker);
        return error_say(why, error, "could not be watched: %s", error_sentence(error));
    }
    list_push_back(&procs->workers, &worker->node);
    loop_timer_arm(procs->loop, &worker->limit, clock_deadline_us(PROCS_START_US));
    return ERROR_OK;
}
