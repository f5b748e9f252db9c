/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a worker says, and whether it may say that now: a stranger's bytes. Whatever is out of turn
 * kills it. */
#include "daemon/exec/procs_int.h"

#include <assert.h>
#include <string.h>

/* That are heard in one go: an answer to the call in hand, and to each that was sent ahead. */
#define FRAMES_MAX (1 + PROCS_AHEAD_MAX)

static bool
says_the_same(const struct procs *procs, const struct frame *frame)
{
    return frame->len == procs->hello_len && memcmp(frame->payload, procs->hello, frame->len) == 0;
}

static void
hear_hello(struct worker *worker, struct frame *frame)
{
    struct procs *procs = worker->procs;
    bool is_first = procs->hello == NULL;
    loop_timer_disarm(procs->loop, &worker->limit);
    if (is_first) {
        if (procs_keep_hello(procs, frame->payload, frame->len) != ERROR_OK) {
            procs_worker_kill(worker, ERROR_NOMEM, "offered more than there is memory for");
            return;
        }
    } else if (!says_the_same(procs, frame) || !procs_is_current(procs)) {
        worker->was_expected = true;
        procs_worker_kill(worker, ERROR_PLUGIN, PROCS_HAS_CHANGED);
        procs_outdate(procs);
        return;
    }
    worker->state = WORKER_GREETED;
    if (procs->is_configured) {
        procs_worker_configure(worker);
    }
    if (is_first) {
        procs_greeted(procs);
    }
    procs_balance(procs);
}

/* The sentence of a refusal; a stranger's bytes, cut. */
static void
hear_refusal(struct worker *worker, const struct frame *frame)
{
    char sentence[PROCS_SENTENCE_BYTES];
    size_t len = frame->len < sizeof(sentence) - 1 ? frame->len : sizeof(sentence) - 1;
    if (len > 0) {
        memcpy(sentence, frame->payload, len);
    }
    sentence[len] = '\0';
    if (worker->procs->hello == NULL) {
        worker->was_expected = true;
        procs_worker_kill(worker, ERROR_PLUGIN, "refused");
        procs_refuse(worker->procs, sentence);
    } else {
        procs_worker_kill(worker, ERROR_PLUGIN, "refused to start again: %.400s", sentence);
    }
}

static void
hear_answer(struct worker *worker, struct frame *frame)
{
    struct procs *procs = worker->procs;
    struct procs_call *call = worker->call;
    procs_worker_answered(worker);
    if (call->then_leaves) {
        procs_worker_leave(worker);
    }
    procs->answering = worker;
    procs_end_call(call, frame);
    if (procs->answering != NULL) {
        procs->answering = NULL;
        procs_note_answer(procs);
    }
    procs_balance(procs);
}

void
procs_reject(struct procs *procs, const char *why)
{
    struct worker *worker = procs->answering;
    assert(worker != NULL);
    procs->answering = NULL;
    procs_worker_kill(worker, ERROR_PLUGIN, "broke the protocol: %s", why);
    worker->was_expected = true; /* its death is told now */
    procs_note_death(procs, worker->reason);
}

static size_t
most_bytes(const struct worker *worker)
{
    switch (worker->state) {
    case WORKER_STARTING:
        return PROCS_HELLO_BYTES_MAX;
    case WORKER_BUSY:
        return worker->call->answer_max;
    default:
        return 0;
    }
}

static void
hear(struct worker *worker, struct frame *frame)
{
    if (worker->state == WORKER_STARTING && frame->type == FRAME_HELLO) {
        hear_hello(worker, frame);
        frame_release(frame);
    } else if (worker->state == WORKER_STARTING && frame->type == FRAME_REFUSED) {
        hear_refusal(worker, frame);
        frame_release(frame);
    } else if (worker->state == WORKER_BUSY && frame->type == FRAME_ANSWER &&
               frame->id == worker->call->id) {
        hear_answer(worker, frame); /* keeps the frame */
    } else {
        procs_worker_kill(worker, ERROR_PLUGIN, "broke the protocol: it spoke out of turn");
        frame_release(frame);
    }
}

/* One frame; whether there was one. */
static bool
listen_to(struct worker *worker)
{
    struct frame frame;
    int error = frame_receive(worker->proc.fd, most_bytes(worker), &frame);
    switch (error) {
    case ERROR_OK:
        hear(worker, &frame);
        return true;
    case ERROR_BUSY:
        break;
    case ERROR_CLOSED:
        procs_worker_hung_up(worker);
        break;
    case ERROR_PROTOCOL:
        procs_worker_kill(worker, ERROR_PLUGIN,
                          worker->state == WORKER_BUSY
                              ? "broke the protocol: what it said is no answer, or too long"
                              : "broke the protocol: it spoke out of turn, or nonsense");
        break;
    default:
        procs_worker_kill(worker, error, "could not be listened to: %s", error_sentence(error));
    }
    return false;
}

/* No more than `most` frames: a turn of the loop has others to hear. */
static void
drain(struct worker *worker, int most)
{
    while (most > 0 && listen_to(worker)) {
        most = procs_worker_may_speak(worker) ? most - 1 : 0;
    }
}

void
procs_hear(struct worker *worker)
{
    drain(worker, FRAMES_MAX);
}

void
procs_frames_ready(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    procs_hear(CONTAINER_OF(watch, struct worker, frames));
}
