/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Requests: judged and copied before anything is sent. A URL by fetch_url, header names and values
 * byte by byte (libcurl would send a line break as it is); then what of them may go on to the next
 * hop of a redirect. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/exec/fetch_int.h"

/* Bytes of a body that is sent; a look-up's is a short form or JSON. */
#define SEND_BODY_MAX_BYTES (1024 * 1024)
#define HEADER_BYTES_MAX 8192
#define STOP_AT_BYTES_MAX 1024
/* They say where a message ends or whom it is for: the fetcher's own. */
static const char *const own_headers[] = { "Host",       "Content-Length", "Transfer-Encoding",
                                           "Connection", "Upgrade",        "Expect" };

static bool
is_own_header(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(own_headers); i++) {
        if (strcasecmp(name, own_headers[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A token of RFC 9110 5.6.2. */
static bool
is_header_name(const char *name)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return name[0] != '\0' && name[strspn(name, token)] == '\0';
}

static bool
is_header_value(const char *value)
{
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value < 0x20 || *value == 0x7f) {
            return false;
        }
    }
    return true;
}

static int
add_header_line(struct fetch *fetch, const char *line)
{
    struct curl_slist *longer = curl_slist_append(fetch->headers, line);
    if (longer == NULL) {
        return ERROR_NOMEM;
    }
    fetch->headers = longer;
    return ERROR_OK;
}

static int
copy_header(struct fetch *fetch, const struct fetch_header *header)
{
    struct buf line;
    if (!is_header_name(header->name) || !is_header_value(header->value) ||
        is_own_header(header->name)) {
        return ERROR_INVALID;
    }
    buf_init(&line, HEADER_BYTES_MAX);
    buf_append_str(&line, header->name);
    if (header->value[strspn(header->value, " ")] == '\0') {
        buf_append_byte(&line, ';'); /* libcurl's way to send a field without a value */
    } else {
        buf_append_str(&line, ": ");
        buf_append_str(&line, header->value);
    }
    int error = line.error == ERROR_OK        ? add_header_line(fetch, buf_str(&line))
                : line.error == ERROR_TOO_BIG ? ERROR_INVALID
                                              : ERROR_NOMEM;
    buf_fini(&line);
    return error;
}

static int
copy_headers(struct fetch *fetch, const struct fetch_request *request)
{
    if (request->header_count > FETCH_HEADERS_MAX) {
        return ERROR_INVALID;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        int error = copy_header(fetch, &request->headers[i]);
        if (error != ERROR_OK) {
            return error;
        }
    }
    /* Nobody waits for a "100 Continue". */
    return request->body_len > 0 ? add_header_line(fetch, "Expect:") : ERROR_OK;
}

static int
copy_send_body(struct fetch *fetch, const struct fetch_request *request)
{
    bool may_have_body = request->method == FETCH_POST || request->method == FETCH_PUT;
    if (request->body_len > (may_have_body ? SEND_BODY_MAX_BYTES : 0)) {
        return ERROR_INVALID;
    }
    fetch->send_body = malloc(request->body_len + 1);
    if (fetch->send_body == NULL) {
        return ERROR_NOMEM;
    }
    if (request->body_len > 0) {
        memcpy(fetch->send_body, request->body, request->body_len);
    }
    fetch->send_body[request->body_len] = '\0';
    fetch->send_len = request->body_len;
    return ERROR_OK;
}

static int
copy_stops(struct fetch *fetch, const struct fetch_request *request)
{
    size_t total = 0;
    if (request->stop_at_count > FETCH_STOP_AT_MAX) {
        return ERROR_INVALID;
    }
    for (size_t i = 0; i < request->stop_at_count; i++) {
        size_t len = strlen(request->stop_at[i]);
        if (len == 0 || len > STOP_AT_BYTES_MAX) {
            return ERROR_INVALID;
        }
        fetch->stops[i].len = len;
        total += len;
    }
    fetch->stop_count = request->stop_at_count;
    fetch->stop_bytes = malloc(total + 1);
    if (fetch->stop_bytes == NULL) {
        return ERROR_NOMEM;
    }
    char *at = fetch->stop_bytes;
    for (size_t i = 0; i < fetch->stop_count; i++) {
        memcpy(at, request->stop_at[i], fetch->stops[i].len);
        fetch->stops[i].text = at;
        at += fetch->stops[i].len;
    }
    return ERROR_OK;
}

static int
fill(struct fetch *fetch, const struct fetch_request *request)
{
    int error = fetch_url_parse(request->url, &fetch->url);
    error = error == ERROR_OK ? copy_headers(fetch, request) : error;
    error = error == ERROR_OK ? copy_send_body(fetch, request) : error;
    error = error == ERROR_OK ? copy_stops(fetch, request) : error;
    if (error != ERROR_OK) {
        return error;
    }
    fetch->timeout_us = request->timeout_us;
    return fetch_easy_new(fetch, request->cookies);
}

int
fetch_new(struct fetcher *fetcher, const struct fetch_request *request, struct fetch **out_fetch)
{
    if (request->redirects_max > FETCH_REDIRECTS_MAX || request->timeout_us <= 0 ||
        request->method > FETCH_PUT) {
        return ERROR_INVALID;
    }
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL) {
        return ERROR_NOMEM;
    }
    fetch->magic = FETCH_MAGIC;
    fetch->fetcher = fetcher;
    fetch->method = request->method;
    fetch->redirects_max = request->redirects_max;
    fetch->redirects_left = request->redirects_max;
    fetch->reply.stop_hit = -1;
    future_init(&fetch->future, &fetch_ops);
    list_init(&fetch->live_node);
    list_init(&fetch->doomed_node);
    list_init(&fetch->nudged_node);
    list_init(&fetch->paused_node);
    buf_init(&fetch->body, request->body_max);
    fetch_head_init(&fetch->head);
    fetcher->object_count++;
    int error = fill(fetch, request);
    if (error != ERROR_OK) {
        fetch_drop_request(fetch);
        fetch_ops.free(&fetch->future);
        return error;
    }
    *out_fetch = fetch;
    return ERROR_OK;
}

/* An allow-list: which of a plugin's own headers carries a secret, nobody here can know. */
static bool
may_go_anywhere(const char *line)
{
    static const char *const harmless[] = { "Accept:", "Accept-Language:", "User-Agent:",
                                            "Content-Type:", "Expect:" };
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        if (strncasecmp(line, harmless[i], strlen(harmless[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_about_body(const char *line)
{
    return strncasecmp(line, "Content-", 8) == 0 || strncasecmp(line, "Expect:", 7) == 0;
}

int
fetch_filter_headers(struct fetch *fetch, bool trusted)
{
    struct curl_slist *all = fetch->headers;
    int error = ERROR_OK;
    fetch->headers = NULL;
    for (struct curl_slist *at = all; at != NULL && error == ERROR_OK; at = at->next) {
        if ((trusted || may_go_anywhere(at->data)) &&
            (fetch_sends_body(fetch) || !is_about_body(at->data))) {
            error = add_header_line(fetch, at->data);
        }
    }
    /* The handle still points at the old list. */
    (void)curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
    curl_slist_free_all(all);
    return error;
}

void
fetch_drop_request(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->easy);
    fetch->easy = NULL;
    fetch_names_free(fetch);
    curl_slist_free_all(fetch->headers);
    fetch->headers = NULL;
    free(fetch->send_body);
    fetch->send_body = NULL;
    free(fetch->stop_bytes);
    fetch->stop_bytes = NULL;
    fetch_gzip_free(&fetch->gzip);
}
