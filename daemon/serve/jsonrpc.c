/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The envelope of JSON-RPC 2.0 (https://www.jsonrpc.org/specification). Strict where it says MUST:
 * the version, the id, the type of params. Members that it does not name are left alone. */
#include "daemon/serve/jsonrpc.h"

#include <stdlib.h>
#include <string.h>

/* From here on numbers are rounded to integers when they are read. */
#define ID_INTEGER_END 9007199254740992.0 /* 2^53, to which 2^53 + 1 is rounded */

const char *
jsonrpc_code_message(enum jsonrpc_code code)
{
    switch (code) {
#define X(name, number, message)                                                                   \
    case JSONRPC_##name:                                                                           \
        return message;
        JSONRPC_CODE_TABLE(X)
#undef X
    case JSONRPC_OK:
        break;
    }
    return "Internal error";
}

/* An id comes back as it went in, or is refused: a number must survive reading and printing. */
static bool
is_id(const struct json *id)
{
    switch (json_type(id)) {
    case JSON_NULL:
    case JSON_STRING:
        return true;
    case JSON_NUMBER: {
        double value = json_number(id, ID_INTEGER_END);
        return value > -ID_INTEGER_END && value < ID_INTEGER_END;
    }
    case JSON_ABSENT:
    case JSON_BOOL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return false;
}

/* Why this is no call, or NULL. */
static const char *
find_fault(const struct json *request, const struct json *id)
{
    const struct json *version = json_get(request, "jsonrpc");
    const struct json *params = json_get(request, "params");
    enum json_type params_type = json_type(params);
    if (json_type(request) != JSON_OBJECT) {
        return "a call is an object";
    }
    if (strcmp(json_string(version, ""), "2.0") != 0) {
        return "\"jsonrpc\" must be \"2.0\"";
    }
    if (id != NULL && !is_id(id)) {
        return "\"id\" must be a string, null, or a number that a double holds exactly";
    }
    if (json_type(json_get(request, "method")) != JSON_STRING) {
        return "\"method\" must be a string";
    }
    if (params_type != JSON_ABSENT && params_type != JSON_OBJECT && params_type != JSON_ARRAY) {
        return "\"params\" must be an object";
    }
    return NULL;
}

static void
read_call(const struct json *request, struct jsonrpc_call *call)
{
    const struct json *id = json_get(request, "id");
    const char *fault = find_fault(request, id);
    *call = (struct jsonrpc_call){ .id = is_id(id) ? id : NULL };
    if (fault != NULL) {
        call->code = JSONRPC_INVALID_REQUEST;
        call->why = fault;
        return;
    }
    call->is_notification = id == NULL;
    call->method = json_string(json_get(request, "method"), "");
    call->params = json_get(request, "params");
}

static int
refuse(struct jsonrpc_message *message, enum jsonrpc_code code, const char *why)
{
    message->code = code;
    (void)error_say(&message->why, ERROR_INVALID, "%s", why);
    return ERROR_OK;
}

static int
read_calls(struct jsonrpc_message *message)
{
    message->calls = calloc(message->count, sizeof(*message->calls));
    if (message->calls == NULL) {
        return ERROR_NOMEM;
    }
    if (!message->is_batch) {
        read_call(message->document, &message->calls[0]);
        return ERROR_OK;
    }
    struct jsonrpc_call *call = message->calls;
    for (const struct json *member = json_first(message->document); member != NULL;
         member = json_next(member)) {
        read_call(member, call++);
    }
    return ERROR_OK;
}

static int
read_document(struct jsonrpc_message *message)
{
    message->is_batch = json_type(message->document) == JSON_ARRAY;
    message->count = message->is_batch ? json_count(message->document) : 1;
    if (message->count == 0) {
        return refuse(message, JSONRPC_INVALID_REQUEST, "an empty batch");
    }
    if (message->count > JSONRPC_BATCH_MAX) {
        message->code = JSONRPC_INVALID_REQUEST;
        (void)error_say(&message->why, ERROR_INVALID, "a batch of %zu calls, at most %d",
                        message->count, JSONRPC_BATCH_MAX);
        message->count = 0;
        return ERROR_OK;
    }
    return read_calls(message);
}

int
jsonrpc_read(const char *bytes, size_t len, struct jsonrpc_message *out_message)
{
    memset(out_message, 0, sizeof(*out_message));
    if (len > JSONRPC_MESSAGE_BYTES_MAX) {
        out_message->code = JSONRPC_INVALID_REQUEST;
        (void)error_say(&out_message->why, ERROR_INVALID, "a message of %zu bytes, at most %zu",
                        len, JSONRPC_MESSAGE_BYTES_MAX);
        return ERROR_OK;
    }
    if (len == 0) {
        return refuse(out_message, JSONRPC_PARSE_ERROR, "an empty message");
    }
    int error = json_parse(bytes, len, &out_message->document, &out_message->why);
    if (error == ERROR_OK) {
        return read_document(out_message);
    }
    if (error == ERROR_NOMEM) {
        return error;
    }
    out_message->code = error == ERROR_UNACCEPTABLE ? JSONRPC_INVALID_REQUEST : JSONRPC_PARSE_ERROR;
    return ERROR_OK;
}

void
jsonrpc_message_fini(struct jsonrpc_message *message)
{
    free(message->calls);
    json_free(&message->document);
    memset(message, 0, sizeof(*message));
}

/* {"jsonrpc":"2.0", key: value, "id": …}; NULL when any of it is out of memory. */
static struct json *
envelope(const struct json *id, const char *key, struct json *value)
{
    struct json *reply = json_new_object();
    bool is_whole = json_put_string(reply, "jsonrpc", "2.0");
    is_whole = json_put(reply, key, value) && is_whole;
    is_whole = json_put(reply, "id", id != NULL ? json_copy(id) : json_new_null()) && is_whole;
    if (!is_whole) {
        json_free(&reply);
    }
    return reply;
}

struct json *
jsonrpc_result(const struct json *id, struct json *result)
{
    return envelope(id, "result", result);
}

struct json *
jsonrpc_error(const struct json *id, enum jsonrpc_code code, const char *data)
{
    struct json *error = json_new_object();
    bool is_whole = json_put_number(error, "code", code);
    is_whole = json_put_string(error, "message", jsonrpc_code_message(code)) && is_whole;
    if (data != NULL && data[0] != '\0') {
        is_whole = json_put_string(error, "data", data) && is_whole;
    }
    if (!is_whole) {
        json_free(&error);
    }
    return envelope(id, "error", error);
}
