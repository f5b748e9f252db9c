/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What each method does: a row in the table at the end, a function that runs it, and for those that
 * wait a function that goes on when the wait is over. Params are judged against their row before a
 * run function is called, so nothing below meets a wrong type. */
#include "daemon/serve/methods.h"

#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/serve/calls_int.h"
#include "daemon/serve/codec.h"
#include "daemon/serve/params.h"

/* A day: longer waits and deadlines are mistakes of units. */
#define TIMEOUT_MS_MAX (INT64_C(24) * 3600 * 1000)

#define NEXT_MAX_DEFAULT 100
/* Longer would look as if nothing happened. */
#define GATHER_MS_MAX 1000
#define NEXT_MAX_MOST 10000

static const struct json *
param(const struct call *call, const char *name)
{
    return json_get(call->rpc->params, name);
}

static int64_t
integer(const struct call *call, const char *name, int64_t fallback)
{
    int64_t value = fallback;
    return json_integer(param(call, name), &value) ? value : fallback;
}

/* `timeout_ms` of a call that waits: no limit of its own unless given. */
static int64_t
wait_deadline(const struct call *call)
{
    int64_t timeout_ms = integer(call, "timeout_ms", -1);
    return timeout_ms < 0 ? CLOCK_NEVER : clock_deadline_us(timeout_ms * CLOCK_US_PER_MS);
}

/* ---- check, submit ------------------------------------------------------------------------ */

static void
refuse_open(struct call *call, int error, const struct error_text *why)
{
    const char *sentence = why->text[0] != '\0' ? why->text : error_sentence(error);
    switch (error) {
    case ERROR_INVALID:
    case ERROR_NOT_FOUND:
    case ERROR_RANGE:
        call_refuse(call, JSONRPC_INVALID_PARAMS, "%s", sentence);
        break;
    case ERROR_BUSY:
        call->calls->overloaded++;
        call_refuse(call, JSONRPC_OVERLOADED, "%s", sentence);
        break;
    case ERROR_CLOSED:
        call_refuse(call, JSONRPC_SHUTTING_DOWN, "%s", sentence);
        break;
    default:
        call_refuse(call, JSONRPC_INTERNAL_ERROR, "%s", sentence);
        break;
    }
}

/* Open what the params ask for. NULL: the call has been refused. Else one reference. */
static struct query *
open_query(struct call *call)
{
    struct error_text why = { "" };
    struct query_request request;
    struct query *query = NULL;
    struct arena *arena = arena_new(PARAMS_ARENA_BYTES);
    int error = arena == NULL ? ERROR_NOMEM : ERROR_OK;
    if (error == ERROR_OK) {
        error = params_read_query(call->rpc->params, arena, &request, &why);
    }
    if (error == ERROR_OK) {
        error = query_open(call->calls->queries, &request, &query, &why);
    }
    arena_free(&arena);
    if (error != ERROR_OK) {
        refuse_open(call, error, &why);
        return NULL;
    }
    return query;
}

static bool
may_open(struct call *call)
{
    if (!call->calls->closed) {
        return true;
    }
    call_refuse(call, JSONRPC_SHUTTING_DOWN, "this daemon is stopping; ask the next one");
    return false;
}

static void
answer_with_query(struct call *call, const struct query *query)
{
    call_answer(call, codec_answer(query_answer(query)));
}

static void
api_check(struct call *call)
{
    if (!may_open(call) || !call_may_wait(call)) {
        return;
    }
    struct query *query = open_query(call);
    if (query == NULL) {
        return;
    }
    if (future_is_done(query_future(query))) {
        answer_with_query(call, query);
    } else {
        call_wait_end(call, query, CLOCK_NEVER);
    }
    query_unref(&query);
}

static void
check_resume(struct call *call)
{
    answer_with_query(call, call->query);
}

static void
api_submit(struct call *call)
{
    struct interest *interest = NULL;
    if (!may_open(call)) {
        return;
    }
    struct query *query = open_query(call);
    if (query == NULL) {
        return;
    }
    if (!future_is_done(query_future(query)) &&
        interest_in(call->calls->interests, query, &interest) == ERROR_OK) {
        interest_keep(interest);
    }
    struct json *result = json_new_object();
    (void)json_put_string(result, "query", query_id(query));
    call_answer(call, result);
    query_unref(&query);
}

/* ---- next, result, cancel ----------------------------------------------------------------- */

/* The query that the params name, borrowed; NULL: the call has been refused. */
static struct query *
named_query(struct call *call)
{
    const char *id = json_string(param(call, "query"), "");
    struct query *query = query_find(call->calls->queries, id);
    if (query == NULL) {
        call_refuse(call, JSONRPC_NO_SUCH_QUERY, "query: there is none of that id (any more)");
    }
    return query;
}

static void
answer_next(struct call *call, struct query *query)
{
    struct completion *checks = query_checks(query);
    const struct answer *answer = query_answer(query);
    size_t ended = completion_ended(checks);
    size_t end = call->after;
    struct json *object = json_new_object();
    struct json *array = json_new_array();
    for (; end < ended && end - call->after < call->max; end++) {
        struct check_view view;
        check_view(check_of_const(completion_at(checks, end)), &view);
        view.why = answer->explain ? view.why : NULL;
        (void)json_append(array, codec_check(&view, answer->started_us));
    }
    (void)json_put(object, "checks", array);
    (void)json_put_number(object, "next", (double)end);
    (void)json_put_bool(object, "done", end >= completion_count(checks));
    (void)json_put_number(object, "total", (double)completion_count(checks));
    call_answer(call, object);
}

static bool
is_find(struct completion *checks, size_t index)
{
    struct check_view view;
    check_view(check_of_const(completion_at(checks, index)), &view);
    return view.finding.verdict == VERDICT_REGISTERED;
}

/* Whether the query's first find is among the checks that ended since it last looked. Looking back
 * stops at the find before, so all finds of a query together look at each check once. */
static bool
has_first_find(struct call *call, struct completion *checks, size_t ended)
{
    size_t found = call->seen;
    while (found < ended && !is_find(checks, found)) {
        found++;
    }
    bool is_first = found < ended;
    for (size_t before = found; is_first && before > 0; before--) {
        is_first = !is_find(checks, before - 1);
    }
    call->seen = ended;
    return is_first;
}

/* Whether to wait for more to go with what has ended: not with the first find, and not with the
 * last check. */
static bool
gathers(struct call *call, struct query *query)
{
    struct completion *checks = query_checks(query);
    size_t ended = completion_ended(checks);
    int64_t now_us = clock_now_us();
    if (call->gather_us == 0 || ended <= call->after || ended == completion_count(checks) ||
        ended - call->after >= call->max || has_first_find(call, checks, ended)) {
        return false;
    }
    if (call->gather_until_us == 0) {
        int64_t until_us = now_us + call->gather_us;
        call->gather_until_us = until_us < call->deadline_us ? until_us : call->deadline_us;
    }
    return now_us < call->gather_until_us;
}

static void
api_next(struct call *call)
{
    struct query *query = named_query(call);
    if (query == NULL) {
        return;
    }
    struct completion *checks = query_checks(query);
    call->after = (size_t)integer(call, "after", 0);
    call->seen = call->after;
    call->max = (size_t)integer(call, "max", NEXT_MAX_DEFAULT);
    call->gather_us = integer(call, "gather_ms", 0) * CLOCK_US_PER_MS;
    call->deadline_us = wait_deadline(call);
    query_hold(query); /* being asked about is what keeps it */
    bool is_ready = completion_ended(checks) > call->after ||
                    completion_ended(checks) == completion_count(checks) ||
                    integer(call, "timeout_ms", -1) == 0;
    if (is_ready && !gathers(call, query)) {
        answer_next(call, query);
    } else if (call_may_wait(call)) {
        call_wait_next(call, query, call->deadline_us);
    }
    query_release(query);
}

static void
next_resume(struct call *call)
{
    if (gathers(call, call->query)) {
        call_wait_more(call, completion_ended(query_checks(call->query)), call->gather_until_us);
    } else {
        answer_next(call, call->query);
    }
}

static void
answer_result(struct call *call, struct query *query)
{
    if (future_is_done(query_future(query))) {
        answer_with_query(call, query);
        return;
    }
    struct json *object = json_new_object();
    (void)json_put_bool(object, "done", false);
    call_answer(call, object);
}

static void
api_result(struct call *call)
{
    struct query *query = named_query(call);
    if (query == NULL) {
        return;
    }
    query_hold(query);
    if (future_is_done(query_future(query)) || integer(call, "timeout_ms", -1) == 0) {
        answer_result(call, query);
    } else if (call_may_wait(call)) {
        call_wait_end(call, query, wait_deadline(call));
    }
    query_release(query);
}

static void
result_resume(struct call *call)
{
    answer_result(call, call->query);
}

static void
api_cancel(struct call *call)
{
    struct query *query = named_query(call);
    if (query == NULL) {
        return;
    }
    struct json *object = json_new_object();
    (void)json_put_bool(object, "cancelled", query_cancel(query));
    call_answer(call, object);
}

/* ---- platforms, plugins, status ----------------------------------------------------------- */

static void
api_platforms(struct call *call)
{
    const char *kind = json_string(param(call, "kind"), NULL);
    call_answer(call, codec_platforms(queries_registry(call->calls->queries),
                                      kind != NULL ? subject_kind_parse(kind) : 0,
                                      json_string(param(call, "tag"), NULL)));
}

static void
api_plugins(struct call *call)
{
    call_answer(call, codec_plugins(queries_registry(call->calls->queries)));
}

static void
api_status(struct call *call)
{
    const struct calls *calls = call->calls;
    struct codec_status status = {
        .uptime_us = clock_now_us() - calls->started_us,
        .calls_waiting = calls->waiting,
        .calls_max = calls->waiting_max,
        .served = calls->served,
        .overloaded = calls->overloaded,
        .registry = queries_registry(calls->queries),
    };
    queries_stats(calls->queries, &status.queries);
    fetcher_stats(exec_fetcher(calls->exec), &status.fetch);
    pool_stats(exec_pool(calls->exec), &status.pool);
    call_answer(call, codec_status(&status));
}

/* ---- the table ---------------------------------------------------------------------------- */

static const char *const until_words[] = { "first", "all", NULL };
static const char *const kind_words[] = { "email", "username", NULL };

static const struct param query_params[] = {
    { .name = "subject", .type = PARAM_SUBJECT, .is_required = true },
    { .name = "platforms", .type = PARAM_TEXTS },
    { .name = "exclude", .type = PARAM_TEXTS },
    { .name = "catalog", .type = PARAM_STRING },
    { .name = "adult", .type = PARAM_BOOL },
    { .name = "until", .type = PARAM_STRING, .choices = until_words },
    { .name = "strategy", .type = PARAM_STRING },
    { .name = "timeout_ms", .type = PARAM_INTEGER, .min = 1, .max = TIMEOUT_MS_MAX },
    { .name = "fresh", .type = PARAM_BOOL },
    { .name = "explain", .type = PARAM_BOOL },
    { .name = "key", .type = PARAM_STRING, .max = QUERY_KEY_BYTES_MAX },
};

static const struct param next_params[] = {
    { .name = "query", .type = PARAM_STRING, .is_required = true },
    { .name = "after", .type = PARAM_INTEGER, .min = 0, .max = INT32_MAX },
    { .name = "max", .type = PARAM_INTEGER, .min = 1, .max = NEXT_MAX_MOST },
    { .name = "timeout_ms", .type = PARAM_INTEGER, .min = 0, .max = TIMEOUT_MS_MAX },
    { .name = "gather_ms", .type = PARAM_INTEGER, .min = 0, .max = GATHER_MS_MAX },
};

static const struct param result_params[] = {
    { .name = "query", .type = PARAM_STRING, .is_required = true },
    { .name = "timeout_ms", .type = PARAM_INTEGER, .min = 0, .max = TIMEOUT_MS_MAX },
};

static const struct param cancel_params[] = {
    { .name = "query", .type = PARAM_STRING, .is_required = true },
};

static const struct param platforms_params[] = {
    { .name = "kind", .type = PARAM_STRING, .choices = kind_words },
    { .name = "tag", .type = PARAM_STRING },
};

static const struct param order_params[] = {
    { .name = "name", .type = PARAM_STRING, .max = ORDER_NAME_BYTES_MAX },
    { .name = "file", .type = PARAM_STRING, .max = ORDER_FILE_BYTES_MAX },
};

#define PARAMS(table) (table), ARRAY_LEN(table)

static const struct method methods[] = {
    { "check", api_check, check_resume, PARAMS(query_params), METHOD_OWNS_QUERY },
    { "submit", api_submit, NULL, PARAMS(query_params), METHOD_ACTS },
    { "next", api_next, next_resume, PARAMS(next_params), 0 },
    { "result", api_result, result_resume, PARAMS(result_params), 0 },
    { "cancel", api_cancel, NULL, PARAMS(cancel_params), METHOD_ACTS },
    { "platforms", api_platforms, NULL, PARAMS(platforms_params), 0 },
    { "plugins", api_plugins, NULL, NULL, 0, 0 },
    { "status", api_status, NULL, NULL, 0, 0 },
    { "plugin.load", order_load, NULL, PARAMS(order_params), METHOD_ADMIN | METHOD_ACTS },
    { "plugin.unload", order_unload, NULL, PARAMS(order_params), METHOD_ADMIN | METHOD_ACTS },
    { "plugin.reload", order_reload, NULL, PARAMS(order_params), METHOD_ADMIN | METHOD_ACTS },
};

const struct method *
method_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return &methods[i];
        }
    }
    return NULL;
}

/* Append the names of the methods that have this flag of METHOD_ADMIN, or have it not. */
static void
append_names(struct buf *out, const char *before, unsigned admin)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if ((methods[i].flags & METHOD_ADMIN) == admin) {
            buf_append_str(out, before);
            buf_append_str(out, methods[i].name);
            before = ", ";
        }
    }
}

void
method_names(struct buf *out)
{
    append_names(out, "", 0);
    append_names(out, "; on the admin socket ", METHOD_ADMIN);
}
