/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The seed, end to end: github would answer first, then twitter, then facebook, and both github and
 * facebook say yes. None does before the test says so, which keeps the order of the replies however
 * busy the machine is. The real daemon, the real plugins, the world's real sockets. */

#include <setjmp.h>
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

static const char script[] =
    "{\"platforms\":{\"facebook\":{\"registered\":[\"alice@example.com\"],\"latency_ms\":900000},"
    "\"github\":{\"registered\":[\"alice@example.com\"],\"latency_ms\":300000},"
    "\"twitter\":{\"registered\":[],\"latency_ms\":600000}}}";

/* As they are due. A form comes at once, so facebook is asked twice. */
static const struct {
    const char *platform;
    size_t requests;
} in_order[] = { { "github", 1 }, { "twitter", 1 }, { "facebook", 2 } };

struct stage {
    struct world *world;
    struct daemon *daemon;
    struct rpc *rpc;
};

static int
set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage->world = world_start(&(struct world_options){ .script = script });
    stage->daemon = daemon_start(&(struct daemon_options){ .world = stage->world });
    stage->rpc = rpc_dial(daemon_url(stage->daemon));
    *state = stage;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *stage = *state;
    rpc_free(&stage->rpc);
    daemon_stop(&stage->daemon);
    world_stop(&stage->world);
    free(stage);
    return 0;
}

static double
number_of(const cJSON *object, const char *key)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, key);
    assert_true(cJSON_IsNumber(number));
    return number->valuedouble;
}

static const cJSON *
check_of(const cJSON *answer, const char *platform)
{
    const cJSON *check = NULL;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(answer, "checks"))
    {
        if (strcmp(rpc_text(check, "platform"), platform) == 0) {
            return check;
        }
    }
    support_fail("the answer lists no %s", platform);
}

static void
send_check(struct stage *stage, const char *params)
{
    char *call =
        support_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":%s}", params);
    rpc_send(stage->rpc, call, strlen(call));
    free(call);
}

/* The reply's tree, for cJSON_Delete(); *out_answer is in it. */
static cJSON *
receive_answer(struct stage *stage, const cJSON **out_answer)
{
    char *reply = rpc_receive(stage->rpc, RPC_WAIT_MS, NULL);
    assert_non_null(reply);
    cJSON *tree = cJSON_Parse(reply);
    *out_answer = cJSON_GetObjectItemCaseSensitive(tree, "result");
    if (*out_answer == NULL) {
        support_fail("%s", reply);
    }
    free(reply);
    return tree;
}

static void
wait_until_asked(struct stage *stage, size_t index)
{
    assert_true(world_wait(stage->world, WORLD_REQUEST, in_order[index].platform,
                           in_order[index].requests, CHILD_WAIT_MS));
}

static void
wait_until_all_are_asked(struct stage *stage)
{
    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        wait_until_asked(stage, i);
    }
}

/* The first that is due answers. */
static void
let_answer(struct stage *stage, size_t index)
{
    world_hurry_next(stage->world);
    assert_true(world_wait(stage->world, WORLD_REPLY, in_order[index].platform,
                           in_order[index].requests, CHILD_WAIT_MS));
}

static void
a_race_ends_at_the_first_yes_and_cancels_the_rest(void **state)
{
    struct stage *stage = *state;
    const cJSON *answer = NULL;
    send_check(stage, "{\"subject\":\"alice@example.com\"}");
    wait_until_all_are_asked(stage);
    let_answer(stage, 0);
    cJSON *reply = receive_answer(stage, &answer);
    assert_string_equal(rpc_text(answer, "verdict"), "registered");
    assert_string_equal(rpc_text(answer, "platform"), "github");
    assert_string_equal(rpc_text(answer, "strategy"), "race");
    assert_int_equal(number_of(answer, "asked"), 3);
    assert_int_equal(number_of(answer, "cancelled"), 2);
    assert_string_equal(rpc_text(check_of(answer, "github"), "evidence"), "public");
    const char *const losers[] = { "facebook", "twitter" };
    for (size_t i = 0; i < 2; i++) {
        const cJSON *check = check_of(answer, losers[i]);
        assert_string_equal(rpc_text(check, "state"), "cancelled");
        assert_string_equal(rpc_text(check, "verdict"), "unknown");
        assert_string_equal(rpc_text(check, "reason"), "cancelled");
        assert_true(world_wait(stage->world, WORLD_ABORTED, losers[i], 1, CHILD_WAIT_MS));
    }
    struct world_log log = world_log(stage->world);
    for (size_t i = 0; i < 2; i++) {
        bool has_page = strcmp(losers[i], "facebook") == 0; /* its form, before it is asked */
        assert_int_equal(world_log_count(&log, WORLD_REPLY, losers[i]), has_page);
    }
    world_log_free(&log);
    cJSON_Delete(reply);
}

static void
lazy_asks_in_order_and_stops_at_the_first_yes(void **state)
{
    struct stage *stage = *state;
    const cJSON *answer = NULL;
    send_check(stage, "{\"subject\":\"alice@example.com\",\"strategy\":\"lazy\","
                      "\"platforms\":[\"twitter\",\"github\",\"facebook\"]}");
    wait_until_asked(stage, 1);
    let_answer(stage, 1);
    wait_until_asked(stage, 0);
    let_answer(stage, 0);
    cJSON *reply = receive_answer(stage, &answer);
    assert_string_equal(rpc_text(answer, "verdict"), "registered");
    assert_string_equal(rpc_text(answer, "strategy"), "lazy");
    assert_int_equal(number_of(answer, "asked"), 2);
    assert_int_equal(number_of(answer, "cancelled"), 1);
    const cJSON *never = check_of(answer, "facebook");
    assert_string_equal(rpc_text(never, "state"), "cancelled");
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(never, "started_ms")));
    struct world_log log = world_log(stage->world);
    assert_int_equal(world_log_count(&log, WORLD_REQUEST, "facebook"), 0);
    const struct world_event *twitter = world_log_first(&log, WORLD_REPLY, "twitter");
    const struct world_event *github = world_log_first(&log, WORLD_REQUEST, "github");
    assert_non_null(twitter);
    assert_non_null(github);
    assert_true(github->t_us >= twitter->t_us); /* one at a time */
    world_log_free(&log);
    cJSON_Delete(reply);
}

/* Submit and let one after the other answer, as soon as `next` has given the one before. The text
 * is the query's id; free() it. */
static char *
answer_in_order(struct stage *stage)
{
    cJSON *submitted =
        rpc_result(stage->rpc, "submit", "{\"subject\":\"alice@example.com\",\"until\":\"all\"}");
    char *query = support_text("%s", rpc_text(submitted, "query"));
    cJSON_Delete(submitted);
    wait_until_all_are_asked(stage); /* together, not one after the other */
    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        let_answer(stage, i);
        char *params = support_text("{\"query\":\"%s\",\"after\":%zu,\"max\":1}", query, i);
        cJSON *next = rpc_result(stage->rpc, "next", params);
        const cJSON *checks = cJSON_GetObjectItemCaseSensitive(next, "checks");
        assert_int_equal(cJSON_GetArraySize(checks), 1);
        assert_string_equal(rpc_text(cJSON_GetArrayItem(checks, 0), "platform"),
                            in_order[i].platform);
        assert_int_equal(number_of(next, "next"), i + 1);
        assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(next, "done")),
                         i + 1 == ARRAY_LEN(in_order));
        cJSON_Delete(next);
        free(params);
    }
    return query;
}

static int64_t
last_reply_us(const struct world_log *log, const char *platform)
{
    int64_t last_us = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct world_event *event = &log->events[i];
        if (event->kind == WORLD_REPLY && strcmp(event->platform, platform) == 0) {
            last_us = event->t_us;
        }
    }
    return last_us;
}

static void
all_takes_as_long_as_the_slowest_and_lists_everyone(void **state)
{
    struct stage *stage = *state;
    char *query = answer_in_order(stage);
    char *params = support_text("{\"query\":\"%s\"}", query);
    cJSON *answer = rpc_result(stage->rpc, "result", params);
    const cJSON *checks = cJSON_GetObjectItemCaseSensitive(answer, "checks");
    assert_int_equal(cJSON_GetArraySize(checks), ARRAY_LEN(in_order));
    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        const cJSON *check = cJSON_GetArrayItem(checks, (int)i);
        assert_string_equal(rpc_text(check, "platform"), in_order[i].platform);
        assert_string_equal(rpc_text(check, "state"), "finished");
    }
    assert_string_equal(rpc_text(check_of(answer, "facebook"), "verdict"), "registered");
    assert_string_equal(rpc_text(check_of(answer, "twitter"), "verdict"), "unregistered");
    assert_string_equal(rpc_text(answer, "platform"), "github");
    assert_int_equal(number_of(answer, "cancelled"), 0);
    struct world_log log = world_log(stage->world);
    int64_t least_us =
        last_reply_us(&log, "facebook") - world_log_first(&log, WORLD_REQUEST, "facebook")->t_us;
    assert_true(number_of(answer, "elapsed_ms") * 1000 >= (double)(least_us - 1000));
    world_log_free(&log);
    cJSON_Delete(answer);
    free(params);
    free(query);
}

static void
nobody_says_yes_to_a_stranger(void **state)
{
    struct stage *stage = *state;
    const cJSON *answer = NULL;
    send_check(stage, "{\"subject\":\"nobody@example.com\"}");
    wait_until_all_are_asked(stage);
    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        let_answer(stage, i);
    }
    cJSON *reply = receive_answer(stage, &answer);
    assert_string_equal(rpc_text(answer, "verdict"), "unknown"); /* github sees public ones only */
    const cJSON *reasons = cJSON_GetObjectItemCaseSensitive(answer, "reasons");
    assert_int_equal(number_of(reasons, "not_public"), 1);
    assert_string_equal(rpc_text(check_of(answer, "twitter"), "verdict"), "unregistered");
    assert_string_equal(rpc_text(check_of(answer, "facebook"), "verdict"), "unregistered");
    cJSON_Delete(reply);
}

static void
next_gives_checks_as_they_complete(void **state)
{
    free(answer_in_order(*state));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_race_ends_at_the_first_yes_and_cancels_the_rest, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lazy_asks_in_order_and_stops_at_the_first_yes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_takes_as_long_as_the_slowest_and_lists_everyone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_says_yes_to_a_stranger, set_up, tear_down),
        cmocka_unit_test_setup_teardown(next_gives_checks_as_they_complete, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
