/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The early return of a race, beside the same race with Python's ThreadPoolExecutor and
 * as_completed, in one run on one world (50, 10 and 30 ms): how long after the winning reply left
 * the world is the answer in the client's hands?
 *
 * Usage: bench_race [QUERIES]. Prints microseconds; both clocks are CLOCK_MONOTONIC. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

#define QUERIES_DEFAULT 500
#define SCALE 0.01 /* of the seed: 5, 1 and 3 s */

static int
compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* When each winning reply left the world: github's, in order. Returns how many. */
static size_t
winning_replies(struct world *world, int64_t *out_us, size_t max)
{
    struct world_log log = world_log(world);
    size_t count = 0;
    for (size_t i = 0; i < log.count && count < max; i++) {
        const struct world_event *event = &log.events[i];
        if (event->kind == WORLD_REPLY && strcmp(event->platform, "github") == 0) {
            out_us[count++] = event->t_us;
        }
    }
    world_log_free(&log);
    return count;
}

static void
report(const char *who, struct world *world, const int64_t *answered_us, size_t queries)
{
    int64_t *late_us = calloc(queries, sizeof(*late_us));
    if (!world_wait(world, WORLD_REPLY, "github", queries, CHILD_WAIT_MS)) {
        support_fail("%s: the world has not logged %zu winning replies", who, queries);
    }
    size_t replies = winning_replies(world, late_us, queries);
    if (replies != queries) {
        support_fail("%s: %zu queries, but %zu winning replies", who, queries, replies);
    }
    for (size_t i = 0; i < queries; i++) {
        late_us[i] = answered_us[i] - late_us[i];
    }
    qsort(late_us, queries, sizeof(*late_us), compare);
    printf("%-34s p50 %6lld us   p99 %6lld us   max %6lld us\n", who,
           (long long)late_us[queries / 2], (long long)late_us[queries * 99 / 100],
           (long long)late_us[queries - 1]);
    free(late_us);
}

static void
race_rollcall(size_t queries, int64_t *answered_us)
{
    struct world *world = world_start(&(struct world_options){ .scale = SCALE });
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .world = world });
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    for (size_t i = 0; i < queries; i++) {
        const char *call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\","
                           "\"params\":{\"subject\":\"alice@example.com\"}}";
        char *reply = rpc_exchange(rpc, call, strlen(call), NULL);
        answered_us[i] = support_now_us();
        if (reply == NULL || strstr(reply, "\"verdict\":\"registered\"") == NULL) {
            support_fail("query %zu: %s", i, reply != NULL ? reply : "no reply");
        }
        free(reply);
    }
    report("rollcalld, over its socket", world, answered_us, queries);
    rpc_free(&rpc);
    daemon_stop(&daemon);
    world_stop(&world);
}

static void
race_python(size_t queries, int64_t *answered_us)
{
    struct world *world = world_start(&(struct world_options){ .scale = SCALE });
    char *count = support_text("%zu", queries);
    const char *const argv[] = { "python3", TEST_SOURCE_DIR "/tests/bench/race.py",
                                 world_http(world), count, NULL };
    char *output = NULL;
    if (child_run(&(struct child_options){ .argv = argv }, &output, NULL) != 0) {
        support_fail("race.py failed");
    }
    char *at = output;
    for (size_t i = 0; i < queries; i++) {
        answered_us[i] = strtoll(at, &at, 10);
    }
    report("Python ThreadPoolExecutor", world, answered_us, queries);
    free(output);
    free(count);
    world_stop(&world);
}

int
main(int argc, char **argv)
{
    size_t queries = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : QUERIES_DEFAULT;
    if (queries == 0 || queries > 100000) {
        fprintf(stderr, "usage: bench_race [QUERIES, 1 to 100000]\n");
        return 64;
    }
    int64_t *answered_us = calloc(queries, sizeof(*answered_us));
    printf("%zu races of 50, 10 and 30 ms; from the winning reply's last byte to the answer:\n",
           queries);
    race_rollcall(queries, answered_us);
    race_python(queries, answered_us);
    free(answered_us);
    return 0;
}
