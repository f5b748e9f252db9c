/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A message becomes an exchange, an exchange has calls, a call is answered, refused, or waits. The
 * reply leaves when the last call of its exchange has ended. What a method does is methods.c's. */
#include "daemon/serve/calls.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/json_print.h"
#include "daemon/base/log.h"
#include "daemon/serve/calls_int.h"
#include "daemon/serve/params.h"

/* The reply when there is no memory for a better one. */
#define REPLY_NOMEM                                                                                \
    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,\"message\":\"Internal error\","              \
    "\"data\":\"out of memory\"},\"id\":null}"
#define REPLY_TOO_BIG                                                                              \
    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,\"message\":\"Internal error\","              \
    "\"data\":\"the reply is larger than allowed\"},\"id\":null}"

int
calls_new(const struct calls_options *options, struct calls **out_calls)
{
    struct calls *calls = calloc(1, sizeof(*calls));
    if (calls == NULL) {
        return ERROR_NOMEM;
    }
    int error = interests_new(exec_loop(options->exec), &calls->interests);
    if (error != ERROR_OK) {
        free(calls);
        return error;
    }
    calls->exec = options->exec;
    calls->queries = options->queries;
    calls->waiting_max = options->waiting_max;
    calls->taker = options->taker;
    calls->started_us = clock_now_us();
    list_init(&calls->exchanges);
    *out_calls = calls;
    return ERROR_OK;
}

void
calls_close(struct calls *calls)
{
    calls->closed = true;
}

void
calls_free(struct calls **calls)
{
    if (*calls == NULL) {
        return;
    }
    assert(list_is_empty(&(*calls)->exchanges));
    interests_free(&(*calls)->interests);
    free(*calls);
    *calls = NULL;
}

size_t
calls_waiting(const struct calls *calls)
{
    return calls->waiting;
}

/* ---- the reply ---------------------------------------------------------------------------- */

static void
forget(struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->message.count; i++) {
        json_free(&exchange->members[i].reply);
    }
    free(exchange->members);
    exchange->members = NULL;
    jsonrpc_message_fini(&exchange->message);
    list_remove(&exchange->node);
}

static void
send_text(struct exchange *exchange, int error, const struct buf *out)
{
    forget(exchange);
    if (error == ERROR_OK) {
        exchange->reply(exchange, buf_str(out), out->len);
    } else if (error == ERROR_TOO_BIG) {
        exchange->reply(exchange, REPLY_TOO_BIG, sizeof(REPLY_TOO_BIG) - 1);
    } else {
        exchange->reply(exchange, REPLY_NOMEM, sizeof(REPLY_NOMEM) - 1);
    }
}

/* Print the replies of a batch, or the one reply; nothing at all when there is none. */
static int
print_replies(const struct exchange *exchange, struct buf *out)
{
    size_t printed = 0;
    for (size_t i = 0; i < exchange->message.count; i++) {
        const struct call *call = &exchange->members[i];
        if (call->rpc->is_notification) {
            continue;
        }
        if (exchange->message.is_batch) {
            buf_append_byte(out, printed == 0 ? '[' : ',');
        }
        int error = json_print(call->reply, out);
        if (error != ERROR_OK) {
            return error;
        }
        printed++;
    }
    if (exchange->message.is_batch && printed > 0) {
        buf_append_byte(out, ']');
    }
    return out->error;
}

static void
send_reply(struct exchange *exchange)
{
    struct buf out;
    buf_init(&out, JSONRPC_REPLY_BYTES_MAX);
    int error = print_replies(exchange, &out);
    send_text(exchange, error, &out);
    buf_fini(&out);
}

static void
send_refusal(struct exchange *exchange)
{
    struct buf out;
    buf_init(&out, JSONRPC_REPLY_BYTES_MAX);
    struct json *reply = jsonrpc_error(NULL, exchange->message.code, exchange->message.why.text);
    int error = json_print(reply, &out);
    json_free(&reply);
    send_text(exchange, error, &out);
    buf_fini(&out);
}

static void
let_go(struct exchange *exchange)
{
    exchange->open--;
    if (exchange->open == 0) {
        send_reply(exchange);
    }
}

/* ---- one call ----------------------------------------------------------------------------- */

/* Out of every list and timer, whatever it waited for. */
static void
stop_waiting(struct call *call)
{
    order_forget(call);
    if (call->query == NULL) {
        return;
    }
    loop_timer_disarm(exec_loop(call->calls->exec), &call->timer);
    completion_unwatch(&call->watch);
    list_remove(&call->node);
    query_release(call->query);
    query_unref(&call->query);
    call->calls->waiting--;
}

static void
end(struct call *call, struct json *reply)
{
    stop_waiting(call);
    call->reply = reply;
    let_go(call->exchange);
}

void
call_answer(struct call *call, struct json *result)
{
    if (call->rpc->is_notification) {
        json_free(&result);
        end(call, NULL);
    } else if (result == NULL || json_is_broken(result)) {
        json_free(&result);
        call_refuse(call, JSONRPC_INTERNAL_ERROR, "out of memory");
    } else {
        end(call, jsonrpc_result(call->rpc->id, result));
    }
}

void
call_refuse(struct call *call, enum jsonrpc_code code, const char *format, ...)
{
    char data[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(data, sizeof(data), format, args);
    va_end(args);
    end(call, call->rpc->is_notification ? NULL : jsonrpc_error(call->rpc->id, code, data));
}

bool
call_may_wait(struct call *call)
{
    struct calls *calls = call->calls;
    if (calls->waiting < calls->waiting_max) {
        return true;
    }
    calls->overloaded++;
    call_refuse(call, JSONRPC_OVERLOADED, "%zu calls wait already (max_calls); ask again later",
                calls->waiting);
    return false;
}

void
call_resume(struct call *call)
{
    call->method->resume(call);
}

static void
on_time(struct loop_timer *timer)
{
    call_resume(CONTAINER_OF(timer, struct call, timer));
}

static void
on_more(struct completion_watch *watch)
{
    call_resume(CONTAINER_OF(watch, struct call, watch));
}

static void
begin_waiting(struct call *call, struct query *query, int64_t deadline_us)
{
    call->query = query_ref(query);
    query_hold(query);
    call->calls->waiting++;
    call->timer.fn = on_time;
    if (deadline_us != CLOCK_NEVER) {
        loop_timer_arm(exec_loop(call->calls->exec), &call->timer, deadline_us);
    }
}

void
call_wait_end(struct call *call, struct query *query, int64_t deadline_us)
{
    struct interest *interest = NULL;
    if (interest_in(call->calls->interests, query, &interest) != ERROR_OK) {
        call_refuse(call, JSONRPC_INTERNAL_ERROR, "out of memory");
        return;
    }
    begin_waiting(call, query, deadline_us);
    interest_wait(interest, &call->node);
}

void
call_wait_next(struct call *call, struct query *query, int64_t deadline_us)
{
    begin_waiting(call, query, deadline_us);
    call->watch.after = call->after;
    call->watch.fn = on_more;
    completion_watch(query_checks(query), &call->watch);
}

void
call_wait_more(struct call *call, size_t after, int64_t deadline_us)
{
    struct loop *loop = exec_loop(call->calls->exec);
    loop_timer_disarm(loop, &call->timer);
    loop_timer_arm(loop, &call->timer, deadline_us);
    completion_unwatch(&call->watch);
    call->watch.after = after;
    completion_watch(query_checks(call->query), &call->watch);
}

static void
refuse_unknown(struct call *call)
{
    struct buf names;
    buf_init(&names, ERROR_TEXT_BYTES);
    method_names(&names);
    call_refuse(call, JSONRPC_METHOD_NOT_FOUND, "\"%.64s\": no such method; there are %s",
                call->rpc->method, buf_str(&names));
    buf_fini(&names);
}

static bool
judge_params(struct call *call)
{
    struct error_text why = { "" };
    const struct method *method = call->method;
    if (params_judge(call->rpc->params, method->params, method->param_count, &why) == ERROR_OK) {
        return true;
    }
    call_refuse(call, JSONRPC_INVALID_PARAMS, "%s", why.text);
    return false;
}

static void
run(struct call *call)
{
    const struct jsonrpc_call *rpc = call->rpc;
    call->calls->served += rpc->is_notification ? 0 : 1;
    if (rpc->code != JSONRPC_OK) {
        call_refuse(call, rpc->code, "%s", rpc->why);
        return;
    }
    call->method = method_find(rpc->method);
    if (call->method == NULL) {
        refuse_unknown(call);
    } else if ((call->method->flags & METHOD_ADMIN) != 0 && !call->exchange->is_admin) {
        call_refuse(call, JSONRPC_NOT_PERMITTED, "%s: ask on the admin socket", call->method->name);
    } else if (rpc->is_notification && (call->method->flags & METHOD_ACTS) == 0) {
        call_answer(call, NULL); /* all it would do is answer */
    } else if (judge_params(call)) {
        call->method->run(call);
    }
}

/* ---- one exchange ------------------------------------------------------------------------- */

static void
run_all(struct calls *calls, struct exchange *exchange)
{
    size_t count = exchange->message.count;
    exchange->open = count + 1; /* one for this function: the reply must not leave half-way */
    for (size_t i = 0; i < count; i++) {
        struct call *call = &exchange->members[i];
        call->calls = calls;
        call->exchange = exchange;
        call->rpc = &exchange->message.calls[i];
        list_init(&call->node);
        list_init(&call->watch.node);
    }
    for (size_t i = 0; i < count; i++) {
        run(&exchange->members[i]);
    }
    let_go(exchange);
}

void
calls_begin(struct calls *calls, struct exchange *exchange, const char *bytes, size_t len)
{
    exchange->calls = calls;
    exchange->members = NULL;
    list_push_back(&calls->exchanges, &exchange->node);
    int error = jsonrpc_read(bytes, len, &exchange->message);
    if (error == ERROR_OK && exchange->message.code != JSONRPC_OK) {
        send_refusal(exchange);
        return;
    }
    if (error == ERROR_OK) {
        exchange->members = calloc(exchange->message.count, sizeof(*exchange->members));
        error = exchange->members == NULL ? ERROR_NOMEM : ERROR_OK;
    }
    if (error != ERROR_OK) {
        exchange->message.count = 0;
        send_text(exchange, error, NULL);
        return;
    }
    run_all(calls, exchange);
}

/* ---- gone clients
 * -------------------------------------------------------------------------------- */

void
calls_drop(struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->message.count; i++) {
        struct call *call = &exchange->members[i];
        struct query *query = call->query;
        order_forget(call);
        if (query == NULL) {
            continue;
        }
        query = query_ref(query);
        stop_waiting(call);
        if ((call->method->flags & METHOD_OWNS_QUERY) != 0) {
            interest_left(call->calls->interests, query, CALLS_GONE_US);
        }
        query_unref(&query);
    }
    forget(exchange);
    exchange->reply(exchange, NULL, 0);
}

struct exchange *
calls_next(struct calls *calls, struct exchange *exchange)
{
    struct list *next = exchange->node.next;
    return next == &calls->exchanges ? NULL : LIST_ENTRY(next, struct exchange, node);
}

struct exchange *
calls_first(struct calls *calls)
{
    struct list *first = calls->exchanges.next;
    return first == &calls->exchanges ? NULL : LIST_ENTRY(first, struct exchange, node);
}
