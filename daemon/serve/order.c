/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A call becomes an order and waits; the order's end answers it. A client that leaves does not take
 * its order back: what it asked for may be half done. */
#include "daemon/serve/order.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/serve/calls_int.h"
#include "daemon/serve/codec.h"

static void
order_free(struct order *order)
{
    free(order->name);
    free(order->file);
    free(order);
}

/* NULL: out of memory. */
static struct order *
order_new(enum order_act act, const char *name, const char *file)
{
    struct order *order = calloc(1, sizeof(*order));
    if (order == NULL) {
        return NULL;
    }
    order->act = act;
    order->name = name != NULL ? strdup(name) : NULL;
    order->file = file != NULL ? strdup(file) : NULL;
    list_init(&order->node);
    if ((name != NULL && order->name == NULL) || (file != NULL && order->file == NULL)) {
        order_free(order);
        return NULL;
    }
    return order;
}

static bool
names_one(struct call *call)
{
    const struct json *params = call->rpc->params;
    if ((json_get(params, "name") == NULL) == (json_get(params, "file") == NULL)) {
        call_refuse(call, JSONRPC_INVALID_PARAMS, "wants either name or file");
        return false;
    }
    return true;
}

static void
give(struct call *call, enum order_act act)
{
    struct calls *calls = call->calls;
    if (!names_one(call)) {
        return;
    }
    if (calls->closed) {
        call_refuse(call, JSONRPC_SHUTTING_DOWN, "this daemon is stopping");
        return;
    }
    if (calls->orders == ORDERS_MAX) {
        call_refuse(call, JSONRPC_OVERLOADED, "%d orders wait already; ask again later",
                    ORDERS_MAX);
        return;
    }
    struct order *order = order_new(act, json_string(json_get(call->rpc->params, "name"), NULL),
                                    json_string(json_get(call->rpc->params, "file"), NULL));
    if (order == NULL) {
        call_refuse(call, JSONRPC_INTERNAL_ERROR, "out of memory");
        return;
    }
    order->call = call;
    order->calls = calls;
    call->order = order;
    calls->orders++;
    calls->taker.take(calls->taker.context, order);
}

void
order_load(struct call *call)
{
    give(call, ORDER_LOAD);
}

void
order_unload(struct call *call)
{
    give(call, ORDER_UNLOAD);
}

void
order_reload(struct call *call)
{
    give(call, ORDER_RELOAD);
}

void
order_forget(struct call *call)
{
    if (call->order != NULL) {
        call->order->call = NULL;
        call->order = NULL;
    }
}

static enum jsonrpc_code
code_of(int error)
{
    switch (error) {
    case ERROR_CLOSED:
        return JSONRPC_SHUTTING_DOWN;
    case ERROR_INVALID:
    case ERROR_NOT_FOUND:
    case ERROR_EXISTS:
    case ERROR_DENIED:
    case ERROR_UNSUPPORTED:
        return JSONRPC_INVALID_PARAMS;
    default:
        return JSONRPC_INTERNAL_ERROR;
    }
}

void
order_end(struct order *order, int error, const struct error_text *why, const char *name)
{
    struct call *call = order->call;
    order->calls->orders--;
    if (call != NULL && error == ERROR_OK) {
        call_answer(call, codec_plugin(queries_registry(call->calls->queries), name));
    } else if (call != NULL) {
        call_refuse(call, code_of(error), "%s", why->text);
    }
    order_free(order);
}
