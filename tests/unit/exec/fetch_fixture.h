/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the tests of fetch share: a loop that the test itself turns, a fetcher that may reach
 * 127.0.0.1, a scripted server with a table of routes, and small verbs. Included by one test
 * program each, hence static. */
#ifndef ROLLCALL_TESTS_UNIT_EXEC_FETCH_FIXTURE_H
#define ROLLCALL_TESTS_UNIT_EXEC_FETCH_FIXTURE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/fetch.h"
#include "daemon/exec/resolve.h"
#include "tests/support/common.h"
#include "tests/support/scripted.h"

#define FIXTURE_TIMEOUT_US (60 * CLOCK_US_PER_S)
#define FIXTURE_BODY_MAX 100000

/* What the server does for a target. */
struct fixture_route {
    const char *target;
    const char *reply; /* all its bytes, head and body */
    size_t reply_len;  /* 0: strlen */
    enum { ROUTE_KEEP, ROUTE_CLOSE, ROUTE_HOLD, ROUTE_RESET } then;
};

static struct loop *loop;
static struct resolver *resolver;
static struct fetcher *fetcher;
static struct scripted *server;
static struct fetcher_options options;
static struct address_range loopback;
static const char *dns_servers[] = { "127.0.0.1:1" }; /* nobody there, unless a test says so */
/* The test sets them while the server's threads run: release and acquire on the pointer. */
static _Atomic(const struct fixture_route *) routes;
static atomic_size_t route_count;
static char texts[16][512];
static unsigned text_count;

static const struct fixture_route *
find_route(const char *request)
{
    const char *target = strchr(request, ' ') + 1;
    size_t len = strcspn(target, " ");
    const struct fixture_route *table = routes;
    for (size_t i = 0; i < route_count; i++) {
        if (strlen(table[i].target) == len && strncmp(table[i].target, target, len) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

MAYBE_UNUSED static void
serve_routes(struct scripted_conn *conn, void *context)
{
    (void)context;
    const char *request;
    while ((request = scripted_read(conn)) != NULL) {
        const struct fixture_route *found = find_route(request);
        if (found == NULL) {
            scripted_say(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
            continue;
        }
        struct fixture_route route = *found; /* once it has its reply, the test may end */
        scripted_send(conn, route.reply,
                      route.reply_len > 0 ? route.reply_len : strlen(route.reply));
        if (route.then == ROUTE_HOLD) {
            scripted_until_closed(conn);
        } else if (route.then == ROUTE_RESET) {
            scripted_reset(conn);
        }
        if (route.then != ROUTE_KEEP) {
            return;
        }
    }
}

/* A text for the length of one test. */
MAYBE_UNUSED static const char *
text(const char *format, ...)
{
    assert_true(text_count < ARRAY_LEN(texts));
    char *out = texts[text_count++];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out, sizeof(texts[0]), format, args);
    va_end(args);
    return out;
}

MAYBE_UNUSED static const char *
url_of(const char *target)
{
    return text("http://127.0.0.1:%u%s", scripted_port(server), target);
}

/* Before the first request, and once: the table stays until tear_down(). */
#define USE_ROUTES(table) use_routes(table, ARRAY_LEN(table))

MAYBE_UNUSED static void
use_routes(const struct fixture_route *table, size_t count)
{
    routes = table;
    route_count = count;
}

MAYBE_UNUSED static void
open_fetcher(void)
{
    struct error_text why = { "" };
    const struct resolver_options names = { .loop = loop,
                                            .servers = dns_servers,
                                            .server_count = ARRAY_LEN(dns_servers) };
    if (resolver_new(&names, &resolver, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
    options.resolver = resolver;
    if (fetcher_new(&options, &fetcher, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
}

/* A test may have freed either. */
MAYBE_UNUSED static void
close_fetcher(void)
{
    if (fetcher != NULL) {
        fetcher_close(fetcher);
    }
    if (resolver != NULL) {
        resolver_close(resolver);
    }
    fetcher_free(&fetcher);
    resolver_free(&resolver);
}

MAYBE_UNUSED static int
set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    text_count = 0;
    route_count = 0;
    if (loop_new(&loop) != ERROR_OK ||
        address_range_parse("127.0.0.0/8", &loopback, NULL) != ERROR_OK) {
        return -1;
    }
    options = (struct fetcher_options){
        .loop = loop,
        .user_agent = "fixture/1",
        .allow_addresses = &loopback,
        .allow_count = 1,
        .body_bytes_max = 64 * 1024 * 1024,
        .connections_max = 64,
    };
    open_fetcher();
    server = scripted_start(serve_routes, NULL, NULL);
    return 0;
}

MAYBE_UNUSED static int
tear_down(void **state)
{
    (void)state;
    clock_thaw();
    close_fetcher();
    scripted_stop(&server);
    loop_free(&loop);
    return 0;
}

/* Another fetcher, with what `options` say now. */
MAYBE_UNUSED static void
reopen_fetcher(void)
{
    close_fetcher();
    open_fetcher();
}

/* Another server, with a script of its own. */
MAYBE_UNUSED static void
restart_server(scripted_fn *fn, void *context, const struct scripted_layer *layer)
{
    scripted_stop(&server);
    server = scripted_start(fn, context, layer);
}

MAYBE_UNUSED static struct fetch_request
get(const char *url)
{
    return (struct fetch_request){ .url = url,
                                   .body_max = FIXTURE_BODY_MAX,
                                   .timeout_us = FIXTURE_TIMEOUT_US };
}

MAYBE_UNUSED static void
turn(void)
{
    loop_turn(loop, 10 * CLOCK_US_PER_MS);
    if (clock_is_frozen()) {
        clock_advance(1); /* a timer armed for now in a timer is due in the next microsecond */
    }
}

/* Turn the loop until `condition` holds. */
#define TURN_UNTIL(condition)                                                                      \
    do {                                                                                           \
        int64_t turn_deadline_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;           \
        while (!(condition)) {                                                                     \
            turn();                                                                                \
            if (support_now_us() > turn_deadline_us) {                                             \
                support_fail("%s:%d: waited in vain for %s", __FILE__, __LINE__, #condition);      \
            }                                                                                      \
        }                                                                                          \
    } while (0)

MAYBE_UNUSED static struct future *
begin(const struct fetch_request *request)
{
    struct future *future = NULL;
    assert_int_equal(fetch_start(fetcher, request, &future), ERROR_OK);
    return future;
}

/* Run to its end. *out_future is the caller's. */
MAYBE_UNUSED static int
run(const struct fetch_request *request, struct future **out_future)
{
    struct future *future = begin(request);
    TURN_UNTIL(future_is_done(future));
    *out_future = future;
    return future_state(future) == FUTURE_CANCELLED ? ERROR_CANCELLED : future->error;
}

MAYBE_UNUSED static const struct fetch_reply *
reply_of(const struct future *future)
{
    assert_int_equal(future_state(future), FUTURE_FINISHED);
    if (future->error != ERROR_OK) {
        support_fail("the fetch failed: %s", error_name(future->error));
    }
    return future->result;
}

/* Run it and look only at the error. */
MAYBE_UNUSED static int
error_of_run(const struct fetch_request *request)
{
    struct future *future = NULL;
    int error = run(request, &future);
    future_unref(&future);
    return error;
}

MAYBE_UNUSED static bool
request_has(unsigned index, const char *part)
{
    char *request = scripted_request(server, index);
    assert_non_null(request);
    bool has = strcasestr(request, part) != NULL;
    free(request);
    return has;
}

/* The value of the first header called `name`, in any case; NULL: there is none. */
static MAYBE_UNUSED const char *
header_of(const struct fetch_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcasecmp(reply->headers[i].name, name) == 0) {
            return reply->headers[i].value;
        }
    }
    return NULL;
}

#endif
