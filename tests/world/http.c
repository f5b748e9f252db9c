/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A reader of requests as curl and others send them: a request line, headers, a body with its
 * length. Libevent's evhttp would read them too, but it has no hook at the moment of a write, no
 * abort with a reset and no half a reply, and those are what the world is for. */
#include "tests/world/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_END "\r\n\r\n"

/* The value of a header, from behind its colon and spaces; NULL when it is not there. The head is
 * `len` bytes and ends with an empty line. */
static const char *
find_header(const char *head, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    const char *end = head + len;
    const char *line = memmem(head, len, "\r\n", 2);
    while (line != NULL && line + 2 < end) {
        line += 2;
        if ((size_t)(end - line) > name_len && strncasecmp(line, name, name_len) == 0 &&
            line[name_len] == ':') {
            line += name_len + 1;
            return line + strspn(line, " \t");
        }
        line = memmem(line, (size_t)(end - line), "\r\n", 2);
    }
    return NULL;
}

static bool
value_is(const char *value, const char *wanted)
{
    size_t len = strlen(wanted);
    return value != NULL && strncasecmp(value, wanted, len) == 0 &&
           (value[len] == '\r' || value[len] == ' ');
}

static size_t
head_bytes(const char *bytes, size_t len)
{
    const char *end = memmem(bytes, len, HEAD_END, strlen(HEAD_END));
    return end == NULL ? 0 : (size_t)(end - bytes) + strlen(HEAD_END);
}

/* How long the body is, or a sentence. */
static const char *
read_body_bytes(const char *head, size_t len, size_t *out_bytes)
{
    const char *value = find_header(head, len, "Content-Length");
    *out_bytes = 0;
    if (find_header(head, len, "Transfer-Encoding") != NULL) {
        return "a request's body has to come with Content-Length";
    }
    if (value == NULL) {
        return NULL;
    }
    char *end = NULL;
    unsigned long long bytes = strtoull(value, &end, 10);
    if (end == value || *end != '\r' || *value == '-') {
        return "Content-Length is not a number";
    }
    if (bytes > HTTP_BODY_BYTES_MAX) {
        return "the body is larger than allowed";
    }
    *out_bytes = (size_t)bytes;
    return NULL;
}

/* Cut "METHOD target HTTP/1.x" into its words. */
static const char *
cut_request_line(char *line, struct http_request *request)
{
    char *line_end = strstr(line, "\r\n");
    char *target = memchr(line, ' ', (size_t)(line_end - line));
    char *version =
        target == NULL ? NULL : memchr(target + 1, ' ', (size_t)(line_end - target - 1));
    if (version == NULL || target == line || version == target + 1 ||
        strncmp(version + 1, "HTTP/1.", 7) != 0) {
        return "not a request line of HTTP/1";
    }
    if (version[8] == '0') {
        request->keep_alive = false;
    }
    *target = '\0';
    *version = '\0';
    request->method = line;
    request->target = target + 1;
    return request->target[0] == '/' ? NULL : "the target is not a path";
}

enum http_progress
http_read(char *bytes, size_t len, struct http_request *out_request, char *out_saved,
          const char **out_problem)
{
    size_t head = head_bytes(bytes, len);
    if (head == 0 || head > HTTP_HEAD_BYTES_MAX) {
        *out_problem = "the head is larger than allowed";
        return len > HTTP_HEAD_BYTES_MAX ? HTTP_BAD : HTTP_MORE;
    }
    if (memchr(bytes, '\0', head) != NULL) {
        *out_problem = "a NUL in the head";
        return HTTP_BAD;
    }
    size_t body = 0;
    *out_problem = read_body_bytes(bytes, head, &body);
    if (*out_problem != NULL) {
        return HTTP_BAD;
    }
    if (len < head + body) {
        return HTTP_MORE;
    }
    struct http_request request = {
        .keep_alive = !value_is(find_header(bytes, head, "Connection"), "close"),
        .bytes = head + body,
        .body = body > 0 ? bytes + head : NULL,
    };
    *out_problem = cut_request_line(bytes, &request);
    if (*out_problem != NULL) {
        return HTTP_BAD;
    }
    *out_saved = bytes[request.bytes];
    bytes[request.bytes] = '\0';
    *out_request = request;
    return HTTP_DONE;
}

bool
http_wants_continue(const char *bytes, size_t len)
{
    size_t head = head_bytes(bytes, len);
    return head > 0 && len == head && value_is(find_header(bytes, head, "Expect"), "100-continue");
}
