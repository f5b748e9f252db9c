/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a step asks for and how it ends, recorded. Every template is bounded, checked and copied at
 * once; a rule that is broken is noted and makes the call fail, whatever the step returns. */
#include "daemon/plugin/host_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/utf8.h"
#include "daemon/plugin/reply.h"
#include "daemon/plugin/text.h"

/* Headers that say how a message is framed or where it goes: the host's alone. */
static const char *const host_headers[] = {
    "host",    "content-length", "transfer-encoding", "connection",
    "upgrade", "trailer",        "proxy-connection",  "keep-alive",
    "te",      "expect",         "content-type",      "proxy-authorization",
};

/* Whether something may still be recorded for the next request. */
static bool
may_record(struct host_call *call, const char *what)
{
    if (call->request.kind != CALL_STEP && call->request.kind != CALL_SHARED) {
        host_fault(call, "it gave a %s where no request can be sent", what);
    } else if (call->given != ROLLCALL_STEP_FAILED) {
        host_fault(call, "it gave a %s after the end of its step", what);
    }
    return call->fault.text[0] == '\0';
}

static bool
template_fits(struct host_call *call, const char *what, const char *text, bool one_line)
{
    size_t len = text != NULL ? strnlen(text, ROLLCALL_TEMPLATE_BYTES + 1) : 0;
    call->template_bytes += len;
    if (text == NULL) {
        host_fault(call, "its %s is NULL", what);
    } else if (len > ROLLCALL_TEMPLATE_BYTES) {
        host_fault(call, "its %s is longer than %d bytes", what, ROLLCALL_TEMPLATE_BYTES);
    } else if (call->template_bytes > CALL_TEMPLATES_BYTES_MAX) {
        host_fault(call, "its request is larger than %d bytes", CALL_TEMPLATES_BYTES_MAX);
    } else if (!(one_line ? text_is_clean(text, len) : utf8_is_valid(text, len))) {
        host_fault(call, "its %s is not UTF-8%s", what, one_line ? " on one line" : "");
    }
    return call->fault.text[0] == '\0';
}

static const char *
copy(struct host_call *call, const char *text)
{
    const char *mine = arena_strdup(call->arena, text);
    if (mine == NULL) {
        host_fault(call, "its step needs more memory than allowed");
    }
    return mine;
}

static void
add_pair(struct host_call *call, struct call_pair *pairs, size_t *count, const char *name,
         const char *value)
{
    pairs[*count].name = copy(call, name);
    pairs[*count].value = copy(call, value);
    (*count)++;
}

static bool
is_host_header(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(host_headers); i++) {
        if (strcasecmp(name, host_headers[i]) == 0) {
            return true;
        }
    }
    return false;
}

void
host_header(rollcall_check *check, const char *name, const char *value_template)
{
    struct host_call *call = host_call_of(check);
    if (!may_record(call, "header") || !template_fits(call, "header's name", name, true) ||
        !template_fits(call, "header", value_template, true)) {
        return;
    }
    if (!text_is_token(name)) {
        host_fault(call, "\"%.40s\" is no name of a header", name);
    } else if (is_host_header(name)) {
        host_fault(call, "the header %s is the host's alone", name);
    } else if (call->answer.header_count == ROLLCALL_REQUEST_HEADERS_MAX) {
        host_fault(call, "its request has more than %d headers", ROLLCALL_REQUEST_HEADERS_MAX);
    } else {
        add_pair(call, call->headers, &call->answer.header_count, name, value_template);
    }
}

void
host_form(rollcall_check *check, const char *name, const char *value_template)
{
    struct host_call *call = host_call_of(check);
    if (!may_record(call, "form field") || !template_fits(call, "form field's name", name, false) ||
        !template_fits(call, "form field", value_template, false)) {
        return;
    }
    if (call->answer.form_count == CALL_FORM_MAX) {
        host_fault(call, "its form has more than %d fields", CALL_FORM_MAX);
    } else {
        add_pair(call, call->form, &call->answer.form_count, name, value_template);
    }
}

void
host_body(rollcall_check *check, const char *content_type, const char *body_template)
{
    struct host_call *call = host_call_of(check);
    if (!may_record(call, "body") || !template_fits(call, "content type", content_type, true) ||
        !template_fits(call, "body", body_template, false)) {
        return;
    }
    if (strlen(content_type) > MANIFEST_TEXT_BYTES || strchr(content_type, '/') == NULL) {
        host_fault(call, "\"%.40s\" is no content type", content_type);
    } else if (call->answer.body != NULL) {
        host_fault(call, "it gave two bodies for one request");
    } else {
        call->answer.content_type = copy(call, content_type);
        call->answer.body = copy(call, body_template);
    }
}

void
host_follow(rollcall_check *check, uint32_t redirects)
{
    struct host_call *call = host_call_of(check);
    if (!may_record(call, "number of redirects")) {
        return;
    }
    if (redirects > ROLLCALL_REDIRECTS_MAX) {
        host_fault(call, "it wants %" PRIu32 " redirects followed, at most %d are", redirects,
                   ROLLCALL_REDIRECTS_MAX);
    }
    call->answer.redirects = redirects;
}

void
host_stop_at(rollcall_check *check, const char *text)
{
    struct host_call *call = host_call_of(check);
    if (!may_record(call, "stop_at") || !template_fits(call, "stop_at", text, false)) {
        return;
    }
    size_t len = strlen(text);
    if (len == 0 || len > ROLLCALL_STOP_AT_BYTES) {
        host_fault(call, "a stop_at is %zu bytes, wants 1 to %d", len, ROLLCALL_STOP_AT_BYTES);
    } else if (call->answer.stop_at_count == ROLLCALL_STOP_AT_MAX) {
        host_fault(call, "its request has more than %d stop_at", ROLLCALL_STOP_AT_MAX);
    } else {
        call->stop_at[call->answer.stop_at_count++] = copy(call, text);
    }
}

/* Record the end of the step; the second one in a call is a fault. */
static rollcall_step
end_step(struct host_call *call, rollcall_step step, enum call_outcome outcome)
{
    if (call->given != ROLLCALL_STEP_FAILED) {
        host_fault(call, "it ended its step twice");
    }
    if (call->fault.text[0] != '\0') {
        return ROLLCALL_STEP_FAILED;
    }
    call->given = step;
    call->answer.outcome = outcome;
    return step;
}

static void
judge_body(struct host_call *call, int32_t method)
{
    const struct call_answer *answer = &call->answer;
    if (method < ROLLCALL_GET || method > ROLLCALL_SRV) {
        host_fault(call, "%" PRId32 " is no method of a request", method);
    } else if (method == ROLLCALL_SRV && !call_answer_is_bare(answer)) {
        host_fault(call, "its look-up of SRV records has what only a web request may have");
    } else if (answer->body != NULL && answer->form_count > 0) {
        host_fault(call, "its request has a body and a form");
    } else if ((answer->body != NULL || answer->form_count > 0) &&
               (method == ROLLCALL_GET || method == ROLLCALL_HEAD)) {
        host_fault(call, "its GET or HEAD has a %s", answer->body != NULL ? "body" : "form");
    }
}

rollcall_step
host_request(rollcall_check *check, int32_t method, const char *url_template)
{
    struct host_call *call = host_call_of(check);
    if (!may_record(call, "request") || !template_fits(call, "URL", url_template, true)) {
        return ROLLCALL_STEP_FAILED;
    }
    judge_body(call, method);
    call->answer.method = method;
    call->answer.url = copy(call, url_template);
    return end_step(call, ROLLCALL_STEP_REQUEST, CALL_REQUEST);
}

/* What cannot be said where: a shared value has no verdict, a step without reply has seen nothing,
 * only a blocking checker has a transport of its own. */
static void
judge_verdict(struct host_call *call, int32_t verdict, int32_t reason)
{
    bool blocking = call->request.kind == CALL_BLOCK;
    int32_t last = blocking ? ROLLCALL_TIMEOUT : ROLLCALL_NOT_A_VALID_NAME;
    if (verdict < ROLLCALL_UNKNOWN || verdict > ROLLCALL_UNREGISTERED) {
        host_fault(call, "%" PRId32 " is no verdict", verdict);
    } else if (call->request.kind == CALL_ENUMERATE) {
        host_fault(call, "it gave a verdict in enumerate");
    } else if (verdict != ROLLCALL_UNKNOWN && call->request.kind == CALL_SHARED) {
        host_fault(call, "it gave a verdict in the step of a shared value");
    } else if (verdict == ROLLCALL_REGISTERED && !blocking && call->request.reply == NULL) {
        host_fault(call, "it said registered before any reply");
    } else if (verdict == ROLLCALL_UNKNOWN && (reason < ROLLCALL_RATE_LIMITED || reason > last)) {
        host_fault(call, "%" PRId32 " is no reason that it can give", reason);
    } else if (verdict != ROLLCALL_UNKNOWN && reason != 0) {
        host_fault(call, "it gave a reason, %" PRId32 ", with a sure verdict", reason);
    }
}

/* The rule that no plugin can break: the page of a wall says nothing about anybody. Only what
 * repeats another tool's verdicts is left its own. */
static bool
is_drawn_from_wall(const struct host_call *call, int32_t verdict)
{
    bool is_guarded = (call->request.flags & ROLLCALL_UNGUARDED) == 0;
    return is_guarded && verdict != ROLLCALL_UNKNOWN && call->request.reply != NULL &&
           reply_is_wall(call->request.reply);
}

rollcall_step
host_verdict(rollcall_check *check, int32_t verdict, int32_t reason, const char *url_template)
{
    struct host_call *call = host_call_of(check);
    judge_verdict(call, verdict, reason);
    if (is_drawn_from_wall(call, verdict)) {
        verdict = ROLLCALL_UNKNOWN;
        reason = ROLLCALL_BLOCKED;
    }
    call->answer.verdict = verdict;
    call->answer.reason = reason;
    call->answer.retry_after_ms = -1;
    if (reason == ROLLCALL_RATE_LIMITED && call->request.reply != NULL) {
        call->answer.retry_after_ms = reply_retry_after_ms(call->request.reply);
    }
    if (verdict == ROLLCALL_REGISTERED && url_template != NULL &&
        template_fits(call, "profile URL", url_template, true)) {
        call->answer.profile = copy(call, url_template);
    }
    return end_step(call, ROLLCALL_STEP_VERDICT, CALL_VERDICT);
}

rollcall_step
host_unknown_from(rollcall_check *check, const rollcall_reply *reply)
{
    struct host_call *call = host_call_of(check);
    if (reply == NULL || call->request.reply == NULL) {
        host_fault(call, "it called rollcall_unknown_from() without a reply");
        return ROLLCALL_STEP_FAILED;
    }
    return host_verdict(check, ROLLCALL_UNKNOWN, reply_reason(call->request.reply), NULL);
}

static bool
is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return len > 0;
}

rollcall_step
host_share(rollcall_check *check, const char *value)
{
    struct host_call *call = host_call_of(check);
    size_t len = value != NULL ? strnlen(value, ROLLCALL_SHARED_BYTES + 1) : 0;
    if (call->request.kind != CALL_SHARED) {
        host_fault(call, "it called rollcall_share() outside the step of a shared value");
    } else if (len > ROLLCALL_SHARED_BYTES || !is_printable(value, len)) {
        host_fault(call, "its shared value is not 1 to %d printable bytes", ROLLCALL_SHARED_BYTES);
    } else {
        call->answer.text = copy(call, value);
    }
    return end_step(call, ROLLCALL_STEP_SHARE, CALL_SHARE);
}

static bool
is_shared(const struct manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->shared_count; i++) {
        if (strcmp(manifest->shared[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

rollcall_step
host_stale(rollcall_check *check, const char *shared_name)
{
    struct host_call *call = host_call_of(check);
    if (call->request.kind != CALL_STEP) {
        host_fault(call, "it called rollcall_stale() outside the step of a checker");
    } else if (shared_name == NULL || !is_shared(call->image->manifest, shared_name)) {
        host_fault(call, "it calls a shared value stale that it has not declared");
    } else {
        call->answer.text = copy(call, shared_name);
    }
    return end_step(call, ROLLCALL_STEP_STALE, CALL_STALE);
}

void *
host_state(rollcall_check *check)
{
    struct carried *carried = &host_call_of(check)->carried;
    carried->state_is_used = true;
    return carried->state;
}

int32_t
host_put(rollcall_check *check, const char *name, const char *value)
{
    struct host_call *call = host_call_of(check);
    if (name == NULL || value == NULL ||
        strnlen(value, ROLLCALL_STATE_BYTES) == ROLLCALL_STATE_BYTES) {
        return -1;
    }
    return carried_put(&call->carried, call->arena, name, value) == ERROR_OK ? 0 : -1;
}
