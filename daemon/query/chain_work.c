/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a chain does, act by act: build a call, fill a request, start a transfer, weigh a verdict.
 */
#include "daemon/query/chain_int.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/plugin/reply.h"
#include "daemon/query/request.h"
#include "daemon/query/srv.h"
#include "rollcall/plugin.h"

/* A transfer that is begun with next to no time left still gets this much. */
#define FETCH_US_MIN INT64_C(1000)

/* ---- What our own errors mean ------------------------------------------- */

enum reason
chain_reason_of_refused_call(int error)
{
    bool full = error == ERROR_BUSY || error == ERROR_NOMEM || error == ERROR_CLOSED;
    return full ? REASON_OVERLOADED : REASON_PLUGIN_FAILED;
}

enum reason
chain_reason_of_filling(int error)
{
    switch (error) {
    case ERROR_UNACCEPTABLE:
        return REASON_NOT_A_VALID_NAME;
    case ERROR_NOMEM:
        return REASON_OVERLOADED;
    default:
        return REASON_PLUGIN_FAILED;
    }
}

enum reason
chain_reason_of_fetch(int error)
{
    switch (error) {
    case ERROR_TIMEOUT:
        return REASON_TIMEOUT;
    case ERROR_UNREACHABLE:
    case ERROR_DENIED:
        return REASON_UNREACHABLE;
    case ERROR_INVALID:
        return REASON_PLUGIN_FAILED;
    case ERROR_NOMEM:
    case ERROR_BUSY:
    case ERROR_CLOSED:
    case ERROR_CANCELLED:
        return REASON_OVERLOADED;
    default: /* LOOP, TOO_BIG, PROTOCOL */
        return REASON_UNEXPECTED_REPLY;
    }
}

/* ---- The plugin --------------------------------------------------------- */

const struct call_answer *
chain_answer(const struct chain *chain)
{
    return chain->answer->result;
}

void
chain_note_failure(struct chain *chain, const char *sentence)
{
    struct plugin *plugin = chain->task.plugin;
    plugin->failures++;
    if (strcmp(plugin->last_error.text, sentence) != 0) {
        (void)error_say(&plugin->last_error, ERROR_PLUGIN, "%s", sentence);
        log_warning("plugin", "%s: %s", plugin->name, sentence);
    }
}

/* ---- Calls -------------------------------------------------------------- */

static void
describe_task(const struct chain_task *task, struct call_request *request)
{
    request->kind = task->kind;
    if (task->checker != NULL) {
        const struct manifest_checker *info = task->checker->info;
        request->index = info->index;
        request->enumerated = info->enumerated;
        request->flags = info->flags;
        request->data = info->data;
        request->data_len = info->data_len;
    } else {
        request->index = task->shared->index;
    }
    request->subject = task->subject != NULL ? task->subject->value : "";
    request->subject_kind = task->subject != NULL ? task->subject->kind : 0;
}

static void
describe_reply(const struct fetch_reply *reply, struct call_pair *pairs, struct call_reply *out)
{
    assert(reply->header_count <= FETCH_HEADERS_MAX);
    for (size_t i = 0; i < reply->header_count; i++) {
        pairs[i] = (struct call_pair){ reply->headers[i].name, reply->headers[i].value };
    }
    *out = (struct call_reply){ .status = reply->status,
                                .truncated = reply->truncated,
                                .stop_hit = reply->stop_hit,
                                .url = reply->url,
                                .headers = pairs,
                                .header_count = reply->header_count,
                                .body = reply->body,
                                .body_len = reply->body_len };
}

int
chain_call(struct chain *chain, struct future **out_call)
{
    struct call_request request = { .step = chain->step };
    struct call_pair pairs[FETCH_HEADERS_MAX];
    struct call_reply reply;
    describe_task(&chain->task, &request);
    if (chain->answer != NULL) {
        request.carried = chain_answer(chain)->carried;
        request.carried_len = chain_answer(chain)->carried_len;
    }
    if (chain->fetch != NULL) {
        describe_reply(chain->fetch->result, pairs, &reply);
        request.reply = &reply;
    }
    return crew_call(chain->task.epoch->crew, chain->task.plugin, &request, out_call);
}

/* ---- Requests ----------------------------------------------------------- */

static const char *
look_up_shared(void *context, const char *name)
{
    const struct chain *chain = context;
    return shared_peek(chain->task.epoch, chain->task.plugin, name);
}

static const char *
look_up_secret(void *context, const char *key)
{
    const struct chain *chain = context;
    const struct conf_plugin *section = chain->task.plugin->section;
    const struct conf_value *value = section != NULL ? conf_own(section, key) : NULL;
    bool is_set = value != NULL && value->type == CONF_SECRET && value->count > 0;
    return is_set ? value->texts[0] : NULL;
}

/* A number as a text of the chain's arena. */
static const char *
spell_number(struct chain *chain, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    return arena_strdup(chain->arena, text);
}

static const char *
spell_value(struct chain *chain, const struct host_value *value)
{
    switch (value->type) {
    case ROLLCALL_STRING:
    case ROLLCALL_RATE:
        return value->count > 0 ? value->texts[0] : NULL;
    case ROLLCALL_BOOL:
        return value->number != 0 ? "true" : "false";
    case ROLLCALL_INT:
    case ROLLCALL_DURATION:
        return spell_number(chain, value->number);
    default: /* lists and files are no text */
        return NULL;
    }
}

static const char *
look_up_config(void *context, const char *key)
{
    struct chain *chain = context;
    const struct host_config *config = &chain->task.plugin->config;
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->values[i].key, key) == 0) {
            return spell_value(chain, &config->values[i]);
        }
    }
    return NULL;
}

static struct request_source
source_of(struct chain *chain)
{
    const struct call_answer *answer = chain_answer(chain);
    const struct checker *checker = chain->task.checker;
    return (struct request_source){ .subject = chain->task.subject,
                                    .base_url = chain->task.base_url,
                                    .flags = checker != NULL ? checker->info->flags : 0,
                                    .values = answer->values,
                                    .value_count = answer->value_count,
                                    .config = look_up_config,
                                    .secret = look_up_secret,
                                    .shared = look_up_shared,
                                    .context = chain };
}

bool
chain_lacks_shared(struct chain *chain, char *out_name, size_t name_bytes)
{
    size_t cursor = 0;
    while (request_next_shared(chain_answer(chain), &cursor, out_name, name_bytes)) {
        if (shared_peek(chain->task.epoch, chain->task.plugin, out_name) == NULL) {
            return true;
        }
    }
    return false;
}

static int
renew_arena(struct chain *chain)
{
    arena_free(&chain->arena);
    chain->arena = arena_new(REQUEST_ARENA_BYTES);
    return chain->arena == NULL ? ERROR_NOMEM : ERROR_OK;
}

int
chain_fill(struct chain *chain)
{
    int error = renew_arena(chain);
    if (error != ERROR_OK) {
        return error;
    }
    struct request_source source = source_of(chain);
    struct error_text why = { "" };
    chain->shared_seen = chain->task.epoch->shared_count;
    error = request_fill(chain_answer(chain), &source, chain->arena, &chain->request, &why);
    if (error != ERROR_OK && error != ERROR_NOMEM && error != ERROR_UNACCEPTABLE) {
        chain_note_failure(chain, why.text);
    }
    return error;
}

int
chain_fetch(struct chain *chain, struct future **out_fetch)
{
    struct fetch_request *request = &chain->request;
    const struct checker *checker = chain->task.checker;
    request->cookies = chain->cookies;
    request->body_max = checker != NULL ? checker->info->body_max : ROLLCALL_BODY_DEFAULT;
    request->timeout_us = chain->left_us > FETCH_US_MIN ? chain->left_us : FETCH_US_MIN;
    struct exec *exec = chain->task.epoch->exec;
    int error = request_is_srv(request)
                    ? srv_start(exec, request->url, request->timeout_us, out_fetch)
                    : fetch_start(exec_fetcher(exec), request, out_fetch);
    arena_free(&chain->arena); /* all of it was copied */
    return error;
}

/* ---- Replies ------------------------------------------------------------ */

static int64_t
read_retry_after(const struct fetch_reply *reply)
{
    struct call_pair pairs[FETCH_HEADERS_MAX];
    struct call_reply view;
    describe_reply(reply, pairs, &view);
    return reply_retry_after_ms(&view);
}

int
chain_note_reply(struct chain *chain)
{
    const struct fetch_reply *reply = chain->fetch->result;
    chain->left_us -= reply->total_us;
    chain->status = reply->status;
    chain->truncated = reply->truncated;
    /* RFC 9110 10.2.3: Retry-After goes with 503 too. */
    bool wants_pause = reply->status == 429 || reply->status == 503;
    chain->retry_after_ms = wants_pause ? read_retry_after(reply) : -1;
    free(chain->cookies);
    chain->cookies = NULL;
    if (reply->cookies[0] == '\0') {
        return ERROR_OK;
    }
    chain->cookies = strdup(reply->cookies);
    return chain->cookies == NULL ? ERROR_NOMEM : ERROR_OK;
}

/* ---- Verdicts ----------------------------------------------------------- */

static struct finding
finding_of_answer(const struct call_answer *answer)
{
    if (answer->verdict != ROLLCALL_UNKNOWN) {
        return finding_sure((enum verdict)answer->verdict);
    }
    struct finding finding = finding_unknown(reason_of_plugin(answer->reason));
    finding.retry_after_ms = finding.reason == REASON_RATE_LIMITED ? answer->retry_after_ms : -1;
    return finding;
}

/* The account's page for people. A verdict does not fail for want of it. */
static const char *
fill_profile(struct chain *chain)
{
    const char *url = NULL;
    const char *profile = chain_answer(chain)->profile;
    if (profile == NULL || renew_arena(chain) != ERROR_OK) {
        return NULL;
    }
    struct request_source source = source_of(chain);
    int error = request_fill_profile(profile, &source, chain->arena, &url);
    return error == ERROR_OK ? url : NULL;
}

struct finding
chain_judge(struct chain *chain)
{
    struct finding finding = finding_of_answer(chain_answer(chain));
    if (chain->task.checker == NULL) { /* a shared value's step can only say why there is none */
        return finding.verdict == VERDICT_UNKNOWN ? finding : finding_unknown(REASON_PLUGIN_FAILED);
    }
    struct evidence evidence = { .evidence = chain->task.checker->info->evidence,
                                 .flags = chain->task.checker->info->flags,
                                 .status = chain->status,
                                 .truncated = chain->truncated };
    finding = verdict_guard(finding, &evidence);
    if (finding.reason == REASON_RATE_LIMITED && finding.retry_after_ms < 0) {
        finding.retry_after_ms = chain->retry_after_ms;
    }
    if (finding.verdict == VERDICT_REGISTERED) {
        chain->url = fill_profile(chain);
    }
    return finding;
}
