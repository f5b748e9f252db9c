/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* A look-up of SRV records, dressed as a reply, so that a chain treats it as any other: it takes
 * its turn, its time runs, it can be cancelled, and the plugin reads its body as JSON. */

#include "daemon/query/srv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/json.h"

/* RESOLVE_SRV_MAX records of some 320 bytes. */
#define BODY_BYTES_MAX 8192

struct srv {
    struct future future;
    struct loop *loop;
    struct future *lookup; /* NULL once it has ended */
    struct future_callback on_answer;
    struct loop_timer timer;
    int64_t started_us;
    struct buf body;
    struct fetch_reply reply;
    char name[];
};

static struct srv *
srv_of(struct future *future)
{
    return CONTAINER_OF(future, struct srv, future);
}

/* Wait for nothing any more. */
static void
detach(struct srv *srv)
{
    struct future *lookup = srv->lookup;
    srv->lookup = NULL;
    loop_timer_disarm(srv->loop, &srv->timer);
    (void)future_cancel(lookup);
    future_unref(&lookup);
}

static void
cancel_srv(struct future *future)
{
    detach(srv_of(future));
    future_unref(&future); /* the canceller holds one of its own */
}

static void
free_srv(struct future *future)
{
    struct srv *srv = srv_of(future);
    buf_fini(&srv->body);
    free(srv);
}

static const struct future_ops srv_ops = { .name = "service",
                                           .cancel = cancel_srv,
                                           .free = free_srv };

static void
end(struct srv *srv, int error)
{
    struct future *own = &srv->future;
    detach(srv);
    if (error == ERROR_OK) {
        (void)future_finish(own, &srv->reply);
    } else {
        (void)future_fail(own, error);
    }
    future_unref(&own);
}

static struct json *
describe(const struct resolve_srv *record)
{
    struct json *object = json_new_object();
    (void)json_put_string(object, "target", record->target);
    (void)json_put_number(object, "port", record->port);
    (void)json_put_number(object, "priority", record->priority);
    (void)json_put_number(object, "weight", record->weight);
    return object;
}

/* Errors: NOMEM. */
static int
make_reply(struct srv *srv, const struct resolve_srv_answer *answer)
{
    struct json *records = json_new_array();
    for (size_t i = 0; i < answer->count; i++) {
        (void)json_append(records, describe(&answer->records[i]));
    }
    int error = json_print(records, &srv->body);
    json_free(&records);
    srv->reply = (struct fetch_reply){ .status = answer->exists ? 200 : 404,
                                       .url = srv->name,
                                       .cookies = "",
                                       .body = buf_str(&srv->body),
                                       .body_len = srv->body.len,
                                       .stop_hit = -1,
                                       .total_us = clock_now_us() - srv->started_us };
    return error == ERROR_OK ? ERROR_OK : ERROR_NOMEM;
}

static void
on_answer(struct future *future, void *context)
{
    struct srv *srv = context;
    if (srv->lookup == NULL) {
        return; /* nobody waits any more */
    }
    bool is_cancelled = future_state(future) == FUTURE_CANCELLED; /* the resolver was closed */
    int error = is_cancelled ? ERROR_CANCELLED : future->error;
    end(srv, error == ERROR_OK ? make_reply(srv, future->result) : error);
}

static void
on_time(struct loop_timer *timer)
{
    end(CONTAINER_OF(timer, struct srv, timer), ERROR_TIMEOUT);
}

int
srv_start(struct exec *exec, const char *name, int64_t timeout_us, struct future **out_future)
{
    size_t size = strlen(name) + 1;
    struct srv *srv = calloc(1, sizeof(*srv) + size);
    if (srv == NULL) {
        return ERROR_NOMEM;
    }
    memcpy(srv->name, name, size);
    int error = resolver_ask_srv(exec_resolver(exec), srv->name, &srv->lookup);
    if (error != ERROR_OK) {
        free(srv);
        return error;
    }
    buf_init(&srv->body, BODY_BYTES_MAX);
    future_init(&srv->future, &srv_ops);
    bool started = future_start(&srv->future);
    assert(started);
    srv->loop = exec_loop(exec);
    srv->started_us = clock_now_us();
    srv->timer.fn = on_time;
    loop_timer_arm(srv->loop, &srv->timer, clock_deadline_us(timeout_us));
    *out_future = future_ref(&srv->future);
    srv->on_answer = (struct future_callback){ .fn = on_answer, .context = srv };
    future_on_done(srv->lookup, &srv->on_answer);
    return ERROR_OK;
}
