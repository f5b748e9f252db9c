/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Many clients at once: all answered, and afterwards the daemon is as small as before. */

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/proc.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

#define CLIENTS 200

/* What a window of queries may leave: part-used pages between what stays. */
#define SLACK_BYTES (2 * 1024 * 1024)

/* Rounds after which pools, caches and kept connections have their size. */
#define WARM_UP 2

#define WINDOWS 4
#define WINDOW_ROUNDS 3

/* The pool's threads, which are started when they are first needed. */
#define POOL_THREADS 8

#define WORLD                                                                                      \
    "{\"platforms\":{"                                                                             \
    "\"github\":{\"registered\":[],\"latency_ms\":30},"                                            \
    "\"twitter\":{\"registered\":[\"user7@example.com\",\"user123@example.com\"],\"latency_ms\":"  \
    "60},"                                                                                         \
    "\"facebook\":{\"registered\":[],\"latency_ms\":90}}}"

/* Everybody asks at once, each for another address; everybody is answered rightly. */
static void
one_round(const struct daemon *daemon)
{
    struct rpc *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = rpc_dial(daemon_url(daemon));
    }
    for (int i = 0; i < CLIENTS; i++) {
        char *call = support_text("{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"check\",\"params\":"
                                  "{\"subject\":\"user%d@example.com\"}}",
                                  i, i);
        rpc_send(clients[i], call, strlen(call));
        free(call);
    }
    for (int i = 0; i < CLIENTS; i++) {
        char *reply = rpc_receive(clients[i], RPC_WAIT_MS, NULL);
        assert_non_null(reply);
        cJSON *tree = cJSON_Parse(reply);
        const cJSON *answer = cJSON_GetObjectItemCaseSensitive(tree, "result");
        assert_int_equal(cJSON_GetObjectItemCaseSensitive(tree, "id")->valueint, i);
        const char *verdict =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "verdict"));
        assert_string_equal(verdict, i == 7 || i == 123 ? "registered" : "unknown");
        cJSON_Delete(tree);
        free(reply);
        rpc_free(&clients[i]);
    }
}

static size_t
rests(struct daemon *daemon)
{
    static const char sentence[] = "at rest: free memory went back";
    size_t found = 0;
    char *log = daemon_log(daemon);
    for (char *at = strstr(log, sentence); at != NULL; at = strstr(at + 1, sentence)) {
        found++;
    }
    free(log);
    return found;
}

/* Until the daemon says once more that it handed free memory back; a query of our own makes it. */
static void
wait_for_rest(struct daemon *daemon)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    size_t before = rests(daemon);
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    cJSON_Delete(rpc_result(rpc, "check", "{\"subject\":\"last@example.com\"}"));
    rpc_free(&rpc);
    while (rests(daemon) == before) {
        if (support_now_us() > deadline_us) {
            support_fail("the daemon does not hand free memory back");
        }
        poll(NULL, 0, 10);
    }
}

/* A busy machine may let more pile up in one window than in those before; a leak grows in each. */
static void
expect_steady(struct daemon *daemon)
{
    int64_t grown = 0;
    for (int window = 0; window < WINDOWS; window++) {
        struct proc_memory before = proc_memory(daemon_pid(daemon));
        for (int i = 0; i < WINDOW_ROUNDS; i++) {
            one_round(daemon);
        }
        wait_for_rest(daemon);
        struct proc_memory after = proc_memory(daemon_pid(daemon));
        grown = (int64_t)after.anon_bytes - (int64_t)before.anon_bytes;
        if (grown <= SLACK_BYTES) {
            return;
        }
    }
#if !defined(ROLLCALL_SANITIZED) /* whose own memory grows as well */
    support_fail("RssAnon grew in each of %d windows of %d queries, by %lld bytes in the last",
                 WINDOWS, WINDOW_ROUNDS * CLIENTS, (long long)grown);
#endif
}

static void
two_hundred_clients_leave_nothing_behind(void **state)
{
    (void)state;
    struct world *world = world_start(&(struct world_options){ .script = WORLD });
    const struct daemon_plugin plugins[] = {
        { .name = "facebook", .lines = "concurrency = 200;" },
        { .name = "github", .lines = "concurrency = 200;" },
        { .name = "twitter", .lines = "concurrency = 200;" },
    };
    struct daemon *daemon = daemon_start(&(struct daemon_options){
        .world = world, .plugins = plugins, .plugin_count = 3, .lines = "log_level = \"debug\";" });
    size_t threads = proc_threads(daemon_pid(daemon)) + POOL_THREADS;
    for (int i = 0; i < WARM_UP; i++) {
        one_round(daemon);
    }
    wait_for_rest(daemon);
    expect_steady(daemon);
    assert_true(proc_threads(daemon_pid(daemon)) <= threads);
    daemon_stop(&daemon);
    world_stop(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_clients_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
