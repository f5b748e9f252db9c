/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reloads under 50 queries a second, one as soon as the last is done: every query is answered and
 * right, those too that began before a reload and end after it, and nothing is left behind.
 * Half of them are asked for on the admin socket, the others by SIGHUP.
 *
 * An argument, or ROLLCALL_RELOADS, is how many: 100 by default, fewer with a sanitizer. */
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
#include "tests/support/load.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"
#include "tests/system/footprint.h"
#include "tests/system/members.h"

#if defined(ROLLCALL_SANITIZED)
#define RELOADS_DEFAULT 25
#else
#define RELOADS_DEFAULT 100
#endif
#define RELOADS_MAX 1000000
/* Before the first measure: by then the allocator has all that a reload needs. */
#define RELOADS_WARM 10
/* What the same state may differ by, however many reloads lie between: pages that the allocator
 * cannot give back because something small lives in them. */
#define SLACK_BYTES (256 * 1024)
#define SLACK_FDS 4
/* Long enough that queries are in flight at every reload. */
#define LATENCY_MS 60
/* How long the load goes on between two looks whether a reload is done. */
#define SLICE_US 2000
#define SLICES_MAX (SUPPORT_WAIT_MS * 1000 / SLICE_US)
/* The end of the log, where a test fails. */
#define LOG_SHOWN 700

static int reloads = RELOADS_DEFAULT;

struct scene {
    struct world *world;
    struct daemon *daemon;
    struct rpc *rpc;
    struct rpc *admin;
    struct load *load;
};
static struct scene scene;

static int
close_scene(void **state)
{
    (void)state;
    load_free(&scene.load);
    rpc_free(&scene.admin);
    rpc_free(&scene.rpc);
    daemon_free(&scene.daemon);
    world_free(&scene.world);
    return 0;
}

static void
expect_obeyed(void)
{
    char *reply = rpc_receive(scene.admin, SUPPORT_WAIT_MS, NULL);
    if (reply == NULL || strstr(reply, "\"state\":\"ready\"") == NULL) {
        support_fail("plugin.reload: %s", reply != NULL ? reply : "no reply");
    }
    free(reply);
}

/* One reload, to its READY=1, while the load goes on. */
static void
reload(bool by_order)
{
    static const char order[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"plugin.reload\","
                                "\"params\":{\"name\":\"github\"}}";
    int slices = 0; /* not by the clock: a machine that stands still stands still for both */
    if (by_order) {
        rpc_send(scene.admin, order, sizeof(order) - 1);
    } else {
        child_signal(daemon_child(scene.daemon), SIGHUP);
    }
    do {
        if (slices++ == SLICES_MAX) {
            char *log = daemon_log(scene.daemon);
            size_t len = strlen(log);
            support_fail("a reload does not end: %s",
                         log + (len > LOG_SHOWN ? len - LOG_SHOWN : 0));
        }
        load_run(&scene.load, 1, SLICE_US);
    } while (!daemon_wait_notice(scene.daemon, "READY=1", 0));
    if (by_order) {
        expect_obeyed();
    }
}

/* The daemon keeps the house before it tells the watchdog: twice, so that once was after all else.
 */
static void
let_tick(void)
{
    for (int i = 0; i < 2; i++) {
        assert_true(daemon_wait_notice(scene.daemon, "WATCHDOG=1", SUPPORT_WAIT_MS));
    }
}

/* The workers of the setup in force, as the daemon counts them. */
static size_t
workers_in_service(void)
{
    cJSON *status = rpc_result(scene.rpc, "status", NULL);
    double workers = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(status, "workers"));
    cJSON_Delete(status);
    return (size_t)workers;
}

/* What the daemon holds when nobody asks it anything and no old setup is left. */
static struct footprint
settle(void)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    load_drain(&scene.load, 1);
    let_tick();
    struct footprint now = footprint(scene.daemon);
    for (size_t own = workers_in_service(); now.workers != own; own = workers_in_service()) {
        if (support_now_us() > deadline_us) {
            support_fail("%zu workers are left, of which %zu in service", now.workers, own);
        }
        let_tick();
        now = footprint(scene.daemon);
    }
    print_message("%lld KiB, %zu descriptors, %zu workers\n", (long long)now.anon_bytes / 1024,
                  now.fds, now.workers);
    return now;
}

static bool
is_back(const struct footprint *now, const struct footprint *before)
{
#if !defined(ROLLCALL_SANITIZED) /* a sanitizer keeps freed memory back */
    if (now->anon_bytes > before->anon_bytes + SLACK_BYTES) {
        return false;
    }
#endif
    return now->fds <= before->fds + SLACK_FDS;
}

/* Connections are closed in their own time. */
static void
expect_back(const struct footprint *before)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    for (struct footprint now = settle(); !is_back(&now, before); now = settle()) {
        if (support_now_us() > deadline_us) {
            support_fail("%lld bytes and %zu descriptors before %d reloads, %lld and %zu after",
                         (long long)before->anon_bytes, before->fds, reloads,
                         (long long)now.anon_bytes, now.fds);
        }
    }
}

static size_t
count_lines(const char *log, const char *words)
{
    size_t count = 0;
    for (const char *at = strstr(log, words); at != NULL; at = strstr(at + 1, words)) {
        count++;
    }
    return count;
}

/* What the daemon has written is here a moment later. */
static void
expect_lines(const char *words, size_t wanted)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    size_t count = 0;
    do {
        char *log = daemon_log(scene.daemon);
        count = count_lines(log, words);
        free(log);
    } while (count < wanted && support_now_us() < deadline_us);
    assert_int_equal(count, wanted);
}

static void
start(const char *isolation)
{
    static const struct daemon_plugin plugins[] = {
        { .name = "facebook", .lines = "concurrency = 200;" },
        { .name = "github", .lines = "concurrency = 200;" },
        { .name = "twitter", .lines = "concurrency = 200;" },
    };
    /* One arena: each of the pool's threads would have one of its own from its first job on, and
     * which of them has worked when the first measure is taken is chance. */
    static const char *const env[] = { "WATCHDOG_USEC=2000000", "WATCHDOG_PID",
                                       "MALLOC_ARENA_MAX=1", NULL };
    char *lines = support_text("isolation = \"%s\";", isolation);
    scene.world = members_world(LATENCY_MS);
    scene.daemon = daemon_start(&(struct daemon_options){
        .world = scene.world,
        .plugins = plugins,
        .plugin_count = ARRAY_LEN(plugins),
        .lines = lines,
        .env = env,
    });
    scene.rpc = rpc_dial(daemon_url(scene.daemon));
    char *path = tmpdir_join(daemon_dir(scene.daemon), "admin.sock");
    char *url = support_text("ipc://%s", path);
    scene.admin = rpc_dial(url);
    scene.load = members_load(daemon_url(scene.daemon));
    free(url);
    free(path);
    free(lines);
}

static void
reloads_lose_no_query_and_leave_nothing(void **state)
{
    bool is_process = strcmp(*state, "process") == 0; /* code on threads is not reloaded by order */
    start(*state);
    members_warm(daemon_url(scene.daemon));
    for (int i = 0; i < RELOADS_WARM; i++) {
        reload(is_process && i % 2 == 0);
    }
    struct footprint before = settle();
    for (int i = 0; i < reloads; i++) {
        reload(is_process && i % 2 == 0);
    }
    expect_back(&before);
    members_expect_all_right(scene.load);
    print_message("%d reloads, %zu queries, all answered and right\n", reloads,
                  load_report(scene.load)->asked);
    expect_lines("reload: done", (size_t)(RELOADS_WARM + reloads));
    expect_lines(" is ready", 1);
    daemon_stop(&scene.daemon);
    world_stop(&scene.world);
}

int
main(int argc, char **argv)
{
    static char process[] = "process";
    static char thread[] = "thread";
    const struct CMUnitTest tests[] = {
        { "reloads, isolation = process", reloads_lose_no_query_and_leave_nothing, NULL,
          close_scene, process },
        { "reloads, isolation = thread", reloads_lose_no_query_and_leave_nothing, NULL, close_scene,
          thread },
    };
    const char *given = argc > 1 ? argv[1] : getenv("ROLLCALL_RELOADS");
    if (given != NULL) {
        long count = strtol(given, NULL, 10);
        if (count < 1 || count > RELOADS_MAX) {
            support_fail("%s: wants 1 to %d reloads", given, RELOADS_MAX);
        }
        reloads = (int)count;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
