/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* How many workers a group has, and what their deaths mean: back-off for the next start, and a
 * circuit breaker for the group. One worker is started a turn of the loop, since a start costs the
 * loop a third of a millisecond. */
#include "daemon/exec/procs_int.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"

/* The share of a delay that chance takes or gives, in percent: groups that failed together do not
 * come back together. */
#define JITTER_PERCENT 20

unsigned
procs_count(const struct procs *procs, enum worker_state state)
{
    unsigned count = 0;
    for (const struct list *node = procs->workers.next; node != &procs->workers;
         node = node->next) {
        count += LIST_ENTRY(node, const struct worker, node)->state == state;
    }
    return count;
}

static unsigned
count_those(const struct procs *procs, bool (*is_one)(const struct worker *worker))
{
    unsigned count = 0;
    for (const struct list *node = procs->workers.next; node != &procs->workers;
         node = node->next) {
        count += is_one(LIST_ENTRY(node, const struct worker, node));
    }
    return count;
}

/* The dying ones too, for they still take what a worker takes: so however they die, there are never
 * more than there may be. The spare, which is there already, has the next call meanwhile. Those
 * that were sent home are few, and are not waited for. */
static bool
is_present(const struct worker *worker)
{
    return worker->state != WORKER_LEAVING;
}

static bool
has_call(const struct worker *worker)
{
    return worker->call != NULL;
}

/* As many as there are calls, and a spare beside them. */
static unsigned
count_wanted(const struct procs *procs)
{
    switch (procs->phase) {
    case PHASE_STARTING:
    case PHASE_PROBING:
        return 1;
    case PHASE_READY: {
        if (!procs->is_configured) {
            return 1;
        }
        size_t demand = count_those(procs, has_call) + procs->queued + procs->ahead;
        return (demand < procs->workers_max ? (unsigned)demand : procs->workers_max) + 1;
    }
    case PHASE_OUTDATED:
    case PHASE_REFUSED:
    case PHASE_ASIDE:
    case PHASE_CLOSED:
        return 0;
    }
    return 0;
}

void
procs_plan(struct procs *procs)
{
    procs_plan_idle(procs);
    if (procs->phase == PHASE_ASIDE) {
        return; /* armed for the end of that */
    }
    if (count_those(procs, is_present) >= count_wanted(procs)) {
        loop_timer_disarm(procs->loop, &procs->starter);
    } else if (!procs->starter.armed || procs->starter.due_us < procs->not_before_us) {
        int64_t now_us = clock_now_us();
        loop_timer_arm(procs->loop, &procs->starter,
                       procs->not_before_us > now_us ? procs->not_before_us : now_us);
    }
}

void
procs_starter_due(struct loop_timer *timer)
{
    struct procs *procs = CONTAINER_OF(timer, struct procs, starter);
    struct error_text why = { "" };
    if (procs->phase == PHASE_ASIDE) {
        procs->phase = PHASE_PROBING;
    }
    if (count_those(procs, is_present) < count_wanted(procs)) {
        if (procs->phase != PHASE_STARTING && !procs_is_current(procs)) {
            procs_outdate(procs);
        } else if (procs_worker_start(procs, &why) != ERROR_OK) {
            procs_note_death(procs, why.text);
        }
    }
    procs_plan(procs);
}

/* ---- what is told ------------------------------------------------------------------------- */

enum procs_state
procs_shown_state(const struct procs *procs)
{
    static const enum procs_state shown[] = {
        [PHASE_STARTING] = PROCS_STARTING, [PHASE_READY] = PROCS_READY,
        [PHASE_OUTDATED] = PROCS_OUTDATED, [PHASE_REFUSED] = PROCS_REFUSED,
        [PHASE_ASIDE] = PROCS_ASIDE,       [PHASE_PROBING] = PROCS_ASIDE,
        [PHASE_CLOSED] = PROCS_CLOSED,
    };
    return shown[procs->phase];
}

static void
tell(struct procs *procs, const char *sentence)
{
    if (procs->told != NULL) {
        procs->told(procs->context, procs_shown_state(procs), sentence);
    }
}

static void
keep_sentence(struct procs *procs, const char *sentence)
{
    (void)snprintf(procs->last_error, sizeof(procs->last_error), "%s", sentence);
}

void
procs_greeted(struct procs *procs)
{
    if (procs->phase == PHASE_STARTING) {
        procs->phase = PHASE_READY;
        tell(procs, "");
    }
}

bool
procs_is_current(const struct procs *procs)
{
    return procs->is_current == NULL || procs->is_current(procs->context);
}

void
procs_outdate(struct procs *procs)
{
    if (procs->phase == PHASE_CLOSED) {
        return;
    }
    procs->phase = count_those(procs, procs_worker_is_usable) > 0 ? PHASE_OUTDATED : PHASE_REFUSED;
    keep_sentence(procs, PROCS_HAS_CHANGED);
    tell(procs, PROCS_HAS_CHANGED);
    if (procs->phase == PHASE_REFUSED) {
        procs_fail_queue(procs, ERROR_PLUGIN);
    }
}

void
procs_note_gone(struct procs *procs)
{
    if (procs->phase == PHASE_OUTDATED && count_those(procs, procs_worker_is_usable) == 0) {
        procs_outdate(procs);
    }
    if (procs->phase == PHASE_CLOSED && list_is_empty(&procs->workers) && !procs->was_told_gone) {
        procs->was_told_gone = true;
        tell(procs, "");
    }
}

void
procs_dismiss(struct procs *procs)
{
    LIST_FOR_EACH (node, &procs->workers) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (worker->state != WORKER_BUSY) {
            procs_worker_leave(worker);
        }
    }
}

void
procs_refuse(struct procs *procs, const char *sentence)
{
    keep_sentence(procs, sentence);
    if (procs->phase != PHASE_STARTING) {
        return;
    }
    procs->phase = PHASE_REFUSED;
    procs_dismiss(procs);
    tell(procs, sentence);
    procs_fail_queue(procs, ERROR_PLUGIN);
}

/* ---- deaths ------------------------------------------------------------------------------- */

/* Off by up to a fifth, by a hash of how many died and where: chance enough. */
static int64_t
with_jitter(const struct procs *procs, int64_t delay_us)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)procs ^ procs->deaths) * UINT64_C(0x9e3779b97f4a7c15);
    int64_t percent = (int64_t)(mixed >> 33) % (2 * JITTER_PERCENT + 1) - JITTER_PERCENT;
    return delay_us + delay_us / 100 * percent;
}

static int64_t
delay_after(const struct procs *procs)
{
    if (procs->deaths_in_row < 2) {
        return 0;
    }
    int64_t delay_us = PROCS_RESPAWN_US;
    for (unsigned i = 2; i < procs->deaths_in_row && delay_us < PROCS_RESPAWN_MAX_US; i++) {
        delay_us *= 2;
    }
    delay_us = delay_us < PROCS_RESPAWN_MAX_US ? delay_us : PROCS_RESPAWN_MAX_US;
    return with_jitter(procs, delay_us);
}

/* Count it; whether that was one too many. */
static bool
count_death(struct procs *procs)
{
    int64_t now_us = clock_now_us();
    bool was_healthy = now_us - procs->last_death_us >= PROCS_HEALTHY_US;
    procs->deaths_in_row = was_healthy ? 1 : procs->deaths_in_row + 1;
    procs->last_death_us = now_us;
    procs->not_before_us = now_us + delay_after(procs);
    int64_t *oldest_us = &procs->deaths_us[procs->window_deaths % PROCS_FAILURES_MAX];
    *oldest_us = now_us;
    procs->deaths++;
    procs->window_deaths++;
    oldest_us = &procs->deaths_us[procs->window_deaths % PROCS_FAILURES_MAX];
    return procs->window_deaths >= PROCS_FAILURES_MAX && now_us - *oldest_us < PROCS_WINDOW_US;
}

static void
put_aside(struct procs *procs)
{
    int64_t now_us = clock_now_us();
    bool was_soon = procs->phase == PHASE_PROBING ||
                    (procs->aside_us > 0 && now_us - procs->admitted_us < procs->aside_us);
    int64_t span_us = was_soon ? 2 * procs->aside_us : PROCS_ASIDE_US;
    procs->aside_us = span_us < PROCS_ASIDE_MAX_US ? span_us : PROCS_ASIDE_MAX_US;
    procs->phase = PHASE_ASIDE;
    procs->window_deaths = 0;
    procs_dismiss(procs);
    loop_timer_arm(procs->loop, &procs->starter, clock_deadline_us(procs->aside_us));
}

void
procs_note_death(struct procs *procs, const char *sentence)
{
    bool was_too_many = count_death(procs);
    if (procs->phase == PHASE_STARTING) {
        procs_refuse(procs, sentence);
        return;
    }
    keep_sentence(procs, sentence);
    bool goes_aside =
        procs->phase == PHASE_PROBING || (procs->phase == PHASE_READY && was_too_many);
    if (goes_aside) {
        put_aside(procs);
    }
    tell(procs, sentence);
    if (goes_aside) {
        procs_fail_queue(procs, ERROR_PLUGIN);
    }
}

void
procs_note_answer(struct procs *procs)
{
    if (procs->phase == PHASE_PROBING) {
        procs->phase = PHASE_READY;
        procs->admitted_us = clock_now_us();
        tell(procs, "");
    }
}
