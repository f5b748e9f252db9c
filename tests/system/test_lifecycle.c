/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Start, reload, stop: what the service manager is told and what clients see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"
#include "tests/support/world.h"

#define MS INT64_C(1000)
#define HANGING "{\"platforms\":{\"github\":{\"fault\":\"hang\"}}}"
#define DAEMON TEST_BUILD_DIR "/bin/rollcalld"

static const struct daemon_plugin github[] = { { .name = "github" } };

static void
send_check(struct rpc *rpc)
{
    static const char call[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":"
        "{\"subject\":\"a@x.org\",\"platforms\":[\"github\"],\"timeout_ms\":60000}}";
    rpc_send(rpc, call, sizeof(call) - 1);
}

static struct daemon *
start_hanging(struct world *world, const char *lines)
{
    return daemon_start(&(struct daemon_options){
        .world = world, .plugins = github, .plugin_count = 1, .lines = lines });
}

/* SIGTERM leaves stop_timeout to what is in flight, then cancels it; the client gets its answer. */
static void
sigterm_cancels_what_does_not_end(void **state)
{
    (void)state;
    struct world *world = world_start(&(struct world_options){ .script = HANGING });
    struct daemon *daemon = start_hanging(world, "stop_timeout = \"3s\";");
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    send_check(rpc);
    assert_true(world_wait(world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    int64_t begin_us = support_now_us();
    child_signal(daemon_child(daemon), SIGTERM);
    assert_true(daemon_wait_notice(daemon, "STOPPING=1", CHILD_WAIT_MS));
    char *reply = rpc_receive(rpc, RPC_WAIT_MS, NULL);
    assert_non_null(reply);
    assert_non_null(strstr(reply, "\"reason\":\"cancelled\""));
    free(reply);
    int status = -1;
    assert_true(child_wait(daemon_child(daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    assert_true(support_now_us() - begin_us >= 3000 * MS);
    rpc_free(&rpc);
    daemon_free(&daemon);
    world_stop(&world);
}

static void
sigterm_lets_what_is_in_flight_finish(void **state)
{
    (void)state;
    struct world *world = world_start(&(struct world_options){
        .script =
            "{\"platforms\":{\"github\":{\"registered\":[\"a@x.org\"],\"latency_ms\":400}}}" });
    struct daemon *daemon = start_hanging(world, "stop_timeout = \"600s\";");
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    send_check(rpc);
    assert_true(world_wait(world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    child_signal(daemon_child(daemon), SIGTERM);
    char *reply = rpc_receive(rpc, RPC_WAIT_MS, NULL);
    assert_non_null(reply);
    assert_non_null(strstr(reply, "\"verdict\":\"registered\""));
    free(reply);
    int status = -1;
    assert_true(child_wait(daemon_child(daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    rpc_free(&rpc);
    daemon_free(&daemon);
    world_stop(&world);
}

/* Until then nobody new is served, but whoever looks on. */
static void
a_second_sigterm_cancels_at_once(void **state)
{
    (void)state;
    struct world *world = world_start(&(struct world_options){ .script = HANGING });
    struct daemon *daemon = start_hanging(world, "stop_timeout = \"600s\";");
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    struct rpc *late = rpc_dial(daemon_url(daemon));
    send_check(rpc);
    assert_true(world_wait(world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    child_signal(daemon_child(daemon), SIGTERM);
    assert_true(daemon_wait_notice(daemon, "STOPPING=1", CHILD_WAIT_MS));
    assert_int_not_equal(access(daemon_path(daemon), F_OK), 0);
    cJSON *refused = rpc_call(late, "check", "{\"subject\":\"b@x.org\"}");
    assert_int_equal(rpc_error_code(refused), -32004);
    cJSON_Delete(refused);
    cJSON_Delete(rpc_result(late, "status", NULL));
    rpc_free(&late);
    child_signal(daemon_child(daemon), SIGTERM);
    int status = -1;
    assert_true(child_wait(daemon_child(daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    rpc_free(&rpc);
    daemon_free(&daemon);
    world_stop(&world);
}

static void
replace_in_file(const char *path, const char *old, const char *new)
{
    char *text = support_read_file(path, NULL);
    char *at = strstr(text, old);
    assert_non_null(at);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    assert_int_equal(fclose(file), 0);
    free(text);
}

static void
reload(struct daemon *daemon)
{
    child_signal(daemon_child(daemon), SIGHUP);
    assert_true(daemon_wait_notice(daemon, "RELOADING=1", CHILD_WAIT_MS));
    assert_true(daemon_wait_notice(daemon, "READY=1", CHILD_WAIT_MS));
}

static size_t
count_plugins_in_state(struct rpc *rpc, const char *wanted)
{
    cJSON *result = rpc_result(rpc, "plugins", NULL);
    const cJSON *plugin = NULL;
    size_t count = 0;
    cJSON_ArrayForEach(plugin, cJSON_GetObjectItemCaseSensitive(result, "plugins"))
    {
        const char *found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(plugin, "state"));
        count += strcmp(found, wanted) == 0 ? 1 : 0;
    }
    cJSON_Delete(result);
    return count;
}

/* A good file takes effect, a bad one leaves the old one in force and says so; a query that is
 * open meanwhile goes on. */
static void
sighup_reads_the_configuration_again(void **state)
{
    (void)state;
    struct world *world = world_start(&(struct world_options){
        .script =
            "{\"platforms\":{\"github\":{\"registered\":[\"a@x.org\"],\"latency_ms\":700}}}" });
    struct daemon *daemon = start_hanging(world, "deadline = \"20s\";");
    struct rpc *open = rpc_dial(daemon_url(daemon));
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    send_check(open);
    assert_true(world_wait(world, WORLD_REQUEST, "github", 1, CHILD_WAIT_MS));
    size_t ready = count_plugins_in_state(rpc, "ready");
    replace_in_file(daemon_config_file(daemon), "github = {", "github = { enabled = false;");
    reload(daemon);
    assert_int_equal(count_plugins_in_state(rpc, "ready"), ready - 1);
    assert_int_equal(count_plugins_in_state(rpc, "disabled"), 1);
    replace_in_file(daemon_config_file(daemon), "20s", "20 apples");
    reload(daemon);
    assert_int_equal(count_plugins_in_state(rpc, "disabled"), 1);
    struct child *child = daemon_child(daemon);
    assert_true(child_wait_text(child, CHILD_STDERR, "20 apples", CHILD_WAIT_MS));
    assert_true(child_wait_text(child, CHILD_STDERR, "the old configuration stays", CHILD_WAIT_MS));
    replace_in_file(daemon_config_file(daemon), "20 apples", "20s");
    replace_in_file(daemon_config_file(daemon), "enabled = false;", "");
    reload(daemon);
    assert_int_equal(count_plugins_in_state(rpc, "ready"), ready);
    char *reply = rpc_receive(open, RPC_WAIT_MS, NULL);
    assert_non_null(reply);
    assert_non_null(strstr(reply, "\"verdict\":\"registered\""));
    free(reply);
    for (int i = 0; i < 20; i++) {
        reload(daemon);
    }
    rpc_free(&rpc);
    rpc_free(&open);
    daemon_stop(&daemon);
    world_stop(&world);
}

static void
what_a_reload_cannot_change_is_said(void **state)
{
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .lines = "threads = 3;" });
    replace_in_file(daemon_config_file(daemon), "threads = 3;", "threads = 4;");
    reload(daemon);
    assert_true(child_wait_text(daemon_child(daemon), CHILD_STDERR, "reload: done", CHILD_WAIT_MS));
    char *log = daemon_log(daemon);
    assert_non_null(strstr(log, "threads is read at the start only"));
    assert_null(strstr(log, "listen is read at the start only"));
    free(log);
    daemon_stop(&daemon);
}

/* The command line's answers, each with its exit status. */
static void
exit_statuses_tell_what_was_wrong(void **state)
{
    static const struct {
        const char *config; /* "%s" stands for the folder; NULL: none */
        const char *arg;
        int status;
        const char *says;
    } rows[] = {
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ ];", "--check-config", 0, "accepted" },
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ ];\nfoo = 1;", "--check-config", 78,
          "foo" },
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ ];\nfoo = 1;", NULL, 78,
          "rollcalld.conf:2" },
        { "listen = [ \"tcp://10.0.0.1:1\" ]; plugin_dirs = [ ]; # %s", NULL, 78, "loopback" },
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ \"/nowhere\" ];", NULL, 78, "/nowhere" },
        { "listen = [ \"ipc://%s/no/such/s\" ]; plugin_dirs = [ ];", NULL, 1, "no/such/s" },
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ ];", "--nonsense", 64, "--nonsense" },
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ ];", "nonsense", 64, "nonsense" },
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ ];", "--config", 64, "twice" },
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ ];", "-o", 64, "KEY=VALUE" },
        { "listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ ];", "--log-level=loud", 78, "loud" },
        { NULL, "--version", 0, "rollcalld 0." },
        { NULL, "--help", 0, "max_calls" },
        { NULL, "--help", 0, "check-plugin" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tmpdir *dir = tmpdir_new();
        char *config = NULL;
        if (rows[i].config != NULL) {
            const char *folder = strstr(rows[i].config, "%s");
            char *text = support_text("%.*s%s%s", (int)(folder - rows[i].config), rows[i].config,
                                      tmpdir_path(dir), folder + 2);
            config = tmpdir_write(dir, "rollcalld.conf", text);
            free(text);
        }
        const char *argv[6] = { DAEMON };
        size_t count = 1;
        if (config != NULL) {
            argv[count++] = "--config";
            argv[count++] = config;
        }
        argv[count] = rows[i].arg;
        if (rows[i].arg != NULL && strcmp(rows[i].arg, "--config") == 0) {
            argv[++count] = "other.conf";
        }
        char *out = NULL;
        char *err = NULL;
        int status = child_run(&(struct child_options){ .argv = argv }, &out, &err);
        if (status != rows[i].status ||
            (strstr(out, rows[i].says) == NULL && strstr(err, rows[i].says) == NULL)) {
            support_fail("row %zu: status %d, %s%s", i, status, out, err);
        }
        free(out);
        free(err);
        free(config);
        tmpdir_free(&dir);
    }
}

/* Run a copy of the daemon's program; what it says is freed here. */
static void
expect_said(const char *program, const char *const *arguments, int wanted, const char *words)
{
    const char *argv[8] = { program };
    for (size_t i = 0; arguments[i] != NULL; i++) {
        argv[i + 1] = arguments[i];
    }
    char *out = NULL;
    char *err = NULL;
    int status = child_run(&(struct child_options){ .argv = argv }, &out, &err);
    if (status != wanted || (strstr(out, words) == NULL && strstr(err, words) == NULL)) {
        support_fail("%s: status %d, %s%s; wants %d, %s", arguments[0], status, out, err, wanted,
                     words);
    }
    free(out);
    free(err);
}

/* The program that opens plugins is not there, or cannot be run: that is said, by whoever needs it,
 * and no plugin is blamed. */
static void
a_missing_worker_is_named(void **state)
{
    static const char missing[] = "/libexec/rollcall/rollcall-worker: cannot be run: No such file";
    static const char refused[] =
        "/libexec/rollcall/rollcall-worker: cannot be run: is no program; it is what opens plugins";
    static const char plugin[] = TEST_BUILD_DIR "/plugins/github.so";
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *program = tmpdir_copy(dir, "bin/rollcalld", DAEMON);
    free(tmpdir_copy(dir, "plugins/github.so", plugin));
    char *text = support_text("listen = [ \"ipc://%s/s\" ]; plugin_dirs = [ \"%s/plugins\" ];",
                              tmpdir_path(dir), tmpdir_path(dir));
    char *config = tmpdir_write(dir, "rollcalld.conf", text);
    const char *const start[] = { "--config", config, NULL };
    const char *const judge[] = { "--config", config, "--check-config", NULL };
    const char *const on_threads[] = { "--config",         config, "--check-config", "-o",
                                       "isolation=thread", NULL };
    const char *const none[] = {
        "--config", config, "--check-config", "-o", "plugin_dirs=[]", NULL
    };
    const char *const check[] = { "check-plugin", plugin, NULL };
    expect_said(program, start, 78, missing);
    expect_said(program, judge, 78, missing);
    expect_said(program, judge, 78, "or set isolation = \"thread\"");
    expect_said(program, on_threads, 0, "accepted");
    expect_said(program, none, 0, "accepted");
    expect_said(program, check, 1, missing);
    free(tmpdir_write(dir, "libexec/rollcall/rollcall-worker/a.txt", ""));
    expect_said(program, judge, 78, refused);
    expect_said(program, check, 1, refused);
    free(config);
    free(text);
    free(program);
    tmpdir_free(&dir);
}

/* The watchdog is told of life for as long as there is some. */
static void
the_watchdog_hears_of_life(void **state)
{
    static const char *const env[] = { "WATCHDOG_USEC=400000", "WATCHDOG_PID", NULL };
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .env = env });
    for (int i = 0; i < 3; i++) {
        assert_true(daemon_wait_notice(daemon, "WATCHDOG=1", CHILD_WAIT_MS));
    }
    daemon_stop(&daemon);
}

/* However many signals come, main keeps the house between them. */
static void
the_watchdog_hears_of_life_among_many_signals(void **state)
{
    static const char *const env[] = { "WATCHDOG_USEC=400000", "WATCHDOG_PID", NULL };
    const int signals[] = { SIGHUP, SIGRTMIN };
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .env = env });
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * MS;
        for (int heard = 0; heard < 3;) {
            child_signal(daemon_child(daemon), signals[i]);
            heard += daemon_wait_notice(daemon, "WATCHDOG=1", 0);
            assert_true(support_now_us() < deadline_us);
        }
    }
    daemon_stop(&daemon);
}

/* A daemon with the plugin moody, whose data never ends from the next reading on. */
static struct daemon *
start_with_endless_data(struct tmpdir *dir, const struct daemon_options *more)
{
    free(tmpdir_copy(dir, "plugins/moody.so", TEST_BUILD_DIR "/tests/plugins/moody.so"));
    char *catalog = tmpdir_write(dir, "catalog.txt", "one\ntwo\n");
    char *plugins = tmpdir_join(dir, "plugins");
    char *lines = support_text("plugin = { moody = { catalog = \"%s\"; }; };%s", catalog,
                               more->lines != NULL ? more->lines : "");
    struct daemon_options options = *more;
    options.plugin_dir = plugins;
    options.lines = lines;
    struct daemon *daemon = daemon_start(&options);
    free(tmpdir_write(dir, "catalog.txt", "!hang\n"));
    free(lines);
    free(plugins);
    free(catalog);
    return daemon;
}

/* While a plugin takes its time over its data the watchdog is told of life, and a stop is obeyed.
 */
static void
endless_data_keeps_nobody(void **state)
{
    static const char *const env[] = { "WATCHDOG_USEC=400000", "WATCHDOG_PID", NULL };
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    struct daemon *daemon = start_with_endless_data(dir, &(struct daemon_options){ .env = env });
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    child_signal(daemon_child(daemon), SIGHUP);
    assert_true(daemon_wait_notice(daemon, "RELOADING=1", CHILD_WAIT_MS));
    for (int i = 0; i < 5; i++) {
        assert_true(daemon_wait_notice(daemon, "WATCHDOG=1", CHILD_WAIT_MS));
    }
    cJSON_Delete(rpc_result(rpc, "status", NULL));
    child_signal(daemon_child(daemon), SIGTERM);
    int status = -1;
    assert_true(child_wait(daemon_child(daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    char *log = daemon_log(daemon); /* neither its end nor its limit was waited for */
    assert_null(strstr(log, "reload: done"));
    assert_null(strstr(log, "killed after 30 s"));
    free(log);
    rpc_free(&rpc);
    daemon_free(&daemon);
    tmpdir_free(&dir);
}

/* Nor before the daemon is ready; a thread is left behind. The state: lines that say where plugins
 * run. */
static void
endless_data_does_not_hold_up_a_stop_at_the_start(void **state)
{
    static const char *const args[] = { "--log-level=debug", NULL };
    struct tmpdir *dir = tmpdir_new();
    struct daemon *daemon =
        start_with_endless_data(dir, &(struct daemon_options){ .lines = *state });
    char *config = support_read_file(daemon_config_file(daemon), NULL);
    daemon_stop(&daemon);
    daemon = daemon_launch(&(struct daemon_options){ .config = config, .args = args });
    assert_true(child_wait_text(daemon_child(daemon), CHILD_STDERR, "moody.so: reading its data",
                                CHILD_WAIT_MS));
    child_signal(daemon_child(daemon), SIGTERM);
    int status = -1;
    assert_true(child_wait(daemon_child(daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    daemon_free(&daemon);
    free(config);
    tmpdir_free(&dir);
}

#if !defined(ROLLCALL_SANITIZED) /* whose runtimes want to be in front of all others */
/* A library that does not let go of its sockets does not keep the daemon from stopping. */
static void
a_stop_does_not_wait_for_ever_for_nng(void **state)
{
    static const char *const env[] = { "LD_PRELOAD=" TEST_BUILD_DIR "/tests/never_closes.so",
                                       NULL };
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .env = env });
    int status = -1;
    child_signal(daemon_child(daemon), SIGTERM);
    assert_true(child_wait(daemon_child(daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    char *log = daemon_log(daemon);
    assert_non_null(strstr(log, "nng does not let go of a connection: leaving without it"));
    free(log);
    daemon_free(&daemon);
}
#endif

int
main(void)
{
    static char process[] = "isolation = \"process\";";
    static char thread[] = "isolation = \"thread\";";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigterm_cancels_what_does_not_end),
        cmocka_unit_test(sigterm_lets_what_is_in_flight_finish),
        cmocka_unit_test(a_second_sigterm_cancels_at_once),
        cmocka_unit_test(sighup_reads_the_configuration_again),
        cmocka_unit_test(what_a_reload_cannot_change_is_said),
        cmocka_unit_test(exit_statuses_tell_what_was_wrong),
        cmocka_unit_test(a_missing_worker_is_named),
        cmocka_unit_test(the_watchdog_hears_of_life),
        cmocka_unit_test(the_watchdog_hears_of_life_among_many_signals),
        cmocka_unit_test(endless_data_keeps_nobody),
        cmocka_unit_test_prestate(endless_data_does_not_hold_up_a_stop_at_the_start, process),
        cmocka_unit_test_prestate(endless_data_does_not_hold_up_a_stop_at_the_start, thread),
#if !defined(ROLLCALL_SANITIZED)
        cmocka_unit_test(a_stop_does_not_wait_for_ever_for_nng),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
