/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Recorded exchanges: see the header. */
#include "daemon/app/tools_exchange.h"

#include <stdio.h>
#include <string.h>

#include "daemon/query/request.h"

#define SHOWN_BYTES 200

/* A recorded URL with its {base} filled in; NULL out of memory. */
static const char *
whole_url(const struct exchange_place *place, const char *url)
{
    static const char base[] = "{base}";
    if (strncmp(url, base, strlen(base)) != 0) {
        return url;
    }
    size_t size = strlen(url) + strlen(place->base_url) + 1;
    char *whole = arena_alloc(place->arena, size);
    if (whole != NULL) {
        (void)snprintf(whole, size, "%s%s", place->base_url, url + strlen(base));
    }
    return whole;
}

static bool
same_body(const struct fetch_request *request, const char *body)
{
    return request->body_len == strlen(body) &&
           (request->body_len == 0 || memcmp(request->body, body, request->body_len) == 0);
}

static int
compare(const struct case_exchange *recorded, const struct fetch_request *request,
        const struct exchange_place *place, struct error_text *why)
{
    static const char *const methods[] = {
        [FETCH_GET] = "GET", [FETCH_HEAD] = "HEAD", [FETCH_POST] = "POST", [FETCH_PUT] = "PUT"
    };
    const char *method = request_is_srv(request) ? "SRV" : methods[request->method];
    const char *url = whole_url(place, recorded->url);
    if (url == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    if (strcmp(method, recorded->method) != 0 || strcmp(request->url, url) != 0) {
        return error_say(why, ERROR_INVALID, "asks for %s %s, the record has %s %s", method,
                         request->url, recorded->method, url);
    }
    if (recorded->body != NULL && !same_body(request, recorded->body)) {
        return error_say(why, ERROR_INVALID, "sends the body \"%.*s\", the record has \"%.*s\"",
                         (int)(request->body_len < SHOWN_BYTES ? request->body_len : SHOWN_BYTES),
                         request->body_len > 0 ? (const char *)request->body : "", SHOWN_BYTES,
                         recorded->body);
    }
    return ERROR_OK;
}

/* Where reading ends: behind the first stop_at in the body, or at body_max. */
static void
cut_body(struct call_reply *reply, const struct fetch_request *request, size_t body_max)
{
    size_t end = reply->body_len;
    for (size_t i = 0; i < request->stop_at_count; i++) {
        const char *text = request->stop_at[i];
        const char *place = memmem(reply->body, end, text, strlen(text));
        if (place != NULL) {
            end = (size_t)(place - reply->body) + strlen(text);
            reply->stop_hit = (int32_t)i;
            reply->truncated = true;
        }
    }
    if (end > body_max) {
        end = body_max;
        reply->stop_hit = -1;
        reply->truncated = true;
    }
    reply->body_len = end;
}

int
exchange_play(const struct case_exchange *recorded, const struct fetch_request *request,
              const struct exchange_place *place, const struct call_reply **out_reply,
              struct error_text *why)
{
    int error = compare(recorded, request, place, why);
    if (error != ERROR_OK) {
        return error;
    }
    struct call_reply *reply = arena_alloc(place->arena, sizeof(*reply));
    const char *url = arena_strdup(place->arena, request->url);
    if (reply == NULL || url == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    *reply = recorded->reply;
    reply->url = reply->url != NULL ? reply->url : url;
    cut_body(reply, request, place->body_max);
    *out_reply = reply;
    return ERROR_OK;
}
