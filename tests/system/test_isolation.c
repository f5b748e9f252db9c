/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Where plugin code runs: what `plugins` says of it, what a worker's death costs, that the plugins
 * of one daemon can run in different places, and who of them reaches the network. */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/child.h"
#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"
#include "tests/support/world.h"

#define WORLD                                                                                      \
    "{\"platforms\":{\"github\":{\"registered\":[\"alice\"],\"latency_ms\":10},"                   \
    "\"twitter\":{\"registered\":[\"alice\"],\"latency_ms\":10}}}"
#define ASK "{\"subject\":\"alice\",\"until\":\"all\",\"platforms\":[\"github\",\"twitter\"]}"
#define CHILDREN_MAX 16

struct scene {
    struct world *world;
    struct daemon *daemon;
    struct tmpdir *plugins; /* of a test that has a folder of its own */
    struct rpc *rpc;
    struct rpc *other;
};
static struct scene scene;

static void
open_scene(const struct daemon_plugin *plugins, size_t count, const char *lines)
{
    scene.world = world_start(&(struct world_options){ .script = WORLD });
    scene.daemon = daemon_start(&(struct daemon_options){
        .world = scene.world, .plugins = plugins, .plugin_count = count, .lines = lines });
    scene.rpc = rpc_dial(daemon_url(scene.daemon));
}

/* github and the test plugins of these names, NULL at the end. */
static void
open_scene_with(const char *const *names, const char *lines)
{
    scene.plugins = tmpdir_new();
    free(tmpdir_copy(scene.plugins, "github.so", TEST_BUILD_DIR "/plugins/github.so"));
    for (; *names != NULL; names++) {
        char *file = support_text("%s.so", *names);
        char *from = support_text("%s/tests/plugins/%s", TEST_BUILD_DIR, file);
        free(tmpdir_copy(scene.plugins, file, from));
        free(from);
        free(file);
    }
    static const struct daemon_plugin github = { .name = "github" };
    scene.world = world_start(&(struct world_options){ .script = WORLD });
    scene.daemon = daemon_start(&(struct daemon_options){
        .world = scene.world,
        .plugins = &github,
        .plugin_count = 1,
        .plugin_dir = tmpdir_path(scene.plugins),
        .lines = lines,
    });
    scene.rpc = rpc_dial(daemon_url(scene.daemon));
    scene.other = rpc_dial(daemon_url(scene.daemon));
}

static int
close_scene(void **state)
{
    (void)state;
    rpc_free(&scene.rpc);
    rpc_free(&scene.other);
    daemon_free(&scene.daemon);
    tmpdir_free(&scene.plugins);
    world_free(&scene.world);
    return 0;
}

/* The row of a plugin in what `plugins` says; the caller frees the whole. */
static const cJSON *
plugin_row(cJSON **out_result, const char *name)
{
    *out_result = rpc_result(scene.rpc, "plugins", NULL);
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(*out_result, "plugins"))
    {
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(row, "name");
        if (strcmp(cJSON_GetStringValue(text), name) == 0) {
            return row;
        }
    }
    support_fail("no plugin %s", name);
    return NULL;
}

static void
expect_registered(void)
{
    cJSON *answer = rpc_result(scene.rpc, "check", ASK);
    const cJSON *check = NULL;
    int count = 0;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(answer, "checks"))
    {
        if (strcmp(rpc_text(check, "verdict"), "registered") != 0) {
            support_fail("%s", cJSON_PrintUnformatted(answer));
        }
        count++;
    }
    assert_int_equal(count, 2);
    cJSON_Delete(answer);
}

static bool
is_worker_of(pid_t pid, pid_t parent, const char *file)
{
    char path[64];
    char text[1024] = "";
    long found = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(path, "r");
    if (stat == NULL) {
        return false;
    }
    int count = fscanf(stat, "%*d %*s %*c %ld", &found);
    (void)fclose(stat);
    if (count != 1 || found != parent) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    FILE *arguments = fopen(path, "r");
    size_t len = arguments != NULL ? fread(text, 1, sizeof(text) - 1, arguments) : 0;
    if (arguments != NULL) {
        (void)fclose(arguments);
    }
    return memmem(text, len, file, strlen(file)) != NULL;
}

/* Those of the daemon's children whose arguments name this file. */
static size_t
find_workers(const char *file, pid_t *pids)
{
    size_t count = 0;
    DIR *folder = opendir("/proc");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && count < CHILDREN_MAX;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && is_worker_of(pid, daemon_pid(scene.daemon), file)) {
            pids[count++] = pid;
        }
    }
    (void)closedir(folder);
    return count;
}

static void
plugins_say_where_they_run(void **state)
{
    (void)state;
    static const struct daemon_plugin plugins[] = {
        { .name = "github" },
        { .name = "twitter", .lines = "isolation = \"thread\";" },
    };
    cJSON *result = NULL;
    pid_t pids[CHILDREN_MAX];
    open_scene(plugins, 2, "workers = 1;");
    expect_registered();
    const cJSON *row = plugin_row(&result, "github");
    assert_string_equal(rpc_text(row, "isolation"), "process");
    assert_string_equal(rpc_text(row, "state"), "ready");
    assert_true(cJSON_GetObjectItemCaseSensitive(row, "workers")->valuedouble >= 1);
    cJSON_Delete(result);
    row = plugin_row(&result, "twitter");
    assert_string_equal(rpc_text(row, "isolation"), "thread");
    assert_int_equal((int)cJSON_GetObjectItemCaseSensitive(row, "workers")->valuedouble, 0);
    cJSON_Delete(result);
    assert_true(find_workers("github.so", pids) >= 1);
    assert_int_equal(find_workers("twitter.so", pids), 0);
}

static void
wait_for_death(void)
{
    cJSON *result = NULL;
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    const cJSON *row = plugin_row(&result, "github");
    while (strstr(rpc_text(row, "last_error"), "killed by signal 9 (SIGKILL)") == NULL) {
        if (support_now_us() > deadline_us) {
            support_fail("nobody noticed: %s", cJSON_PrintUnformatted(row));
        }
        cJSON_Delete(result);
        row = plugin_row(&result, "github");
    }
    cJSON_Delete(result);
}

/* A worker of a plugin is killed between two queries: the next one is right all the same. */
static void
killed_workers_are_replaced(void **state)
{
    (void)state;
    static const struct daemon_plugin plugins[] = { { .name = "github" }, { .name = "twitter" } };
    open_scene(plugins, 2, "workers = 1;");
    expect_registered();
    pid_t daemon = daemon_pid(scene.daemon);
    pid_t pids[CHILDREN_MAX];
    size_t count = find_workers("github.so", pids);
    assert_in_range(count, 1, 2); /* so few deaths do not put it aside */
    assert_int_equal(kill(pids[0], SIGKILL), 0);
    wait_for_death();
    expect_registered();
    assert_int_equal(daemon_pid(scene.daemon), daemon);
    daemon_stop(&scene.daemon);
}

/* ---- In mid-call */

/* The verdict of one platform in an answer, with the reason where it is unknown. */
static char *
finding_of(const cJSON *answer, const char *platform)
{
    const cJSON *check = NULL;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(answer, "checks"))
    {
        if (strcmp(rpc_text(check, "platform"), platform) == 0) {
            return support_text("%s%s%s", rpc_text(check, "verdict"),
                                rpc_text(check, "reason")[0] != '\0' ? ": " : "",
                                rpc_text(check, "reason"));
        }
    }
    support_fail("the answer lists no %s", platform);
}

static void
expect_finding(const cJSON *answer, const char *platform, const char *wanted)
{
    char *found = finding_of(answer, platform);
    assert_string_equal(found, wanted);
    free(found);
}

/* Ask one platform about one name, by the other connection. */
static void
expect_answer(const char *platform, const char *subject, const char *wanted)
{
    char *params = support_text("{\"subject\":\"%s\",\"platforms\":[\"%s\"]}", subject, platform);
    cJSON *answer = rpc_result(scene.other, "check", params);
    expect_finding(answer, platform, wanted);
    cJSON_Delete(answer);
    free(params);
}

/* Until the plugin has been called so often. There is an idle worker, so the last call is in its
 * hands as soon as it is counted. */
static void
wait_for_calls(const char *name, int wanted)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    for (int calls = 0; calls != wanted;) {
        cJSON *result = rpc_result(scene.other, "plugins", NULL);
        const cJSON *row = NULL;
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "plugins"))
        {
            if (strcmp(rpc_text(row, "name"), name) == 0) {
                calls = cJSON_GetObjectItemCaseSensitive(row, "calls")->valueint;
            }
        }
        cJSON_Delete(result);
        if (support_now_us() > deadline_us) {
            support_fail("%s was called %d times, not %d", name, calls, wanted);
        }
    }
}

/* A worker is killed from outside with a call in hand, in the middle of a query: that check alone
 * is unknown, and the next call of the same plugin is served. */
static void
a_death_in_mid_call_costs_that_check(void **state)
{
    (void)state;
    static const char *const names[] = { "block", NULL };
    static const char call[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":"
                               "{\"subject\":\"wait\",\"until\":\"all\","
                               "\"platforms\":[\"block\",\"github\"]}}";
    pid_t pids[CHILDREN_MAX];
    open_scene_with(names, "workers = 1;");
    expect_answer("block", "yes", "registered");
    rpc_send(scene.rpc, call, sizeof(call) - 1);
    wait_for_calls("block", 2);
    size_t count = find_workers("block.so", pids);
    assert_in_range(count, 1, 2); /* it, and the spare */
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(kill(pids[i], SIGKILL), 0);
    }
    char *reply = rpc_receive(scene.rpc, RPC_WAIT_MS, NULL);
    assert_non_null(reply);
    cJSON *tree = cJSON_Parse(reply);
    const cJSON *answer = cJSON_GetObjectItemCaseSensitive(tree, "result");
    expect_finding(answer, "block", "unknown: plugin_failed");
    expect_finding(answer, "github", "unregistered");
    cJSON_Delete(tree);
    free(reply);
    expect_answer("block", "yes", "registered");
    daemon_stop(&scene.daemon);
}

/* ---- The network */

static int
listen_on_loopback(uint16_t *out_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, len) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        support_fail("no port to listen on");
    }
    *out_port = ntohs(address.sin_port);
    return fd;
}

static bool
is_called(int fd)
{
    struct pollfd caller = { .fd = fd, .events = POLLIN };
    return poll(&caller, 1, 0) == 1;
}

/* Code that blocks gets to the network when its checker says that it must, and only then. */
static void
only_who_declares_it_reaches_the_network(void **state)
{
    (void)state;
    static const char *const names[] = { "dial", "confined", NULL };
    uint16_t port = 0;
    int fd = listen_on_loopback(&port);
    char *subject = support_text("%u", port);
    open_scene_with(names, "workers = 1;");
    expect_answer("confined", subject, "unknown: blocked");
    assert_false(is_called(fd));
    expect_answer("dial", subject, "registered");
    assert_true(is_called(fd));
    (void)close(fd);
    free(subject);
    daemon_stop(&scene.daemon);
}

/* A thread cannot be killed: who does not come back from it stays behind when the daemon leaves. */
static void
who_never_comes_back_does_not_keep_the_daemon(void **state)
{
    (void)state;
    static const char *const names[] = { "block", NULL };
    static const char call[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":"
                               "{\"subject\":\"never\",\"platforms\":[\"block\"]}}";
    open_scene_with(names, "isolation = \"thread\"; stop_timeout = \"1s\";");
    rpc_send(scene.other, call, sizeof(call) - 1);
    assert_true(child_wait_text(daemon_child(scene.daemon), CHILD_STDERR, "block: here for good",
                                CHILD_WAIT_MS));
    child_signal(daemon_child(scene.daemon), SIGTERM);
    int status = -1;
    assert_true(child_wait(daemon_child(scene.daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    char *log = daemon_log(scene.daemon);
    assert_non_null(strstr(log, "a plugin does not come back from a thread: leaving without it"));
    free(log);
}

/* Nobody outlives the daemon, however it ends. */
static void
workers_die_with_the_daemon(void **state)
{
    (void)state;
    static const struct daemon_plugin plugins[] = { { .name = "github" }, { .name = "twitter" } };
    pid_t pids[CHILDREN_MAX];
    open_scene(plugins, 2, NULL);
    expect_registered();
    size_t count = find_workers("github.so", pids);
    assert_true(count >= 1);
    struct pollfd ends[CHILDREN_MAX];
    for (size_t i = 0; i < count; i++) {
        ends[i] = (struct pollfd){ .fd = pidfd_open(pids[i], 0), .events = POLLIN };
        assert_true(ends[i].fd >= 0);
    }
    child_signal(daemon_child(scene.daemon), SIGKILL);
    for (size_t i = 0; i < count; i++) {
        if (poll(&ends[i], 1, SUPPORT_WAIT_MS) != 1) {
            support_fail("worker %d lives on", (int)pids[i]);
        }
        (void)close(ends[i].fd);
    }
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_teardown(fn, close_scene)
    const struct CMUnitTest tests[] = {
        TEST(plugins_say_where_they_run),
        TEST(killed_workers_are_replaced),
        TEST(a_death_in_mid_call_costs_that_check),
        TEST(only_who_declares_it_reaches_the_network),
        TEST(who_never_comes_back_does_not_keep_the_daemon),
        TEST(workers_die_with_the_daemon),
    };
    return cmocka_run_group_tests_name("isolation", tests, NULL, NULL);
}
