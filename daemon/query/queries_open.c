/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* How a query comes in: judged, joined to the one that its key names, or admitted, built, begun.
 * Every refusal has a sentence. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/query/queries_int.h"

/* Two words a checker while a set is chosen; a registry is smaller than this. */
#define SELECT_ARENA_BYTES (64 * 1024 * 1024)

/* ---- Keys --------------------------------------------------------------- */

static struct query *
find_key(struct queries *queries, const char *key)
{
    LIST_FOR_EACH (node, queries_bucket(queries->by_key, key)) {
        struct query *query = LIST_ENTRY(node, struct query, by_key);
        if (strcmp(query->key, key) == 0 && clock_now_us() < query->key_until_us) {
            return query;
        }
    }
    return NULL;
}

static int
join_key(struct queries *queries, const struct query_request *request, struct query **out_query,
         struct error_text *why)
{
    struct query *query = find_key(queries, request->key);
    if (query == NULL) {
        return ERROR_NOT_FOUND;
    }
    if (query->fingerprint != request->fingerprint) {
        return error_say(why, ERROR_INVALID,
                         "key: was used with other params in the last 2 minutes");
    }
    *out_query = query_ref(query);
    return ERROR_OK;
}

static int
give_key(struct query *query, const struct query_request *request)
{
    if (request->key == NULL) {
        return ERROR_OK;
    }
    query->key = strdup(request->key);
    query->fingerprint = request->fingerprint;
    query->key_until_us = clock_deadline_us(QUERY_KEY_LIFE_US);
    return query->key == NULL ? ERROR_NOMEM : ERROR_OK;
}

/* ---- Admission ---------------------------------------------------------- */

static int
judge(const struct queries *queries, const struct query_request *request, struct error_text *why)
{
    const char *strategy = request->strategy;
    if (queries->closed) {
        return error_say(why, ERROR_CLOSED, "the daemon is shutting down");
    }
    if (strategy != NULL && strategy_find(strategy) == NULL) {
        return error_say(why, ERROR_INVALID, "strategy: \"%s\" is none, allowed are %s", strategy,
                         strategy_names());
    }
    if (request->key != NULL && strlen(request->key) > QUERY_KEY_BYTES_MAX) {
        return error_say(why, ERROR_INVALID, "key: is longer than %d characters",
                         QUERY_KEY_BYTES_MAX);
    }
    return ERROR_OK;
}

static int
admit(const struct queries *queries, size_t checks, struct error_text *why)
{
    const struct conf *conf = queries->conf;
    if (queries->open_count >= (size_t)conf->max_queries) {
        return error_say(why, ERROR_BUSY, "max_queries: %zu queries are open", queries->open_count);
    }
    if (queries->stats.checks_in_flight + checks > (size_t)conf->max_checks) {
        return error_say(why, ERROR_BUSY,
                         "max_checks: %zu checks are open, %zu more are wanted, %" PRId64
                         " are allowed",
                         queries->stats.checks_in_flight, checks, conf->max_checks);
    }
    return ERROR_OK;
}

static int64_t
deadline_of(const struct queries *queries, const struct query_request *request)
{
    const struct conf *conf = queries->conf;
    int64_t span_us = request->timeout_us > 0 ? request->timeout_us : conf->deadline_us;
    return clock_deadline_us(span_us < conf->deadline_max_us ? span_us : conf->deadline_max_us);
}

static int
build(struct queries *queries, const struct query_request *request,
      const struct selection *selection, struct query **out_query)
{
    struct query *query = NULL;
    int error = query_new(queries, queries->epoch, request, selection, &query);
    if (error == ERROR_OK) {
        error = give_key(query, request);
    }
    if (error != ERROR_OK) {
        query_free(&query);
        return error;
    }
    *out_query = query;
    return ERROR_OK;
}

static int
build_selected(struct queries *queries, const struct query_request *request,
               struct query **out_query, struct error_text *why)
{
    struct selection selection;
    struct arena *arena = arena_new(SELECT_ARENA_BYTES);
    if (arena == NULL) {
        return ERROR_NOMEM;
    }
    int error = select_checkers(queries->epoch->registry, queries->conf->methods, request, arena,
                                &selection, why);
    if (error == ERROR_OK) {
        error = admit(queries, selection.count, why);
    }
    if (error == ERROR_OK) {
        error = build(queries, request, &selection, out_query);
    }
    arena_free(&arena);
    return error;
}

int
query_open(struct queries *queries, const struct query_request *request, struct query **out_query,
           struct error_text *why)
{
    int error = judge(queries, request, why);
    if (error == ERROR_OK && request->key != NULL) {
        error = join_key(queries, request, out_query, why);
        if (error != ERROR_NOT_FOUND) {
            return error;
        }
        error = ERROR_OK;
    }
    struct query *query = NULL;
    if (error == ERROR_OK) {
        error = build_selected(queries, request, &query, why);
    }
    if (error != ERROR_OK) {
        return error;
    }
    queries_enter(queries, query);
    *out_query = query_ref(query);
    const char *word = request->strategy != NULL ? request->strategy : queries->conf->strategy;
    query_begin(query, strategy_find(word), deadline_of(queries, request));
    return ERROR_OK;
}
