/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes as a client's message, through the envelope, the params and the methods, in a daemon
 * without plugins. What is promised: exactly one reply, at once, which is an empty message or a
 * proper JSON-RPC document, with as many members as a batch had calls at most. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/attr.h"
#include "daemon/conf/conf.h"
#include "daemon/exec/exec.h"
#include "daemon/plugin/crew.h"
#include "daemon/plugin/registry.h"
#include "daemon/query/query.h"
#include "daemon/serve/calls.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Enough for what a message leaves behind: timers, expired queries. */
#define TURNS 2

struct talk {
    struct exchange exchange;
    int replies;
};

static struct exec *exec;
static struct calls *calls;

static void
must(int error)
{
    if (error != ERROR_OK) {
        abort();
    }
}

/* Nothing is loaded here, so every order is about something unknown, or, of an odd act, done. */
static void
take_order(void *context, struct order *order)
{
    const struct error_text why = { "no such plugin is loaded" };
    (void)context;
    assert((order->name == NULL) != (order->file == NULL));
    order_end(order, order->act == ORDER_UNLOAD ? ERROR_OK : ERROR_NOT_FOUND, &why, "");
}

static void
set_up(void)
{
    static const char *const overrides[] = { "plugin_dirs=[]", "query_ttl=1ms" };
    static struct conf *conf;
    static struct registry *registry;
    static struct crew *crew;
    static struct queries *queries;
    struct conf_tree *tree = NULL;
    struct error_text why = { "" };
    must(conf_open(NULL, overrides, ARRAY_LEN(overrides), &tree, &why));
    must(conf_read(tree, NULL, 0, &conf, &why));
    conf_close(&tree);
    must(registry_new(conf, NULL, 0, &registry, &why));
    must(exec_new(&(struct exec_options){ .pool = { .threads = 1, .queue_max = 8, .name = "f" },
                                          .fetch = { .user_agent = "f", .body_bytes_max = 4096 } },
                  &exec, &why));
    must(crew_new(exec, &crew));
    must(queries_new(&(struct queries_options){ exec, crew, registry, conf }, &queries));
    must(calls_new(&(struct calls_options){ exec, queries, 4, { take_order, NULL } }, &calls));
}

static void
judge_reply(const struct json *reply)
{
    bool has_result = json_get(reply, "result") != NULL;
    const struct json *error = json_get(reply, "error");
    assert(strcmp(json_string(json_get(reply, "jsonrpc"), ""), "2.0") == 0);
    assert(has_result != (error != NULL));
    assert(json_get(reply, "id") != NULL);
    assert(error == NULL || json_number(json_get(error, "code"), 0) <= -32001);
}

static void
on_reply(struct exchange *exchange, const char *bytes, size_t len)
{
    struct talk *talk = CONTAINER_OF(exchange, struct talk, exchange);
    struct json *reply = NULL;
    talk->replies++;
    assert(bytes != NULL);
    if (len == 0) {
        return;
    }
    must(json_parse(bytes, len, &reply, NULL));
    if (json_type(reply) == JSON_ARRAY) {
        assert(json_count(reply) > 0 && json_count(reply) <= JSONRPC_BATCH_MAX);
        for (const struct json *one = json_first(reply); one != NULL; one = json_next(one)) {
            judge_reply(one);
        }
    } else {
        judge_reply(reply);
    }
    json_free(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct talk talk = { .exchange = { .reply = on_reply, .is_admin = len % 2 == 1 } };
    if (calls == NULL) {
        set_up();
    }
    calls_begin(calls, &talk.exchange, (const char *)bytes, len);
    assert(talk.replies == 1);
    assert(calls_waiting(calls) == 0);
    for (int i = 0; i < TURNS; i++) {
        loop_turn(exec_loop(exec), 0);
    }
    return 0;
}
