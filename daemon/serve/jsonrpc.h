/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The envelope of JSON-RPC 2.0, and nothing of what travels in it: bytes to calls, results and
 * errors to bytes. Pure. Thread: one at a time a message. */
#ifndef ROLLCALL_SERVE_JSONRPC_H
#define ROLLCALL_SERVE_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/attr.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "daemon/base/json.h"

/* One message: a person's longest list of platforms is a hundredth of it. */
#define JSONRPC_MESSAGE_BYTES_MAX ((size_t)256 * 1024)

/* Calls in one batch; together with JSONRPC_MESSAGE_BYTES_MAX it bounds what one message can start.
 */
#define JSONRPC_BATCH_MAX 50

/* One reply: `platforms` of a hundred thousand checkers has some 40 MiB. */
#define JSONRPC_REPLY_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* name, number, the message that travels; the first five are the specification's. */
#define JSONRPC_CODE_TABLE(X)                                                                      \
    X(PARSE_ERROR, -32700, "Parse error")                                                          \
    X(INVALID_REQUEST, -32600, "Invalid Request")                                                  \
    X(METHOD_NOT_FOUND, -32601, "Method not found")                                                \
    X(INVALID_PARAMS, -32602, "Invalid params")                                                    \
    X(INTERNAL_ERROR, -32603, "Internal error")                                                    \
    X(OVERLOADED, -32001, "overloaded")                                                            \
    X(NO_SUCH_QUERY, -32002, "no such query")                                                      \
    X(NOT_PERMITTED, -32003, "not permitted")                                                      \
    X(SHUTTING_DOWN, -32004, "shutting down")

enum jsonrpc_code {
    JSONRPC_OK = 0,
#define X(name, number, message) JSONRPC_##name = (number),
    JSONRPC_CODE_TABLE(X)
#undef X
};

/** The table's message of a code; "Internal error" for a number that is none. Static text. */
const char *jsonrpc_code_message(enum jsonrpc_code code);

/* One call of a message. Everything in it points into the message's document. */
struct jsonrpc_call {
    const struct json *id; /* NULL: none, or none that could be read: replies say null */
    bool is_notification;  /* a proper call without id: gets no reply */
    const char *method;
    const struct json *params; /* an object, an array, or NULL */
    enum jsonrpc_code code;    /* not JSONRPC_OK: this is no call, and why */
    const char *why;           /* static text, with `code` */
};

struct jsonrpc_message {
    struct json *document;
    struct jsonrpc_call *calls;
    size_t count;
    bool is_batch;
    enum jsonrpc_code code; /* not JSONRPC_OK: the whole message is refused with one error */
    struct error_text why;
};

/**
 * Read one message of `len` bytes.
 * Owner:  *out_message is the caller's, whatever it says; free with jsonrpc_message_fini().
 * Errors: NOMEM only: what is wrong with the message stands in it.
 */
MUST_CHECK int jsonrpc_read(const char *bytes, size_t len, struct jsonrpc_message *out_message);
void jsonrpc_message_fini(struct jsonrpc_message *message);

/* Replies. `id` is copied, NULL stands for null; `result` is taken over. NULL out of memory. */
struct json *jsonrpc_result(const struct json *id, struct json *result);
/** `data` is the sentence that says what was wrong; NULL: none. */
struct json *jsonrpc_error(const struct json *id, enum jsonrpc_code code, const char *data);

#endif
