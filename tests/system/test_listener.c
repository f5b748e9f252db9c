/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The ipc socket under attack: connect-and-close, garbage, half handshakes, a second daemon, a
 * removed socket. Good clients are answered throughout and after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/proc.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"
#include "tests/system/rude.h"

#define ATTACKS 1000
/* Who waits longer than this was forgotten. */
#define GOOD_WITHIN_US (15 * INT64_C(1000) * 1000 * SUPPORT_SLOWDOWN)
#define HALF_OPEN_MAX 200
/* A daemon that nobody talks to has fewer. */
#define QUIET_FDS 40

/* One call, on a connection of its own or on `kept`. Fails the test when it takes too long. */
static void
good_call(const char *url, struct rpc *kept)
{
    int64_t begin_us = support_now_us();
    struct rpc *rpc = kept != NULL ? kept : rpc_dial(url);
    cJSON_Delete(rpc_result(rpc, "status", NULL));
    int64_t took_us = support_now_us() - begin_us;
    if (kept == NULL) {
        rpc_free(&rpc);
    }
    if (took_us > GOOD_WITHIN_US) {
        support_fail("a good client waited %lld us", (long long)took_us);
    }
}

struct attack {
    const char *path;
    atomic_bool is_over;
    int half_open[HALF_OPEN_MAX];
    int half_open_count;
};

static void
one_attack(struct attack *attack, int number)
{
    static const char garbage[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = rude_connect(attack->path);
    if (fd < 0) {
        return;
    }
    switch (number % 8) {
    case 0: /* connect and close */
        break;
    case 1: /* garbage */
        (void)rude_send(fd, garbage, sizeof(garbage) - 1);
        break;
    case 2: /* half a handshake */
        (void)rude_send(fd, RUDE_GREETING, 4);
        break;
    case 3: /* a whole one and gone */
        (void)rude_send(fd, RUDE_GREETING, RUDE_GREETING_LEN);
        break;
    case 4: /* half a handshake that stays */
        (void)rude_send(fd, RUDE_GREETING, 7);
        if (attack->half_open_count < HALF_OPEN_MAX) {
            attack->half_open[attack->half_open_count++] = fd;
            return;
        }
        break;
    case 5: /* another protocol: SUB */
        (void)rude_send(fd, "\0SP\0\0\x21\0\0", 8);
        break;
    case 6: /* a message that never ends */
        (void)rude_send(fd, RUDE_GREETING, RUDE_GREETING_LEN);
        rude_announce(fd, 1000);
        (void)rude_send(fd, garbage, sizeof(garbage));
        break;
    default: /* a message without the request's header */
        (void)rude_send(fd, RUDE_GREETING, RUDE_GREETING_LEN);
        rude_announce(fd, 2);
        (void)rude_send(fd, "{}", 2);
        break;
    }
    (void)close(fd);
}

static void *
attack_main(void *argument)
{
    struct attack *attack = argument;
    for (int i = 0; i < ATTACKS; i++) {
        one_attack(attack, i);
    }
    atomic_store(&attack->is_over, true);
    return NULL;
}

static void
good_clients_are_answered_under_attack(void **state)
{
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ 0 });
    const char *url = daemon_url(daemon);
    struct rpc *kept = rpc_dial(url);
    for (int round = 0; round < 3; round++) {
        struct attack attack = { .path = daemon_path(daemon) };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, attack_main, &attack), 0);
        int calls = 0;
        while (!atomic_load(&attack.is_over) || calls < 10) {
            good_call(url, NULL);
            good_call(url, kept);
            calls++;
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
        for (int i = 0; i < attack.half_open_count; i++) {
            (void)close(attack.half_open[i]);
        }
        good_call(url, NULL);
    }
    rpc_free(&kept);
    daemon_stop(&daemon);
}

/* The attacks leave nothing behind. */
static void
attacks_cost_nothing_lasting(void **state)
{
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ 0 });
    good_call(daemon_url(daemon), NULL);
    pid_t pid = daemon_pid(daemon);
    size_t threads = proc_threads(pid);
    struct attack attack = { .path = daemon_path(daemon) };
    (void)attack_main(&attack);
    for (int i = 0; i < attack.half_open_count; i++) {
        (void)close(attack.half_open[i]);
    }
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (proc_fds(pid) > QUIET_FDS || proc_threads(pid) > threads) {
        if (support_now_us() > deadline_us) {
            support_fail("%zu descriptors are still open, %zu threads were %zu", proc_fds(pid),
                         proc_threads(pid), threads);
        }
        good_call(daemon_url(daemon), NULL);
    }
    daemon_stop(&daemon);
}

/* As a client does whose connection was dropped: dial and ask again. */
static void
persistent_call(const char *url)
{
    static const char call[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}";
    int64_t begin_us = support_now_us();
    char *reply = NULL;
    while (reply == NULL) {
        struct rpc *rpc = rpc_dial(url);
        reply = rpc_exchange(rpc, call, sizeof(call) - 1, NULL);
        rpc_free(&rpc);
        if (support_now_us() - begin_us > GOOD_WITHIN_US) {
            support_fail("a client that asks again was not answered");
        }
    }
    free(reply);
}

/* nng's own socket stands behind the public one, for the daemon's user alone. Should something
 * kill its listener all the same, the daemon's own calls notice. */
static void
a_dead_inner_listener_is_made_anew(void **state)
{
    /* nng 1.5.2 loses what its dead listener had accepted; that is not what is tested here */
    static const char *const env[] = { "ASAN_OPTIONS=detect_leaks=0", NULL };
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .env = env });
    char *inner = support_text("%s.nng", daemon_path(daemon));
    struct stat found;
    assert_int_equal(stat(inner, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    for (int i = 0; i < 5; i++) {
        int fd = rude_connect(inner);
        assert_true(fd >= 0);
        (void)close(fd);
        persistent_call(daemon_url(daemon));
    }
    assert_true(child_wait_text(daemon_child(daemon), CHILD_STDERR, "made anew", CHILD_WAIT_MS));
    free(inner);
    daemon_stop(&daemon);
}

static void
the_socket_is_for_user_and_group(void **state)
{
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ 0 });
    struct stat found;
    assert_int_equal(stat(daemon_path(daemon), &found), 0);
    assert_true(S_ISSOCK(found.st_mode));
    assert_int_equal(found.st_mode & 0777, 0660);
    daemon_stop(&daemon);
}

static void
a_second_daemon_is_refused_in_words(void **state)
{
    (void)state;
    struct daemon *first = daemon_start(&(struct daemon_options){ 0 });
    struct rpc *kept = rpc_dial(daemon_url(first));
    char *config = support_read_file(daemon_config_file(first), NULL);
    for (int i = 0; i < 5; i++) {
        struct daemon *second = daemon_launch(&(struct daemon_options){ .config = config });
        int status = 0;
        assert_true(child_wait(daemon_child(second), CHILD_WAIT_MS, &status));
        assert_int_equal(status, 1);
        char *log = daemon_log(second);
        char *wanted =
            support_text("%s: another rollcalld serves this socket (lock %s.lock is held)",
                         daemon_url(first), daemon_path(first));
        if (strstr(log, wanted) == NULL) {
            support_fail("it said: %s", log);
        }
        free(wanted);
        free(log);
        daemon_free(&second);
        good_call(daemon_url(first), kept);
        good_call(daemon_url(first), NULL);
    }
    free(config);
    rpc_free(&kept);
    daemon_stop(&first);
}

/* A daemon that was killed leaves a socket file: the next one takes its place. */
static void
a_dead_daemons_socket_is_taken_over(void **state)
{
    (void)state;
    struct daemon *first = daemon_start(&(struct daemon_options){ 0 });
    char *config = support_read_file(daemon_config_file(first), NULL);
    int status = 0;
    child_signal(daemon_child(first), SIGKILL);
    assert_true(child_wait(daemon_child(first), CHILD_WAIT_MS, &status));
    assert_int_equal(access(daemon_path(first), F_OK), 0);
    struct daemon *second = daemon_start(&(struct daemon_options){ .config = config });
    good_call(daemon_url(first), NULL);
    daemon_stop(&second);
    assert_int_not_equal(access(daemon_path(first), F_OK), 0); /* it cleans up after itself */
    free(config);
    daemon_free(&first);
}

static void
what_is_no_socket_is_not_removed(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *path = tmpdir_write(dir, "precious", "text");
    char *config = support_text("listen = [ \"ipc://%s\" ]; plugin_dirs = [ ];", path);
    struct daemon *daemon = daemon_launch(&(struct daemon_options){ .config = config });
    int status = 0;
    assert_true(child_wait(daemon_child(daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 1);
    char *log = daemon_log(daemon);
    assert_non_null(strstr(log, "is there and is no socket"));
    char *content = support_read_file(path, NULL);
    assert_string_equal(content, "text");
    free(content);
    free(log);
    free(config);
    free(path);
    daemon_free(&daemon);
    tmpdir_free(&dir);
}

/* A removed socket comes back, and those who are connected do not notice. */
static void
a_removed_socket_comes_back(void **state)
{
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ 0 });
    struct rpc *kept = rpc_dial(daemon_url(daemon));
    int64_t begin_us = support_now_us();
    assert_int_equal(unlink(daemon_path(daemon)), 0);
    while (access(daemon_path(daemon), F_OK) != 0) {
        if (support_now_us() - begin_us > GOOD_WITHIN_US) {
            support_fail("the socket did not come back");
        }
        good_call(daemon_url(daemon), kept);
    }
    good_call(daemon_url(daemon), NULL);
    rpc_free(&kept);
    daemon_stop(&daemon);
}

/* tcp on loopback, any port: the log says which. */
static void
tcp_serves_loopback_and_nothing_else(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *config = support_text("listen = [ \"ipc://%s/s\", \"tcp://127.0.0.1:0\" ];"
                                "plugin_dirs = [ ];",
                                tmpdir_path(dir));
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .config = config });
    assert_true(child_wait_text(daemon_child(daemon), CHILD_STDERR, "is ready", CHILD_WAIT_MS));
    char *log = daemon_log(daemon);
    const char *at = strstr(log, "tcp://127.0.0.1:");
    assert_non_null(at);
    char *url = support_text("%.*s", (int)strspn(at, "tcp:/0123456789."), at);
    good_call(url, NULL);
    daemon_stop(&daemon);
    free(url);
    free(log);
    free(config);
    config = support_text("listen = [ \"tcp://0.0.0.0:0\" ]; plugin_dirs = [ ];");
    daemon = daemon_launch(&(struct daemon_options){ .config = config });
    int status = 0;
    assert_true(child_wait(daemon_child(daemon), CHILD_WAIT_MS, &status));
    assert_int_equal(status, 78);
    log = daemon_log(daemon);
    assert_non_null(strstr(log, "tcp://0.0.0.0:0"));
    assert_non_null(strstr(log, "loopback"));
    free(log);
    free(config);
    daemon_free(&daemon);
    tmpdir_free(&dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_clients_are_answered_under_attack),
        cmocka_unit_test(attacks_cost_nothing_lasting),
        cmocka_unit_test(a_dead_inner_listener_is_made_anew),
        cmocka_unit_test(the_socket_is_for_user_and_group),
        cmocka_unit_test(a_second_daemon_is_refused_in_words),
        cmocka_unit_test(a_dead_daemons_socket_is_taken_over),
        cmocka_unit_test(what_is_no_socket_is_not_removed),
        cmocka_unit_test(a_removed_socket_comes_back),
        cmocka_unit_test(tcp_serves_loopback_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
