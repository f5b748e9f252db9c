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
#include "tests/support/proc.h"
#include "tests/system/orders.h"

#define WORLD                                                                                      \
    "{\"platforms\":{\"github\":{\"registered\":[\"alice\"]},"                                     \
    "\"twitter\":{\"registered\":[\"alice\"]},\"template\":{\"registered\":[\"alice\"]}}}"
/* As many as may wait, and four more. */
#define ORDERS_MAX 16
#define ORDERS_MANY (ORDERS_MAX + 4)
/* Of two plugins: those of the setup in force, of the next, and of some that are about to leave. */
#define WORKERS_MANY 32

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
        assert_in_range(proc_children(daemon_pid(scene.daemon)), 1, WORKERS_MANY);
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
        TEST(code_on_threads_stays),
        TEST(too_many_orders_are_told_so),
        TEST(a_stop_answers_what_waits),
    };
    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
