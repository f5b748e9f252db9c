/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Runs a private rollcalld for a test. Readiness comes as systemd would hear it: a datagram on a
 * socket of ours, named in $NOTIFY_SOCKET. */
#include "tests/support/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/common.h"

#define ARGS_MAX 48
#define ENV_MAX 32
#define NOTICE_BYTES 4096
#define MS 1000

struct daemon {
    struct tmpdir *dir;
    struct child *child;
    char *url;
    char *config_file;
    int notify_fd;
    int64_t started_us;
    int64_t ready_us;
};

/* ---- The configuration */

static const struct daemon_plugin usual_plugins[] = {
    { .name = "facebook" },
    { .name = "github" },
    { .name = "twitter" },
};

static void
print_plugins(FILE *out, const struct daemon_options *options)
{
    const struct daemon_plugin *plugins = usual_plugins;
    size_t count = ARRAY_LEN(usual_plugins);
    if (options->plugins != NULL) {
        plugins = options->plugins;
        count = options->plugin_count;
    }
    const char *base = options->https ? world_https(options->world) : world_http(options->world);
    (void)fprintf(out, "plugin = {\n");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "  %s = { base_url = \"%s%s%s\"; rate = 0; %s };\n", plugins[i].name,
                      base, plugins[i].is_whole_world ? "" : "/",
                      plugins[i].is_whole_world ? "" : plugins[i].name,
                      plugins[i].lines != NULL ? plugins[i].lines : "");
    }
    (void)fprintf(out, "};\n");
}

/* Whether a setting of that name is in the lines; not one whose name ends so. */
static bool
has_key(const char *lines, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = lines; at != NULL && (at = strstr(at, key)) != NULL; at += len) {
        bool is_whole = at == lines || strchr(" ;\n", at[-1]) != NULL;
        if (is_whole && at[len + strspn(at + len, " ")] == '=') {
            return true;
        }
    }
    return false;
}

/* On a machine that has much else to do, the daemon's own times are no test's. */
static void
print_patience(FILE *out, const char *lines)
{
    static const char *const keys[] = { "timeout", "deadline" };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!has_key(lines, keys[i])) {
            (void)fprintf(out, "%s = \"60s\";\n", keys[i]);
        }
    }
}

char *
daemon_config(const struct daemon_options *options, const struct tmpdir *dir)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        support_fail("out of memory");
    }
    (void)fprintf(out, "listen = [ \"ipc://%s/rollcall.sock\" ];\n", tmpdir_path(dir));
    (void)fprintf(out, "plugin_dirs = [ \"%s\" ];\n",
                  options->plugin_dir != NULL ? options->plugin_dir : TEST_BUILD_DIR "/plugins");
    (void)fprintf(out, "state_dir = \"%s\";\n", tmpdir_path(dir));
    (void)fprintf(out, "allow_addresses = [ \"127.0.0.0/8\" ];\n");
    (void)fprintf(out, "methods = [ \"documented\", \"signup\", \"recovery\" ];\n");
    if (options->world != NULL && options->https) {
        (void)fprintf(out, "ca_file = \"%s\";\n", world_ca_file(options->world));
    }
    print_patience(out, options->lines);
    if (options->lines != NULL) {
        (void)fprintf(out, "%s\n", options->lines);
    }
    if (options->world != NULL) {
        print_plugins(out, options);
    }
    if (fclose(out) != 0) {
        support_fail("out of memory");
    }
    return text;
}

/* ---- Start */

static void
open_notify_socket(struct daemon *daemon)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char *path = tmpdir_join(daemon->dir, "notify");
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    daemon->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (strlen(path) >= sizeof(address.sun_path) || daemon->notify_fd < 0 ||
        bind(daemon->notify_fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        support_fail("%s: %s", path, strerror(errno));
    }
    free(path);
}

static void
append_all(const char **list, size_t *count, size_t max, const char *const *more)
{
    for (; more != NULL && *more != NULL; more++) {
        if (*count + 1 >= max) {
            support_fail("a daemon's options hold more than %zu texts", max);
        }
        list[(*count)++] = *more;
    }
    list[*count] = NULL;
}

/* What a plain user runs: the build tree may be where that user cannot look. Then all that is in
 * the folder, the socket for notices too, is the user's. Returns the copy's path: free() it. */
static char *
copy_program(const struct daemon *daemon, uid_t user)
{
    static const char worker[] = "libexec/rollcall/rollcall-worker";
    char *program = tmpdir_copy(daemon->dir, "bin/rollcalld", TEST_BUILD_DIR "/bin/rollcalld");
    char *from = support_text("%s/%s", TEST_BUILD_DIR, worker);
    if (access(from, R_OK) == 0) {
        free(tmpdir_copy(daemon->dir, worker, from));
    }
    free(from);
    tmpdir_give(daemon->dir, user);
    return program;
}

static void
spawn_as(struct daemon *daemon, const struct child_options *options, uid_t user)
{
    if (user == 0) {
        daemon->child = child_start(options);
        return;
    }
    char *program = copy_program(daemon, user);
    char *reuid = support_text("--reuid=%ld", (long)user);
    char *regid = support_text("--regid=%ld", (long)user);
    const char *wrapper[] = { "setpriv", reuid, regid, "--clear-groups", "--pdeathsig=KILL", NULL };
    struct child_options child = *options;
    const char *argv[ARGS_MAX] = { program };
    size_t argc = 1;
    append_all(argv, &argc, ARGS_MAX, options->argv + 1);
    child.argv = argv;
    child.wrapper = wrapper;
    daemon->child = child_start(&child);
    free(program);
    free(reuid);
    free(regid);
}

static void
spawn(struct daemon *daemon, const struct daemon_options *options)
{
    const char *argv[ARGS_MAX] = { TEST_BUILD_DIR "/bin/rollcalld", "--config",
                                   daemon->config_file };
    size_t argc = 3;
    append_all(argv, &argc, ARGS_MAX, options->args);
    char *notify = support_text("NOTIFY_SOCKET=%s/notify", tmpdir_path(daemon->dir));
    /* No journal, no credentials and no proxies of whoever runs the tests. */
    const char *env[ENV_MAX] = { notify,       "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY",
                                 "http_proxy", "https_proxy",    "ALL_PROXY" };
    size_t envc = 6;
    append_all(env, &envc, ENV_MAX, options->env);
    const struct child_options child = { .argv = argv, .env = env, .wrapper = options->wrapper };
    daemon->started_us = support_now_us();
    spawn_as(daemon, &child, options->user);
    free(notify);
}

struct daemon *
daemon_launch(const struct daemon_options *options)
{
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    if (daemon == NULL) {
        support_fail("out of memory");
    }
    daemon->dir = tmpdir_new();
    daemon->url = support_text("ipc://%s/rollcall.sock", tmpdir_path(daemon->dir));
    char *text = options->config != NULL ? support_text("%s", options->config)
                                         : daemon_config(options, daemon->dir);
    daemon->config_file = tmpdir_write(daemon->dir, "rollcalld.conf", text);
    free(text);
    open_notify_socket(daemon);
    spawn(daemon, options);
    return daemon;
}

/* Whether a line of the datagram begins so. */
static bool
has_line(const char *notice, const char *begin)
{
    for (const char *line = notice; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, begin, strlen(begin)) == 0) {
            return true;
        }
    }
    return false;
}

/* One datagram or the child's end. False: nothing more is worth waiting for. */
static bool
wait_datagram(struct daemon *daemon, int64_t deadline_us, char notice[NOTICE_BYTES])
{
    struct pollfd fds[] = { { .fd = daemon->notify_fd, .events = POLLIN },
                            { .fd = child_pidfd(daemon->child), .events = POLLIN } };
    if (poll(fds, ARRAY_LEN(fds), support_left_ms(deadline_us)) == 0) {
        return false;
    }
    ssize_t len = recv(daemon->notify_fd, notice, NOTICE_BYTES - 1, 0);
    notice[len > 0 ? len : 0] = '\0';
    return len > 0 || fds[1].revents == 0;
}

bool
daemon_wait_notice(struct daemon *daemon, const char *begin, int timeout_ms)
{
    int64_t deadline_us = support_now_us() + (int64_t)timeout_ms * SUPPORT_SLOWDOWN * MS;
    char notice[NOTICE_BYTES];
    while (wait_datagram(daemon, deadline_us, notice)) {
        if (has_line(notice, begin)) {
            return true;
        }
    }
    return false;
}

bool
daemon_wait_ready(struct daemon *daemon)
{
    bool is_ready = daemon_wait_notice(daemon, "READY=1", CHILD_WAIT_MS);
    daemon->ready_us = support_now_us() - daemon->started_us;
    return is_ready;
}

struct daemon *
daemon_start(const struct daemon_options *options)
{
    struct daemon *daemon = daemon_launch(options);
    if (!daemon_wait_ready(daemon)) {
        int status = 0;
        bool has_ended = child_wait(daemon->child, 0, &status);
        char *said = daemon_log(daemon);
        daemon_free(&daemon);
        support_fail("rollcalld %s (%d) before it was ready: %s",
                     has_ended ? "ended" : "did nothing", status, said);
    }
    return daemon;
}

/* ---- Stop */

void
daemon_stop(struct daemon **daemon)
{
    if (*daemon == NULL) {
        return;
    }
    int status = 0;
    child_signal((*daemon)->child, SIGTERM);
    bool has_ended = child_wait((*daemon)->child, CHILD_WAIT_MS, &status);
    char *said = daemon_log(*daemon);
    daemon_free(daemon);
    if (!has_ended || status != 0) {
        support_fail("rollcalld %s (%d) after SIGTERM: %s", has_ended ? "ended" : "did not end",
                     status, said);
    }
    free(said);
}

void
daemon_free(struct daemon **daemon)
{
    struct daemon *one = *daemon;
    if (one == NULL) {
        return;
    }
    child_free(&one->child);
    tmpdir_free(&one->dir);
    (void)close(one->notify_fd);
    free(one->url);
    free(one->config_file);
    free(one);
    *daemon = NULL;
}

/* ---- What is known of it */

const char *
daemon_url(const struct daemon *daemon)
{
    return daemon->url;
}

const char *
daemon_path(const struct daemon *daemon)
{
    return daemon->url + strlen("ipc://");
}

const char *
daemon_config_file(const struct daemon *daemon)
{
    return daemon->config_file;
}

const struct tmpdir *
daemon_dir(const struct daemon *daemon)
{
    return daemon->dir;
}

struct child *
daemon_child(struct daemon *daemon)
{
    return daemon->child;
}

pid_t
daemon_pid(const struct daemon *daemon)
{
    return child_pid(daemon->child);
}

int64_t
daemon_ready_us(const struct daemon *daemon)
{
    return daemon->ready_us;
}

char *
daemon_log(struct daemon *daemon)
{
    return child_output(daemon->child, CHILD_STDERR);
}
