/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Catalogues in a real daemon: where platforms come from, which of them a question means, that the
 * worker which read them leaves, and that a hostile one costs nobody anything. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/proc.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"
#include "tests/support/world.h"

#define MIB (1024 * 1024)
#define SITE(name, category)                                                                       \
    "{\"name\":\"" name "\",\"uri_check\":\"https://places.example/u/{account}\","                 \
    "\"e_code\":200,\"e_string\":\"member\",\"m_code\":404,\"m_string\":\"nobody\","               \
    "\"known\":[\"john\"],\"cat\":\"" category "\"}"
#define SITES(list) "{\"sites\":[" list "]}"
/* Sherlock's format, with a pattern that backtracks for ever. */
#define RUNAWAY                                                                                    \
    "{\"Runaway\":{\"url\":\"https://r.example/{}\",\"urlMain\":\"https://r.example/\","           \
    "\"errorType\":\"status_code\",\"username_claimed\":\"blue\","                                 \
    "\"regexCheck\":\"^(([a-z])+.)+[A-Z]([a-z])+$\"}}"
#define LONG_NAME "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define WORLD "{\"platforms\":{\"github\":{\"registered\":[\"alice\"],\"latency_ms\":0}}}"

struct scene {
    struct tmpdir *dir;
    struct world *world;
    struct daemon *daemon;
    struct rpc *rpc;
    char *plugins;
};
static struct scene scene;

static int
set_up(void **state)
{
    (void)state;
    scene = (struct scene){ .dir = tmpdir_new(),
                            .world = world_start(&(struct world_options){ .script = WORLD }) };
    free(tmpdir_copy(scene.dir, "plugins/sites.so", TEST_BUILD_DIR "/plugins/sites.so"));
    free(tmpdir_copy(scene.dir, "plugins/github.so", TEST_BUILD_DIR "/plugins/github.so"));
    scene.plugins = tmpdir_join(scene.dir, "plugins");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rpc_free(&scene.rpc);
    daemon_free(&scene.daemon);
    world_free(&scene.world);
    tmpdir_free(&scene.dir);
    free(scene.plugins);
    return 0;
}

/* A daemon with github and these catalogues: "a.json, b.json" in the scene's folder. */
static struct daemon_options
options_with(struct daemon_plugin plugins[2], char **lines, const char *catalogs)
{
    char *names = support_text("%s", catalogs);
    char *list = support_text("%s", "");
    char *save = NULL;
    for (char *name = strtok_r(names, ", ", &save); name != NULL;
         name = strtok_r(NULL, ", ", &save)) {
        char *longer = support_text("%s%s\"%s/%s\"", list, list[0] != '\0' ? ", " : "",
                                    tmpdir_path(scene.dir), name);
        free(list);
        list = longer;
    }
    *lines = support_text("catalogs = [ %s ];", list);
    free(names);
    free(list);
    plugins[0] = (struct daemon_plugin){ .name = "github" };
    plugins[1] = (struct daemon_plugin){ .name = "sites", .lines = *lines, .is_whole_world = true };
    return (struct daemon_options){
        .world = scene.world, .plugins = plugins, .plugin_count = 2, .plugin_dir = scene.plugins
    };
}

static void
start_with(const char *catalogs)
{
    struct daemon_plugin plugins[2];
    char *lines = NULL;
    struct daemon_options options = options_with(plugins, &lines, catalogs);
    scene.daemon = daemon_start(&options);
    scene.rpc = rpc_dial(daemon_url(scene.daemon));
    free(lines);
}

static void
write_file(const char *name, const char *text)
{
    free(tmpdir_write(scene.dir, name, text));
}

static void
expect_log(const char *wanted)
{
    char *log = daemon_log(scene.daemon);
    if (strstr(log, wanted) == NULL) {
        support_fail("wanted \"%s\" in:\n%.4000s", wanted, log);
    }
    free(log);
}

/* ---- what is asked ------------------------------------------------------------------------ */

/* The platforms of an answer's checks, sorted by the caller's `wanted`: each is there, no other. */
static void
expect_asked(const char *params, const char *wanted)
{
    cJSON *answer = rpc_result(scene.rpc, "check", params);
    const cJSON *checks = cJSON_GetObjectItemCaseSensitive(answer, "checks");
    const cJSON *check = NULL;
    int count = 0;
    char *names = support_text("%s", wanted);
    char *save = NULL;
    for (char *name = strtok_r(names, " ", &save); name != NULL;
         name = strtok_r(NULL, " ", &save)) {
        bool found = false;
        count++;
        cJSON_ArrayForEach(check, checks)
        {
            found = found || strcmp(rpc_text(check, "platform"), name) == 0;
        }
        if (!found) {
            support_fail("%s: no %s in %s", params, name, cJSON_PrintUnformatted(checks));
        }
    }
    if (cJSON_GetArraySize(checks) != count) {
        support_fail("%s: wanted %s, found %s", params, wanted, cJSON_PrintUnformatted(checks));
    }
    free(names);
    cJSON_Delete(answer);
}

static void
expect_platform(const cJSON *platforms, const char *id, const char *title, const char *source,
                bool adult)
{
    const cJSON *platform = NULL;
    cJSON_ArrayForEach(platform, platforms)
    {
        if (strcmp(rpc_text(platform, "id"), id) == 0) {
            assert_string_equal(rpc_text(platform, "title"), title);
            assert_string_equal(rpc_text(platform, "source"), source);
            const cJSON *flag = cJSON_GetObjectItemCaseSensitive(platform, "adult");
            assert_int_equal(cJSON_IsTrue(flag), adult);
            return;
        }
    }
    support_fail("no platform %s", id);
}

/* github is the C plugin's, whatever a catalogue says; "Same" the first catalogue's. */
static void
a_question_means_some_of_them(void **state)
{
    (void)state;
    write_file("one.json", SITES(SITE("GitHub", "coding") "," SITE("Same", "music") "," SITE(
                               "Hot Spot", "xx NSFW xx") "," SITE("Chess.com", "gaming")));
    write_file("two.json", SITES(SITE("same", "art") "," SITE("Other", "music")));
    start_with("one.json, two.json");
    cJSON *result = rpc_result(scene.rpc, "platforms", NULL);
    const cJSON *platforms = cJSON_GetObjectItemCaseSensitive(result, "platforms");
    assert_int_equal(cJSON_GetArraySize(platforms), 5);
    expect_platform(platforms, "github", "GitHub", "github.so", false);
    expect_platform(platforms, "same", "Same", "one", false);
    expect_platform(platforms, "hotspot", "Hot Spot", "one", true);
    expect_platform(platforms, "chesscom", "Chess.com", "one", false);
    expect_platform(platforms, "other", "Other", "two", false);
    cJSON_Delete(result);
#define ASK "{\"subject\":\"alice\",\"timeout_ms\":10000"
    expect_asked(ASK "}", "github");
    expect_asked(ASK ",\"until\":\"all\"}", "github same chesscom other");
    expect_asked(ASK ",\"until\":\"all\",\"adult\":true}", "github same chesscom other hotspot");
    expect_asked(ASK ",\"until\":\"all\",\"catalog\":\"one\"}", "same chesscom hotspot");
    expect_asked(ASK ",\"catalog\":\"two\"}", "other");
    expect_asked(ASK ",\"until\":\"all\",\"platforms\":[\"music\"]}", "same other");
    expect_asked(ASK ",\"until\":\"all\",\"platforms\":[\"music\"],\"catalog\":\"two\"}", "other");
    expect_asked(ASK ",\"until\":\"all\",\"platforms\":[\"hotspot\"]}", "hotspot");
    expect_asked(ASK ",\"until\":\"all\",\"exclude\":[\"music\",\"github\"]}", "chesscom");
    expect_log("sites.so: 5 checkers from data, 1 of them shadowed by others");
    expect_log("two: shadowed by one: same");
    daemon_stop(&scene.daemon);
}

/* ---- who reads it ------------------------------------------------------------------------- */

/* Processes of the daemon's that hold a memory file as large as the catalogue, or larger. */
static bool
maps_much(pid_t pid, size_t bytes)
{
    char path[64];
    char line[512];
    bool much = false;
    (void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long begin = 0;
        unsigned long end = 0;
        bool is_frame = strstr(line, "rollcall-frame") != NULL;
        much = much ||
               (is_frame && sscanf(line, "%lx-%lx", &begin, &end) == 2 && end - begin >= bytes);
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
    return much;
}

static bool
any_child_maps(size_t bytes)
{
    char path[96];
    int child = 0;
    bool much = false;
    pid_t pid = daemon_pid(scene.daemon);
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    DIR *tasks = NULL;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", (int)pid, task->d_name);
        FILE *children = fopen(path, "r");
        while (children != NULL && fscanf(children, "%d", &child) == 1) {
            much = much || maps_much(child, bytes);
        }
        if (children != NULL) {
            (void)fclose(children);
        }
    }
    (void)closedir(tasks);
    return much;
}

/* The one that read it is on its way out when the daemon is ready. */
static void
wait_until_no_child_maps(size_t bytes)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (any_child_maps(bytes)) {
        if (support_now_us() > deadline_us) {
            support_fail("a worker keeps the file");
        }
    }
}

/* Once the daemon is ready nobody holds the file any more: not the daemon, and no worker; those
 * that serve the checks never see it. */
static void
nobody_keeps_the_file(void **state)
{
    (void)state;
    char *path = tmpdir_join(scene.dir, "large.json");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void)fputs("{\"license\":[\"", out);
    for (int i = 0; i < 8 * MIB; i++) {
        (void)fputc('x', out);
    }
    (void)fputs("\"],\"sites\":[" SITE("Lone", "music") "]}", out);
    assert_int_equal(fclose(out), 0);
    free(path);
    start_with("large.json");
    expect_asked("{\"subject\":\"alice\",\"catalog\":\"large\"}", "lone");
    wait_until_no_child_maps((size_t)4 * MIB);
#if !defined(ROLLCALL_SANITIZED) /* a sanitizer keeps freed memory back */
    struct proc_memory memory = proc_memory(daemon_pid(scene.daemon));
    assert_in_range(memory.anon_bytes, 1, (size_t)8 * MIB);
#endif
    daemon_stop(&scene.daemon);
}

/* ---- hostile ones ------------------------------------------------------------------------- */

static char *
deep_text(void)
{
    enum { DEPTH = 200000 };
    char *text = malloc(DEPTH + sizeof(SITES("")));
    assert_non_null(text);
    size_t len = (size_t)sprintf(text, "{\"sites\":");
    memset(text + len, '[', DEPTH);
    text[len + DEPTH] = '\0';
    return text;
}

static char *
huge_text(void)
{
    size_t bytes = (size_t)16 * MIB;
    char *text = malloc(bytes + 512);
    assert_non_null(text);
    size_t len = (size_t)sprintf(text, "{\"sites\":[{\"name\":\"Huge\",\"uri_check\":"
                                       "\"https://h.example/{account}\",\"e_code\":200,"
                                       "\"m_code\":404,\"m_string\":\"no\",\"e_string\":\"");
    memset(text + len, 'x', bytes);
    (void)sprintf(text + len + bytes, "\",\"known\":[\"a\"],\"cat\":\"social\"}]}");
    return text;
}

static void
expect_well(void)
{
    cJSON *answer = rpc_result(scene.rpc, "check", "{\"subject\":\"alice\"}");
    assert_string_equal(rpc_text(answer, "verdict"), "registered");
    cJSON_Delete(answer);
}

/* The daemon starts, says what is wrong, and all else is well. */
static void
hostile_ones_cost_only_themselves(void **state)
{
    (void)state;
    char *deep = deep_text();
    char *huge = huge_text();
    const struct {
        const char *name;
        const char *text;
        const char *logged;
    } rows[] = {
        { "deep.json", deep, "deep.json: refused: " },
        { "huge.json", huge, "huge: an entry: broken: " },
        { "cut.json", "{\"sites\":[" SITE("Cut", "music") ",{\"name\":\"", "cut.json: refused: " },
        { "bytes.json", "{\"sites\":[{\"name\":\"\xff\xfe\"}]}", "bytes.json: refused: " },
        { "nowhere.json",
          SITES("{\"name\":\"Nowhere\",\"uri_check\":\"https://n.example/\",\"e_code\":200,"
                "\"e_string\":\"y\",\"m_code\":404,\"m_string\":\"n\",\"cat\":\"x\"}"),
          "nowhere: Nowhere: broken: " },
        { "host.json",
          SITES("{\"name\":\"Anywhere\",\"uri_check\":\"https://{account}/\",\"e_code\":200,"
                "\"e_string\":\"y\",\"m_code\":404,\"m_string\":\"n\",\"cat\":\"x\"}"),
          "host: Anywhere: broken: " },
        { "control.json", SITES("{\"name\":\"\\u001b[2J\\n\",\"uri_check\":5}"), "control: " },
        { "empty.json", "", "empty.json: refused: " },
    };
    char *list = support_text("%s", "good.json");
    write_file("good.json", SITES(SITE("Good", "music")));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *longer = support_text("%s, %s", list, rows[i].name);
        write_file(rows[i].name, rows[i].text);
        free(list);
        list = longer;
    }
    start_with(list);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_log(rows[i].logged);
    }
    char *log = daemon_log(scene.daemon);
    assert_null(strchr(log, '\033'));
    free(log);
    expect_well();
    expect_asked("{\"subject\":\"alice\",\"catalog\":\"good\"}", "good");
    daemon_stop(&scene.daemon);
    free(list);
    free(deep);
    free(huge);
}

/* A catalogue that broke since it was read does not take its sites away: not one of two, and not by
 * an order about another plugin. */
static void
one_that_breaks_stays_as_it_was(void **state)
{
    (void)state;
    static const char *const orders[] = { "{\"name\":\"sites\"}", "{\"name\":\"github\"}" };
    static const char words[] = "sites.so: two.json: refused: ";
    write_file("one.json", SITES(SITE("First", "music")));
    write_file("two.json", SITES(SITE("Second", "music")));
    start_with("one.json, two.json");
    char *path = tmpdir_join(daemon_dir(scene.daemon), "admin.sock");
    char *url = support_text("ipc://%s", path);
    struct rpc *admin = rpc_dial(url);
    write_file("two.json", "{\"sites\":[");
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        cJSON *reply = rpc_call(admin, "plugin.reload", orders[i]);
        const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
        if (strstr(rpc_text(error, "data"), words) == NULL) {
            support_fail("row %zu: %s", i, cJSON_PrintUnformatted(reply));
        }
        cJSON_Delete(reply);
    }
    child_signal(daemon_child(scene.daemon), SIGHUP);
    assert_true(child_wait_text(daemon_child(scene.daemon), CHILD_STDERR,
                                "the old configuration stays in force", CHILD_WAIT_MS));
    expect_asked("{\"subject\":\"alice\",\"platforms\":[\"music\"],\"until\":\"all\"}",
                 "first second");
    write_file("two.json", SITES(SITE("Third", "music")));
    cJSON_Delete(rpc_result(admin, "plugin.reload", orders[0]));
    expect_asked("{\"subject\":\"alice\",\"platforms\":[\"music\"],\"until\":\"all\"}",
                 "first third");
    rpc_free(&admin);
    free(url);
    free(path);
    daemon_stop(&scene.daemon);
}

/* A pattern that runs away is given up; the worker that ran it is still there. */
static void
a_pattern_that_runs_away_is_given_up(void **state)
{
    (void)state;
    write_file("runaway.json", RUNAWAY);
    start_with("runaway.json");
    cJSON *answer =
        rpc_result(scene.rpc, "check",
                   "{\"subject\":\"" LONG_NAME "\",\"until\":\"all\",\"catalog\":\"runaway\"}");
    const cJSON *check = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(answer, "checks"), 0);
    assert_string_equal(rpc_text(check, "verdict"), "unknown");
    if (strcmp(rpc_text(check, "reason"), "plugin_failed") == 0) {
        support_fail("%s", cJSON_PrintUnformatted(check));
    }
    cJSON_Delete(answer);
    expect_well();
    daemon_stop(&scene.daemon);
}

/* A gigabyte that is not even there: refused by its size, before anything is read. */
static void
what_is_too_large_is_refused(void **state)
{
    (void)state;
    char *path = tmpdir_write(scene.dir, "giant.json", "");
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)1024 * MIB), 0);
    (void)close(fd);
    free(path);
    struct daemon_plugin plugins[2];
    char *lines = NULL;
    int status = 0;
    struct daemon_options options = options_with(plugins, &lines, "giant.json");
    scene.daemon = daemon_launch(&options);
    assert_true(child_wait(daemon_child(scene.daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 78);
    expect_log("giant.json: is larger than 64 MiB");
    free(lines);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_question_means_some_of_them),     TEST(nobody_keeps_the_file),
        TEST(hostile_ones_cost_only_themselves), TEST(a_pattern_that_runs_away_is_given_up),
        TEST(what_is_too_large_is_refused),      TEST(one_that_breaks_stays_as_it_was),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
