/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One hostile plugin at a time beside healthy ones under 50 queries a second. Whatever it does
 * costs its own checks: no healthy check is lost or wrong, the daemon stays, and what was taken
 * comes back. As root every misdeed is done twice, the second time by a plain user's daemon.
 *
 * $HOSTILE_SECONDS (1 by default) is how long each of them goes on; an argument is a pattern of
 * test names: `HOSTILE_SECONDS=10 test_system_hostile 'fork*'`. Built with a sanitizer, and without
 * $HOSTILE_SECONDS, each of them goes on for half a second and is done as one user. */
#include <arpa/inet.h>
#include <errno.h>
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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/load.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"
#include "tests/support/world.h"
#include "tests/system/footprint.h"
#include "tests/system/members.h"

#define PLAIN_USER 65534
#define US_PER_S INT64_C(1000000)
#define SECONDS_MAX 3600

#define HOSTILE_LANES 4
#define HOSTILE_EVERY_US (5 * INT64_C(1000))
/* What a hostile check may take until its answer is here: a step that loops is killed after 2 s,
 * half of the lanes wait for the workers that the others hold, and the machine may be busy. */
#define HOSTILE_MOST_US (20 * US_PER_S * SUPPORT_SLOWDOWN)

#define HEALTHY_PLUGINS 3
/* What a healthy check may take on a busy machine: less than a hostile plugin would have the loop
 * sleep. */
#define HEALTHY_MOST_US (10 * US_PER_S)
#define HEALTHY_LATENCY_MS 3
#define RELOADS 5
/* How long the load goes on between two looks at a plugin's state. */
#define ASIDE_SLICE_US (100 * INT64_C(1000))

struct misdeed {
    const char *name;    /* the plugin is hostile-<name> */
    const char *reasons; /* what its checks may end with, between blanks */
    const char *said;    /* a part of its last error; NULL: it has none */
    bool is_put_aside;
};

#if defined(ROLLCALL_SANITIZED)
/* A sanitizer sees a crash first and ends the process in a way of its own; and it is slow. */
#define CRASHED(number) "worker "
#define TOOK_ALL "worker "
#else
#define CRASHED(number) "killed by signal " #number
#define TOOK_ALL "killed " /* at its limit of memory, or of time where pages come slowly */
#endif

static const struct misdeed misdeeds[] = {
    { "segfault", " plugin_failed ", CRASHED(11), true },
    { "abort", " plugin_failed ", "killed by signal 6", true },
    { "exit", " plugin_failed ", "exited with status 0", true },
    { "loop", " plugin_failed timeout ", "killed after", true },
    { "memory", " plugin_failed timeout ", TOOK_ALL, true },
    { "descriptors", " blocked ", NULL, false },
    { "fork", " blocked ", NULL, false },
    { "garbage", " plugin_failed ", "broke the protocol", true },
    { "oversize", " plugin_failed ", "broke the protocol", true },
    { "mute", " plugin_failed timeout ", "broke the protocol", true },
    { "connect", " blocked ", NULL, false },
    { "linger", " plugin_failed ", "broke the protocol", true },
    { "shadow", " blocked ", NULL, false },
    { "parent", " blocked ", NULL, false },
    { "verdict", " plugin_failed ", "7 is no verdict", false },
    { "step", " plugin_failed ", "its step returned 77", false },
    { "long", " plugin_failed ", "its URL is longer than", false },
};

/* Connections to it are made and never read from: it never accepts. For misdeeds that take a peer,
 * whose subjects begin with its port. */
static int deaf_peer = -1;
static unsigned deaf_port;

/* What one test has started; the teardown stops whatever is left. */
struct scene {
    struct tmpdir *plugins;
    struct daemon *daemon;
    struct rpc *rpc;
    struct load *loads[2]; /* the healthy one, the hostile one */
};
static struct scene scene;

static struct world *world;
static bool was_killed; /* a daemon of a test that failed: its workers die after it */
static int64_t run_us = US_PER_S;
static bool is_short; /* each misdeed once, by whoever runs the test */

/* ---- The scene */

static void
add_plugin(const char *folder, const char *name)
{
    char *from = support_text("%s/%s/%s.so", TEST_BUILD_DIR, folder, name);
    char *file = support_text("%s.so", name);
    free(tmpdir_copy(scene.plugins, file, from));
    free(file);
    free(from);
}

static void
start_daemon(const char *hostile, bool has_section, uid_t user)
{
    const struct daemon_plugin plugins[] = {
        { .name = "facebook", .lines = "concurrency = 200;" },
        { .name = "github", .lines = "concurrency = 200;" },
        { .name = "twitter", .lines = "concurrency = 200;" },
        { .name = hostile, .lines = "concurrency = 200;" },
    };
    scene.plugins = tmpdir_new();
    tmpdir_open(scene.plugins);
    add_plugin("plugins", "facebook");
    add_plugin("plugins", "github");
    add_plugin("plugins", "twitter");
    add_plugin("tests/hostile", hostile);
    scene.daemon = daemon_start(&(struct daemon_options){
        .world = world,
        .plugins = plugins,
        .plugin_count = has_section ? HEALTHY_PLUGINS + 1 : HEALTHY_PLUGINS,
        .plugin_dir = tmpdir_path(scene.plugins),
        .lines = "isolation = \"process\";",
        .user = user,
    });
    scene.rpc = rpc_dial(daemon_url(scene.daemon));
    scene.loads[0] = members_load(daemon_url(scene.daemon));
}

static int
close_scene(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scene.loads); i++) {
        load_free(&scene.loads[i]);
    }
    rpc_free(&scene.rpc);
    was_killed = was_killed || scene.daemon != NULL;
    daemon_free(&scene.daemon);
    tmpdir_free(&scene.plugins);
    return 0;
}

/* ---- What is judged */

static char *
judge_hostile(size_t number, const cJSON *answer, int64_t took_us, void *context)
{
    (void)number;
    const struct misdeed *misdeed = context;
    const cJSON *check = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(answer, "checks"), 0);
    const char *verdict = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(check, "verdict"));
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(check, "reason"));
    if (took_us > HOSTILE_MOST_US) {
        return support_text("too late");
    }
    if (verdict == NULL || reason == NULL || strcmp(verdict, "unknown") != 0) {
        return support_text("no unknown with a reason");
    }
    char *word = support_text(" %s ", reason);
    bool is_right = strstr(misdeed->reasons, word) != NULL;
    free(word);
    return is_right ? NULL : support_text("another reason than%s", misdeed->reasons);
}

static char *
ask_hostile(size_t number, void *context)
{
    const struct misdeed *misdeed = context;
    return support_text("{\"subject\":\"%u-%zu\",\"platforms\":[\"hostile-%s\"],"
                        "\"until\":\"all\"}",
                        deaf_port, number, misdeed->name);
}

/* The same process as at the start, and it never began anew. */
static void
expect_daemon_lives(void)
{
    struct pollfd end = { .fd = child_pidfd(daemon_child(scene.daemon)), .events = POLLIN };
    char *log = daemon_log(scene.daemon);
    const char *ready = strstr(log, " is ready");
    if (poll(&end, 1, 0) != 0 || ready == NULL || strstr(ready + 1, " is ready") != NULL) {
        support_fail("the daemon ended: %s", log);
    }
    free(log);
}

/* The row of `plugins` for a file, within a whole result. */
static const cJSON *
plugin_row(const cJSON *result, const char *hostile)
{
    char *file = support_text("%s.so", hostile);
    const cJSON *row = NULL;
    const cJSON *found = NULL;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "plugins"))
    {
        found = strcmp(members_text(row, "file"), file) == 0 ? row : found;
    }
    free(file);
    if (found == NULL) {
        support_fail("`plugins` has no %s", hostile);
    }
    return found;
}

static bool
is_in_state(const char *hostile, const char *state)
{
    cJSON *result = rpc_result(scene.rpc, "plugins", NULL);
    bool is_so = strcmp(members_text(plugin_row(result, hostile), "state"), state) == 0;
    cJSON_Delete(result);
    return is_so;
}

/* Those that hold their worker for long need more than a second to fail often enough. */
static void
run_until_aside(const char *hostile)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (!is_in_state(hostile, "aside")) {
        if (support_now_us() > deadline_us) {
            support_fail("%s was never put aside", hostile);
        }
        load_run(scene.loads, 2, ASIDE_SLICE_US);
    }
}

static void
expect_state(const char *hostile, const char *state, const char *said)
{
    cJSON *result = rpc_result(scene.rpc, "plugins", NULL);
    const cJSON *row = plugin_row(result, hostile);
    const cJSON *last_error = cJSON_GetObjectItemCaseSensitive(row, "last_error");
    const char *text = cJSON_GetStringValue(last_error);
    bool is_said =
        said == NULL ? cJSON_IsNull(last_error) : text != NULL && strstr(text, said) != NULL;
    if (!is_said || strcmp(members_text(row, "state"), state) != 0) {
        support_fail("%s: not \"%s\" with \"%s\" but %s", hostile, state,
                     said != NULL ? said : "nothing", cJSON_PrintUnformatted(row));
    }
    cJSON_Delete(result);
}

/* Whether the log has a line that holds both. */
static bool
is_in_log(const char *name, const char *words)
{
    char *log = daemon_log(scene.daemon);
    bool is_logged = false;
    for (char *line = log; line != NULL && !is_logged;) {
        char *next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        is_logged = strstr(line, name) != NULL && strstr(line, words) != NULL;
        line = next;
    }
    free(log);
    return is_logged;
}

/* What the daemon has written is here a moment later. */
static void
expect_logged(const char *name, const char *words)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (!is_in_log(name, words)) {
        if (support_now_us() > deadline_us) {
            support_fail("the log has no line with \"%s\" and \"%s\"", name, words);
        }
    }
}

static void
expect_healthy_in_time(void)
{
    const struct load_report *report = load_report(scene.loads[0]);
    if (report->slowest_us > HEALTHY_MOST_US) {
        support_fail("a healthy check took %lld ms", (long long)report->slowest_us / 1000);
    }
}

/* ---- The tests */

static void
run_misdeed(const struct misdeed *misdeed, uid_t user)
{
    char *hostile = support_text("hostile-%s", misdeed->name);
    start_daemon(hostile, true, user);
    scene.loads[1] = load_new(&(struct load_options){
        .url = daemon_url(scene.daemon),
        .lanes = HOSTILE_LANES,
        .every_us = HOSTILE_EVERY_US,
        .ask = ask_hostile,
        .judge = judge_hostile,
        .context = (void *)(uintptr_t)misdeed,
    });
    members_warm(daemon_url(scene.daemon));
    struct footprint before = footprint(scene.daemon);
    load_run(scene.loads, 2, run_us);
    if (misdeed->is_put_aside) {
        run_until_aside(hostile);
    }
    load_drain(scene.loads, 2);
    expect_daemon_lives();
    members_expect_all_right(scene.loads[0]);
    expect_healthy_in_time();
    const struct load_report *report = load_report(scene.loads[1]);
    if (report->wrong > 0) {
        support_fail("%zu of %zu hostile checks are wrong; first: %s", report->wrong, report->asked,
                     report->first_wrong);
    }
    assert_true(report->asked > 0);
    footprint_expect_back(scene.daemon, scene.rpc, &before,
                          HEALTHY_PLUGINS + (misdeed->is_put_aside ? 0 : 1));
    expect_state(hostile, misdeed->is_put_aside ? "aside" : "ready", misdeed->said);
    if (misdeed->is_put_aside) {
        expect_logged(hostile, "aside");
    }
    free(hostile);
    daemon_stop(&scene.daemon);
}

/* A constructor runs when the file is opened: with every reload, and never in the daemon. */
static void
run_constructor(uid_t user)
{
    static const char hostile[] = "hostile-constructor";
    start_daemon(hostile, false, user);
    expect_state(hostile, "refused", CRASHED(11));
    members_warm(daemon_url(scene.daemon));
    struct footprint before = footprint(scene.daemon);
    for (int i = 0; i < RELOADS; i++) {
        child_signal(daemon_child(scene.daemon), SIGHUP);
        load_run(scene.loads, 1, run_us / RELOADS);
    }
    load_drain(scene.loads, 1);
    expect_daemon_lives();
    members_expect_all_right(scene.loads[0]);
    expect_healthy_in_time();
    footprint_expect_back(scene.daemon, scene.rpc, &before, HEALTHY_PLUGINS);
    expect_state(hostile, "refused", CRASHED(11));
    expect_logged(hostile, CRASHED(11));
    daemon_stop(&scene.daemon);
}

struct run {
    const struct misdeed *misdeed; /* NULL: the constructor */
    uid_t user;
};

static void
one_hostile_plugin_costs_only_itself(void **state)
{
    const struct run *run = *state;
    if (run->misdeed == NULL) {
        run_constructor(run->user);
    } else {
        run_misdeed(run->misdeed, run->user);
    }
}

static int
open_world(void **state)
{
    (void)state;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    world = members_world(HEALTHY_LATENCY_MS);
    deaf_peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(deaf_peer, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(deaf_peer, SOMAXCONN), 0);
    assert_int_equal(getsockname(deaf_peer, (struct sockaddr *)&address, &len), 0);
    deaf_port = ntohs(address.sin_port);
    return 0;
}

/* Whatever escaped from a worker would be our child by now. */
static int
expect_nothing_left(void **state)
{
    (void)state;
    (void)close(deaf_peer);
    world_stop(&world);
    if (!was_killed && (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)) {
        support_fail("a process outlived its daemon");
    }
    return 0;
}

static void
choose_length(void)
{
    const char *text = getenv("HOSTILE_SECONDS");
#if defined(ROLLCALL_SANITIZED)
    if (text == NULL) {
        is_short = true;
        run_us = US_PER_S / 2;
        return;
    }
#endif
    long seconds = text != NULL ? strtol(text, NULL, 10) : 1;
    if (seconds < 1 || seconds > SECONDS_MAX) {
        support_fail("HOSTILE_SECONDS=%s: wants 1 to %d", text, SECONDS_MAX);
    }
    run_us = seconds * US_PER_S;
}

#define RUNS_MAX (2 * (ARRAY_LEN(misdeeds) + 1))

int
main(int argc, char **argv)
{
    static struct run runs[RUNS_MAX];
    static struct CMUnitTest tests[RUNS_MAX];
    const uid_t users[] = { 0, PLAIN_USER };
    size_t count = 0;
    choose_length();
    size_t user_count = geteuid() == 0 && !is_short ? ARRAY_LEN(users) : 1;
    for (size_t user = 0; user < user_count; user++) {
        for (size_t i = 0; i <= ARRAY_LEN(misdeeds); i++) {
            const struct misdeed *misdeed = i < ARRAY_LEN(misdeeds) ? &misdeeds[i] : NULL;
            runs[count] = (struct run){ .misdeed = misdeed, .user = users[user] };
            tests[count] = (struct CMUnitTest){
                .name = support_text("%s%s", misdeed != NULL ? misdeed->name : "constructor",
                                     users[user] != 0 ? ", as a plain user" : ""),
                .test_func = one_hostile_plugin_costs_only_itself,
                .teardown_func = close_scene,
                .initial_state = &runs[count],
            };
            count++;
        }
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return _cmocka_run_group_tests("hostile", tests, count, open_world, expect_nothing_left);
}
