/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Start, a thousand queries, stop, all under valgrind: no leak, no access out of bounds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

#define QUERIES 1000
#define CLIENTS 20

/* Valgrind ends with this when it found something; daemon_stop() wants 0. "Still reachable" is not
 * a leak: libraries keep their tables to the end. */
static const char *const valgrind[] = { "valgrind",
                                        "--quiet",
                                        "--error-exitcode=99",
                                        "--leak-check=full",
                                        "--errors-for-leak-kinds=definite,indirect",
                                        "--show-leak-kinds=definite,indirect",
                                        NULL };

#define WORLD                                                                                      \
    "{\"platforms\":{\"github\":{\"registered\":[\"alice@example.com\"],\"latency_ms\":1},"        \
    "\"twitter\":{\"registered\":[],\"latency_ms\":2},"                                            \
    "\"facebook\":{\"registered\":[],\"latency_ms\":3}}}"

/* Of every four: a race that is won, one that nobody wins, a lazy one, all platforms. */
static const char *const params[] = {
    "{\"subject\":\"alice@example.com\"}",
    "{\"subject\":\"bob@example.com\"}",
    "{\"subject\":\"alice@example.com\",\"strategy\":\"lazy\"}",
    "{\"subject\":\"alice@example.com\",\"until\":\"all\",\"explain\":true}",
};

static void
ask_in_rounds(const struct daemon *daemon)
{
    struct rpc *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = rpc_dial(daemon_url(daemon));
    }
    for (int sent = 0; sent < QUERIES; sent += CLIENTS) {
        for (int i = 0; i < CLIENTS; i++) {
            char *call =
                support_text("{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"check\",\"params\":%s}",
                             i, params[i % 4]);
            rpc_send(clients[i], call, strlen(call));
            free(call);
        }
        for (int i = 0; i < CLIENTS; i++) {
            char *reply = rpc_receive(clients[i], 3 * RPC_WAIT_MS, NULL);
            assert_non_null(reply);
            assert_non_null(strstr(reply, "\"verdict\""));
            free(reply);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        rpc_free(&clients[i]);
    }
}

static void
a_thousand_queries_leak_nothing(void **state)
{
    (void)state;
    const struct daemon_plugin plugins[] = {
        { .name = "facebook", .lines = "concurrency = 200;" },
        { .name = "github", .lines = "concurrency = 200;" },
        { .name = "twitter", .lines = "concurrency = 200;" },
    };
    struct world *world = world_start(&(struct world_options){ .script = WORLD });
    /* valgrind knows no pidfd; what the daemon keeps of its workers the leak sanitizer sees. */
    struct daemon *daemon =
        daemon_start(&(struct daemon_options){ .world = world,
                                               .plugins = plugins,
                                               .plugin_count = 3,
                                               .lines = "isolation = \"thread\";",
                                               .wrapper = valgrind });
    ask_in_rounds(daemon);
    daemon_stop(&daemon);
    world_stop(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_queries_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
