/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Workers that have nothing to do: they leave after a while, but for some, and until then they use
 * no processor time. What a call may use its limit bounds; so a worker is held to the time that it
 * had calls in hand, with a little beside it, from one look to the next. */
#include "daemon/exec/procs_int.h"

#include "daemon/base/clock.h"

/* The idle one that leaves first: the last of the list. */
static struct worker *
find_oldest_idle(struct procs *procs)
{
    struct worker *oldest = NULL;
    LIST_FOR_EACH (node, &procs->workers) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (worker->state == WORKER_IDLE) {
            oldest = worker;
        }
    }
    return oldest;
}

/* All groups look at the same moments, so that a daemon at rest wakes up once for all of them. */
static int64_t
next_look_us(void)
{
    return (clock_now_us() / PROCS_LOOK_US + 1) * PROCS_LOOK_US;
}

void
procs_plan_idle(struct procs *procs)
{
    if (!procs->watcher.armed && procs_count(procs, WORKER_IDLE) > 0) {
        loop_timer_arm(procs->loop, &procs->watcher, next_look_us());
    }
    if (procs_count(procs, WORKER_IDLE) <= PROCS_IDLE_KEPT) {
        loop_timer_disarm(procs->loop, &procs->trimmer);
    } else if (!procs->trimmer.armed) {
        int64_t since_us = find_oldest_idle(procs)->idle_since_us;
        loop_timer_arm(procs->loop, &procs->trimmer, since_us + PROCS_IDLE_US);
    }
}

void
procs_trimmer_due(struct loop_timer *timer)
{
    struct procs *procs = CONTAINER_OF(timer, struct procs, trimmer);
    int64_t now_us = clock_now_us();
    while (procs_count(procs, WORKER_IDLE) > PROCS_IDLE_KEPT) {
        struct worker *worker = find_oldest_idle(procs);
        if (now_us - worker->idle_since_us < PROCS_IDLE_US) {
            break;
        }
        procs_worker_leave(worker);
    }
    procs_plan(procs);
}

/* ---- processor time ----------------------------------------------------------------------- */

void
procs_begin_account(struct worker *worker)
{
    worker->cpu_us = proc_cpu_time_us(&worker->proc);
    worker->busy_us = 0;
    worker->answers = 0;
}

static void
look_at(struct worker *worker)
{
    int64_t used_us = proc_cpu_time_us(&worker->proc) - worker->cpu_us - worker->busy_us;
    if (used_us > PROCS_IDLE_CPU_US + worker->answers * PROCS_ANSWER_CPU_US) {
        procs_worker_kill(worker, ERROR_PLUGIN, "used %.1f s of processor time without a call",
                          (double)used_us / (double)CLOCK_US_PER_S);
    } else {
        procs_begin_account(worker);
    }
}

void
procs_watcher_due(struct loop_timer *timer)
{
    struct procs *procs = CONTAINER_OF(timer, struct procs, watcher);
    LIST_FOR_EACH (node, &procs->workers) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (worker->state == WORKER_IDLE) {
            look_at(worker);
        }
    }
    procs_plan(procs);
}
