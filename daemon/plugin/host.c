/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One call from bytes to bytes: find the function, hand it check and reply, judge what it did. The
 * functions it may call are in host_ask.c, host_reply.c and host_config.c. Keeps nothing between
 * calls, so calls may run side by side. */
#include "daemon/plugin/host_int.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/plugin/text.h"

/* All that one call may take: texts of the request, what the step records, its answer. */
#define CALL_ARENA_BYTES ((size_t)1024 * 1024)

static const rollcall_host host_functions = {
    .size = sizeof(rollcall_host),
    .header = host_header,
    .form = host_form,
    .body = host_body,
    .follow = host_follow,
    .stop_at = host_stop_at,
    .request = host_request,
    .verdict = host_verdict,
    .unknown_from = host_unknown_from,
    .share = host_share,
    .stale = host_stale,
    .state = host_state,
    .put = host_put,
    .header_of = host_header_of,
    .body_has = host_body_has,
    .body_between = host_body_between,
    .json_string = host_json_string,
    .json_bool = host_json_bool,
    .json_int = host_json_int,
    .json_count = host_json_count,
    .is_subject = host_is_subject,
    .config_string = host_config_string,
    .config_int = host_config_int,
    .config_file = host_config_file,
    .yield = host_yield,
    .is_cancelled = host_is_cancelled,
    .note = host_note,
    .cancel_fd = host_cancel_fd,
};

/* A plugin that hands us another pointer than the one it got has lost its mind and our memory with
 * it: nothing sensible can follow. */
static struct host_call *
checked(void *internal)
{
    struct host_call *call = internal;
    assert(call->magic == HOST_CALL_MAGIC);
    return call;
}

struct host_call *
host_call_of(const rollcall_check *check)
{
    return checked(check->internal);
}

struct host_call *
host_call_of_reply(const rollcall_reply *reply)
{
    return checked(reply->internal);
}

void
host_fault(struct host_call *call, const char *format, ...)
{
    if (call->fault.text[0] != '\0') {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(call->fault.text, sizeof(call->fault.text), format, args);
    va_end(args);
    text_mend(call->fault.text);
}

static rollcall_step_fn
shared_step(const struct image *image, uint32_t index)
{
    if (index >= image->manifest->shared_count) {
        return NULL;
    }
    rollcall_shared shared;
    memset(&shared, 0, sizeof(shared));
    memcpy(&shared, (const char *)image->entry->shared + index * image->entry->shared_size,
           image->entry->shared_size);
    return shared.step;
}

/* The function that a request names, or NULL: the one place that reads a plugin's own structs. */
static rollcall_step_fn
find_step(const struct image *image, const struct call_request *request)
{
    if (request->kind == CALL_SHARED) {
        return shared_step(image, request->index);
    }
    if (request->enumerated) {
        return request->kind == CALL_STEP && image->manifest->enumerates
                   ? image->entry->enumerated_step
                   : NULL;
    }
    if (request->index >= image->manifest->checker_count) {
        return NULL;
    }
    rollcall_checker checker;
    memset(&checker, 0, sizeof(checker));
    memcpy(&checker,
           (const char *)image->entry->checkers + request->index * image->entry->checker_size,
           image->entry->checker_size);
    return request->kind == CALL_BLOCK ? checker.block : checker.step;
}

static void
show_check(struct host_call *call)
{
    call->check = (rollcall_check){ .host = &host_functions,
                                    .kind = call->request.subject_kind,
                                    .step = call->request.step,
                                    .subject = call->request.subject,
                                    .data = call->request.data,
                                    .data_len = call->request.data_len,
                                    .internal = call };
}

static const rollcall_reply *
show_reply(struct host_call *call)
{
    const struct call_reply *reply = call->request.reply;
    if (reply == NULL) {
        return NULL;
    }
    call->reply = (rollcall_reply){ .host = &host_functions,
                                    .status = reply->status,
                                    .truncated = reply->truncated,
                                    .stop_hit = reply->stop_hit,
                                    .url = reply->url,
                                    .body = reply->body,
                                    .body_len = reply->body_len,
                                    .internal = call };
    return &call->reply;
}

static void
fail_without_word(struct host_call *call, rollcall_step returned)
{
    if (returned == ROLLCALL_STEP_FAILED) {
        host_fault(call, "its step ended without a request or a verdict");
    } else {
        host_fault(
            call, "its step returned %" PRId32 ", which is not what it had asked for (%" PRId32 ")",
            returned, call->given);
    }
}

static void
run_step(struct host_call *call)
{
    rollcall_step_fn step = find_step(call->image, &call->request);
    if (step == NULL) {
        host_fault(call, "it has no checker or shared value number %" PRIu32 " of that form",
                   call->request.index);
        return;
    }
    rollcall_step returned = step(&call->check, show_reply(call));
    if (returned != call->given || returned == ROLLCALL_STEP_FAILED) {
        fail_without_word(call, returned);
    }
}

static void
run_enumerate(struct host_call *call)
{
    if (!call->image->manifest->enumerates) {
        host_fault(call, "it has no enumerate");
        return;
    }
    int32_t returned = call->image->entry->enumerate(&call->check);
    if (returned != 0) {
        host_fault(call, "its enumerate offers nothing%s%s",
                   call->answer.note_count > 0 ? ": " : "",
                   call->answer.note_count > 0 ? call->notes[0] : "");
    }
    host_end_notes(call);
    call->answer.outcome = CALL_ENUMERATED;
}

static void
run(struct host_call *call)
{
    show_check(call);
    if (call->request.kind == CALL_ENUMERATE) {
        run_enumerate(call);
    } else {
        run_step(call);
    }
}

/* What travels with the check goes with a request only: after it the next call needs it. */
static int
encode(struct host_call *call, struct buf *out)
{
    struct call_answer *answer = &call->answer;
    struct buf carried;
    buf_init(&carried, CALL_CARRIED_BYTES_MAX);
    if (call->fault.text[0] != '\0') {
        *answer = (struct call_answer){ .outcome = CALL_FAILED, .failure = call->fault.text };
    }
    if (answer->outcome == CALL_REQUEST || answer->outcome == CALL_VERDICT) {
        carried_encode(&call->carried, &carried);
    }
    answer->carried = carried.bytes;
    answer->carried_len = carried.len;
    answer->headers = call->headers;
    answer->form = call->form;
    answer->stop_at = call->stop_at;
    answer->checkers = call->yielded;
    answer->notes = call->notes;
    int error = carried.error != ERROR_OK ? carried.error : call_encode_answer(answer, out);
    buf_fini(&carried);
    return error;
}

static int
decode(struct host_call *call, const void *in, size_t in_len)
{
    int error = call_decode_request(in, in_len, call->arena, &call->request, NULL);
    if (error != ERROR_OK) {
        return error;
    }
    call->carried.state = arena_alloc(call->arena, ROLLCALL_STATE_BYTES);
    if (call->carried.state == NULL) {
        return ERROR_NOMEM;
    }
    return carried_decode(call->request.carried, call->request.carried_len, call->arena,
                          &call->carried);
}

int
host_run(const struct image *image, const struct host_config *config,
         const struct host_caller *caller, const void *in, size_t in_len, struct buf *out)
{
    struct arena *arena =
        arena_new(image->manifest->enumerates ? CALL_ENUMERATION_BYTES_MAX : CALL_ARENA_BYTES);
    struct host_call *call = arena != NULL ? arena_alloc(arena, sizeof(*call)) : NULL;
    if (call == NULL) {
        arena_free(&arena);
        return ERROR_NOMEM;
    }
    call->magic = HOST_CALL_MAGIC;
    call->image = image;
    call->config = config;
    call->caller = caller;
    call->arena = arena;
    call->answer.retry_after_ms = -1;
    int error = decode(call, in, in_len);
    if (error == ERROR_OK) {
        run(call);
        error = encode(call, out);
    }
    json_free(&call->json);
    free(call->yielded);
    arena_free(&arena);
    return error;
}
