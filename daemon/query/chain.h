/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The chain of futures behind one question to one platform: a plugin's step, the request that it
 * wants, the reply, the next step, … to a verdict. One state machine, written as a table, for all
 * three kinds of question: a checker's, a blocking checker's, a shared value's.
 *
 *     IDLE ──▶ CALLING ──▶ (SHARING) ──▶ QUEUED ──▶ FETCHING ──▶ CALLING ──▶ … ──▶ ENDED
 *
 * A chain knows no query and no deadline: its owner (a flight, a shared value) embeds it, begins it
 * and is told its end, or stops it. Thread: [loop], all of it. */
#ifndef ROLLCALL_QUERY_CHAIN_H
#define ROLLCALL_QUERY_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/exec/fetch.h"
#include "daemon/exec/future.h"
#include "daemon/plugin/call.h"
#include "daemon/query/epoch.h"
#include "daemon/query/pacing.h"
#include "daemon/query/shared.h"
#include "daemon/query/subject.h"
#include "daemon/query/verdict.h"

/* How often one chain may wait for shared values before it is called a loop. */
#define CHAIN_SHARED_WAITS_MAX 8

/* The question. Borrowed by the chain. */
struct chain_task {
    struct epoch *epoch;
    struct plugin *plugin;
    enum call_kind kind;                  /* CALL_STEP, CALL_BLOCK or CALL_SHARED */
    const struct checker *checker;        /* NULL for a shared value */
    const struct manifest_shared *shared; /* NULL for a check */
    const struct subject *subject;        /* NULL for a shared value */
    const char *base_url;
    struct pacing *pacing; /* NULL: goes without waiting */
    int64_t timeout_us;    /* of all that is not waiting in line */
};

enum chain_state {
    CHAIN_IDLE,
    CHAIN_CALLING,  /* the plugin has the word */
    CHAIN_SHARING,  /* a shared value is being fetched */
    CHAIN_QUEUED,   /* in the pacing line */
    CHAIN_FETCHING, /* the platform has the word */
    CHAIN_ENDED,
    CHAIN_STATES
};

enum chain_event {
    CHAIN_NOTHING, /* what a handler returns when it waits for the next event */
    CHAIN_BEGIN,
    CHAIN_ANSWERED,   /* the plugin's answer is there */
    CHAIN_CALL_LOST,  /* the call came to nothing */
    CHAIN_VALUE,      /* the shared value is there */
    CHAIN_NO_VALUE,   /* it cannot be had */
    CHAIN_TURN,       /* the pacing line lets it go */
    CHAIN_MOVED,      /* the pacing line has become longer */
    CHAIN_REPLIED,    /* the platform's reply is there */
    CHAIN_FETCH_LOST, /* there will be none */
    CHAIN_TIMED_OUT,
    CHAIN_EVENTS
};

struct chain {
    struct chain_task task;
    void (*ended)(struct chain *chain); /* once, last: the chain may be freed in it */
    /* Asked when the next request cannot go before `eta_us`: whether nobody would wait so long. */
    bool (*is_too_late)(struct chain *chain, int64_t eta_us);

    /* What it came to. Texts live until chain_fini(). */
    struct finding finding;
    const char *url;   /* the profile's, or NULL */
    const char *value; /* of a shared value, or NULL */

    /* From here on chain.c's own. */
    enum chain_state state;
    enum chain_event pending; /* came while a handler was running */
    bool busy;
    uint32_t step;
    uint32_t requests;
    uint32_t shared_waits;
    uint64_t shared_seen; /* epoch->shared_count when the request was filled */
    bool was_stale;
    struct future *call;   /* in hand */
    struct future *answer; /* the last call that ended: what the plugin wants and carries */
    struct future *fetch;  /* in hand, then the reply until the plugin has seen it */
    struct future_callback call_done;
    struct future_callback fetch_done;
    struct arena *arena; /* the filled request until it is sent; in the end the profile's URL */
    struct fetch_request request;
    char *cookies;
    int status; /* of the last reply; 0: none */
    bool truncated;
    int64_t retry_after_ms; /* that the last reply told; -1: none */
    struct pacing_turn turn;
    bool has_slot;
    struct shared_wait wait;
    struct loop_timer timer;
    int64_t left_us; /* of the timeout, while the timer is not armed */
    int64_t eta_us;  /* when QUEUED: not before */
};

void chain_init(struct chain *chain, const struct chain_task *task);

/** Set `ended` (and `is_too_late`) first. May end before it returns. */
void chain_begin(struct chain *chain);

/** Cancel what is in hand: transfer aborted, call forgotten. `ended` is not called. Not from inside
 *  the chain's own callbacks. */
void chain_stop(struct chain *chain);

/** After its end, or chain_stop(). */
void chain_fini(struct chain *chain);

#endif
