/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The polite rate as a generic cell rate algorithm: one number, the time up to which the rate is
 * spent. A request costs one interval and may go while that number is less than a burst ahead of
 * now. One timer serves the line: for the next cell, for a freed slot, for the end of a hold. */
#include "daemon/query/pacing.h"

#include <assert.h>

#include "daemon/base/clock.h"

static void give_turns(struct loop_timer *timer);

void
pacing_init(struct pacing *pacing, struct loop *loop, const struct pacing_limits *limits)
{
    *pacing =
        (struct pacing){ .loop = loop, .concurrency = limits->concurrency, .timer.fn = give_turns };
    list_init(&pacing->line);
    if (limits->rate_count > 0) {
        uint32_t burst =
            limits->rate_count < PACING_BURST_MAX ? limits->rate_count : PACING_BURST_MAX;
        pacing->interval_us = limits->rate_seconds * CLOCK_US_PER_S / limits->rate_count;
        pacing->burst_us = pacing->interval_us * (burst - 1);
    }
}

void
pacing_fini(struct pacing *pacing)
{
    assert(list_is_empty(&pacing->line) && pacing->active == 0);
    loop_timer_disarm(pacing->loop, &pacing->timer);
}

static int64_t
latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t
pacing_eta_us(const struct pacing *pacing, size_t ahead)
{
    int64_t now_us = clock_now_us();
    int64_t start_us = latest(now_us, pacing->hold_until_us);
    int64_t spent_us = latest(pacing->paid_until_us, start_us);
    int64_t cell_us = spent_us + (int64_t)ahead * pacing->interval_us - pacing->burst_us;
    return latest(start_us, cell_us);
}

static bool
has_slot(const struct pacing *pacing)
{
    return pacing->concurrency == 0 || pacing->active < pacing->concurrency;
}

static bool
may_go(const struct pacing *pacing)
{
    return has_slot(pacing) && pacing_eta_us(pacing, 0) <= clock_now_us();
}

static void
take_slot(struct pacing *pacing)
{
    pacing->active++;
    pacing->paid_until_us = latest(pacing->paid_until_us, clock_now_us()) + pacing->interval_us;
}

/* Come back when the first in line could go; a full house comes back with pacing_done(). */
static void
plan(struct pacing *pacing)
{
    int64_t due_us = CLOCK_NEVER;
    if (pacing->waiting > 0 && pacing->moved) {
        due_us = clock_now_us();
    } else if (pacing->waiting > 0 && has_slot(pacing)) {
        due_us = pacing_eta_us(pacing, 0);
    }
    loop_timer_arm(pacing->loop, &pacing->timer, due_us);
}

/* Each may leave when it is told, and take others with it. */
static void
tell_all(struct pacing *pacing)
{
    struct list told;
    list_init(&told);
    list_append_all(&told, &pacing->line);
    pacing->moved = false;
    for (struct list *node = list_pop_front(&told); node != NULL; node = list_pop_front(&told)) {
        struct pacing_turn *turn = LIST_ENTRY(node, struct pacing_turn, node);
        list_push_back(&pacing->line, node);
        turn->moved(turn);
    }
}

static void
give_turns(struct loop_timer *timer)
{
    struct pacing *pacing = CONTAINER_OF(timer, struct pacing, timer);
    if (pacing->moved) {
        tell_all(pacing);
    }
    while (pacing->waiting > 0 && may_go(pacing)) {
        struct list *node = list_pop_front(&pacing->line);
        pacing->waiting--;
        take_slot(pacing);
        struct pacing_turn *turn = LIST_ENTRY(node, struct pacing_turn, node);
        turn->go(turn);
    }
    plan(pacing);
}

void
pacing_enter(struct pacing *pacing, struct pacing_turn *turn, bool in_front)
{
    if (in_front) {
        list_push_front(&pacing->line, &turn->node);
    } else {
        list_push_back(&pacing->line, &turn->node);
    }
    pacing->waiting++;
    plan(pacing);
}

bool
pacing_try(struct pacing *pacing)
{
    if (pacing->waiting > 0 || !may_go(pacing)) {
        return false;
    }
    take_slot(pacing);
    return true;
}

void
pacing_leave(struct pacing *pacing, struct pacing_turn *turn)
{
    if (list_is_linked(&turn->node)) {
        list_remove(&turn->node);
        pacing->waiting--;
        plan(pacing);
    }
}

void
pacing_done(struct pacing *pacing)
{
    assert(pacing->active > 0);
    pacing->active--;
    plan(pacing);
}

void
pacing_hold(struct pacing *pacing, int64_t span_us)
{
    int64_t bounded_us = span_us < PACING_HOLD_US_MAX ? span_us : PACING_HOLD_US_MAX;
    int64_t until_us = clock_now_us() + bounded_us;
    if (until_us <= pacing->hold_until_us) {
        return;
    }
    pacing->hold_until_us = until_us;
    pacing->moved = pacing->waiting > 0;
    plan(pacing);
}
