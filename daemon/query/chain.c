/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The state machine of a chain. Read the table `on` first: for each state, what may happen and what
 * is done then. A handler does its work, sets the next state, and returns the event that follows at
 * once, or CHAIN_NOTHING. An event that a state has no handler for is a bug of ours.
 *
 * The time-out begins when the chain first leaves the pacing line, and stands still whenever it is
 * in line again or waits for a connection: how long others keep us waiting is not the platform's
 * slowness. A transfer keeps the time itself, so the timer here is for the plugin's part. */
#include "daemon/query/chain.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/query/chain_int.h"
#include "rollcall/plugin.h"

typedef enum chain_event handler(struct chain *chain);

static void handle(struct chain *chain, enum chain_event event);

/* ---- Ends --------------------------------------------------------------- */

static enum chain_event
end(struct chain *chain, struct finding finding)
{
    chain->finding = finding;
    chain->state = CHAIN_ENDED;
    return CHAIN_NOTHING;
}

static enum chain_event
end_unknown(struct chain *chain, enum reason reason)
{
    return end(chain, finding_unknown(reason));
}

static enum chain_event
time_out(struct chain *chain)
{
    return end_unknown(chain, REASON_TIMEOUT);
}

/* ---- Time --------------------------------------------------------------- */

static struct loop *
loop_of(const struct chain *chain)
{
    return exec_loop(chain->task.epoch->exec);
}

static void
run_timer(struct chain *chain)
{
    loop_timer_arm(loop_of(chain), &chain->timer, clock_deadline_us(chain->left_us));
}

static void
stop_timer(struct chain *chain)
{
    if (chain->timer.armed) {
        chain->left_us = chain->timer.due_us - clock_now_us();
        loop_timer_disarm(loop_of(chain), &chain->timer);
    }
}

/* ---- The plugin has the word -------------------------------------------- */

static void
drop_reply(struct chain *chain)
{
    future_unref(&chain->fetch);
}

static void
free_slot(struct chain *chain)
{
    if (chain->has_slot) {
        chain->has_slot = false;
        pacing_done(chain->task.pacing);
    }
}

/* The platform wants a pause: nobody of the line may go, so before the slot is free. */
static void
hold_line(struct chain *chain, int64_t retry_after_ms)
{
    if (chain->task.pacing != NULL && retry_after_ms > 0) {
        pacing_hold(chain->task.pacing, retry_after_ms * CLOCK_US_PER_MS);
    }
}

static enum chain_event
call_plugin(struct chain *chain)
{
    struct future *call = NULL;
    int error = chain_call(chain, &call);
    drop_reply(chain);
    if (error != ERROR_OK) {
        return end_unknown(chain, chain_reason_of_refused_call(error));
    }
    future_unref(&chain->answer);
    chain->state = CHAIN_CALLING;
    chain->step++;
    chain->call = call;
    future_on_done(call, &chain->call_done);
    return CHAIN_NOTHING;
}

static void
call_ended(struct future *future, void *context)
{
    struct chain *chain = context;
    if (future == chain->call) { /* else the chain was stopped */
        handle(chain, future->error == ERROR_OK ? CHAIN_ANSWERED : CHAIN_CALL_LOST);
    }
}

static enum chain_event
lose_call(struct chain *chain)
{
    int error = chain->call->error;
    return end_unknown(chain, error == ERROR_NOMEM ? REASON_OVERLOADED : REASON_PLUGIN_FAILED);
}

/* ---- What it answers ---------------------------------------------------- */

static enum chain_event acquire(struct chain *chain);

static enum chain_event
fail_plugin(struct chain *chain)
{
    return end_unknown(chain, REASON_PLUGIN_FAILED);
}

static enum chain_event
take_request(struct chain *chain)
{
    if (chain->task.kind == CALL_BLOCK) {
        chain_note_failure(chain, "a blocking checker wants a request");
        return fail_plugin(chain);
    }
    if (chain->requests == ROLLCALL_STEPS_MAX) {
        return end_unknown(chain, REASON_UNEXPECTED_REPLY);
    }
    return acquire(chain);
}

static enum chain_event
take_verdict(struct chain *chain)
{
    struct finding finding = chain_judge(chain);
    hold_line(chain, finding.retry_after_ms); /* a spent limit that only the plugin can read */
    return end(chain, finding);
}

static enum chain_event
take_share(struct chain *chain)
{
    if (chain->task.kind != CALL_SHARED) {
        chain_note_failure(chain, "a checker shares a value, which only a shared value's step may");
        return fail_plugin(chain);
    }
    chain->value = chain_answer(chain)->text;
    return end(chain, finding_unknown(REASON_NONE));
}

/* Once a check: forget the value and begin again, with nothing carried over. */
static enum chain_event
take_stale(struct chain *chain)
{
    if (chain->task.kind != CALL_STEP || chain->was_stale) {
        return end_unknown(chain, REASON_UNEXPECTED_REPLY);
    }
    chain->was_stale = true;
    shared_stale(chain->task.epoch, chain->task.plugin, chain_answer(chain)->text,
                 chain->shared_seen);
    future_unref(&chain->answer);
    free(chain->cookies);
    chain->cookies = NULL;
    chain->step = 0;
    return call_plugin(chain);
}

static enum chain_event
take_answer(struct chain *chain)
{
    static handler *const outcomes[] = {
        [CALL_FAILED] = fail_plugin, [CALL_REQUEST] = take_request, [CALL_VERDICT] = take_verdict,
        [CALL_SHARE] = take_share,   [CALL_STALE] = take_stale,     [CALL_ENUMERATED] = fail_plugin,
    };
    chain->answer = chain->call;
    chain->call = NULL;
    return outcomes[chain_answer(chain)->outcome](chain);
}

/* ---- Shared values first ------------------------------------------------ */

static enum chain_event prepare(struct chain *chain);

/* Wait for the first shared value that the request needs and nobody has; then look again. */
static enum chain_event
acquire(struct chain *chain)
{
    char name[MANIFEST_ID_BYTES + 1];
    if (!chain_lacks_shared(chain, name, sizeof name)) {
        return prepare(chain);
    }
    if (chain->task.kind == CALL_SHARED) {
        chain_note_failure(chain, "a shared value's step needs a shared value");
        return fail_plugin(chain);
    }
    if (chain->shared_waits++ == CHAIN_SHARED_WAITS_MAX) {
        return end_unknown(chain, REASON_UNEXPECTED_REPLY);
    }
    chain->state = CHAIN_SHARING;
    int error = shared_wait(chain->task.epoch, chain->task.plugin, name, &chain->wait);
    if (error == ERROR_NOMEM) {
        return end_unknown(chain, REASON_OVERLOADED);
    }
    if (error != ERROR_OK) {
        chain_note_failure(chain, "a template names a {shared:…} that is not declared");
        return fail_plugin(chain);
    }
    return CHAIN_NOTHING;
}

static void
wait_ended(struct shared_wait *wait, const struct finding *failure)
{
    struct chain *chain = CONTAINER_OF(wait, struct chain, wait);
    if (failure != NULL) {
        chain->finding = *failure;
    }
    handle(chain, failure == NULL ? CHAIN_VALUE : CHAIN_NO_VALUE);
}

static enum chain_event
miss_value(struct chain *chain)
{
    return end(chain, chain->finding);
}

/* ---- In line ------------------------------------------------------------ */

static struct finding
finding_of_wait(int64_t eta_us)
{
    int64_t wait_us = eta_us - clock_now_us();
    return finding_rate_limited((wait_us + CLOCK_US_PER_MS - 1) / CLOCK_US_PER_MS);
}

static enum chain_event
get_in_line(struct chain *chain)
{
    struct pacing *pacing = chain->task.pacing;
    bool in_front = chain->requests > 0;
    chain->state = CHAIN_QUEUED;
    stop_timer(chain);
    if (pacing == NULL) {
        return CHAIN_TURN;
    }
    if (pacing_try(pacing)) {
        chain->has_slot = true;
        return CHAIN_TURN;
    }
    chain->eta_us = pacing_eta_us(pacing, in_front ? 0 : pacing->waiting);
    if (chain->is_too_late != NULL && chain->is_too_late(chain, chain->eta_us)) {
        return end(chain, finding_of_wait(chain->eta_us));
    }
    pacing_enter(pacing, &chain->turn, in_front);
    return CHAIN_NOTHING;
}

/* Everybody in line was told to wait: is it still worth it? */
static enum chain_event
reconsider(struct chain *chain)
{
    chain->eta_us = pacing_eta_us(chain->task.pacing, 0);
    bool too_late = chain->is_too_late != NULL && chain->is_too_late(chain, chain->eta_us);
    return too_late ? end(chain, finding_of_wait(chain->eta_us)) : CHAIN_NOTHING;
}

static void
turn_came(struct pacing_turn *turn)
{
    struct chain *chain = CONTAINER_OF(turn, struct chain, turn);
    chain->has_slot = true;
    handle(chain, CHAIN_TURN);
}

static void
turn_moved(struct pacing_turn *turn)
{
    handle(CONTAINER_OF(turn, struct chain, turn), CHAIN_MOVED);
}

/* ---- The platform has the word ------------------------------------------ */

/* Fill the request before getting in line: what cannot be sent need not wait. */
static enum chain_event
prepare(struct chain *chain)
{
    int error = chain_fill(chain);
    return error == ERROR_OK ? get_in_line(chain)
                             : end_unknown(chain, chain_reason_of_filling(error));
}

static enum chain_event
send_request(struct chain *chain)
{
    struct future *fetch = NULL;
    if (chain->task.kind == CALL_BLOCK) {
        run_timer(chain);
        return call_plugin(chain);
    }
    int error = chain_fetch(chain, &fetch);
    if (error != ERROR_OK) {
        return end_unknown(chain, chain_reason_of_fetch(error));
    }
    chain->state = CHAIN_FETCHING;
    chain->requests++;
    chain->fetch = fetch;
    future_on_done(fetch, &chain->fetch_done);
    return CHAIN_NOTHING;
}

static void
fetch_ended(struct future *future, void *context)
{
    struct chain *chain = context;
    if (future == chain->fetch) { /* else the chain was stopped */
        handle(chain, future->error == ERROR_OK ? CHAIN_REPLIED : CHAIN_FETCH_LOST);
    }
}

static enum chain_event
take_reply(struct chain *chain)
{
    int error = chain_note_reply(chain);
    hold_line(chain, chain->retry_after_ms);
    free_slot(chain);
    if (error != ERROR_OK) {
        return end_unknown(chain, REASON_OVERLOADED);
    }
    run_timer(chain);
    return call_plugin(chain);
}

static enum chain_event
lose_fetch(struct chain *chain)
{
    return end_unknown(chain, chain_reason_of_fetch(chain->fetch->error));
}

/* ---- The table ---------------------------------------------------------- */

static enum chain_event
begin(struct chain *chain)
{
    return chain->task.kind == CALL_BLOCK ? get_in_line(chain) : call_plugin(chain);
}

static handler *const on[CHAIN_STATES][CHAIN_EVENTS] = {
    [CHAIN_IDLE] = { [CHAIN_BEGIN] = begin },
    [CHAIN_CALLING] = { [CHAIN_ANSWERED] = take_answer,
                        [CHAIN_CALL_LOST] = lose_call,
                        [CHAIN_TIMED_OUT] = time_out },
    [CHAIN_SHARING] = { [CHAIN_VALUE] = acquire,
                        [CHAIN_NO_VALUE] = miss_value,
                        [CHAIN_TIMED_OUT] = time_out },
    [CHAIN_QUEUED] = { [CHAIN_TURN] = send_request, [CHAIN_MOVED] = reconsider },
    [CHAIN_FETCHING] = { [CHAIN_REPLIED] = take_reply, [CHAIN_FETCH_LOST] = lose_fetch },
};

/* Let go of whatever is in hand. */
static void
release(struct chain *chain)
{
    struct future *call = chain->call;
    struct future *fetch = chain->fetch;
    chain->call = NULL; /* first: their callbacks see that nobody cares */
    chain->fetch = NULL;
    if (call != NULL) {
        future_cancel(call);
    }
    if (fetch != NULL) {
        future_cancel(fetch);
    }
    future_unref(&call);
    future_unref(&fetch);
    shared_leave(&chain->wait);
    if (chain->task.pacing != NULL) {
        pacing_leave(chain->task.pacing, &chain->turn);
    }
    free_slot(chain);
    loop_timer_disarm(loop_of(chain), &chain->timer);
}

/* Run the handlers until there is nothing more to do. What happens while one runs waits for it. */
static void
handle(struct chain *chain, enum chain_event event)
{
    if (chain->busy) {
        assert(chain->pending == CHAIN_NOTHING);
        chain->pending = event;
        return;
    }
    chain->busy = true;
    while (event != CHAIN_NOTHING && chain->state != CHAIN_ENDED) {
        handler *next = on[chain->state][event];
        assert(next != NULL);
        event = next(chain);
        if (event == CHAIN_NOTHING) {
            event = chain->pending;
            chain->pending = CHAIN_NOTHING;
        }
    }
    chain->busy = false;
    if (chain->state == CHAIN_ENDED) {
        release(chain);
        chain->ended(chain);
    }
}

/* ---- Outside ------------------------------------------------------------ */

static void
timer_fired(struct loop_timer *timer)
{
    handle(CONTAINER_OF(timer, struct chain, timer), CHAIN_TIMED_OUT);
}

void
chain_init(struct chain *chain, const struct chain_task *task)
{
    *chain = (struct chain){
        .task = *task,
        .finding = finding_unknown(REASON_CANCELLED),
        .retry_after_ms = -1,
        .left_us = task->timeout_us,
        .call_done = { .fn = call_ended, .context = chain },
        .fetch_done = { .fn = fetch_ended, .context = chain },
        .turn = { .go = turn_came, .moved = turn_moved },
        .wait = { .fn = wait_ended },
        .timer = { .fn = timer_fired },
    };
    list_init(&chain->turn.node);
    list_init(&chain->wait.node);
}

void
chain_begin(struct chain *chain)
{
    handle(chain, CHAIN_BEGIN);
}

void
chain_stop(struct chain *chain)
{
    assert(!chain->busy);
    chain->state = CHAIN_ENDED;
    release(chain);
}

void
chain_fini(struct chain *chain)
{
    assert(chain->state == CHAIN_ENDED || chain->state == CHAIN_IDLE);
    future_unref(&chain->answer);
    arena_free(&chain->arena);
    free(chain->cookies);
    chain->cookies = NULL;
}
