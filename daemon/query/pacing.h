/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Manners towards one checker's platform: a polite rate, a number of requests at a time, and what
 * the platform itself asked for (Retry-After). Who may not go yet waits in line.
 *
 * Thread: [loop], all of it. Owner: the lane of the checker (lane.h). */
#ifndef ROLLCALL_QUERY_PACING_H
#define ROLLCALL_QUERY_PACING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/list.h"
#include "daemon/exec/loop.h"

/* The most requests in a burst, however generous the rate. */
#define PACING_BURST_MAX 10
/* The longest that one Retry-After holds us back; past it we ask again and are told again. */
#define PACING_HOLD_US_MAX (INT64_C(5) * 60 * 1000 * 1000)

struct pacing_limits {
    uint32_t rate_count; /* 0: no limit of ours */
    uint32_t rate_seconds;
    uint32_t concurrency; /* 0: no limit of ours */
};

/* One that wants to go; embedded, and in line from pacing_enter() to its turn or pacing_leave(). */
struct pacing_turn {
    struct list node;
    void (*go)(struct pacing_turn *turn);    /* its turn: a slot is taken, pacing_done() frees it */
    void (*moved)(struct pacing_turn *turn); /* the platform made everybody wait: ask pacing_eta */
};

struct pacing {
    struct loop *loop;
    int64_t interval_us; /* between requests at the polite rate; 0: none */
    int64_t burst_us;    /* how far ahead of it a burst may run */
    uint32_t concurrency;
    uint32_t active;
    int64_t paid_until_us; /* the time up to which the rate is spent (GCRA's arrival time) */
    int64_t hold_until_us; /* the platform's own word */
    struct list line;
    size_t waiting;
    bool moved;              /* who is in line has to hear of a hold */
    struct loop_timer timer; /* the next turn is given from the loop, never from inside a call */
};

void pacing_init(struct pacing *pacing, struct loop *loop, const struct pacing_limits *limits);

/** Nobody is in line any more; its memory may go. */
void pacing_fini(struct pacing *pacing);

/** Get in line, or in front of it: a check that has begun goes before those that have not.
 *  turn->go() runs in a later turn of the loop. */
void pacing_enter(struct pacing *pacing, struct pacing_turn *turn, bool in_front);

/** Go at once if nobody waits and the limits allow: true, and a slot is taken. */
bool pacing_try(struct pacing *pacing);

/** Get out of line; one that is in none is fine (list_init its node first). */
void pacing_leave(struct pacing *pacing, struct pacing_turn *turn);

/** The request is over: its slot is free. */
void pacing_done(struct pacing *pacing);

/** The platform asked for a pause of `span_us`, cut at PACING_HOLD_US_MAX. Who is in line hears of
 *  it in a later turn of the loop. */
void pacing_hold(struct pacing *pacing, int64_t span_us);

/** When one could go who has `ahead` others before it, as far as the rate and the platform's word
 *  tell: monotonic microseconds, not before now. */
int64_t pacing_eta_us(const struct pacing *pacing, size_t ahead);

#endif
