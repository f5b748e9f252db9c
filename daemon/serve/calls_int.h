/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What calls.c, interest.c and methods.c share: one call, and how a method ends it or makes it
 * wait. [loop] throughout. */
#ifndef ROLLCALL_SERVE_CALLS_INT_H
#define ROLLCALL_SERVE_CALLS_INT_H

#include "daemon/base/attr.h"
#include "daemon/serve/calls.h"
#include "daemon/serve/interest.h"
#include "daemon/serve/methods.h"

struct calls {
    struct exec *exec;
    struct queries *queries;
    struct interests *interests;
    struct list exchanges; /* those in hand */
    size_t waiting;
    size_t waiting_max;
    int64_t started_us;
    uint64_t served;
    uint64_t overloaded;
    bool closed;
    struct order_taker taker;
    size_t orders; /* in hand */
};

struct call {
    struct calls *calls;
    struct exchange *exchange;
    const struct jsonrpc_call *rpc;
    const struct method *method;
    struct json *reply; /* once it has ended; NULL of a notification */
    /* While it waits: */
    struct query *query; /* referenced and held; NULL: does not wait for one */
    struct order *order; /* NULL: does not wait for one */
    struct list node;    /* in its interest's list, or in none */
    struct completion_watch watch;
    struct loop_timer timer;
    size_t after; /* of `next` */
    size_t max;
    size_t seen;             /* ended checks that were looked at while gathering */
    int64_t gather_us;       /* how long results may be held back to go together */
    int64_t gather_until_us; /* 0: there has been none yet */
    int64_t deadline_us;
};

/** End a call. `result` is taken over; NULL means out of memory. */
void call_answer(struct call *call, struct json *result);
void
call_refuse(struct call *call, enum jsonrpc_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/** Whether one more call may wait; when not, the call has been refused. */
MUST_CHECK bool call_may_wait(struct call *call);

/* Wait, then call->method->resume: for the end of the query, or for more than call->after ended
 * checks; and for `deadline_us` at the latest (CLOCK_NEVER: no limit). */
void call_wait_end(struct call *call, struct query *query, int64_t deadline_us);
void call_wait_next(struct call *call, struct query *query, int64_t deadline_us);
/** Go on waiting, of a call that waits in call_wait_next(): for more than `after`, and another
 *  time. */
void call_wait_more(struct call *call, size_t after, int64_t deadline_us);

/** For interest.c: the query of a waiting call has ended. */
void call_resume(struct call *call);

#endif
