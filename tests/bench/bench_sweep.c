/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Sweeps over catalogues, beside a bare libcurl client that fetches the same URLs and decides
 * nothing, in one run on one world.
 *
 * Usage: bench_sweep [-r ROUNDS] [-p PART] [CATALOG…]. Without one, a catalogue of 481 made-up
 * sites. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "tests/bench/sweep_measure.h"
#include "tests/support/common.h"
#include "tests/support/sweep.h"

#define ROUNDS_DEFAULT 5
#define ROUNDS_MAX 100
#define SITES 481
#define CROWD 3000
#define CROWD_MS 200
#define SLOWEST_MS 3000
#define HOSTILE_S "6"
#define MS 1000.0
#define FAULTS                                                                                     \
    "\"status:403\",\"status:429\",\"status:503\",\"bot_wall\",\"reset\",\"endless\","             \
    "\"gzip_bomb\",\"redirect_loop\",\"truncate\",\"hang\",\"drip\",\"garbage\""
#define LIMITS "max_checks = 20000;"
#define NO_LIMITS "concurrency = 10000;"

struct rounds {
    struct sweep_cost mine[ROUNDS_MAX];
    struct sweep_cost peer[ROUNDS_MAX];
    size_t count;
};

/* ---- What is swept */

/* Two thirds ask for a status, one third reads a page: about as in the files people use. */
static char *
write_catalog(const struct tmpdir *dir, const char *file, int sites)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        support_fail("out of memory");
    }
    for (int i = 0; i < sites; i++) {
        (void)fprintf(out,
                      "%s\n\"Site %d\":{\"url\":\"https://site%d.example/u/{}\",\"urlMain\":"
                      "\"https://site%d.example/\",\"username_claimed\":\"blue\",\"errorType\":%s}",
                      i > 0 ? "," : "{", i, i, i,
                      i % 3 == 0 ? "\"message\",\"errorMsg\":\"nobody of that name\""
                                 : "\"status_code\"");
    }
    (void)fprintf(out, "\n}\n");
    (void)fclose(out);
    char *path = tmpdir_write(dir, file, text);
    free(text);
    return path;
}

/* The requests that a daemon has made, for the peer to make again. */
static char *
write_requests(struct sweep *sweep, const struct tmpdir *dir)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct world_log log = world_log(sweep->world);
    for (size_t i = 0; out != NULL && i < log.count; i++) {
        const struct world_event *event = &log.events[i];
        if (event->kind == WORLD_REQUEST) {
            (void)fprintf(out, "%s %s%s\n", event->method, world_http(sweep->world), event->target);
        }
    }
    world_log_free(&log);
    if (out == NULL || fclose(out) != 0) {
        support_fail("out of memory");
    }
    char *path = tmpdir_write(dir, "requests", text);
    free(text);
    return path;
}

static struct sweep_cost
check(const struct sweep *sweep, const char *timeout_s, bool samples)
{
    const char *const argv[] = { TEST_BUILD_DIR "/bin/rollcall",
                                 "check",
                                 "alice",
                                 "--url",
                                 daemon_url(sweep->daemon),
                                 "--all",
                                 "--adult",
                                 "--fresh",
                                 "--timeout",
                                 timeout_s,
                                 NULL };
    return sweep_measure(argv, daemon_pid(sweep->daemon), samples);
}

/* ---- Figures */

static int
compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

static double
median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

typedef double (*figure_fn)(const struct sweep_cost *cost);

static double
wall_ms(const struct sweep_cost *cost)
{
    return (double)cost->wall_us / MS;
}

static double
client_ms(const struct sweep_cost *cost)
{
    return (double)cost->client_cpu_us / MS;
}

static double
daemon_ms(const struct sweep_cost *cost)
{
    return (double)cost->daemon_cpu_us / MS;
}

static double
worker_ms(const struct sweep_cost *cost)
{
    return (double)cost->worker_cpu_us / MS;
}

static double
median_of(const struct sweep_cost *costs, size_t count, figure_fn figure)
{
    double values[ROUNDS_MAX];
    for (size_t i = 0; i < count; i++) {
        values[i] = figure(&costs[i]);
    }
    return median(values, count);
}

static void
print_costs(const struct rounds *rounds, size_t sites)
{
    const struct sweep_cost *mine = rounds->mine;
    double client = median_of(mine, rounds->count, client_ms);
    double daemon = median_of(mine, rounds->count, daemon_ms);
    double worker = median_of(mine, rounds->count, worker_ms);
    double peer = median_of(rounds->peer, rounds->count, client_ms);
    printf("  bare libcurl   wall %7.0f ms   CPU %6.1f ms                       %5.1f us a check\n",
           median_of(rounds->peer, rounds->count, wall_ms), peer, peer * MS / (double)sites);
    printf(
        "  rollcall       wall %7.0f ms   CPU %6.1f + %5.1f + %5.1f ms        %5.1f us a check\n",
        median_of(mine, rounds->count, wall_ms), daemon, worker, client,
        (daemon + worker + client) * MS / (double)sites);
    printf("                 (CPU of daemon + workers + client)\n");
    printf("  CPU to bare libcurl: %.2f with the client, %.2f without\n",
           (daemon + worker + client) / peer, (daemon + worker) / peer);
}

static void
print_memory(const struct sweep_cost *cost)
{
    printf("  peak resident: daemon %.1f + workers %.1f + client %.1f = %.1f MB; sampled together: "
           "PSS %.1f, private %.1f MB\n",
           (double)cost->daemon_peak_kb / 1024, (double)cost->worker_peak_kb / 1024,
           (double)cost->client_peak_kb / 1024,
           (double)(cost->daemon_peak_kb + cost->worker_peak_kb + cost->client_peak_kb) / 1024,
           (double)cost->pss_peak_kb / 1024, (double)cost->anon_peak_kb / 1024);
}

/* ---- The first one found */

static bool
is_positive(const cJSON *truth, const char *id)
{
    const cJSON *site = NULL;
    cJSON_ArrayForEach(site, cJSON_GetObjectItemCaseSensitive(truth, "sites"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(site, "id"));
        if (strcmp(name, id) == 0) {
            return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(site, "knows"));
        }
    }
    return false;
}

/* From the first reply of a site that knows the name, after `since_us`, to the client's line. */
static double
first_late_ms(struct sweep *sweep, const struct sweep_cost *cost, int64_t since_us)
{
    cJSON *truth = cJSON_Parse(sweep->truth);
    struct world_log log = world_log(sweep->world);
    int64_t replied_us = 0;
    for (size_t i = 0; i < log.count && replied_us == 0; i++) {
        const struct world_event *event = &log.events[i];
        if (event->kind == WORLD_REPLY && event->t_us > since_us && event->status == 200 &&
            is_positive(truth, event->platform)) {
            replied_us = event->t_us;
        }
    }
    world_log_free(&log);
    cJSON_Delete(truth);
    return (double)(cost->first_us - replied_us) / MS;
}

/* ---- The parts */

static void
run_rounds(struct sweep *sweep, const char *requests, size_t count, struct rounds *out_rounds)
{
    double late[ROUNDS_MAX];
    for (size_t i = 0; i < count; i++) {
        int64_t since_us = support_now_us();
        out_rounds->mine[i] = check(sweep, "30", false);
        late[i] = first_late_ms(sweep, &out_rounds->mine[i], since_us);
        out_rounds->peer[i] = sweep_measure_peer(requests);
    }
    out_rounds->count = count;
    printf("  first line after the first positive reply: %.2f ms (median; goal: 5)\n",
           median(late, count));
}

static struct sweep
start(const char *const *catalogs, const char *part)
{
    struct sweep sweep;
    sweep_start(
        &(struct sweep_options){
            .catalogs = catalogs, .part = part, .lines = LIMITS, .plugin_lines = NO_LIMITS },
        &sweep);
    return sweep;
}

static void
bench_latencies(const char *const *catalogs, const struct tmpdir *dir, size_t count)
{
    struct rounds rounds = { .count = 0 };
    struct sweep sweep =
        start(catalogs, "\"present\":[\"alice\"],\"positive\":3,\"latency_ms\":[20,3000]");
    struct sweep_cost warm = check(&sweep, "30", true);
    char *requests = write_requests(&sweep, dir);
    printf("A sweep of %zu sites that take 20 ms to %d ms:\n", warm.lines - 1, SLOWEST_MS);
    run_rounds(&sweep, requests, count, &rounds);
    print_costs(&rounds, warm.lines - 1);
    double wall = median_of(rounds.mine, count, wall_ms);
    printf("  wall to the slowest site: %.3f (goal: at most 1.05)\n", wall / SLOWEST_MS);
    print_memory(&warm);
    sweep_stop(&sweep);
    free(requests);
}

static void
bench_hostile(const char *const *catalogs)
{
    struct sweep sweep =
        start(catalogs, "\"present\":[\"alice\"],\"positive\":3,\"latency_ms\":"
                        "[20,3000],\"hostile\":{\"every\":1,\"faults\":[" FAULTS "]}");
    struct sweep_cost cost = check(&sweep, HOSTILE_S, true);
    printf("All of them hostile, with a deadline of " HOSTILE_S " s:\n"
           "  wall %.0f ms, CPU %.1f + %.1f + %.1f ms\n",
           wall_ms(&cost), daemon_ms(&cost), worker_ms(&cost), client_ms(&cost));
    print_memory(&cost);
    sweep_stop(&sweep);
}

static void
bench_crowd(const struct tmpdir *dir, size_t count)
{
    struct rounds rounds = { .count = 0 };
    char *catalog = write_catalog(dir, "crowd.json", CROWD);
    const char *const catalogs[] = { catalog, NULL };
    struct sweep sweep =
        start(catalogs, "\"present\":[\"alice\"],\"positive\":3,\"latency_ms\":200");
    struct sweep_cost warm = check(&sweep, "30", true);
    char *requests = write_requests(&sweep, dir);
    printf("%zu checks of %d ms, all in flight:\n", warm.lines - 1, CROWD_MS);
    run_rounds(&sweep, requests, count, &rounds);
    print_costs(&rounds, CROWD);
    printf("  wall to bare libcurl: %.2f (goal: at most 1.2; CPU without the client at most 2)\n",
           median_of(rounds.mine, count, wall_ms) / median_of(rounds.peer, count, wall_ms));
    print_memory(&warm);
    sweep_stop(&sweep);
    free(requests);
    free(catalog);
}

static bool
is_wanted(const char *part, const char *name)
{
    return part == NULL || strcmp(part, name) == 0;
}

static int
usage(void)
{
    (void)fprintf(stderr,
                  "usage: bench_sweep [-r ROUNDS, 1 to %d] [-p latencies|hostile|crowd] "
                  "[CATALOG...]\n",
                  ROUNDS_MAX);
    return 64;
}

int
main(int argc, char **argv)
{
    size_t count = ROUNDS_DEFAULT;
    const char *part = NULL;
    for (int option = getopt(argc, argv, "r:p:"); option != -1;
         option = getopt(argc, argv, "r:p:")) {
        count = option == 'r' ? (size_t)strtoul(optarg, NULL, 10) : option == 'p' ? count : 0;
        part = option == 'p' ? optarg : part;
    }
    if (count == 0 || count > ROUNDS_MAX) {
        return usage();
    }
    struct tmpdir *dir = tmpdir_new();
    char *made_up = write_catalog(dir, "made-up.json", SITES);
    const char *const usual[] = { made_up, NULL };
    const char *const *catalogs = optind < argc ? (const char *const *)argv + optind : usual;
    if (is_wanted(part, "latencies")) {
        bench_latencies(catalogs, dir, count);
    }
    if (is_wanted(part, "hostile")) {
        bench_hostile(catalogs);
    }
    if (is_wanted(part, "crowd")) {
        bench_crowd(dir, count);
    }
    free(made_up);
    tmpdir_free(&dir);
    return 0;
}
