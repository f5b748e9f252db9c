/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A raw nng client for tests: any bytes out, any bytes in, and JSON-RPC 2.0 on top. It never sends
 * anything twice by itself. One rpc is one connection with one call at a time; take several for
 * several. Times are milliseconds, multiplied by SUPPORT_SLOWDOWN in here. */
#ifndef ROLLCALL_TESTS_SUPPORT_RPC_H
#define ROLLCALL_TESTS_SUPPORT_RPC_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "daemon/base/attr.h"

#define RPC_WAIT_MS 20000

struct rpc;

/** Connect now. Owner: free with rpc_free(). Fails the test when nobody listens there. */
struct rpc *rpc_dial(const char *url);
/** As rpc_dial(), but NULL when it does not work. */
struct rpc *rpc_try_dial(const char *url);
/** Close the connection. Accepts NULL. */
void rpc_free(struct rpc **rpc);

/** Send one message; a call that was waiting for its reply is given up. Fails the test. */
void rpc_send(struct rpc *rpc, const void *bytes, size_t len);

/** The reply, with a NUL behind its bytes; free() it. NULL: none within the time, or the connection
 *  is gone. *out_len may be NULL. */
char *rpc_receive(struct rpc *rpc, int timeout_ms, size_t *out_len);

/** Readable while a reply waits to be received, for poll(); the rpc's own. */
int rpc_fd(const struct rpc *rpc);

/** Send and receive within RPC_WAIT_MS; free() the reply. NULL as above. */
char *rpc_exchange(struct rpc *rpc, const void *bytes, size_t len, size_t *out_len);

/** rpc_exchange() of a text; the reply as a tree: free with cJSON_Delete(). Fails the test when
 *  there is no reply or it is not JSON. */
cJSON *rpc_exchange_json(struct rpc *rpc, const char *text);

/** Call a method. `params` is the text of an object, or NULL for none. Gives the whole reply,
 *  {"jsonrpc","id","result"|"error"}; fails the test as above, or when version or id are wrong. */
cJSON *rpc_call(struct rpc *rpc, const char *method, const char *params);

/** As rpc_call(), but gives the result alone. An error reply fails the test. */
cJSON *rpc_result(struct rpc *rpc, const char *method, const char *params);

/** The text under a key of an object, "" where there is none. Borrowed. */
const char *rpc_text(const cJSON *object, const char *key);

/** The number error.code of a whole reply, or 0 when it is not an error. */
int rpc_error_code(const cJSON *reply);

#endif
