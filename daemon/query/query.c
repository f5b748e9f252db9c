/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The life of one query. Its checks are the members of a completion, and the completion's outcome
 * is its end: first-of when the first yes is enough, all-of when every answer is wanted. The early
 * return is the executor's: it cancels the losers, then ends the outcome, and only then is there
 * an answer. What is left to do here is to start checks as the strategy says, and to cut them off
 * at the deadline. */
#include "daemon/query/query_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"

/* One sentence of `explain`: two words, a platform's id, a verdict. */
#define WHY_BYTES (MANIFEST_ID_BYTES + 128)

/* ---- Starting ----------------------------------------------------------- */

/* Owner: the check. */
static char *
explain_start(const struct query *query)
{
    const struct strategy *strategy = query->strategy;
    char text[WHY_BYTES];
    if (!query->answer.explain) {
        return NULL;
    }
    if (query->last_ended == NULL || !strategy->in_turn) {
        snprintf(text, sizeof text, "%s: %s", strategy->name, strategy->why);
    } else {
        snprintf(text, sizeof text, "%s: after %s ended %s", strategy->name,
                 query->last_ended->platform, verdict_name(query->last_ended->finding.verdict));
    }
    return strdup(text);
}

static bool
may_start(const struct query *query)
{
    return !query->closing && !future_is_done(&query->future);
}

static void
start_next(struct query *query)
{
    while (query->checks[query->next].checker == NULL) {
        query->next++;
    }
    struct check *check = &query->checks[query->next++];
    check->why = explain_start(query);
    query->progress.started++;
    check_start(check, query->epoch, &query->subject, query->deadline_us);
}

/* Start what the strategy wants now. A check that ends at once comes back here through its
 * follow-up, finds `starting`, and leaves the rest to the loop below. */
static void
advance(struct query *query)
{
    if (query->starting) {
        return;
    }
    query->starting = true;
    while (may_start(query) && query->strategy->start_now(&query->progress) > 0) {
        start_next(query);
    }
    query->starting = false;
}

/* Those that nobody here can answer for are known before anything starts. */
static void
finish_unsupported(struct query *query)
{
    for (size_t i = 0; i < query->check_count && may_start(query); i++) {
        if (query->checks[i].checker == NULL) {
            check_start(&query->checks[i], query->epoch, &query->subject, query->deadline_us);
        }
    }
}

static void
check_ended(struct future *future, void *context)
{
    struct query *query = context;
    const struct check *check = check_of_const(future);
    queries_note_check(query->queries, check);
    if (check->began_us >= 0 && future_state(future) == FUTURE_FINISHED) {
        query->progress.ended++;
        query->last_ended = check;
        advance(query);
    }
}

/* ---- Ending ------------------------------------------------------------- */

static void
outcome_ended(struct future *future, void *context)
{
    (void)future;
    struct query *query = context;
    loop_timer_disarm(exec_loop(query->epoch->exec), &query->deadline);
    query_fill_answer(query);
    queries_note_end(query);
    future_finish(&query->future, query);
}

static void
deadline_passed(struct loop_timer *timer)
{
    struct query *query = CONTAINER_OF(timer, struct query, deadline);
    query->closing = true;
    for (size_t i = 0; i < query->check_count; i++) {
        check_cut_off(&query->checks[i]);
    }
}

bool
query_cancel(struct query *query)
{
    if (future_is_done(&query->future)) {
        return false;
    }
    query->closing = true;
    for (size_t i = 0; i < query->check_count; i++) {
        future_cancel(&query->checks[i].future);
    }
    return true;
}

static void
cancel_checks(struct future *future)
{
    (void)query_cancel(CONTAINER_OF(future, struct query, future));
}

/* ---- Life --------------------------------------------------------------- */

/* The table frees it: see queries.c. */
static const struct future_ops query_ops = { .name = "query", .cancel = cancel_checks };

static void
fill(struct query *query, const struct query_request *request, const struct selection *selection)
{
    query->subject = request->subject;
    query->check_count = selection->count;
    query->progress.checks = selection->usable;
    for (size_t i = 0; i < selection->count; i++) {
        check_init(&query->checks[i], selection->picks[i].platform, selection->picks[i].checker);
    }
    query->listed = (struct check **)(void *)&query->checks[selection->count];
    query->answer = (struct answer){ .query = query->id,
                                     .subject = &query->subject,
                                     .until = request->until,
                                     .explain = request->explain };
}

int
query_new(struct queries *queries, struct epoch *epoch, const struct query_request *request,
          const struct selection *selection, struct query **out_query)
{
    size_t check_bytes = sizeof(struct check) + sizeof(struct check *);
    struct query *query = calloc(1, sizeof *query + selection->count * check_bytes);
    if (query == NULL) {
        return ERROR_NOMEM;
    }
    query->queries = queries;
    query->epoch = epoch;
    epoch->references++;
    query->references = 1;
    query->deadline.fn = deadline_passed;
    list_init(&query->by_age);
    list_init(&query->by_id);
    list_init(&query->by_key);
    future_init(&query->future, &query_ops);
    fill(query, request, selection);
    int error = completion_new(selection->count, &query->completion);
    if (error != ERROR_OK) {
        query_free(&query);
        return error;
    }
    *out_query = query;
    return ERROR_OK;
}

void
query_free(struct query **query)
{
    struct query *dropped = *query;
    if (dropped == NULL) {
        return;
    }
    *query = NULL;
    completion_free(&dropped->completion);
    for (size_t i = 0; i < dropped->check_count; i++) {
        check_fini(&dropped->checks[i]);
    }
    dropped->epoch->references--;
    free(dropped->key);
    free(dropped);
}

static bool
is_registered(const struct future *future, void *context)
{
    (void)context;
    return check_of_const(future)->finding.verdict == VERDICT_REGISTERED;
}

/* The completion hears of each end first, so an early return has cancelled the losers before the
 * follow-ups could start another check. */
static struct future *
close_set(struct query *query)
{
    for (size_t i = 0; i < query->check_count; i++) {
        completion_add(query->completion, &query->checks[i].future);
    }
    struct future *outcome = query->answer.until == QUERY_UNTIL_FIRST
                                 ? completion_first_of(query->completion, is_registered, NULL)
                                 : completion_all_of(query->completion);
    for (size_t i = 0; i < query->check_count; i++) {
        struct check *check = &query->checks[i];
        check->followup = (struct future_callback){ .fn = check_ended, .context = query };
        future_on_done(&check->future, &check->followup);
    }
    return outcome;
}

void
query_begin(struct query *query, const struct strategy *strategy, int64_t deadline_us)
{
    bool first_time = future_start(&query->future);
    (void)first_time; /* nobody else has it yet */
    query->strategy = strategy;
    query->answer.strategy = strategy->name;
    query->answer.started_us = clock_now_us();
    query->deadline_us = deadline_us;
    loop_timer_arm(exec_loop(query->epoch->exec), &query->deadline, deadline_us);
    struct future *outcome = close_set(query);
    query->outcome_ended = (struct future_callback){ .fn = outcome_ended, .context = query };
    future_on_done(outcome, &query->outcome_ended);
    finish_unsupported(query);
    advance(query);
}

struct future *
query_future(struct query *query)
{
    return &query->future;
}

struct completion *
query_checks(struct query *query)
{
    return query->completion;
}

const struct answer *
query_answer(const struct query *query)
{
    return &query->answer;
}

const char *
query_id(const struct query *query)
{
    return query->id;
}
