/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One call in hand, as the host's files share it. It lives from the decoding of its request to the
 * encoding of its answer, on one thread. */
#ifndef ROLLCALL_PLUGIN_HOST_INT_H
#define ROLLCALL_PLUGIN_HOST_INT_H

#include <stdbool.h>

#include "daemon/base/attr.h"
#include "daemon/base/json.h"
#include "daemon/plugin/call.h"
#include "daemon/plugin/carried.h"
#include "daemon/plugin/host.h"

#define HOST_CALL_MAGIC UINT32_C(0x48434c4c)

struct host_call {
    uint32_t magic;
    const struct image *image;
    const struct host_config *config;
    const struct host_caller *caller;
    struct arena *arena; /* of this call */
    struct call_request request;
    rollcall_check check;
    rollcall_reply reply;
    struct error_text fault; /* the first bound or rule that the plugin broke; "" while none */
    rollcall_step given;     /* what the one ending call gave; ROLLCALL_STEP_FAILED: none yet */
    struct call_answer answer;
    struct call_pair headers[ROLLCALL_REQUEST_HEADERS_MAX];
    struct call_pair form[CALL_FORM_MAX];
    const char *stop_at[ROLLCALL_STOP_AT_MAX];
    size_t template_bytes; /* of all templates of this request */
    struct carried carried;
    struct json *json; /* of the reply, once somebody has asked */
    bool json_was_read;
    struct manifest_checker *yielded; /* on the heap: they may be many */
    size_t yielded_max;
    const char **notes;
    size_t notes_lost; /* beyond those that are kept */
};

/** The call behind what a plugin hands back to us. */
struct host_call *host_call_of(const rollcall_check *check);
struct host_call *host_call_of_reply(const rollcall_reply *reply);

/** Note that the plugin broke a rule: the call will be CALL_FAILED. Only the first counts. */
void host_fault(struct host_call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/** Enumerate has returned: say how many notes were not kept, if any. */
void host_end_notes(struct host_call *call);

/* The functions of struct rollcall_host. What the next request carries, and the ends of a step: */
void host_header(rollcall_check *check, const char *name, const char *value_template);
void host_form(rollcall_check *check, const char *name, const char *value_template);
void host_body(rollcall_check *check, const char *content_type, const char *body_template);
void host_follow(rollcall_check *check, uint32_t redirects);
void host_stop_at(rollcall_check *check, const char *text);
rollcall_step host_request(rollcall_check *check, int32_t method, const char *url_template);
rollcall_step
host_verdict(rollcall_check *check, int32_t verdict, int32_t reason, const char *url_template);
rollcall_step host_unknown_from(rollcall_check *check, const rollcall_reply *reply);
rollcall_step host_share(rollcall_check *check, const char *value);
rollcall_step host_stale(rollcall_check *check, const char *shared_name);
void *host_state(rollcall_check *check);
int32_t host_put(rollcall_check *check, const char *name, const char *value);
/* Reading the reply: */
const char *host_header_of(const rollcall_reply *reply, const char *name);
int32_t host_body_has(const rollcall_reply *reply, const char *text);
int32_t host_body_between(const rollcall_reply *reply, const char *before, const char *after,
                          char *out, size_t out_bytes);
const char *host_json_string(const rollcall_reply *reply, const char *path);
int32_t host_json_bool(const rollcall_reply *reply, const char *path);
int32_t host_json_int(const rollcall_reply *reply, const char *path, int64_t *out);
int64_t host_json_count(const rollcall_reply *reply, const char *path);
int32_t host_is_subject(const rollcall_reply *reply, const char *text);
/* Configuration, enumerate, cancelling: */
const char *host_config_string(rollcall_check *check, const char *key, size_t index);
int64_t host_config_int(rollcall_check *check, const char *key, int64_t fallback);
const void *host_config_file(rollcall_check *check, const char *key, size_t index,
                             const char **name, size_t *len);
int32_t
host_yield(rollcall_check *check, const rollcall_checker *checker, const void *data, size_t len);
void host_note(rollcall_check *check, const char *sentence);
int32_t host_is_cancelled(const rollcall_check *check);
int32_t host_cancel_fd(const rollcall_check *check);

#endif
