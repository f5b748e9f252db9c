/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Every reload opens all plugins and their data anew. Whatever one that serves has become
 * meanwhile, it is not lost by the way: a broken file, broken data, workers that die. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/child.h"
#include "tests/system/orders.h"

#define GOOD_DATA "one\ntwo\n"
#define DYING_RELOADS 20
/* More than the workers of a plugin, and the spare. */
#define LOOPING_CHECKS 10

/* Two plugins that have no section, and moody with its data. */
static void
open_moody_scene(const char *data)
{
    scene.plugins = tmpdir_new();
    free(tmpdir_copy(scene.plugins, "moody.so", TEST_BUILD_DIR "/tests/plugins/moody.so"));
    free(tmpdir_copy(scene.plugins, "steps.so", TEST_BUILD_DIR "/tests/plugins/steps.so"));
    free(tmpdir_copy(scene.plugins, "shared.so", TEST_BUILD_DIR "/tests/plugins/shared.so"));
    char *catalog = tmpdir_write(scene.plugins, "catalog.txt", data);
    char *lines = support_text("plugin = { moody = { catalog = \"%s\"; }; };", catalog);
    scene.daemon = daemon_start(
        &(struct daemon_options){ .plugin_dir = tmpdir_path(scene.plugins), .lines = lines });
    scene.rpc = rpc_dial(daemon_url(scene.daemon));
    scene.admin = dial_admin();
    free(lines);
    free(catalog);
}

static void
expect_platforms(int count)
{
    cJSON *result = rpc_result(scene.rpc, "platforms", "{\"tag\":\"moody\"}");
    const cJSON *platforms = cJSON_GetObjectItemCaseSensitive(result, "platforms");
    if (cJSON_GetArraySize(platforms) != count) {
        support_fail("wanted %d platforms: %s", count, cJSON_PrintUnformatted(result));
    }
    cJSON_Delete(result);
}

static size_t
count_in_log(const char *words)
{
    char *log = daemon_log(scene.daemon);
    size_t count = 0;
    for (const char *at = strstr(log, words); at != NULL; at = strstr(at + 1, words)) {
        count++;
    }
    free(log);
    return count;
}

/* Who sends notices waits for whoever reads them. */
static void
read_notices(void)
{
    (void)!daemon_wait_notice(scene.daemon, "none that begins so", 0);
}

/* A reload by SIGHUP that changes nothing, and says why. */
static void
expect_hangup_refused(const char *words)
{
    read_notices();
    char *line = support_text("reload: %s", words);
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    size_t before = count_in_log(line);
    child_signal(daemon_child(scene.daemon), SIGHUP);
    while (count_in_log(line) == before) { /* what it has written is here a moment later */
        read_notices();
        assert_true(support_now_us() < deadline_us);
    }
    free(line);
}

/* Data that cannot be read any more does not replace what was read of it: neither by order, nor by
 * an order about another plugin, nor by SIGHUP. */
static void
broken_data_does_not_replace_good_data(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        const char *words;
    } rows[] = {
        { "!crash\n", "moody.so: its data could not be read: worker killed by signal 6" },
        { "one\n!crash\n", "moody.so: its data could not be read: worker killed by signal 6" },
        { "!refuse\n", "moody.so: its data could not be read: its enumerate offers nothing" },
        { "!broken\n", "moody.so: catalog.txt: refused: it is broken" },
    };
    open_moody_scene(GOOD_DATA);
    expect_platforms(2);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        free(tmpdir_write(scene.plugins, "catalog.txt", rows[i].data));
        refuse("plugin.reload", "{\"name\":\"moody\"}", INVALID_PARAMS, rows[i].words);
        refuse("plugin.reload", "{\"name\":\"steps\"}", INVALID_PARAMS, rows[i].words);
        refuse("plugin.unload", "{\"name\":\"steps\"}", INVALID_PARAMS, rows[i].words);
        expect_hangup_refused(rows[i].words);
        expect_platforms(2);
        assert_true(is_ready("moody"));
        assert_true(is_ready("steps"));
    }
    free(tmpdir_write(scene.plugins, "catalog.txt", "!broken\nthree\n")); /* not all is lost */
    obey("plugin.reload", "{\"name\":\"moody\"}", "ready");
    expect_platforms(1);
    free(tmpdir_write(scene.plugins, "catalog.txt", "")); /* nor is anything broken */
    obey("plugin.reload", "{\"name\":\"moody\"}", "ready");
    expect_platforms(0);
    daemon_stop(&scene.daemon);
}

/* What data never gave is no loss, but an order for it is not carried out. */
static void
broken_data_at_the_start_costs_only_itself(void **state)
{
    (void)state;
    open_moody_scene("!refuse\n");
    assert_int_equal(count_in_log("moody.so: its data could not be read: its enumerate offers"), 1);
    expect_platforms(0);
    obey("plugin.reload", "{\"name\":\"steps\"}", "ready");
    refuse("plugin.reload", "{\"name\":\"moody\"}", INVALID_PARAMS,
           "moody.so: its data could not be read: its enumerate offers");
    free(tmpdir_write(scene.plugins, "catalog.txt", GOOD_DATA));
    obey("plugin.reload", "{\"name\":\"moody\"}", "ready");
    expect_platforms(2);
    daemon_stop(&scene.daemon);
}

static void
replace_file(const char *name, const char *from)
{
    char *fresh = tmpdir_copy(scene.plugins, "fresh", from);
    char *path = tmpdir_join(scene.plugins, name);
    assert_int_equal(rename(fresh, path), 0);
    free(path);
    free(fresh);
}

/* A reload opens all files anew: one that broke meanwhile is not dropped because of an order about
 * another one, unless it was taken away, or unloaded. */
static void
a_broken_file_is_not_dropped_by_the_way(void **state)
{
    (void)state;
    static const char words[] = "steps.so: wants";
    open_moody_scene(GOOD_DATA);
    replace_file("steps.so", TEST_BUILD_DIR "/tests/broken/major.so");
    refuse("plugin.reload", "{\"name\":\"shared\"}", INVALID_PARAMS, words);
    refuse("plugin.load", "{\"file\":\"" TEMPLATE "\"}", INVALID_PARAMS, words);
    refuse("plugin.unload", "{\"name\":\"shared\"}", INVALID_PARAMS, words);
    expect_hangup_refused(words);
    assert_true(is_ready("steps"));
    assert_true(is_ready("shared"));
    assert_false(is_ready("template"));
    obey("plugin.unload", "{\"name\":\"steps\"}", "refused"); /* as its file is now */
    refuse("plugin.load", "{\"name\":\"steps\"}", INVALID_PARAMS, words);
    read_notices();
    obey("plugin.reload", "{\"name\":\"shared\"}", "ready");
    replace_file("steps.so", TEST_BUILD_DIR "/tests/plugins/steps.so");
    obey("plugin.load", "{\"name\":\"steps\"}", "ready");
    read_notices();
    char *path = tmpdir_join(scene.plugins, "steps.so");
    assert_int_equal(unlink(path), 0);
    free(path);
    obey("plugin.reload", "{\"name\":\"shared\"}", "ready");
    assert_false(is_ready("steps"));
    daemon_stop(&scene.daemon);
}

/* Its workers die all the while: what becomes of it is nobody's but the loop's. */
static void
a_dying_plugin_is_reloaded(void **state)
{
    (void)state;
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":"
                              "{\"subject\":\"die\",\"platforms\":[\"hostile-mortal\"]}}";
    open_moody_scene(GOOD_DATA);
    obey("plugin.load", "{\"file\":\"" TEST_BUILD_DIR "/tests/hostile/hostile-mortal.so\"}",
         "ready");
    for (int i = 0; i < DYING_RELOADS; i++) {
        rpc_send(scene.rpc, ask, sizeof(ask) - 1);
        cJSON *result = rpc_result(scene.admin, "plugin.reload", "{\"name\":\"hostile-mortal\"}");
        const cJSON *plugin = cJSON_GetObjectItemCaseSensitive(result, "plugin");
        assert_string_equal(rpc_text(plugin, "name"), "hostile-mortal");
        cJSON_Delete(result);
        free(rpc_receive(scene.rpc, RPC_WAIT_MS, NULL));
        read_notices();
    }
    assert_true(is_ready("steps"));
    daemon_stop(&scene.daemon);
}

static int
number_of(const cJSON *object, const char *key)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, key);
    assert_true(cJSON_IsNumber(number));
    return number->valueint;
}

/* What waits for workers that do not come back is seen in `status`. */
static void
status_shows_what_waits_for_workers(void **state)
{
    (void)state;
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    open_moody_scene(GOOD_DATA);
    obey("plugin.load", "{\"file\":\"" TEST_BUILD_DIR "/tests/hostile/hostile-loop.so\"}", "ready");
    for (int i = 0; i < LOOPING_CHECKS; i++) {
        char *params = support_text("{\"subject\":\"name%d\",\"platforms\":[\"hostile-loop\"]}", i);
        cJSON_Delete(rpc_result(scene.rpc, "submit", params));
        free(params);
    }
    for (bool is_seen = false; !is_seen;) {
        cJSON *status = rpc_result(scene.rpc, "status", NULL);
        const cJSON *processes = cJSON_GetObjectItemCaseSensitive(status, "processes");
        is_seen = number_of(processes, "busy") > 0 &&
                  number_of(processes, "queued") + number_of(processes, "ahead") > 0;
        assert_true(number_of(processes, "busy") + number_of(processes, "idle") <=
                    number_of(status, "workers"));
        cJSON_Delete(status);
        assert_true(support_now_us() < deadline_us);
    }
    daemon_stop(&scene.daemon);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_teardown(fn, close_scene)
    const struct CMUnitTest tests[] = {
        TEST(broken_data_does_not_replace_good_data),
        TEST(broken_data_at_the_start_costs_only_itself),
        TEST(a_broken_file_is_not_dropped_by_the_way),
        TEST(a_dying_plugin_is_reloaded),
        TEST(status_shows_what_waits_for_workers),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
