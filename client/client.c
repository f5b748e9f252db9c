/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* librollcall: a call as JSON-RPC 2.0, its reply judged, its result handed out. One thread at a
 * time; the connection's own threads never come here. */
#include <rollcall/client.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/answer.h"
#include "client/conn.h"
#include "client/json.h"
#include "client/locate.h"
#include "client/question.h"
#include "client/why.h"

#define SHORT_WAIT_MS 10000 /* a call that the daemon answers at once */
#define GRACE_MS 5000       /* on top of what the daemon itself may take */
#define CHECK_WAIT_MS (600 * 1000)
#define NEXT_MAX 100

struct rollcall_client {
    struct conn *conn; /* NULL: the address is none, url_why says why */
    char *url;
    struct why why;
    struct why url_why;
    int64_t connect_ms; /* how long a first connection may take */
    int64_t gather_ms;  /* how long results may be held back to come together */
    int rpc_code;
    unsigned id;
};

/* A call on its way; `params` is taken over. */
struct call {
    const char *method;
    struct json *params;
    int64_t wait_ms;
};

/* A reply; `result` is in `root`. */
struct reply {
    struct json *root;
    const struct json *result;
};

int
rollcall_client_new(const char *url, rollcall_client **out_client)
{
    rollcall_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return ROLLCALL_E_NOMEM;
    }
    int code = locate_daemon(url, &client->url, &client->url_why);
    if (code == ROLLCALL_OK) {
        code = conn_new(client->url, &client->conn, &client->url_why);
    }
    if (code == ROLLCALL_E_NOMEM) {
        rollcall_client_free(client);
        return code;
    }
    client->connect_ms = CONN_CONNECT_MS;
    *out_client = client;
    return ROLLCALL_OK;
}

void
rollcall_client_free(rollcall_client *client)
{
    if (client == NULL) {
        return;
    }
    conn_free(&client->conn);
    free(client->url);
    free(client);
}

const char *
rollcall_client_url(const rollcall_client *client)
{
    return client->url != NULL ? client->url : "";
}

const char *
rollcall_client_error(const rollcall_client *client)
{
    return client->why.text;
}

int
rollcall_client_rpc_code(const rollcall_client *client)
{
    return client->rpc_code;
}

void
rollcall_client_gather(rollcall_client *client, int64_t gather_ms)
{
    client->gather_ms = gather_ms > 0 ? gather_ms : 0;
}

void
rollcall_client_patience(rollcall_client *client, int64_t connect_ms)
{
    client->connect_ms = connect_ms > 0 ? connect_ms : CONN_CONNECT_MS;
    if (client->conn != NULL) {
        conn_set_patience(client->conn, client->connect_ms);
    }
}

void
rollcall_client_interrupt(rollcall_client *client)
{
    if (client->conn != NULL) {
        conn_interrupt(client->conn);
    }
}

int
rollcall_key(char out_key[ROLLCALL_KEY_BYTES])
{
    unsigned char bits[(ROLLCALL_KEY_BYTES - 1) / 2];
    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
        return ROLLCALL_E_INVALID;
    }
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(bits); i++) {
        out_key[2 * i] = digits[bits[i] >> 4];
        out_key[2 * i + 1] = digits[bits[i] & 0x0f];
    }
    out_key[ROLLCALL_KEY_BYTES - 1] = '\0';
    return ROLLCALL_OK;
}

/* For a call that the daemon answers at once, once it is there. */
static int64_t
short_wait_ms(const rollcall_client *client)
{
    return client->connect_ms + SHORT_WAIT_MS;
}

/* The call's text; takes the params over. NULL: no memory. */
static char *
print_call(struct call *call, unsigned id)
{
    struct json *root = json_object();
    bool is_built = root != NULL && json_put_text(root, "jsonrpc", "2.0") &&
                    json_put_number(root, "id", (double)id) &&
                    json_put_text(root, "method", call->method);
    if (is_built && call->params != NULL) {
        is_built = json_put(root, "params", call->params);
        call->params = NULL;
    }
    char *text = is_built ? json_print(root) : NULL;
    json_free(&call->params);
    json_free(&root);
    return text;
}

static int
refused(rollcall_client *client, const struct json *error)
{
    const char *message = json_text(error, "message");
    const struct json *data = json_get(error, "data");
    const char *detail = json_string(data);
    double code = json_number(error, "code", 0);
    if (message == NULL || code < -99999 || code > 99999) {
        return why_say(&client->why, ROLLCALL_E_PROTOCOL, "the daemon's error has no code or text");
    }
    client->rpc_code = (int)code;
    return why_say(&client->why, ROLLCALL_E_REFUSED, "%s%s%s", message, detail != NULL ? ": " : "",
                   detail != NULL ? detail : "");
}

static int
judge_reply(rollcall_client *client, const struct json *root, const struct json **out_result)
{
    const char *version = json_text(root, "jsonrpc");
    if (version == NULL || strcmp(version, "2.0") != 0) {
        return why_say(&client->why, ROLLCALL_E_PROTOCOL,
                       "what answers at %s is no Rollcall daemon: its reply is no JSON-RPC 2.0",
                       client->url);
    }
    const struct json *error = json_get(root, "error");
    if (error != NULL) {
        return refused(client, error);
    }
    const struct json *result = json_get(root, "result");
    if (!json_is_object(result) || !json_is_number(root, "id", (double)client->id)) {
        return why_say(&client->why, ROLLCALL_E_PROTOCOL,
                       "the daemon's reply has no result, or answers another call");
    }
    *out_result = result;
    return ROLLCALL_OK;
}

static int
unreachable(rollcall_client *client, int code)
{
    if (code != ROLLCALL_E_UNREACHABLE) {
        return code;
    }
    struct why cause = client->why;
    const char *hint = locate_explain(client->url);
    return why_say(&client->why, code, "%.*s at %.128s%s%s", WHY_BYTES / 2, cause.text, client->url,
                   hint[0] != '\0' ? ": " : "", hint);
}

/* One call, there and back. Takes call->params over. */
static int
ask(rollcall_client *client, struct call *call, struct reply *out_reply)
{
    client->rpc_code = 0;
    client->id++;
    if (client->conn == NULL) {
        json_free(&call->params);
        client->why = client->url_why;
        return ROLLCALL_E_INVALID;
    }
    char *text = print_call(call, client->id);
    if (text == NULL) {
        return why_nomem(&client->why);
    }
    char *answer = NULL;
    size_t length = 0;
    int code = conn_call(client->conn, text, call->wait_ms, &answer, &length, &client->why);
    free(text);
    if (code != ROLLCALL_OK) {
        return unreachable(client, code);
    }
    struct reply reply = { .root = json_parse(answer, length) };
    free(answer);
    code = judge_reply(client, reply.root, &reply.result);
    if (code != ROLLCALL_OK) {
        json_free(&reply.root);
        return code;
    }
    *out_reply = reply;
    return ROLLCALL_OK;
}

/* The question's params, with a key of its own where it has none. */
static int
prepare(rollcall_client *client, const rollcall_question *question, struct json **out_params)
{
    char key[ROLLCALL_KEY_BYTES];
    rollcall_question keyed = *question;
    if (keyed.key == NULL) {
        if (rollcall_key(key) != ROLLCALL_OK) {
            return why_say(&client->why, ROLLCALL_E_INVALID, "the kernel gives no random bits");
        }
        keyed.key = key;
    }
    return question_params(&keyed, out_params, &client->why);
}

static int64_t
check_wait_ms(const rollcall_question *question, int64_t wait_ms)
{
    if (wait_ms > 0) {
        return wait_ms;
    }
    return question->timeout_ms > 0 ? question->timeout_ms + GRACE_MS : CHECK_WAIT_MS;
}

int
rollcall_client_check(rollcall_client *client, const rollcall_question *question, int64_t wait_ms,
                      rollcall_answer **out_answer)
{
    struct call call = { .method = "check", .wait_ms = check_wait_ms(question, wait_ms) };
    struct reply reply = { .root = NULL };
    int code = prepare(client, question, &call.params);
    if (code == ROLLCALL_OK) {
        code = ask(client, &call, &reply);
    }
    return code == ROLLCALL_OK ? answer_new(&reply.root, reply.result, out_answer, &client->why)
                               : code;
}

int
rollcall_client_submit(rollcall_client *client, const rollcall_question *question,
                       char out_query[ROLLCALL_QUERY_BYTES])
{
    struct call call = { .method = "submit", .wait_ms = short_wait_ms(client) };
    struct reply reply = { .root = NULL };
    int code = prepare(client, question, &call.params);
    if (code == ROLLCALL_OK) {
        code = ask(client, &call, &reply);
    }
    if (code != ROLLCALL_OK) {
        return code;
    }
    const char *query = json_text(reply.result, "query");
    if (query == NULL || strlen(query) >= ROLLCALL_QUERY_BYTES) {
        code = why_say(&client->why, ROLLCALL_E_PROTOCOL, "the daemon gave the query no usable id");
    } else {
        memcpy(out_query, query, strlen(query) + 1);
    }
    json_free(&reply.root);
    return code;
}

/* Params that name a query, and for how long the call may wait (-1: it does not). NULL: no memory.
 */
static struct json *
about(const char *query, int64_t wait_ms)
{
    struct json *params = json_object();
    if (params == NULL || !json_put_text(params, "query", query) ||
        (wait_ms >= 0 && !json_put_number(params, "timeout_ms", (double)wait_ms))) {
        json_free(&params);
    }
    return params;
}

int
rollcall_client_next(rollcall_client *client, const char *query, size_t after, size_t max,
                     int64_t wait_ms, rollcall_answer **out_results, int *out_done)
{
    struct call call = { .method = "next",
                         .params = about(query, wait_ms),
                         .wait_ms = wait_ms + GRACE_MS };
    if (call.params == NULL || !json_put_number(call.params, "after", (double)after) ||
        !json_put_number(call.params, "max", (double)(max > 0 ? max : NEXT_MAX)) ||
        (client->gather_ms > 0 &&
         !json_put_number(call.params, "gather_ms", (double)client->gather_ms))) {
        json_free(&call.params);
        return why_nomem(&client->why);
    }
    struct reply reply = { .root = NULL };
    int code = ask(client, &call, &reply);
    if (code != ROLLCALL_OK) {
        return code;
    }
    int is_done = json_is_true(reply.result, "done");
    code = answer_new(&reply.root, reply.result, out_results, &client->why);
    if (code == ROLLCALL_OK) {
        *out_done = is_done;
    }
    return code;
}

int
rollcall_client_result(rollcall_client *client, const char *query, int64_t wait_ms,
                       rollcall_answer **out_answer)
{
    struct call call = { .method = "result",
                         .params = about(query, wait_ms),
                         .wait_ms = wait_ms + GRACE_MS };
    if (call.params == NULL) {
        return why_nomem(&client->why);
    }
    struct reply reply = { .root = NULL };
    int code = ask(client, &call, &reply);
    if (code != ROLLCALL_OK) {
        return code;
    }
    if (json_text(reply.result, "verdict") == NULL) {
        json_free(&reply.root);
        return why_say(&client->why, ROLLCALL_E_TIMEOUT, "the query has not ended yet");
    }
    return answer_new(&reply.root, reply.result, out_answer, &client->why);
}

int
rollcall_client_cancel(rollcall_client *client, const char *query, int *out_cancelled)
{
    struct call call = { .method = "cancel",
                         .params = about(query, -1),
                         .wait_ms = short_wait_ms(client) };
    if (call.params == NULL) {
        return why_nomem(&client->why);
    }
    struct reply reply = { .root = NULL };
    int code = ask(client, &call, &reply);
    if (code == ROLLCALL_OK) {
        *out_cancelled = json_is_true(reply.result, "cancelled");
        json_free(&reply.root);
    }
    return code;
}

int
rollcall_client_call(rollcall_client *client, const char *method, const char *params,
                     int64_t wait_ms, char **out_json)
{
    struct call call = { .method = method,
                         .wait_ms = wait_ms > 0 ? wait_ms : short_wait_ms(client) };
    if (params != NULL) {
        call.params = json_parse(params, strlen(params));
        if (!json_is_object(call.params)) {
            json_free(&call.params);
            return why_say(&client->why, ROLLCALL_E_INVALID, "params: found no JSON object");
        }
    }
    struct reply reply = { .root = NULL };
    int code = ask(client, &call, &reply);
    if (code != ROLLCALL_OK) {
        return code;
    }
    char *text = json_print(reply.result);
    json_free(&reply.root);
    if (text == NULL) {
        return why_nomem(&client->why);
    }
    *out_json = text;
    return ROLLCALL_OK;
}
