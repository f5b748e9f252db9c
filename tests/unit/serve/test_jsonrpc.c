/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The envelope: what is a call, what is not and why, and what replies look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/json_print.h"
#include "daemon/serve/jsonrpc.h"

/* A message that is refused as a whole. */
static void
test_refused(void **state)
{
    static const struct {
        const char *text;
        enum jsonrpc_code code;
    } rows[] = {
        { "", JSONRPC_PARSE_ERROR },
        { " ", JSONRPC_PARSE_ERROR },
        { "{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]",
          JSONRPC_PARSE_ERROR },
        { "[{\"jsonrpc\": \"2.0\", \"method\": \"status\", \"id\": \"1\"},"
          "{\"jsonrpc\": \"2.0\", \"method\"]",
          JSONRPC_PARSE_ERROR },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"id\":1} x", JSONRPC_PARSE_ERROR },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"\xff\",\"id\":1}", JSONRPC_PARSE_ERROR },
        { "\xef\xbb\xbf{}", JSONRPC_PARSE_ERROR },
        { "{\"id\":01}", JSONRPC_PARSE_ERROR },
        { "[]", JSONRPC_INVALID_REQUEST },
        { "{\"id\":1,\"id\":2}", JSONRPC_INVALID_REQUEST },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"a\\u0000b\",\"id\":1}", JSONRPC_INVALID_REQUEST },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jsonrpc_message message;
        assert_int_equal(jsonrpc_read(rows[i].text, strlen(rows[i].text), &message), ERROR_OK);
        if (message.code != rows[i].code || message.why.text[0] == '\0' || message.count != 0) {
            fail_msg("row %zu: %d (%s)", i, message.code, message.why.text);
        }
        jsonrpc_message_fini(&message);
    }
}

/* One object: its fault, whether its id comes back, whether it wants no reply. */
static void
test_one(void **state)
{
    static const struct {
        const char *text;
        enum jsonrpc_code code;
        const char *id; /* as printed; NULL: null in the reply */
        bool is_notification;
    } rows[] = {
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}", JSONRPC_OK, "1", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"x\"}", JSONRPC_OK, "\"x\"", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":null}", JSONRPC_OK, "null", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1.5}", JSONRPC_OK, "1.5", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":-9007199254740991}", JSONRPC_OK,
          "-9007199254740991", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", JSONRPC_OK, NULL, true },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1,\"params\":{}}", JSONRPC_OK, "1", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1,\"params\":[]}", JSONRPC_OK, "1", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1,\"more\":2}", JSONRPC_OK, "1", false },
        { "1", JSONRPC_INVALID_REQUEST, NULL, false },
        { "\"x\"", JSONRPC_INVALID_REQUEST, NULL, false },
        { "null", JSONRPC_INVALID_REQUEST, NULL, false },
        { "{}", JSONRPC_INVALID_REQUEST, NULL, false },
        { "{\"foo\":\"boo\"}", JSONRPC_INVALID_REQUEST, NULL, false },
        { "{\"method\":\"m\",\"id\":1}", JSONRPC_INVALID_REQUEST, "1", false },
        { "{\"jsonrpc\":\"1.0\",\"method\":\"m\",\"id\":1}", JSONRPC_INVALID_REQUEST, "1", false },
        { "{\"jsonrpc\":2.0,\"method\":\"m\",\"id\":1}", JSONRPC_INVALID_REQUEST, "1", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}", JSONRPC_INVALID_REQUEST, NULL,
          false },
        { "{\"jsonrpc\":\"2.0\",\"id\":1}", JSONRPC_INVALID_REQUEST, "1", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":\"bar\",\"id\":1}",
          JSONRPC_INVALID_REQUEST, "1", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":null,\"id\":1}",
          JSONRPC_INVALID_REQUEST, "1", false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":{}}", JSONRPC_INVALID_REQUEST, NULL,
          false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":[1]}", JSONRPC_INVALID_REQUEST, NULL,
          false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":true}", JSONRPC_INVALID_REQUEST, NULL,
          false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":9007199254740993}", JSONRPC_INVALID_REQUEST,
          NULL, false },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1e300}", JSONRPC_INVALID_REQUEST, NULL,
          false },
        /* the key of another spelling is another key */
        { "{\"jsonrpc\":\"2.0\",\"METHOD\":\"m\",\"id\":1}", JSONRPC_INVALID_REQUEST, "1", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jsonrpc_message message;
        assert_int_equal(jsonrpc_read(rows[i].text, strlen(rows[i].text), &message), ERROR_OK);
        assert_int_equal(message.code, JSONRPC_OK);
        assert_int_equal(message.count, 1);
        assert_false(message.is_batch);
        const struct jsonrpc_call *call = &message.calls[0];
        struct buf id;
        buf_init(&id, 64);
        if (call->id != NULL) {
            assert_int_equal(json_print(call->id, &id), ERROR_OK);
        }
        if (call->code != rows[i].code || call->is_notification != rows[i].is_notification ||
            (call->id != NULL) != (rows[i].id != NULL) ||
            (rows[i].id != NULL && strcmp(buf_str(&id), rows[i].id) != 0) ||
            (call->code != JSONRPC_OK) != (call->why != NULL)) {
            fail_msg("row %zu: code %d, id %s", i, call->code, buf_str(&id));
        }
        buf_fini(&id);
        jsonrpc_message_fini(&message);
    }
}

static void
test_batch(void **state)
{
    static const char text[] = "[{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\"1\"},"
                               "{\"jsonrpc\":\"2.0\",\"method\":\"b\",\"params\":{}},"
                               "{\"foo\":\"boo\"},[],1]";
    struct jsonrpc_message message;
    (void)state;
    assert_int_equal(jsonrpc_read(text, sizeof(text) - 1, &message), ERROR_OK);
    assert_true(message.is_batch);
    assert_int_equal(message.count, 5);
    assert_string_equal(message.calls[0].method, "a");
    assert_false(message.calls[0].is_notification);
    assert_string_equal(message.calls[1].method, "b");
    assert_true(message.calls[1].is_notification);
    for (size_t i = 2; i < 5; i++) {
        assert_int_equal(message.calls[i].code, JSONRPC_INVALID_REQUEST);
        assert_false(message.calls[i].is_notification);
    }
    jsonrpc_message_fini(&message);
}

static char *
batch_of(size_t count, size_t *out_len)
{
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        buf_append_byte(&buf, i == 0 ? '[' : ',');
        buf_append_str(&buf, "1");
    }
    buf_append_byte(&buf, ']');
    return buf_take(&buf, out_len);
}

static void
test_batch_bound(void **state)
{
    (void)state;
    for (size_t count = JSONRPC_BATCH_MAX; count <= JSONRPC_BATCH_MAX + 1; count++) {
        struct jsonrpc_message message;
        size_t len = 0;
        char *text = batch_of(count, &len);
        assert_int_equal(jsonrpc_read(text, len, &message), ERROR_OK);
        assert_int_equal(message.code,
                         count > JSONRPC_BATCH_MAX ? JSONRPC_INVALID_REQUEST : JSONRPC_OK);
        assert_int_equal(message.count, count > JSONRPC_BATCH_MAX ? 0 : count);
        jsonrpc_message_fini(&message);
        free(text);
    }
}

/* The largest message is read, one byte more is refused without being read. */
static void
test_size_bound(void **state)
{
    static const char call[] = "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}";
    size_t len = JSONRPC_MESSAGE_BYTES_MAX + 1;
    char *text = malloc(len);
    struct jsonrpc_message message;
    (void)state;
    assert_non_null(text);
    memset(text, ' ', len);
    memcpy(text, call, sizeof(call) - 1);
    assert_int_equal(jsonrpc_read(text, len - 1, &message), ERROR_OK);
    assert_int_equal(message.code, JSONRPC_OK);
    jsonrpc_message_fini(&message);
    assert_int_equal(jsonrpc_read(text, len, &message), ERROR_OK);
    assert_int_equal(message.code, JSONRPC_INVALID_REQUEST);
    assert_non_null(strstr(message.why.text, "262145"));
    jsonrpc_message_fini(&message);
    free(text);
}

/* Deep documents: broken ones are broken first. */
static void
test_deep(void **state)
{
    char text[4096];
    struct jsonrpc_message message;
    (void)state;
    memset(text, '[', sizeof(text));
    assert_int_equal(jsonrpc_read(text, sizeof(text), &message), ERROR_OK);
    assert_int_equal(message.code, JSONRPC_PARSE_ERROR);
    jsonrpc_message_fini(&message);
    memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
    assert_int_equal(jsonrpc_read(text, sizeof(text), &message), ERROR_OK);
    assert_int_equal(message.code, JSONRPC_INVALID_REQUEST);
    jsonrpc_message_fini(&message);
}

static void
expect_print(struct json *json, const char *text)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(json_print(json, &out), ERROR_OK);
    assert_string_equal(buf_str(&out), text);
    buf_fini(&out);
    json_free(&json);
}

static void
test_replies(void **state)
{
    struct json *id = json_new_string("7");
    (void)state;
    expect_print(jsonrpc_result(id, json_new_bool(true)),
                 "{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":\"7\"}");
    expect_print(jsonrpc_error(NULL, JSONRPC_PARSE_ERROR, NULL),
                 "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"Parse error\"},"
                 "\"id\":null}");
    expect_print(jsonrpc_error(id, JSONRPC_OVERLOADED, "later"),
                 "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32001,\"message\":\"overloaded\","
                 "\"data\":\"later\"},\"id\":\"7\"}");
    json_free(&id);
}

/* The specification fixes numbers and words. */
static void
test_codes(void **state)
{
    static const struct {
        int code;
        const char *message;
    } rows[] = {
        { -32700, "Parse error" },    { -32600, "Invalid Request" }, { -32601, "Method not found" },
        { -32602, "Invalid params" }, { -32603, "Internal error" },  { -32001, "overloaded" },
        { -32002, "no such query" },  { -32003, "not permitted" },   { -32004, "shutting down" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(jsonrpc_code_message((enum jsonrpc_code)rows[i].code), rows[i].message);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_one),
        cmocka_unit_test(test_batch),      cmocka_unit_test(test_batch_bound),
        cmocka_unit_test(test_size_bound), cmocka_unit_test(test_deep),
        cmocka_unit_test(test_replies),    cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
