/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The seed, end to end: facebook, github and twitter take 5, 1 and 3 units of time; github says
 * yes. A unit is a fifth of a second here, so that a busy machine keeps the order of the replies.
 * The real daemon, the real plugins, the world's real sockets. */

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

#if defined(ROLLCALL_SANITIZED)
#define UNIT_MS 500
#else
#define UNIT_MS 200
#endif

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
    stage->world = world_start(&(struct world_options){ .scale = UNIT_MS / 1000.0 });
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
a_race_ends_at_the_first_yes_and_cancels_the_rest(void **state)
{
    struct stage *stage = *state;
    cJSON *answer = rpc_result(stage->rpc, "check", "{\"subject\":\"alice@example.com\"}");
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
        assert_true(world_log_count(&log, WORLD_REPLY, losers[i]) <= (has_page ? 1 : 0));
    }
    world_log_free(&log);
    cJSON_Delete(answer);
}

static void
lazy_asks_in_order_and_stops_at_the_first_yes(void **state)
{
    struct stage *stage = *state;
    cJSON *answer = rpc_result(stage->rpc, "check",
                               "{\"subject\":\"alice@example.com\",\"strategy\":\"lazy\","
                               "\"platforms\":[\"twitter\",\"github\",\"facebook\"]}");
    assert_string_equal(rpc_text(answer, "verdict"), "registered");
    assert_string_equal(rpc_text(answer, "strategy"), "lazy");
    assert_int_equal(number_of(answer, "asked"), 2);
    assert_int_equal(number_of(answer, "cancelled"), 1);
    const cJSON *never = check_of(answer, "facebook");
    assert_string_equal(rpc_text(never, "state"), "cancelled");
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(never, "started_ms")));
    assert_true(world_wait(stage->world, WORLD_REPLY, "github", 1, CHILD_WAIT_MS));
    struct world_log log = world_log(stage->world);
    assert_int_equal(world_log_count(&log, WORLD_REQUEST, "facebook"), 0);
    const struct world_event *twitter = world_log_first(&log, WORLD_REPLY, "twitter");
    const struct world_event *github = world_log_first(&log, WORLD_REQUEST, "github");
    assert_non_null(twitter);
    assert_non_null(github);
    assert_true(github->t_us >= twitter->t_us); /* one at a time */
    world_log_free(&log);
    cJSON_Delete(answer);
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
    cJSON *answer =
        rpc_result(stage->rpc, "check", "{\"subject\":\"alice@example.com\",\"until\":\"all\"}");
    const char *const in_order[] = { "github", "twitter", "facebook" };
    const cJSON *checks = cJSON_GetObjectItemCaseSensitive(answer, "checks");
    assert_int_equal(cJSON_GetArraySize(checks), 3);
    for (int i = 0; i < 3; i++) {
        const cJSON *check = cJSON_GetArrayItem(checks, i);
        assert_string_equal(rpc_text(check, "platform"), in_order[i]);
        assert_string_equal(rpc_text(check, "state"), "finished");
    }
    assert_string_equal(rpc_text(check_of(answer, "facebook"), "verdict"), "registered");
    assert_string_equal(rpc_text(check_of(answer, "twitter"), "verdict"), "unregistered");
    assert_string_equal(rpc_text(answer, "platform"), "github");
    assert_int_equal(number_of(answer, "cancelled"), 0);
    assert_true(number_of(answer, "elapsed_ms") >= 5 * UNIT_MS);
    assert_true(world_wait(stage->world, WORLD_REPLY, "facebook", 2, CHILD_WAIT_MS));
    struct world_log log = world_log(stage->world); /* together, not one after the other */
    assert_true(world_log_first(&log, WORLD_REQUEST, "facebook")->t_us <
                world_log_first(&log, WORLD_REPLY, "twitter")->t_us);
    assert_true(world_log_first(&log, WORLD_REQUEST, "twitter")->t_us <
                last_reply_us(&log, "facebook"));
    world_log_free(&log);
    cJSON_Delete(answer);
}

static void
nobody_says_yes_to_a_stranger(void **state)
{
    struct stage *stage = *state;
    cJSON *answer = rpc_result(stage->rpc, "check", "{\"subject\":\"nobody@example.com\"}");
    assert_string_equal(rpc_text(answer, "verdict"), "unknown"); /* github sees public ones only */
    const cJSON *reasons = cJSON_GetObjectItemCaseSensitive(answer, "reasons");
    assert_int_equal(number_of(reasons, "not_public"), 1);
    assert_string_equal(rpc_text(check_of(answer, "twitter"), "verdict"), "unregistered");
    assert_string_equal(rpc_text(check_of(answer, "facebook"), "verdict"), "unregistered");
    cJSON_Delete(answer);
}

static void
next_gives_checks_as_they_complete(void **state)
{
    struct stage *stage = *state;
    cJSON *submitted =
        rpc_result(stage->rpc, "submit", "{\"subject\":\"alice@example.com\",\"until\":\"all\"}");
    const char *const in_order[] = { "github", "twitter", "facebook" };
    int after = 0;
    for (bool done = false; !done;) {
        char *params = support_text("{\"query\":\"%s\",\"after\":%d,\"max\":1}",
                                    rpc_text(submitted, "query"), after);
        cJSON *next = rpc_result(stage->rpc, "next", params);
        const cJSON *checks = cJSON_GetObjectItemCaseSensitive(next, "checks");
        assert_int_equal(cJSON_GetArraySize(checks), 1);
        assert_true(after < 3);
        assert_string_equal(rpc_text(cJSON_GetArrayItem(checks, 0), "platform"), in_order[after]);
        assert_int_equal(number_of(next, "next"), after + 1);
        after++;
        done = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(next, "done"));
        assert_int_equal(done, after == 3);
        cJSON_Delete(next);
        free(params);
    }
    cJSON_Delete(submitted);
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
