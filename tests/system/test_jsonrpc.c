/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* JSON-RPC 2.0 over the real socket: each line of the specification's table of examples, with our
 * methods in the place of its own, and what clients get wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

struct stage {
    struct daemon *daemon;
    struct rpc *rpc;
};

static int
set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage->daemon = daemon_start(&(struct daemon_options){ 0 });
    stage->rpc = rpc_dial(daemon_url(stage->daemon));
    *state = stage;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *stage = *state;
    rpc_free(&stage->rpc);
    daemon_stop(&stage->daemon);
    free(stage);
    return 0;
}

/* What we add to the specification's errors, and results whose content is not the point. */
static void
strip(cJSON *reply)
{
    cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
    cJSON_DeleteItemFromObjectCaseSensitive(error, "data");
    if (cJSON_GetObjectItemCaseSensitive(reply, "result") != NULL) {
        cJSON_ReplaceItemInObjectCaseSensitive(reply, "result", cJSON_CreateTrue());
    }
}

static void
strip_all(cJSON *replies)
{
    cJSON *reply = NULL;
    if (!cJSON_IsArray(replies)) {
        strip(replies);
        return;
    }
    cJSON_ArrayForEach(reply, replies) strip(reply);
}

#define OK(id) "{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":" id "}"
#define ERROR(code, message, id)                                                                   \
    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":" code ",\"message\":\"" message "\"},\"id\":" id "}"
#define PARSE_ERROR ERROR("-32700", "Parse error", "null")
#define INVALID ERROR("-32600", "Invalid Request", "null")

static const struct {
    const char *call;
    const char *reply; /* "": an empty message */
} table[] = {
    /* rpc call with positional parameters: ours are always named */
    { "{\"jsonrpc\": \"2.0\", \"method\": \"platforms\", \"params\": [42, 23], \"id\": 1}",
      ERROR("-32602", "Invalid params", "1") },
    /* rpc call with named parameters, in either order */
    { "{\"jsonrpc\": \"2.0\", \"method\": \"platforms\", \"params\": {\"kind\": \"email\", "
      "\"tag\": \"social\"}, \"id\": 3}",
      OK("3") },
    { "{\"jsonrpc\": \"2.0\", \"method\": \"platforms\", \"params\": {\"tag\": \"social\", "
      "\"kind\": \"email\"}, \"id\": 4}",
      OK("4") },
    /* a Notification */
    { "{\"jsonrpc\": \"2.0\", \"method\": \"status\", \"params\": [1,2,3,4,5]}", "" },
    { "{\"jsonrpc\": \"2.0\", \"method\": \"foobar\"}", "" },
    /* rpc call of non-existent method */
    { "{\"jsonrpc\": \"2.0\", \"method\": \"foobar\", \"id\": \"1\"}",
      ERROR("-32601", "Method not found", "\"1\"") },
    /* rpc call with invalid JSON */
    { "{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]", PARSE_ERROR },
    /* rpc call with invalid Request object */
    { "{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}", INVALID },
    /* rpc call Batch, invalid JSON */
    { "[{\"jsonrpc\": \"2.0\", \"method\": \"status\", \"params\": [1,2,4], \"id\": \"1\"},"
      "{\"jsonrpc\": \"2.0\", \"method\"]",
      PARSE_ERROR },
    /* rpc call with an empty Array */
    { "[]", INVALID },
    /* rpc call with an invalid Batch (but not empty) */
    { "[1]", "[" INVALID "]" },
    /* rpc call with invalid Batch */
    { "[1,2,3]", "[" INVALID "," INVALID "," INVALID "]" },
    /* rpc call Batch */
    { "[{\"jsonrpc\": \"2.0\", \"method\": \"platforms\", \"params\": {}, \"id\": \"1\"},"
      "{\"jsonrpc\": \"2.0\", \"method\": \"status\", \"params\": [7]},"
      "{\"jsonrpc\": \"2.0\", \"method\": \"plugins\", \"params\": {}, \"id\": \"2\"},"
      "{\"foo\": \"boo\"},"
      "{\"jsonrpc\": \"2.0\", \"method\": \"foo.get\", \"params\": {\"name\": \"myself\"}, "
      "\"id\": \"5\"},"
      "{\"jsonrpc\": \"2.0\", \"method\": \"status\", \"id\": \"9\"}]",
      "[" OK("\"1\"") "," OK("\"2\"") "," INVALID "," ERROR("-32601", "Method not found",
                                                            "\"5\"") "," OK("\"9\"") "]" },
    /* rpc call Batch (all notifications) */
    { "[{\"jsonrpc\": \"2.0\", \"method\": \"status\", \"params\": [1,2,4]},"
      "{\"jsonrpc\": \"2.0\", \"method\": \"plugins\", \"params\": [7]}]",
      "" },
    /* not in the table: an empty message is no JSON; ids come back as they went in */
    { "", PARSE_ERROR },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"id\":null}", OK("null") },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"id\":1.5}", OK("1.5") },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"id\":9007199254740991}",
      OK("9007199254740991") },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"id\":9007199254740993}", INVALID },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"id\":1e400}", INVALID },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"id\":\"\\u00e9\\ud83d\\ude00\"}",
      OK("\"\xc3\xa9\xf0\x9f\x98\x80\"") },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"id\":1,\"id\":2}", INVALID },
};

static void
spec_examples_give_the_specified_reply(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        size_t len = 0;
        char *reply = rpc_exchange(stage->rpc, table[i].call, strlen(table[i].call), &len);
        if (reply == NULL) {
            support_fail("row %zu: no reply", i);
        }
        if (table[i].reply[0] == '\0') {
            assert_int_equal(len, 0);
            free(reply);
            continue;
        }
        cJSON *found = cJSON_Parse(reply);
        cJSON *wanted = cJSON_Parse(table[i].reply);
        assert_non_null(wanted);
        strip_all(found);
        if (!cJSON_Compare(found, wanted, true)) {
            support_fail("row %zu: %s", i, reply);
        }
        cJSON_Delete(found);
        cJSON_Delete(wanted);
        free(reply);
    }
}

static void
mistakes_in_params_are_named(void **state)
{
    static const struct {
        const char *method;
        const char *params;
        int code;
        const char *says;
    } rows[] = {
        { "check", "{}", -32602, "subject: missing" },
        { "check", "{\"subject\":\"\"}", -32602, "subject" },
        { "check", "{\"subject\":\"a b@example.com\"}", -32602, "subject" },
        { "check", "{\"subject\":\"alice@exa mple.com\"}", -32602, "subject" },
        { "check", "{\"subject\":\"x\\ty\"}", -32602, "subject" },
        { "check", "{\"subject\":42}", -32602, "subject: found a number" },
        { "check", "{\"subject\":\"alice\",\"platforms\":[\"nowhere\"]}", -32602, "nowhere" },
        { "check", "{\"subject\":\"alice\",\"strategy\":\"guess\"}", -32602, "guess" },
        { "check", "{\"subject\":\"alice\",\"until\":\"never\"}", -32602, "until" },
        { "check", "{\"subject\":\"alice\",\"timeout_ms\":0}", -32602, "timeout_ms" },
        { "check", "{\"subject\":\"alice\",\"timeout\":5}", -32602, "\"timeout\"" },
        { "submit", "{\"subject\":\"alice\",\"key\":\"\"}", -32602, "key" },
        { "next", "{}", -32602, "query: missing" },
        { "next", "{\"query\":\"q1\",\"after\":-1}", -32602, "after" },
        { "next", "{\"query\":\"q1\"}", -32002, "query" },
        { "result", "{\"query\":\"q1\"}", -32002, "query" },
        { "cancel", "{\"query\":\"q1\"}", -32002, "query" },
        { "cancel", "{\"query\":7}", -32602, "query: found a number" },
        { "platforms", "{\"kind\":\"phone\"}", -32602, "phone" },
        { "plugins", "{\"x\":1}", -32602, "takes none" },
        { "status", "{\"x\":1}", -32602, "takes none" },
        { "forget", "{\"subject\":\"a\"}", -32601, "forget" },
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cJSON *reply = rpc_call(stage->rpc, rows[i].method, rows[i].params);
        const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
        const char *data = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "data"));
        if (rpc_error_code(reply) != rows[i].code || data == NULL ||
            strstr(data, rows[i].says) == NULL) {
            support_fail("row %zu: %d %s", i, rpc_error_code(reply), data != NULL ? data : "");
        }
        cJSON_Delete(reply);
    }
}

/* All bytes: each single one as a message, and in the middle of a call. */
static void
no_byte_makes_the_daemon_fall_over(void **state)
{
    static const char frame[] = "{\"jsonrpc\":\"2.0\",\"method\":\"?\",\"id\":1}";
    struct stage *stage = *state;
    for (int byte = 0; byte < 256; byte++) {
        char message[sizeof(frame)];
        memcpy(message, frame, sizeof(frame));
        *strchr(message, '?') = (char)byte;
        char *reply = rpc_exchange(stage->rpc, &message[27], 1, NULL);
        assert_non_null(reply);
        free(reply);
        reply = rpc_exchange(stage->rpc, message, sizeof(frame) - 1, NULL);
        assert_non_null(reply);
        const char *code =
            byte < 0x20 || byte > 0x7f || byte == '"' || byte == '\\' ? "-32700" : "-32601";
        if (strstr(reply, code) == NULL) {
            support_fail("byte %d: %s", byte, reply);
        }
        free(reply);
    }
}

/* One unknown method in front of fifty: the batch is answered in its own order. */
static void
batches_keep_their_order(void **state)
{
    struct stage *stage = *state;
    char call[8192] = "[";
    for (int i = 0; i < 50; i++) {
        size_t used = strlen(call);
        (void)snprintf(call + used, sizeof(call) - used,
                       "%s{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"id\":%d}", i == 0 ? "" : ",",
                       i % 2 == 0 ? "status" : "nothing", i);
    }
    call[strlen(call)] = ']';
    cJSON *replies = rpc_exchange_json(stage->rpc, call);
    assert_int_equal(cJSON_GetArraySize(replies), 50);
    int expected = 0;
    const cJSON *reply = NULL;
    cJSON_ArrayForEach(reply, replies)
    {
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(reply, "id");
        assert_int_equal(id->valueint, expected);
        assert_int_equal(rpc_error_code(reply), expected % 2 == 0 ? 0 : -32601);
        expected++;
    }
    cJSON_Delete(replies);
}

/* Debian's own tool, as people will type it. */
static void
nngcat_gets_a_reply(void **state)
{
    (void)state;
    struct world *world = world_start(&(struct world_options){ .scale = 0.01 });
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .world = world });
    const char *const argv[] = { "nngcat",
                                 "--req",
                                 "--raw",
                                 "--dial",
                                 daemon_url(daemon),
                                 "--data",
                                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":"
                                 "{\"subject\":\"alice@example.com\"}}",
                                 NULL };
    char *out = NULL;
    assert_int_equal(child_run(&(struct child_options){ .argv = argv }, &out, NULL), 0);
    cJSON *reply = cJSON_Parse(out);
    assert_non_null(reply);
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(reply, "id")->valueint, 1);
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(reply, "result");
    const char *verdict = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "verdict"));
    assert_string_equal(verdict, "registered");
    cJSON_Delete(reply);
    free(out);
    daemon_stop(&daemon);
    world_stop(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spec_examples_give_the_specified_reply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes_in_params_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_byte_makes_the_daemon_fall_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batches_keep_their_order, set_up, tear_down),
        cmocka_unit_test(nngcat_gets_a_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
