/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the daemon refuses to carry: messages that are too large, calls that are too many, peers
 * that do not take their replies. Memory stays flat and others are served. */
#include <errno.h>
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
#include "tests/system/rude.h"

#define KIB 1024
#define MIB (1024 * 1024)

/* Bytes by which the daemon may grow; sanitizers keep freed memory back. */
#define SLACK_BYTES (2 * MIB)

#define STATUS "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}"

/* A status call blown up with blanks to `len` bytes. */
static char *
padded_call(size_t len)
{
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, ' ', len);
    memcpy(text, STATUS, sizeof(STATUS) - 1);
    text[len] = '\0';
    return text;
}

static void
expect_code(struct rpc *rpc, size_t len, int code)
{
    char *text = padded_call(len);
    cJSON *reply = rpc_exchange_json(rpc, text);
    assert_int_equal(rpc_error_code(reply), code);
    cJSON_Delete(reply);
    free(text);
}

static void
messages_over_256_kib_are_refused_in_words(void **state)
{
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ 0 });
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    expect_code(rpc, 256 * KIB, 0);
    expect_code(rpc, 256 * KIB + 1, -32600);
    expect_code(rpc, 300 * KIB, -32600);
    expect_code(rpc, 1000 * KIB, -32600);
    expect_code(rpc, sizeof(STATUS) - 1, 0); /* the same connection goes on */
    rpc_free(&rpc);
    daemon_stop(&daemon);
}

static void
expect_flat(const struct daemon *daemon, struct proc_memory before)
{
#if !defined(ROLLCALL_SANITIZED)
    struct proc_memory after = proc_memory(daemon_pid(daemon));
    if (after.anon_bytes > before.anon_bytes + SLACK_BYTES ||
        after.peak_bytes > before.peak_bytes + SLACK_BYTES) {
        support_fail("memory grew from %lld to %lld bytes, its peak from %lld to %lld",
                     (long long)before.anon_bytes, (long long)after.anon_bytes,
                     (long long)before.peak_bytes, (long long)after.peak_bytes);
    }
#else
    (void)daemon;
    (void)before;
#endif
}

static void
messages_over_1_mib_close_their_connection(void **state)
{
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ 0 });
    struct rpc *other = rpc_dial(daemon_url(daemon));
    char *text = padded_call(10 * MIB);
    expect_code(other, 300 * KIB, -32600);
    struct proc_memory before = proc_memory(daemon_pid(daemon));
    for (int i = 0; i < 20; i++) {
        int fd = rude_connect(daemon_path(daemon));
        char byte = 0;
        if (fd < 0) {
            support_fail("connect: %s; the daemon said: %s", strerror(errno), daemon_log(daemon));
        }
        (void)rude_send(fd, RUDE_GREETING, RUDE_GREETING_LEN);
        char greeting[8];
        assert_int_equal(recv(fd, greeting, sizeof(greeting), MSG_WAITALL), sizeof(greeting));
        rude_announce(fd, i % 2 == 0 ? (uint64_t)10 * MIB : UINT64_MAX / 2);
        (void)rude_send(fd, text, 10 * MIB);
        assert_true(recv(fd, &byte, 1, 0) <= 0); /* closed, with or without a reset */
        (void)close(fd);
        expect_code(other, 100, 0);
    }
    expect_flat(daemon, before);
    assert_true(child_wait_text(daemon_child(daemon), CHILD_STDERR,
                                "a message of 10485760 bytes, at most 1048576 are read",
                                CHILD_WAIT_MS));
    free(text);
    rpc_free(&other);
    daemon_stop(&daemon);
}

/* ---- max_calls ---------------------------------------------------------------------------- */

#define MAX_CALLS 4
#define HANGING "{\"platforms\":{\"github\":{\"fault\":\"hang\"}}}"
#define CHECK                                                                                      \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":{\"subject\":\"u%d@example."    \
    "com\","                                                                                       \
    "\"platforms\":[\"github\"]}}"

static int64_t
calls_waiting(struct rpc *rpc)
{
    cJSON *status = rpc_result(rpc, "status", NULL);
    const cJSON *calls = cJSON_GetObjectItemCaseSensitive(status, "calls");
    int64_t waiting = cJSON_GetObjectItemCaseSensitive(calls, "waiting")->valueint;
    cJSON_Delete(status);
    return waiting;
}

static void
wait_for_waiting(struct rpc *rpc, int64_t count)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (calls_waiting(rpc) != count) {
        if (support_now_us() > deadline_us) {
            support_fail("never had %lld calls waiting", (long long)count);
        }
    }
}

static char *
submit(struct rpc *rpc)
{
    cJSON *result =
        rpc_result(rpc, "submit", "{\"subject\":\"s@example.com\",\"platforms\":[\"github\"]}");
    char *id = strdup(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "query")));
    assert_non_null(id);
    cJSON_Delete(result);
    return id;
}

static void
expect_call(struct rpc *rpc, const char *method, const char *format, const char *query, int code)
{
    char *params = support_text(format, query);
    cJSON *reply = rpc_call(rpc, method, params);
    if (rpc_error_code(reply) != code) {
        support_fail("%s: %d", method, rpc_error_code(reply));
    }
    cJSON_Delete(reply);
    free(params);
}

static void
calls_that_would_wait_are_overloaded_others_served(void **state)
{
    static const char *const args[] = { "-o", "max_calls=4", NULL };
    (void)state;
    struct world *world = world_start(&(struct world_options){ .script = HANGING });
    struct daemon *daemon = daemon_start(&(struct daemon_options){
        .world = world,
        .plugins =
            (const struct daemon_plugin[]){ { .name = "github", .lines = "concurrency = 100;" } },
        .plugin_count = 1,
        .lines = "timeout = \"600s\"; deadline = \"600s\"; deadline_max = \"600s\";",
        .args = args,
    });
    struct rpc *waiting[MAX_CALLS];
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    char *query = submit(rpc);
    for (int i = 0; i < MAX_CALLS; i++) {
        char *call = support_text(CHECK, i);
        waiting[i] = rpc_dial(daemon_url(daemon));
        rpc_send(waiting[i], call, strlen(call));
        free(call);
    }
    wait_for_waiting(rpc, MAX_CALLS);
    expect_call(rpc, "check", "{\"subject\":\"x@example.com\"}", "", -32001);
    expect_call(rpc, "next", "{\"query\":\"%s\"}", query, -32001);
    expect_call(rpc, "result", "{\"query\":\"%s\",\"timeout_ms\":60000}", query, -32001);
    expect_call(rpc, "next", "{\"query\":\"%s\",\"timeout_ms\":0}", query, 0);
    expect_call(rpc, "result", "{\"query\":\"%s\",\"timeout_ms\":0}", query, 0);
    expect_call(rpc, "platforms", "{}", "", 0);
    expect_call(rpc, "plugins", "{}", "", 0);
    expect_call(rpc, "status", "{}", "", 0);
    expect_call(rpc, "cancel", "{\"query\":\"%s\"}", query, 0);
    expect_call(rpc, "result", "{\"query\":\"%s\",\"timeout_ms\":60000}", query, 0);
    for (int i = 0; i < MAX_CALLS; i++) {
        rpc_free(&waiting[i]); /* their calls are given up, and there is room again */
    }
    wait_for_waiting(rpc, 0);
    expect_call(rpc, "check",
                "{\"subject\":\"y@example.com\",\"platforms\":[\"github\"],\"timeout_ms\":20}", "",
                0);
    free(query);
    rpc_free(&rpc);
    daemon_stop(&daemon);
    world_stop(&world);
}

/* One batch waits as often as it has calls that wait. */
static void
calls_of_a_batch_count_one_by_one(void **state)
{
    static const char *const args[] = { "-o", "max_calls=2", NULL };
    static const char batch[] =
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":{\"subject\":\"a@x.org\","
        "\"platforms\":[\"github\"]}},"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"check\",\"params\":{\"subject\":\"b@x.org\","
        "\"platforms\":[\"github\"]}},"
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"check\",\"params\":{\"subject\":\"c@x.org\","
        "\"platforms\":[\"github\"]}},"
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"status\"}]";
    (void)state;
    struct world *world = world_start(&(struct world_options){ .script = HANGING });
    struct daemon *daemon = daemon_start(&(struct daemon_options){
        .world = world,
        .plugins = (const struct daemon_plugin[]){ { .name = "github" } },
        .plugin_count = 1,
        .args = args,
    });
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    rpc_send(rpc, batch, sizeof(batch) - 1);
    /* together, not one after the other: neither ends before the world does */
    assert_true(world_wait(world, WORLD_REQUEST, "github", 2, CHILD_WAIT_MS));
    world_free(&world);
    char *text = rpc_receive(rpc, RPC_WAIT_MS, NULL);
    assert_non_null(text);
    cJSON *replies = cJSON_Parse(text);
    assert_int_equal(cJSON_GetArraySize(replies), 4);
    static const int codes[] = { 0, 0, -32001, 0 };
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rpc_error_code(cJSON_GetArrayItem(replies, i)), codes[i]);
    }
    cJSON_Delete(replies);
    free(text);
    rpc_free(&rpc);
    daemon_stop(&daemon);
}

/* A peer that asks and never reads costs others nothing. */
static void
replies_that_nobody_takes_hold_up_nobody(void **state)
{
    (void)state;
    struct daemon *daemon = daemon_start(&(struct daemon_options){ 0 });
    struct rpc *good = rpc_dial(daemon_url(daemon));
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = rude_connect(daemon_path(daemon));
        assert_true(fds[i] >= 0);
        (void)rude_send(fds[i], RUDE_GREETING, RUDE_GREETING_LEN);
        struct timeval limit = { .tv_usec = 100000 };
        (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        bool is_taken = true; /* what comes after half a request would be nonsense */
        for (int call = 0; call < 3000 && is_taken; call++) {
            is_taken = rude_ask(fds[i], (uint8_t)call,
                                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"platforms\"}");
        }
    }
    for (int i = 0; i < 50; i++) {
        char *reply = rpc_exchange(good, STATUS, sizeof(STATUS) - 1, NULL);
        if (reply == NULL) {
            support_fail("call %d has no reply; the daemon said: %s", i, daemon_log(daemon));
        }
        free(reply);
    }
    for (int i = 0; i < 4; i++) {
        (void)close(fds[i]);
    }
    rpc_free(&good);
    daemon_stop(&daemon);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_over_256_kib_are_refused_in_words),
        cmocka_unit_test(messages_over_1_mib_close_their_connection),
        cmocka_unit_test(calls_that_would_wait_are_overloaded_others_served),
        cmocka_unit_test(calls_of_a_batch_count_one_by_one),
        cmocka_unit_test(replies_that_nobody_takes_hold_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
