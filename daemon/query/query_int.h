/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What query.c (the life of one query) and queries.c (the table of all) know of each other. */
#ifndef ROLLCALL_QUERY_QUERY_INT_H
#define ROLLCALL_QUERY_QUERY_INT_H

#include "daemon/query/check_int.h"
#include "daemon/query/epoch.h"
#include "daemon/query/query.h"
#include "daemon/query/select.h"
#include "daemon/query/strategy.h"

/* A query and its checks in one piece of memory: thousands are kept for those who ask again. */
struct query {
    struct queries *queries;
    struct epoch *epoch;
    struct future future;
    struct subject subject;
    struct completion *completion;
    struct future_callback outcome_ended;
    struct check **listed; /* as the answer lists them: behind the checks */
    size_t check_count;
    const struct strategy *strategy;
    struct strategy_view progress; /* of the checks that have a checker */
    size_t next;                   /* the first that was not looked at for starting */
    const struct check *last_ended;
    bool starting; /* checks are being started: one that ends at once starts no others */
    bool closing;  /* cut off or cancelled: nothing starts any more */
    int64_t deadline_us;
    struct loop_timer deadline;
    struct answer answer;

    /* queries.c's own: the place in the table. */
    char id[QUERY_ID_BYTES];
    char *key; /* or NULL */
    uint64_t fingerprint;
    int64_t key_until_us;
    size_t references;
    size_t holders;
    struct loop_timer expiry;
    struct list by_age; /* open, then ended, then dead */
    struct list by_id;
    struct list by_key;
    bool was_asked_for; /* by its id */

    struct check checks[]; /* in the order in which they may start */
};

/** Build a query at rest. Takes a reference of the epoch. Errors: NOMEM. */
MUST_CHECK int
query_new(struct queries *queries, struct epoch *epoch, const struct query_request *request,
          const struct selection *selection, struct query **out_query);
/** Start its checks. `deadline_us` is monotonic. It may end before this returns. */
void query_begin(struct query *query, const struct strategy *strategy, int64_t deadline_us);
/** Not from inside a callback of one of its futures. Lets go of the epoch. */
void query_free(struct query **query);

/* What the table hears of a query. */
void queries_note_check(struct queries *queries, const struct check *check);
void queries_note_end(struct query *query);

/** Fill query->answer: all checks have ended. */
void query_fill_answer(struct query *query);

#endif
