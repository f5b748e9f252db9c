/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A REQ socket for tests. The helpers' only file that calls nng. */
#include "tests/support/rpc.h"

#include <stdlib.h>
#include <string.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "tests/support/common.h"

#if defined(ROLLCALL_SANITIZED)
/* nng 1.5.2 loses a client's connection that ends while it is being made. Only for programs that
 * dial with these helpers: the daemon's own leaks are all told. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
    return "leak:libnng.so\n";
}
#endif

struct rpc {
    nng_socket socket;
    int next_id;
};

/* Nobody is dialled again: nng would open sockets for it faster than it closes them on a busy
 * machine. */
#define REDIAL_MS (24 * 60 * 60 * 1000)

/* No resending, and no limit on what a reply may be: what comes is what the daemon sent. */
static int
set_options(nng_socket socket)
{
    int error = nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    if (error == 0) {
        error = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0);
    }
    if (error == 0) {
        error = nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, REDIAL_MS);
    }
    if (error == 0) {
        error = nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, RPC_WAIT_MS * SUPPORT_SLOWDOWN);
    }
    return error;
}

static int
dial(const char *url, struct rpc **out_rpc)
{
    struct rpc *rpc = calloc(1, sizeof(*rpc));
    if (rpc == NULL) {
        return NNG_ENOMEM;
    }
    int error = nng_req0_open(&rpc->socket);
    if (error != 0) {
        free(rpc);
        return error;
    }
    error = set_options(rpc->socket);
    if (error == 0) {
        error = nng_dial(rpc->socket, url, NULL, 0);
    }
    if (error != 0) {
        rpc_free(&rpc);
        return error;
    }
    *out_rpc = rpc;
    return 0;
}

struct rpc *
rpc_dial(const char *url)
{
    struct rpc *rpc = NULL;
    int error = dial(url, &rpc);
    if (error != 0) {
        support_fail("dial %s: %s", url, nng_strerror(error));
    }
    return rpc;
}

struct rpc *
rpc_try_dial(const char *url)
{
    struct rpc *rpc = NULL;
    return dial(url, &rpc) == 0 ? rpc : NULL;
}

void
rpc_free(struct rpc **rpc)
{
    if (*rpc == NULL) {
        return;
    }
    (void)nng_close((*rpc)->socket);
    free(*rpc);
    *rpc = NULL;
}

void
rpc_send(struct rpc *rpc, const void *bytes, size_t len)
{
    nng_msg *message = NULL;
    int error = nng_msg_alloc(&message, 0);
    if (error == 0) {
        error = nng_msg_append(message, bytes, len);
    }
    if (error == 0) {
        error = nng_sendmsg(rpc->socket, message, 0);
    }
    if (error != 0) {
        nng_msg_free(message);
        support_fail("send: %s", nng_strerror(error));
    }
}

char *
rpc_receive(struct rpc *rpc, int timeout_ms, size_t *out_len)
{
    nng_msg *message = NULL;
    (void)nng_socket_set_ms(rpc->socket, NNG_OPT_RECVTIMEO, timeout_ms * SUPPORT_SLOWDOWN);
    if (nng_recvmsg(rpc->socket, &message, 0) != 0) {
        return NULL;
    }
    size_t len = nng_msg_len(message);
    char *bytes = malloc(len + 1);
    if (bytes == NULL) {
        support_fail("out of memory");
    }
    if (len > 0) { /* an empty message may have no body at all */
        memcpy(bytes, nng_msg_body(message), len);
    }
    bytes[len] = '\0';
    nng_msg_free(message);
    if (out_len != NULL) {
        *out_len = len;
    }
    return bytes;
}

int
rpc_fd(const struct rpc *rpc)
{
    int fd = -1;
    int error = nng_socket_get_int(rpc->socket, NNG_OPT_RECVFD, &fd);
    if (error != 0) {
        support_fail("no descriptor to poll: %s", nng_strerror(error));
    }
    return fd;
}

char *
rpc_exchange(struct rpc *rpc, const void *bytes, size_t len, size_t *out_len)
{
    rpc_send(rpc, bytes, len);
    return rpc_receive(rpc, RPC_WAIT_MS, out_len);
}

cJSON *
rpc_exchange_json(struct rpc *rpc, const char *text)
{
    char *bytes = rpc_exchange(rpc, text, strlen(text), NULL);
    if (bytes == NULL) {
        support_fail("no reply to %s", text);
    }
    cJSON *reply = cJSON_Parse(bytes);
    if (reply == NULL) {
        support_fail("the reply to %s is not JSON: %s", text, bytes);
    }
    free(bytes);
    return reply;
}

cJSON *
rpc_call(struct rpc *rpc, const char *method, const char *params)
{
    int id = ++rpc->next_id;
    char *text = support_text("{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"%s%s}", id, method,
                              params != NULL ? ",\"params\":" : "", params != NULL ? params : "");
    cJSON *reply = rpc_exchange_json(rpc, text);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(reply, "jsonrpc");
    const cJSON *reply_id = cJSON_GetObjectItemCaseSensitive(reply, "id");
    if (!cJSON_IsString(version) || strcmp(version->valuestring, "2.0") != 0 ||
        !cJSON_IsNumber(reply_id) || reply_id->valueint != id) {
        support_fail("the reply to %s has another version or id: %s", text,
                     cJSON_PrintUnformatted(reply));
    }
    free(text);
    return reply;
}

cJSON *
rpc_result(struct rpc *rpc, const char *method, const char *params)
{
    cJSON *reply = rpc_call(rpc, method, params);
    cJSON *result = cJSON_DetachItemFromObjectCaseSensitive(reply, "result");
    if (result == NULL) {
        support_fail("%s gave no result: %s", method, cJSON_PrintUnformatted(reply));
    }
    cJSON_Delete(reply);
    return result;
}

const char *
rpc_text(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

int
rpc_error_code(const cJSON *reply)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(error, "code");
    return cJSON_IsNumber(code) ? code->valueint : 0;
}
