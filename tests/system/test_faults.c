/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Platforms that misbehave: whatever they do, the answer is `unknown` with the right reason, in
 * time, and never a verdict. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

static const cJSON *
only_check(const cJSON *answer)
{
    const cJSON *checks = cJSON_GetObjectItemCaseSensitive(answer, "checks");
    assert_int_equal(cJSON_GetArraySize(checks), 1);
    return cJSON_GetArrayItem(checks, 0);
}

/* A check's time where it must run out, and where it must not. */
#define TIMEOUT_MS 700
#define PATIENCE_MS (15000 * SUPPORT_SLOWDOWN)
/* Later than this after its time is no time-out. */
#define LATE_MS 10000

struct fault {
    const char *fault;  /* as the world's script says it */
    const char *reason; /* what the check must end with */
};

/* Each fault against an address that does exist: a yes that must not be said. */
static const struct fault faults[] = {
    { "reset", "unreachable" },
    { "close", "unreachable" },
    { "truncate", "unreachable" },
    { "garbage", "unexpected_reply" },
    { "endless", "unexpected_reply" },
    { "gzip_bomb", "unexpected_reply" },
    { "redirect_loop", "unexpected_reply" },
    { "hang", "timeout" },
    { "drip", "timeout" },
    { "bot_wall", "blocked" },
    { "status:401", "blocked" },
    { "status:403", "blocked" },
    { "status:407", "blocked" },
    { "status:429", "rate_limited" },
    { "status:500", "server_error" },
    { "status:503", "server_error" },
    { "status:418", "unexpected_reply" },
    { "status:204", "unexpected_reply" },
};

static const char *const platforms[] = { "facebook", "github", "twitter" };

/* One world for each fault: all three platforms have it. */
static void
run_fault(const struct fault *fault)
{
    char *script = support_text(
        "{\"platforms\":{\"github\":{\"registered\":[\"alice@example.com\"],\"fault\":\"%s\"},"
        "\"twitter\":{\"registered\":[\"alice@example.com\"],\"fault\":\"%s\"},"
        "\"facebook\":{\"registered\":[\"alice@example.com\"],\"fault\":\"%s\"}}}",
        fault->fault, fault->fault, fault->fault);
    struct world *world = world_start(&(struct world_options){ .script = script });
    bool is_awaited = strcmp(fault->reason, "timeout") == 0;
    char *lines = support_text("timeout = \"%dms\";", is_awaited ? TIMEOUT_MS : PATIENCE_MS);
    struct daemon *daemon =
        daemon_start(&(struct daemon_options){ .world = world, .lines = lines });
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    for (size_t i = 0; i < 3; i++) {
        char *params = support_text("{\"subject\":\"alice@example.com\",\"platforms\":[\"%s\"]}",
                                    platforms[i]);
        cJSON *answer = rpc_result(rpc, "check", params);
        const cJSON *check = only_check(answer);
        if (strcmp(rpc_text(answer, "verdict"), "unknown") != 0 ||
            strcmp(rpc_text(check, "reason"), fault->reason) != 0) {
            support_fail("%s with %s: wants unknown, %s; got %s, %s", platforms[i], fault->fault,
                         fault->reason, rpc_text(answer, "verdict"), rpc_text(check, "reason"));
        }
        cJSON_Delete(answer);
        free(params);
    }
    rpc_free(&rpc);
    daemon_stop(&daemon);
    world_stop(&world);
    free(lines);
    free(script);
}

static void
every_fault_is_unknown_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        run_fault(&faults[i]);
    }
}

#define SLOW_WORLD                                                                                 \
    "{\"platforms\":{\"github\":{\"registered\":[\"alice@example.com\"],\"fault\":\"hang\"},"      \
    "\"twitter\":{\"registered\":[],\"fault\":\"hang\"}}}"
#define ASK_BOTH "{\"subject\":\"alice@example.com\",\"platforms\":[\"github\",\"twitter\"]}"

static void
a_world_that_dies_mid_query_is_unreachable(void **state)
{
    (void)state;
    struct world *world = world_start(&(struct world_options){ .script = SLOW_WORLD });
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .world = world });
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    const char *call =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":" ASK_BOTH "}";
    rpc_send(rpc, call, strlen(call));
    assert_true(world_wait(world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    assert_true(world_wait(world, WORLD_REQUEST, "twitter", 1, CHILD_WAIT_MS));
    child_signal(world_child(world), SIGKILL);
    char *reply = rpc_receive(rpc, RPC_WAIT_MS, NULL);
    assert_non_null(reply);
    cJSON *tree = cJSON_Parse(reply);
    const cJSON *answer = cJSON_GetObjectItemCaseSensitive(tree, "result");
    assert_string_equal(rpc_text(answer, "verdict"), "unknown");
    const cJSON *reasons = cJSON_GetObjectItemCaseSensitive(answer, "reasons");
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(reasons, "unreachable")->valueint, 2);
    cJSON_Delete(tree);
    free(reply);
    rpc_free(&rpc);
    daemon_stop(&daemon);
    world_free(&world);
}

/* A world that never answers: after `timeout`, or at the query's deadline if that is nearer. */
static void
a_world_that_never_answers_times_out(void **state)
{
    (void)state;
    const struct {
        const char *lines;
        const char *timeout;
        double at_ms;
    } rows[] = {
        { "timeout = \"300ms\";", "", 300 },
        { "timeout = \"60s\";", ",\"timeout_ms\":250", 250 },
        { "timeout = \"60s\"; deadline = \"200ms\";", "", 200 },
        { "timeout = \"60s\"; deadline_max = \"220ms\"; deadline = \"100ms\";",
          ",\"timeout_ms\":60000", 220 },
    };
    struct world *world = world_start(&(struct world_options){ .script = SLOW_WORLD });
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct daemon *daemon =
            daemon_start(&(struct daemon_options){ .world = world, .lines = rows[i].lines });
        struct rpc *rpc = rpc_dial(daemon_url(daemon));
        char *params = support_text(
            "{\"subject\":\"alice@example.com\",\"platforms\":[\"github\",\"twitter\"]%s}",
            rows[i].timeout);
        cJSON *answer = rpc_result(rpc, "check", params);
        const cJSON *reasons = cJSON_GetObjectItemCaseSensitive(answer, "reasons");
        const cJSON *timeouts = cJSON_GetObjectItemCaseSensitive(reasons, "timeout");
        double elapsed_ms = cJSON_GetObjectItemCaseSensitive(answer, "elapsed_ms")->valuedouble;
        if (timeouts == NULL || timeouts->valueint != 2 || elapsed_ms < rows[i].at_ms ||
            elapsed_ms > rows[i].at_ms + LATE_MS) {
            char *text = cJSON_Print(answer);
            support_fail("row %zu: wants two timeouts at %.0f ms, got %s", i, rows[i].at_ms, text);
        }
        cJSON_Delete(answer);
        free(params);
        rpc_free(&rpc);
        daemon_stop(&daemon);
    }
    world_stop(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_unknown_with_its_reason),
        cmocka_unit_test(a_world_that_dies_mid_query_is_unreachable),
        cmocka_unit_test(a_world_that_never_answers_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
