/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. */
#include "tests/plugin/sites/stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/plugin/host.h"
#include "daemon/query/request.h"
#include "tests/support/common.h"

#define LINES_MAX 24
#define LINE_BYTES 1024

struct stand {
    struct image image;
    struct host_value values[3];
    struct host_config config;
    const char *names[STAND_FILES_MAX];
    const void *files[STAND_FILES_MAX];
    size_t lens[STAND_FILES_MAX];
    const char *reading;
    const char *base_url;
    struct call_answer *offer;
    struct arena *arena; /* of the last request */
    struct stand_request request;
    const char *headers[LINES_MAX];
    char lines[LINES_MAX][LINE_BYTES];
};

static struct call_answer *
call(struct stand *stand, const struct call_request *request)
{
    struct buf in;
    struct buf out;
    struct call_answer *answer = NULL;
    struct error_text why = { "" };
    buf_init(&in, CALL_REQUEST_BYTES_MAX);
    buf_init(&out, CALL_ENUMERATION_BYTES_MAX);
    int error = call_encode_request(request, &in);
    if (error == ERROR_OK) {
        error = host_run(&stand->image, &stand->config, NULL, in.bytes, in.len, &out);
    }
    if (error == ERROR_OK) {
        error = call_decode_answer(out.bytes, out.len, &answer, &why);
    }
    buf_fini(&in);
    buf_fini(&out);
    if (error != ERROR_OK) {
        support_fail("a call failed: %s: %s", error_sentence(error), why.text);
    }
    return answer;
}

/* ---- Opening ------------------------------------------------------------ */

static void
add_files(struct stand *stand, const struct stand_options *options)
{
    size_t count = 0;
    while (count < STAND_FILES_MAX && options->files[count].name != NULL) {
        const struct stand_file *file = &options->files[count];
        stand->names[count] = file->name;
        stand->files[count] = file->text;
        stand->lens[count] = file->len != 0 ? file->len : strlen(file->text);
        count++;
    }
    stand->values[stand->config.count++] = (struct host_value){ .key = "catalogs",
                                                                .type = ROLLCALL_FILES,
                                                                .texts = stand->names,
                                                                .files = stand->files,
                                                                .file_lens = stand->lens,
                                                                .count = count };
}

static void
add_text(struct stand *stand, const char *key, const char *const *text)
{
    if (*text != NULL) {
        stand->values[stand->config.count++] =
            (struct host_value){ .key = key, .type = ROLLCALL_STRING, .texts = text, .count = 1 };
    }
}

struct stand *
stand_open(const struct stand_options *options)
{
    struct stand *stand = calloc(1, sizeof(*stand));
    if (stand == NULL) {
        support_fail("out of memory");
    }
    stand->image = (struct image){ .file = "sites.so",
                                   .entry = &rollcall_plugin_entry,
                                   .entry_size = sizeof(rollcall_plugin_entry) };
    struct error_text why = { "" };
    if (manifest_judge(&rollcall_plugin_entry, &stand->image.manifest, &why) != ERROR_OK) {
        support_fail("the descriptor: %s", why.text);
    }
    stand->config.values = stand->values;
    stand->reading = options->reading;
    stand->base_url = options->base_url;
    add_files(stand, options);
    add_text(stand, "reading", &stand->reading);
    add_text(stand, "base_url", &stand->base_url);
    const struct call_request request = { .kind = CALL_ENUMERATE, .subject = "" };
    stand->offer = call(stand, &request);
    return stand;
}

void
stand_close(struct stand **stand)
{
    if (*stand != NULL) {
        call_answer_free(&(*stand)->offer);
        arena_free(&(*stand)->arena);
        manifest_free(&(*stand)->image.manifest);
        free(*stand);
        *stand = NULL;
    }
}

const struct call_answer *
stand_offer(const struct stand *stand)
{
    return stand->offer;
}

const struct manifest_checker *
stand_find(const struct stand *stand, const char *id)
{
    for (size_t i = 0; i < stand->offer->checker_count; i++) {
        if (strcmp(stand->offer->checkers[i].platform.id, id) == 0) {
            return &stand->offer->checkers[i];
        }
    }
    return NULL;
}

bool
stand_notes(const struct stand *stand, const char *text)
{
    for (size_t i = 0; i < stand->offer->note_count; i++) {
        if (strstr(stand->offer->notes[i], text) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- Asking and judging ------------------------------------------------- */

static const struct manifest_checker *
need(const struct stand *stand, const char *id)
{
    const struct manifest_checker *checker = stand_find(stand, id);
    if (checker == NULL) {
        support_fail("there is no checker \"%s\"", id);
    }
    return checker;
}

static struct call_answer *
step(struct stand *stand, const struct manifest_checker *checker, const char *name,
     const struct call_reply *reply)
{
    const struct call_request request = {
        .kind = CALL_STEP,
        .enumerated = true,
        .flags = checker->flags,
        .step = reply != NULL ? 1 : 0,
        .subject_kind = ROLLCALL_USERNAME,
        .subject = name,
        .data = checker->data,
        .data_len = checker->data_len,
        .reply = reply,
    };
    return call(stand, &request);
}

static struct finding
finding_of(const struct call_answer *answer)
{
    if (answer->outcome != CALL_VERDICT) {
        return finding_unknown(REASON_PLUGIN_FAILED);
    }
    return answer->verdict != ROLLCALL_UNKNOWN ? finding_sure((enum verdict)answer->verdict)
                                               : finding_unknown(reason_of_plugin(answer->reason));
}

static int
method_of(enum fetch_method method)
{
    static const int methods[] = { [FETCH_GET] = ROLLCALL_GET,
                                   [FETCH_HEAD] = ROLLCALL_HEAD,
                                   [FETCH_POST] = ROLLCALL_POST,
                                   [FETCH_PUT] = ROLLCALL_PUT };
    return methods[method];
}

static void
fill(struct stand *stand, const struct manifest_checker *checker, const char *name,
     const struct call_answer *answer)
{
    struct subject subject;
    struct fetch_request filled;
    struct error_text why = { "" };
    struct stand_request *request = &stand->request;
    if (subject_parse(name, strlen(name), ROLLCALL_USERNAME, &subject, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
    const struct request_source source = { .subject = &subject,
                                           .base_url = stand->base_url != NULL ? stand->base_url
                                                                               : checker->base_url,
                                           .flags = checker->flags,
                                           .values = answer->values,
                                           .value_count = answer->value_count };
    int error = request_fill(answer, &source, stand->arena, &filled, &why);
    if (error == ERROR_UNACCEPTABLE) {
        request->is_verdict = true;
        request->finding = finding_unknown(REASON_NOT_A_VALID_NAME);
        return;
    }
    if (error != ERROR_OK) {
        support_fail("%s: the request cannot be filled: %s", checker->platform.id, why.text);
    }
    request->method = method_of(filled.method);
    request->url = filled.url;
    request->body = filled.body;
    request->redirects = filled.redirects_max;
    for (size_t i = 0; i < filled.header_count && i + 1 < LINES_MAX; i++) {
        (void)snprintf(stand->lines[i], LINE_BYTES, "%s: %s", filled.headers[i].name,
                       filled.headers[i].value);
        stand->headers[i] = stand->lines[i];
        stand->headers[i + 1] = NULL;
    }
}

const struct stand_request *
stand_ask(struct stand *stand, const char *id, const char *name)
{
    const struct manifest_checker *checker = need(stand, id);
    arena_free(&stand->arena);
    stand->arena = arena_new(REQUEST_ARENA_BYTES);
    stand->headers[0] = NULL;
    stand->request = (struct stand_request){ .headers = stand->headers };
    struct call_answer *answer = step(stand, checker, name, NULL);
    if (answer->outcome == CALL_REQUEST) {
        fill(stand, checker, name, answer);
    } else {
        stand->request.is_verdict = true;
        stand->request.finding = finding_of(answer);
    }
    call_answer_free(&answer);
    return &stand->request;
}

/* "Name: value" lines, in place. */
static size_t
split_headers(char *text, struct call_pair *out)
{
    size_t count = 0;
    for (char *rest = text; rest != NULL && *rest != '\0' && count < LINES_MAX;) {
        char *line = strsep(&rest, "\n");
        char *colon = strstr(line, ": ");
        if (colon == NULL) {
            support_fail("\"%s\" is no header", line);
        }
        *colon = '\0';
        out[count++] = (struct call_pair){ line, colon + 2 };
    }
    return count;
}

struct finding
stand_judge(struct stand *stand, const char *id, const char *name, const struct stand_reply *reply)
{
    const struct manifest_checker *checker = need(stand, id);
    const struct stand_request *request = stand_ask(stand, id, name);
    if (request->is_verdict) {
        return request->finding;
    }
    struct call_pair pairs[LINES_MAX];
    char *headers = support_text("%s", reply->headers != NULL ? reply->headers : "");
    const char *body = reply->body != NULL ? reply->body : "";
    const struct call_reply seen = {
        .status = reply->status,
        .truncated = reply->truncated,
        .stop_hit = -1,
        .url = reply->url != NULL ? reply->url : request->url,
        .headers = pairs,
        .header_count = split_headers(headers, pairs),
        .body = body,
        .body_len = reply->body_len != 0 ? reply->body_len : strlen(body),
    };
    struct call_answer *answer = step(stand, checker, name, &seen);
    const struct evidence evidence = { .evidence = checker->evidence,
                                       .flags = checker->flags,
                                       .status = reply->status,
                                       .truncated = reply->truncated };
    struct finding finding = verdict_guard(finding_of(answer), &evidence);
    call_answer_free(&answer);
    free(headers);
    return finding;
}
