/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Writes replies. */
#include "tests/world/render.h"

#include <stdio.h>
#include <string.h>

#include "tests/world/bomb.h"
#include "tests/world/subst.h"
#include "tests/world/text.h"

/* More than any checker's limit on bodies, so that a reply that was cut is cut again. */
#define PADDING_BYTES (1024u * 1024 + 65536)
/* What a truncated reply promises and does not give. */
#define TRUNCATED_BYTES 1024

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    { 200, "OK" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 410, "Gone" },
    { 429, "Too Many Requests" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
};

static const char *
phrase_of(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Status";
}

static void
status_line(struct buf *out, int status, bool keep_alive)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\nConnection: %s\r\n", status, phrase_of(status),
               keep_alive ? "keep-alive" : "close");
}

/* The end of the head and the body. `promised` bytes of it do not come. */
static void
finish(struct buf *out, const struct render_request *request, int status, const char *body,
       size_t len, size_t promised)
{
    bool has_body = status != 204 && status != 304;
    if (has_body) {
        buf_printf(out, "Content-Length: %zu\r\n", len + promised);
    }
    buf_append_str(out, "\r\n");
    if (has_body && !request->is_head) {
        buf_append(out, body, len);
    }
}

static void
plain(struct buf *out, const struct render_request *request, int status, const char *sentence)
{
    status_line(out, status, request->keep_alive);
    buf_append_str(out, "Content-Type: text/plain; charset=utf-8\r\n");
    finish(out, request, status, sentence, strlen(sentence), 0);
}

/* ---- A case's reply */

/* What the world says itself, or what told of a form that the recorded body no longer has. */
static bool
is_own_header(const char *name)
{
    static const char *const own[] = { "Content-Length", "Transfer-Encoding", "Content-Encoding",
                                       "Connection", "Keep-Alive" };
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (text_equals_nocase(name, own[i])) {
            return true;
        }
    }
    return false;
}

static enum subst_form
form_of(const struct case_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        const char *value = reply->headers[i].value;
        if (!text_equals_nocase(reply->headers[i].name, "Content-Type")) {
            continue;
        }
        if (strstr(value, "json") != NULL || strstr(value, "javascript") != NULL) {
            return SUBST_JSON;
        }
        return strstr(value, "html") != NULL || strstr(value, "xml") != NULL ? SUBST_HTML
                                                                             : SUBST_TEXT;
    }
    return SUBST_TEXT;
}

static void
pad(struct buf *body)
{
    char blanks[4096];
    memset(blanks, ' ', sizeof(blanks));
    for (size_t len = 0; len < PADDING_BYTES; len += sizeof(blanks)) {
        buf_append(body, blanks, sizeof(blanks));
    }
}

static void
recorded(const struct play *play, const struct render_request *request, size_t promised,
         struct buf *out)
{
    const struct case_reply *reply = play->reply;
    struct subst subst = {
        .recorded = play->source->subject,
        .asked = play->subject,
        .origin = request->origin,
        .platform = play->platform,
        .form = SUBST_HEADER,
    };
    status_line(out, reply->status, request->keep_alive && promised == 0);
    for (size_t i = 0; i < reply->header_count; i++) {
        if (!is_own_header(reply->headers[i].name)) {
            buf_printf(out, "%s: ", reply->headers[i].name);
            subst_append(&subst, reply->headers[i].value, strlen(reply->headers[i].value), out);
            buf_append_str(out, "\r\n");
        }
    }
    struct buf body;
    buf_init(&body, RENDER_BYTES_MAX);
    subst.form = form_of(reply);
    subst_append(&subst, reply->body, reply->body_len, &body);
    if (play->is_padded) {
        pad(&body);
    }
    finish(out, request, reply->status, buf_str(&body), body.len, promised);
    buf_fini(&body);
}

static int
ordinary(const struct play *play, const struct render_request *request, size_t promised,
         struct buf *out)
{
    if (play->script == NULL) {
        plain(out, request, 404, "rollcall-world: the script has no such platform\n");
        return 404;
    }
    if (play->reply == NULL) {
        plain(out, request, 501, "rollcall-world: no case of this platform has such a request\n");
        return 501;
    }
    recorded(play, request, promised, out);
    return play->reply->status;
}

/* ---- Faults */

static void
add_fault_headers(const struct play *play, struct buf *out)
{
    for (size_t i = 0; i < play->script->fault_header_count; i++) {
        const struct case_header *header = &play->script->fault_headers[i];
        buf_printf(out, "%s: %s\r\n", header->name, header->value);
    }
}

static int
status_fault(const struct play *play, const struct render_request *request, struct buf *out)
{
    static const char text[] = "rollcall-world: a fault of the script\n";
    int status = play->script->fault_status;
    status_line(out, status, request->keep_alive);
    buf_append_str(out, "Content-Type: text/plain\r\n");
    add_fault_headers(play, out);
    finish(out, request, status, text, sizeof(text) - 1, 0);
    return status;
}

/* In the manner of the best-known wall. */
static int
bot_wall(const struct play *play, const struct render_request *request, struct buf *out)
{
    static const char page[] =
        "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title>"
        "<meta name=\"robots\" content=\"noindex,nofollow\"></head><body>"
        "<noscript>Enable JavaScript and cookies to continue</noscript>"
        "<form id=\"challenge-form\" action=\"/cdn-cgi/challenge-platform/h/b\"></form>"
        "<script>window._cf_chl_opt={cType:'managed'};</script></body></html>\n";
    int status = play->script->fault_status;
    status_line(out, status, request->keep_alive);
    buf_append_str(out, "Content-Type: text/html; charset=UTF-8\r\nServer: cloudflare\r\n"
                        "cf-mitigated: challenge\r\n");
    add_fault_headers(play, out);
    finish(out, request, status, page, sizeof(page) - 1, 0);
    return status;
}

static int
redirect_loop(const struct render_request *request, struct buf *out)
{
    status_line(out, 302, request->keep_alive);
    buf_printf(out, "Location: %s\r\n", request->target);
    finish(out, request, 302, "", 0, 0);
    return 302;
}

static int
gzip_bomb(const struct render_request *request, struct buf *out)
{
    status_line(out, 200, request->keep_alive);
    buf_append_str(out, "Content-Type: text/html\r\nContent-Encoding: gzip\r\n");
    struct buf bomb;
    buf_init(&bomb, RENDER_BYTES_MAX);
    bomb_append(&bomb);
    finish(out, request, 200, buf_str(&bomb), bomb.len, 0);
    buf_fini(&bomb);
    return 200;
}

static int
endless(struct buf *out)
{
    status_line(out, 200, false);
    buf_append_str(out, "Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n");
    return 200;
}

int
render_reply(const struct play *play, const struct render_request *request, struct buf *out)
{
    switch (play->fault) {
    case FAULT_TRUNCATE:
        return ordinary(play, request, TRUNCATED_BYTES, out);
    case FAULT_ENDLESS:
        return endless(out);
    case FAULT_GZIP_BOMB:
        return gzip_bomb(request, out);
    case FAULT_REDIRECT_LOOP:
        return redirect_loop(request, out);
    case FAULT_GARBAGE:
        buf_append_str(out, "\x15\x03 220 this is not the protocol you asked for\r\n\r\n");
        return 0;
    case FAULT_STATUS:
        return status_fault(play, request, out);
    case FAULT_BOT_WALL:
        return bot_wall(play, request, out);
    case FAULT_NONE:
    case FAULT_DRIP:
    case FAULT_RESET:
    case FAULT_HANG:
    case FAULT_CLOSE:
        break;
    }
    return ordinary(play, request, 0, out);
}

void
render_refusal(int status, const char *sentence, struct buf *out)
{
    const struct render_request request = { .keep_alive = false };
    plain(out, &request, status, sentence);
}

const char *
render_chunk(size_t *out_len)
{
    static char chunk[RENDER_CHUNK_BYTES + 32];
    static size_t len;
    if (len == 0) {
        char line[64];
        memset(line, 'x', sizeof(line));
        line[sizeof(line) - 1] = '\n';
        int head = snprintf(chunk, sizeof(chunk), "%x\r\n", RENDER_CHUNK_BYTES);
        len = (size_t)head;
        for (size_t filled = 0; filled < RENDER_CHUNK_BYTES; filled += sizeof(line)) {
            memcpy(chunk + len, line, sizeof(line));
            len += sizeof(line);
        }
        memcpy(chunk + len, "\r\n", 2);
        len += 2;
    }
    *out_len = len;
    return chunk;
}
