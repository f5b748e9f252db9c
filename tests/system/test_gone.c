/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Clients that vanish cost nothing lasting: their checks are cancelled, what they submitted
 * expires, and asking again by the same key in time saves the query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

#define MS INT64_C(1000)
#define HANGING "{\"platforms\":{\"github\":{\"fault\":\"hang\"}}}"
#define SLOW "{\"platforms\":{\"github\":{\"registered\":[\"a@x.org\"],\"latency_ms\":3000}}}"

/* What a client that is gone is given to come back, and when it is no grace any more. */
#define GRACE_US (2000 * MS)
#define GRACE_MOST_US (GRACE_US + 15000 * MS)
/* Of what was submitted; and how long a call then waits, which is longer. */
#define TTL "query_ttl = \"2s\";"
#define TTL_US (2000 * MS)
#define OVER_TTL_MS 2500

/* Of what a machine that stands still for so long can spoil. */
#define ATTEMPTS 5

struct stage {
    struct world *world;
    struct daemon *daemon;
};

static struct stage
open_stage(const char *script, const char *lines)
{
    struct stage stage = { .world = world_start(&(struct world_options){ .script = script }) };
    stage.daemon = daemon_start(&(struct daemon_options){
        .world = stage.world,
        .plugins = (const struct daemon_plugin[]){ { .name = "github" } },
        .plugin_count = 1,
        .lines = lines,
    });
    return stage;
}

static void
close_stage(struct stage *stage)
{
    daemon_stop(&stage->daemon);
    world_stop(&stage->world);
}

static void
send_check(struct rpc *rpc, const char *more)
{
    char *call = support_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":"
                              "{\"subject\":\"a@x.org\",\"platforms\":[\"github\"]%s}}",
                              more);
    rpc_send(rpc, call, strlen(call));
    free(call);
}

static int
open_queries(struct rpc *rpc)
{
    cJSON *status = rpc_result(rpc, "status", NULL);
    const cJSON *queries = cJSON_GetObjectItemCaseSensitive(status, "queries");
    int open = cJSON_GetObjectItemCaseSensitive(queries, "open")->valueint;
    cJSON_Delete(status);
    return open;
}

static void
wait_for_no_query(struct rpc *rpc)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * MS;
    while (open_queries(rpc) > 0) {
        if (support_now_us() > deadline_us) {
            support_fail("%d queries stay open", open_queries(rpc));
        }
    }
}

static void
a_gone_clients_check_is_cancelled_after_its_grace(void **state)
{
    (void)state;
    struct stage stage = open_stage(HANGING, NULL);
    struct rpc *gone = rpc_dial(daemon_url(stage.daemon));
    struct rpc *other = rpc_dial(daemon_url(stage.daemon));
    send_check(gone, "");
    assert_true(world_wait(stage.world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    int64_t gone_us = support_now_us();
    rpc_free(&gone);
    assert_true(world_wait(stage.world, WORLD_ABORTED, "github", 1, CHILD_WAIT_MS));
    struct world_log log = world_log(stage.world);
    int64_t after_us = world_log_first(&log, WORLD_ABORTED, "github")->t_us - gone_us;
    if (after_us < GRACE_US || after_us > GRACE_MOST_US) {
        support_fail("cancelled after %lld us", (long long)after_us);
    }
    world_log_free(&log);
    wait_for_no_query(other);
    rpc_free(&other);
    close_stage(&stage);
}

/* When github was asked for the last time. */
static int64_t
last_request_us(const struct world_log *log)
{
    int64_t last_us = 0;
    for (size_t i = 0; i < log->count; i++) {
        last_us = log->events[i].kind == WORLD_REQUEST ? log->events[i].t_us : last_us;
    }
    return last_us;
}

/* False: the daemon heard of it when the grace was over, and asked github anew. */
static bool
is_saved_by_asking_again(void)
{
    struct stage stage = open_stage(SLOW, NULL);
    struct rpc *gone = rpc_dial(daemon_url(stage.daemon));
    struct rpc *again = rpc_dial(daemon_url(stage.daemon));
    send_check(gone, ",\"key\":\"k1\"");
    assert_true(world_wait(stage.world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    int64_t gone_us = support_now_us();
    rpc_free(&gone);
    send_check(again, ",\"key\":\"k1\"");
    char *reply = rpc_receive(again, RPC_WAIT_MS, NULL);
    assert_non_null(reply);
    assert_non_null(strstr(reply, "\"verdict\":\"registered\""));
    free(reply);
    struct world_log log = world_log(stage.world);
    bool is_late = last_request_us(&log) - gone_us >= GRACE_US;
    if (!is_late) {
        assert_int_equal(world_log_count(&log, WORLD_REQUEST, "github"), 1);
        assert_int_equal(world_log_count(&log, WORLD_ABORTED, "github"), 0);
    }
    world_log_free(&log);
    rpc_free(&again);
    close_stage(&stage);
    return !is_late;
}

/* The same key within the grace: the query goes on, asked once. */
static void
asking_again_by_key_saves_the_query(void **state)
{
    (void)state;
    int attempt = 1;
    while (!is_saved_by_asking_again()) {
        assert_true(attempt++ < ATTEMPTS);
    }
}

/* A query cancelled for its client's going gives up its key: the same key asks anew. */
static void
a_cancelled_query_gives_up_its_key(void **state)
{
    (void)state;
    struct stage stage = open_stage(HANGING, NULL);
    struct rpc *gone = rpc_dial(daemon_url(stage.daemon));
    send_check(gone, ",\"key\":\"k2\"");
    assert_true(world_wait(stage.world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    rpc_free(&gone);
    assert_true(world_wait(stage.world, WORLD_ABORTED, "github", 1, CHILD_WAIT_MS));
    struct rpc *again = rpc_dial(daemon_url(stage.daemon));
    send_check(again, ",\"key\":\"k2\"");
    assert_true(world_wait(stage.world, WORLD_REQUEST, "github", 2, CHILD_WAIT_MS));
    rpc_free(&again);
    close_stage(&stage);
}

/* Somebody else waits for the same query: the one who went does not take it along. */
static void
another_waiter_keeps_the_query(void **state)
{
    (void)state;
    struct stage stage = open_stage(SLOW, NULL);
    struct rpc *gone = rpc_dial(daemon_url(stage.daemon));
    struct rpc *stays = rpc_dial(daemon_url(stage.daemon));
    send_check(gone, ",\"key\":\"k3\"");
    assert_true(world_wait(stage.world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    send_check(stays, ",\"key\":\"k3\"");
    rpc_free(&gone);
    char *reply = rpc_receive(stays, RPC_WAIT_MS, NULL);
    assert_non_null(reply);
    assert_non_null(strstr(reply, "\"verdict\":\"registered\""));
    free(reply);
    rpc_free(&stays);
    close_stage(&stage);
}

/* What was submitted is somebody's to ask about: it outlives its client's connection. */
static void
a_submitted_query_outlives_its_client(void **state)
{
    (void)state;
    struct stage stage = open_stage(SLOW, NULL);
    struct rpc *first = rpc_dial(daemon_url(stage.daemon));
    cJSON *result =
        rpc_result(first, "submit", "{\"subject\":\"a@x.org\",\"platforms\":[\"github\"]}");
    char *params =
        support_text("{\"query\":\"%s\"}",
                     cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "query")));
    cJSON_Delete(result);
    rpc_free(&first);
    struct rpc *second = rpc_dial(daemon_url(stage.daemon));
    cJSON *answer = rpc_result(second, "result", params);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "verdict")),
                        "registered");
    cJSON_Delete(answer);
    rpc_free(&second);
    free(params);
    close_stage(&stage);
}

static char *
submit(struct rpc *rpc)
{
    cJSON *result =
        rpc_result(rpc, "submit", "{\"subject\":\"a@x.org\",\"platforms\":[\"github\"]}");
    char *params = support_text("{\"query\":\"%s\",\"timeout_ms\":%d}", rpc_text(result, "query"),
                                OVER_TTL_MS);
    cJSON_Delete(result);
    return params;
}

/* While a call waits for it, it does not expire. False: it had expired before the call came. */
static bool
is_kept_by_a_call(struct rpc *rpc, const char *params, int64_t submitted_us)
{
    cJSON *reply = rpc_call(rpc, "next", params);
    const cJSON *page = cJSON_GetObjectItemCaseSensitive(reply, "result");
    bool is_kept = page != NULL;
    if (is_kept) {
        assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(page, "done")));
    } else {
        assert_int_equal(rpc_error_code(reply), -32002);
        assert_true(support_now_us() - submitted_us >= TTL_US);
    }
    cJSON_Delete(reply);
    return is_kept;
}

static void
a_submitted_query_expires_when_nobody_asks(void **state)
{
    (void)state;
    struct stage stage = open_stage(HANGING, TTL);
    struct rpc *rpc = rpc_dial(daemon_url(stage.daemon));
    size_t attempt = 1;
    int64_t submitted_us = support_now_us();
    char *params = submit(rpc);
    while (!is_kept_by_a_call(rpc, params, submitted_us)) {
        assert_true(attempt++ < ATTEMPTS);
        free(params);
        submitted_us = support_now_us();
        params = submit(rpc);
    }
    wait_for_no_query(rpc);
    cJSON *reply = rpc_call(rpc, "next", params);
    assert_int_equal(rpc_error_code(reply), -32002);
    cJSON_Delete(reply);
    assert_true(world_wait(stage.world, WORLD_ABORTED, "github", 1, CHILD_WAIT_MS));
    rpc_free(&rpc);
    free(params);
    close_stage(&stage);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gone_clients_check_is_cancelled_after_its_grace),
        cmocka_unit_test(asking_again_by_key_saves_the_query),
        cmocka_unit_test(a_cancelled_query_gives_up_its_key),
        cmocka_unit_test(another_waiter_keeps_the_query),
        cmocka_unit_test(a_submitted_query_outlives_its_client),
        cmocka_unit_test(a_submitted_query_expires_when_nobody_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
