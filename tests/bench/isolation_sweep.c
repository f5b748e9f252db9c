/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Sweeps of checkers from data over a world, by two daemons that take turns. */
#include "tests/bench/isolation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"
#include "tests/support/world.h"

#define SITES 500
#define SITES_TEXT "500"
#define WARM 3
#define WAYS 2

static const char *const ways[WAYS] = { "thread", "process" };

static struct daemon *
start_daemon(const struct world *world, const struct tmpdir *plugins, const char *isolation)
{
    const struct daemon_plugin sites = { .name = "sites",
                                         .lines = "count = " SITES_TEXT "; concurrency = 1000;" };
    char *lines = support_text("isolation = \"%s\";", isolation);
    struct daemon *daemon = daemon_start(&(struct daemon_options){
        .world = world,
        .plugins = &sites,
        .plugin_count = 1,
        .plugin_dir = tmpdir_path(plugins),
        .lines = lines,
    });
    free(lines);
    return daemon;
}

/* Every site says of this name that it is nobody's. */
static int64_t
sweep(struct rpc *rpc, size_t number)
{
    char *params = support_text("{\"subject\":\"nobody%zu\",\"platforms\":[\"made-up\"],"
                                "\"until\":\"all\"}",
                                number);
    int64_t begun_ns = isolation_now_ns();
    cJSON *answer = rpc_result(rpc, "check", params);
    int64_t took_ns = isolation_now_ns() - begun_ns;
    const char *verdict = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "verdict"));
    int checks = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "checks"));
    if (verdict == NULL || strcmp(verdict, "unregistered") != 0 || checks != SITES) {
        support_fail("a sweep of %d: %.2000s", checks, cJSON_PrintUnformatted(answer));
    }
    cJSON_Delete(answer);
    free(params);
    return took_ns;
}

static void
compare_ways(size_t sweeps, int latency_ms)
{
    int64_t *samples[WAYS];
    struct daemon *daemons[WAYS];
    struct rpc *rpcs[WAYS];
    char *script = support_text("{\"platforms\":{\"sites\":{\"registered\":[],\"latency_ms\":%d}}}",
                                latency_ms);
    struct world *world = world_start(&(struct world_options){
        .script = script, .cases = TEST_SOURCE_DIR "/tests/plugin/fixtures" });
    struct tmpdir *plugins = tmpdir_new();
    free(tmpdir_copy(plugins, "sites.so", TEST_BUILD_DIR "/tests/plugins/sites.so"));
    for (int way = 0; way < WAYS; way++) {
        samples[way] = calloc(sweeps, sizeof(*samples[way]));
        daemons[way] = start_daemon(world, plugins, ways[way]);
        rpcs[way] = rpc_dial(daemon_url(daemons[way]));
    }
    for (size_t i = 0; i < WARM + sweeps; i++) {
        for (size_t turn = 0; turn < WAYS; turn++) {
            size_t way = (turn + i) % WAYS; /* the second one finds caches warm */
            int64_t took_ns = sweep(rpcs[way], i);
            if (i >= WARM) {
                samples[way][i - WARM] = took_ns;
            }
        }
    }
    double p50[WAYS];
    printf("%zu sweeps of %d sites that take %d ms each:\n", sweeps, SITES, latency_ms);
    for (int way = 0; way < WAYS; way++) {
        p50[way] = isolation_quantile_us(samples[way], sweeps, 0.5) / 1000;
        printf("  isolation = %-10s p50 %8.1f ms   p90 %8.1f ms\n", ways[way], p50[way],
               isolation_quantile_us(samples[way], sweeps, 0.9) / 1000);
        free(samples[way]);
        rpc_free(&rpcs[way]);
        daemon_stop(&daemons[way]);
    }
    printf("  process to thread: %.3f (goal: at most 1.05)\n", p50[1] / p50[0]);
    world_stop(&world);
    tmpdir_free(&plugins);
    free(script);
}

void
isolation_sweeps(size_t sweeps)
{
    compare_ways(sweeps, 100);
    compare_ways(sweeps, 0);
}
