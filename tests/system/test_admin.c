/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The admin socket: who may ask there, and plugins that are loaded, unloaded and reloaded on it.
 * Whatever cannot be done changes nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/child.h"
#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

#define WORLD                                                                                      \
    "{\"platforms\":{\"github\":{\"registered\":[\"alice\"]},"                                     \
    "\"twitter\":{\"registered\":[\"alice\"]},\"template\":{\"registered\":[\"alice\"]}}}"
#define TEMPLATE TEST_BUILD_DIR "/plugins-not-installed/template.so"
#define GOOD_DATA "one\ntwo\n"
#define INVALID_PARAMS (-32602)
#define METHOD_NOT_FOUND (-32601)
#define NOT_PERMITTED (-32003)
#define OVERLOADED (-32001)
#define SHUTTING_DOWN (-32004)
/* As many as may wait, and four more. */
#define ORDERS_MAX 16
#define ORDERS_MANY (ORDERS_MAX + 4)
#define DYING_RELOADS 20
/* More than the workers of a plugin, and the spare. */
#define LOOPING_CHECKS 10

struct scene {
    struct world *world;
    struct daemon *daemon;
    struct tmpdir *plugins; /* copies that a test may change */
    struct rpc *rpc;
    struct rpc *admin;
};
static struct scene scene;

static struct rpc *
dial_admin(void)
{
    char *path = tmpdir_join(daemon_dir(scene.daemon), "admin.sock");
    char *url = support_text("ipc://%s", path);
    struct rpc *rpc = rpc_dial(url);
    free(url);
    free(path);
    return rpc;
}

/* github and twitter, from copies in a folder of the test's own. */
static void
open_scene(const char *lines)
{
    scene.plugins = tmpdir_new();
    free(tmpdir_copy(scene.plugins, "github.so", TEST_BUILD_DIR "/plugins/github.so"));
    free(tmpdir_copy(scene.plugins, "twitter.so", TEST_BUILD_DIR "/plugins/twitter.so"));
    static const struct daemon_plugin plugins[] = { { .name = "github" }, { .name = "twitter" } };
    scene.world = world_start(&(struct world_options){ .script = WORLD });
    scene.daemon = daemon_start(&(struct daemon_options){ .world = scene.world,
                                                          .plugins = plugins,
                                                          .plugin_count = ARRAY_LEN(plugins),
                                                          .plugin_dir = tmpdir_path(scene.plugins),
                                                          .lines = lines });
    scene.rpc = rpc_dial(daemon_url(scene.daemon));
    scene.admin = dial_admin();
}

static int
close_scene(void **state)
{
    (void)state;
    rpc_free(&scene.admin);
    rpc_free(&scene.rpc);
    daemon_free(&scene.daemon);
    world_free(&scene.world);
    tmpdir_free(&scene.plugins);
    return 0;
}

/* Whether `plugins` lists one of that name in that state. */
static bool
is_listed(const char *name, const char *state)
{
    cJSON *result = rpc_result(scene.rpc, "plugins", NULL);
    const cJSON *row = NULL;
    bool is_found = false;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "plugins"))
    {
        is_found = is_found || (strcmp(rpc_text(row, "name"), name) == 0 &&
                                strcmp(rpc_text(row, "state"), state) == 0);
    }
    cJSON_Delete(result);
    return is_found;
}

static bool
is_ready(const char *name)
{
    return is_listed(name, "ready");
}

static void
expect_registered(const char *platform)
{
    char *params = support_text("{\"subject\":\"alice\",\"platforms\":[\"%s\"]}", platform);
    cJSON *answer = rpc_result(scene.rpc, "check", params);
    if (strcmp(rpc_text(answer, "verdict"), "registered") != 0) {
        support_fail("%s", cJSON_PrintUnformatted(answer));
    }
    cJSON_Delete(answer);
    free(params);
}

/* An order that is carried out: the plugin that it answers with has that state. */
static void
obey(const char *method, const char *params, const char *state)
{
    cJSON *result = rpc_result(scene.admin, method, params);
    const cJSON *plugin = cJSON_GetObjectItemCaseSensitive(result, "plugin");
    assert_non_null(plugin);
    if (strcmp(rpc_text(plugin, "state"), state) != 0) {
        support_fail("%s %s: %s", method, params, cJSON_PrintUnformatted(result));
    }
    cJSON_Delete(result);
}

/* An order that is refused with this code and a sentence with these words in it. */
static void
refuse(const char *method, const char *params, int code, const char *words)
{
    cJSON *reply = rpc_call(scene.admin, method, params);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
    if (rpc_error_code(reply) != code || strstr(rpc_text(error, "data"), words) == NULL) {
        support_fail("%s %s: %s; wants %d, %s", method, params, cJSON_PrintUnformatted(reply), code,
                     words);
    }
    cJSON_Delete(reply);
}

static void
only_its_owner_may_ask(void **state)
{
    (void)state;
    static const char *const methods[] = { "plugin.load", "plugin.unload", "plugin.reload" };
    struct stat info;
    open_scene(NULL);
    char *path = tmpdir_join(daemon_dir(scene.daemon), "admin.sock");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(daemon_path(scene.daemon), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0660);
    free(path);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        cJSON *reply = rpc_call(scene.rpc, methods[i], "{\"name\":\"github\"}");
        if (rpc_error_code(reply) != NOT_PERMITTED) {
            support_fail("row %zu: %s", i, cJSON_PrintUnformatted(reply));
        }
        cJSON_Delete(reply);
    }
    assert_true(is_ready("github"));
    cJSON_Delete(rpc_result(scene.admin, "status", NULL)); /* the other methods are there as well */
    refuse("plugin", NULL, METHOD_NOT_FOUND,
           "\"plugin\": no such method; there are check, submit, next, result, cancel, platforms, "
           "plugins, status; on the admin socket plugin.load, plugin.unload, plugin.reload");
    daemon_stop(&scene.daemon);
}

static void
there_may_be_none(void **state)
{
    (void)state;
    static const struct daemon_plugin plugins[] = { { .name = "github" } };
    scene.world = world_start(&(struct world_options){ .script = WORLD });
    scene.daemon = daemon_start(&(struct daemon_options){
        .world = scene.world, .plugins = plugins, .plugin_count = 1, .lines = "admin = \"\";" });
    char *path = tmpdir_join(daemon_dir(scene.daemon), "admin.sock");
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static void
plugins_go_and_come_back(void **state)
{
    (void)state;
    open_scene(NULL);
    expect_registered("github");
    obey("plugin.unload", "{\"name\":\"github\"}", "unloaded");
    assert_false(is_ready("github"));
    assert_true(is_listed("github", "unloaded")); /* which says what could be loaded again */
    refuse("check", "{\"subject\":\"alice\",\"platforms\":[\"github\"]}", INVALID_PARAMS, "github");
    expect_registered("twitter");
    child_signal(daemon_child(scene.daemon), SIGHUP); /* which does not bring it back */
    assert_true(daemon_wait_notice(scene.daemon, "RELOADING=1", SUPPORT_WAIT_MS));
    obey("plugin.reload", "{\"file\":\"twitter.so\"}", "ready");
    assert_false(is_ready("github"));
    refuse("plugin.unload", "{\"name\":\"github\"}", INVALID_PARAMS, "no such plugin is loaded");
    refuse("plugin.load", "{\"file\":\"github.so\"}", INVALID_PARAMS, "load it by name");
    obey("plugin.load", "{\"name\":\"github\"}", "ready");
    expect_registered("github");
    daemon_stop(&scene.daemon);
}

static void
new_files_are_loaded(void **state)
{
    (void)state;
    open_scene(NULL);
    obey("plugin.load", "{\"file\":\"" TEMPLATE "\"}", "ready");
    assert_true(is_ready("template"));
    refuse("plugin.load", "{\"file\":\"" TEMPLATE "\"}", INVALID_PARAMS, "is loaded already");
    obey("plugin.unload", "{\"file\":\"template.so\"}", "unloaded");
    free(tmpdir_copy(scene.plugins, "another.so", TEST_BUILD_DIR "/plugins/facebook.so"));
    obey("plugin.load", "{\"file\":\"another.so\"}", "ready");
    assert_true(is_ready("facebook"));
    assert_false(is_ready("template"));
    daemon_stop(&scene.daemon);
}

static void
what_cannot_be_done_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *params;
        const char *words;
    } rows[] = {
        { "plugin.load", NULL, "either name or file" },
        { "plugin.load", "{\"name\":\"github\",\"file\":\"github.so\"}", "either name or file" },
        { "plugin.load", "{\"name\":7}", "name: found a number" },
        { "plugin.load", "{\"name\":\"github\"}", "is loaded already" },
        { "plugin.load", "{\"file\":\"github.so\"}", "is loaded already" },
        { "plugin.load", "{\"name\":\"nobody\"}", "no plugin of that name was unloaded" },
        { "plugin.load", "{\"file\":\"x/y.so\"}", "wants an absolute path" },
        { "plugin.load", "{\"file\":\"nobody.so\"}", "no such plugin was found" },
        { "plugin.load", "{\"file\":\"/nonexistent/x.so\"}", "x.so: cannot be read" },
        { "plugin.load", "{\"file\":\"" TEST_BUILD_DIR "/tests/broken/magic.so\"}", "magic.so: " },
        { "plugin.load", "{\"file\":\"namesake.so\"}",
          "namesake.so: the name github is taken by github.so" },
        { "plugin.unload", "{\"name\":\"nobody\"}", "no such plugin is loaded" },
        { "plugin.reload", "{\"name\":\"nobody\"}", "no such plugin is loaded" },
    };
    open_scene(NULL);
    free(tmpdir_copy(scene.plugins, "namesake.so", TEST_BUILD_DIR "/plugins/github.so"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        refuse(rows[i].method, rows[i].params, INVALID_PARAMS, rows[i].words);
    }
    expect_registered("github");
    expect_registered("twitter");
    cJSON *result = rpc_result(scene.rpc, "plugins", NULL);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(result, "plugins")), 2);
    cJSON_Delete(result);
    daemon_stop(&scene.daemon);
}

/* The file was replaced by one that is refused: what serves goes on serving. */
static void
a_broken_file_does_not_replace_a_good_one(void **state)
{
    (void)state;
    open_scene(NULL);
    free(tmpdir_copy(scene.plugins, "github.new", TEST_BUILD_DIR "/tests/broken/magic.so"));
    char *from = tmpdir_join(scene.plugins, "github.new");
    char *to = tmpdir_join(scene.plugins, "github.so");
    assert_int_equal(rename(from, to), 0);
    refuse("plugin.reload", "{\"name\":\"github\"}", INVALID_PARAMS, "github.so: ");
    expect_registered("github");
    assert_true(is_ready("github"));
    free(tmpdir_copy(scene.plugins, "github.new", TEST_BUILD_DIR "/plugins/github.so"));
    assert_int_equal(rename(from, to), 0);
    obey("plugin.reload", "{\"name\":\"github\"}", "ready");
    expect_registered("github");
    free(to);
    free(from);
    daemon_stop(&scene.daemon);
}

/* ---- what serves is not lost by the way --------------------------------------------------- */

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

static void
code_on_threads_stays(void **state)
{
    (void)state;
    open_scene("isolation = \"thread\";");
    refuse("plugin.reload", "{\"name\":\"github\"}", INVALID_PARAMS, "isolation = \"thread\"");
    obey("plugin.unload", "{\"name\":\"github\"}", "unloaded");
    obey("plugin.load", "{\"name\":\"github\"}", "ready");
    expect_registered("github");
    daemon_stop(&scene.daemon);
}

/* As many orders as one message: each a reload of github. free() it. */
static char *
batch_of_reloads(int count)
{
    char *batch = support_text("[");
    for (int i = 0; i < count; i++) {
        char *longer = support_text("%s%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":"
                                    "\"plugin.reload\",\"params\":{\"name\":\"github\"}}",
                                    batch, i > 0 ? "," : "", i);
        free(batch);
        batch = longer;
    }
    char *whole = support_text("%s]", batch);
    free(batch);
    return whole;
}

/* How many replies of the batch that was sent have this code; 0: a result. */
static int
count_codes(const cJSON *replies, int code)
{
    const cJSON *reply = NULL;
    int count = 0;
    cJSON_ArrayForEach(reply, replies)
    {
        count += rpc_error_code(reply) == code;
    }
    return count;
}

static cJSON *
receive_batch(void)
{
    char *text = rpc_receive(scene.admin, RPC_WAIT_MS, NULL);
    assert_non_null(text);
    cJSON *replies = cJSON_Parse(text);
    free(text);
    return replies;
}

/* More than may wait in one batch; a signal that nobody asked for does no harm. */
static void
too_many_orders_are_told_so(void **state)
{
    (void)state;
    open_scene(NULL);
    char *batch = batch_of_reloads(ORDERS_MANY);
    child_signal(daemon_child(scene.daemon), SIGRTMIN);
    rpc_send(scene.admin, batch, strlen(batch));
    for (int i = 0; i < ORDERS_MAX; i++) { /* who sends notices waits for whoever reads them */
        assert_true(daemon_wait_notice(scene.daemon, "READY=1", SUPPORT_WAIT_MS));
    }
    cJSON *replies = receive_batch();
    assert_int_equal(count_codes(replies, 0), ORDERS_MAX);
    assert_int_equal(count_codes(replies, OVERLOADED), ORDERS_MANY - ORDERS_MAX);
    cJSON_Delete(replies);
    free(batch);
    expect_registered("github");
    daemon_stop(&scene.daemon);
}

/* A daemon that is told to stop in the midst of orders answers them all: those that it has carried
 * out by then, and those that it will not. */
static void
a_stop_answers_what_waits(void **state)
{
    (void)state;
    int status = -1;
    open_scene(NULL);
    char *batch = batch_of_reloads(ORDERS_MAX);
    rpc_send(scene.admin, batch, strlen(batch));
    assert_true(daemon_wait_notice(scene.daemon, "READY=1", SUPPORT_WAIT_MS));
    child_signal(daemon_child(scene.daemon), SIGTERM);
    assert_true(daemon_wait_notice(scene.daemon, "STOPPING=1", SUPPORT_WAIT_MS));
    cJSON *replies = receive_batch();
    int done = count_codes(replies, 0);
    assert_true(done >= 1);
    assert_int_equal(done + count_codes(replies, SHUTTING_DOWN), ORDERS_MAX);
    cJSON_Delete(replies);
    free(batch);
    assert_true(child_wait(daemon_child(scene.daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_teardown(fn, close_scene)
    const struct CMUnitTest tests[] = {
        TEST(only_its_owner_may_ask),
        TEST(there_may_be_none),
        TEST(plugins_go_and_come_back),
        TEST(new_files_are_loaded),
        TEST(what_cannot_be_done_changes_nothing),
        TEST(a_broken_file_does_not_replace_a_good_one),
        TEST(broken_data_does_not_replace_good_data),
        TEST(broken_data_at_the_start_costs_only_itself),
        TEST(a_broken_file_is_not_dropped_by_the_way),
        TEST(a_dying_plugin_is_reloaded),
        TEST(status_shows_what_waits_for_workers),
        TEST(code_on_threads_stays),
        TEST(too_many_orders_are_told_so),
        TEST(a_stop_answers_what_waits),
    };
    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
