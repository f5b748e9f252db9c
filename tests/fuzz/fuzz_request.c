/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any template and any name into request_fill(). The input is lines: the name, the URL, a header's
 * value, a form's value, a JSON body. What is promised: a filled URL goes to the template's own
 * origin and climbs up no path, nothing filled has a control character where it could end a line,
 * and a secret goes home only. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/json_check.h"
#include "daemon/query/request.h"
#include "daemon/query/url.h"
#include "rollcall/plugin.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define BASE "https://api.example.com:8443/v1"
/* Whether a request tells the secret is seen by filling it with another one. */
static const char *secret_now;

enum line { LINE_NAME, LINE_URL, LINE_HEADER, LINE_FORM, LINE_JSON, LINES };

static const char *
any_config(void *context, const char *key)
{
    (void)context;
    return key[0] == 'a' ? "a /?#\"\\b" : NULL;
}

static const char *
any_secret(void *context, const char *key)
{
    (void)context;
    return key[0] == 'a' ? secret_now : NULL;
}

/* Cut the input into lines; missing ones are empty. */
static void
cut(char *text, const char *lines[LINES])
{
    for (size_t i = 0; i < LINES; i++) {
        char *end = text + strcspn(text, "\n");
        lines[i] = text;
        text = *end == '\0' ? end : end + 1;
        *end = '\0';
    }
}

static void
judge_url(const char *url, const char *from)
{
    struct url_origin origin;
    struct url_origin base;
    bool is_url = url_read_origin(url, &origin) && url_read_origin(BASE, &base);
    assert(is_url);
    assert(!url_has_dot_segment(url));
    for (const char *c = url; *c != '\0'; c++) {
        assert(*c > 0x20 && *c < 0x7f);
    }
    if (strncmp(from, "{base}", 6) == 0) {
        assert(url_same_origin(&origin, &base));
    }
    if (strpbrk(from, "{}") == NULL) {
        assert(strcmp(from, url) == 0);
    }
}

static bool
differs(const char *a, const char *b)
{
    return (a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0);
}

static void
judge_secret(const struct fetch_request *request, const struct fetch_request *other)
{
    struct url_origin origin;
    struct url_origin base;
    bool told = differs(request->url, other->url) || differs(request->body, other->body);
    for (size_t i = 0; i < request->header_count; i++) {
        told = told || differs(request->headers[i].value, other->headers[i].value);
    }
    bool read = url_read_origin(request->url, &origin) && url_read_origin(BASE, &base);
    assert(read);
    assert(!told || (url_same_origin(&origin, &base) && request->redirects_max == 0));
}

static void
judge(const struct fetch_request *request, const char *const lines[LINES], bool json)
{
    judge_url(request->url, lines[LINE_URL]);
    for (size_t i = 0; i < request->header_count; i++) {
        for (const char *c = request->headers[i].value; *c != '\0'; c++) {
            assert((unsigned char)*c >= 0x20 && *c != 0x7f);
        }
    }
    const char *body = request->body;
    assert(strlen(body) == request->body_len);
    assert(json ? json_check(body, request->body_len, NULL) == ERROR_OK
                : strcspn(body, "\r\n \"<>\\") == request->body_len);
}

static void
fill(const char *const lines[LINES], const struct request_source *source, bool json)
{
    struct call_pair header = { "X-Any", lines[LINE_HEADER] };
    struct call_pair form = { "any", lines[LINE_FORM] };
    struct call_answer answer = { .outcome = CALL_REQUEST,
                                  .method = ROLLCALL_POST,
                                  .url = lines[LINE_URL],
                                  .headers = &header,
                                  .header_count = 1,
                                  .redirects = 3 };
    if (json) {
        answer.content_type = "application/json";
        answer.body = lines[LINE_JSON];
    } else {
        answer.form = &form;
        answer.form_count = 1;
    }
    struct fetch_request request;
    struct fetch_request other;
    struct error_text why = { "" };
    struct arena *arena = arena_new(2 * REQUEST_ARENA_BYTES);
    secret_now = "one";
    int error = request_fill(&answer, source, arena, &request, &why);
    assert(error == ERROR_OK || why.text[0] != '\0');
    if (error == ERROR_OK) {
        judge(&request, lines, json);
        secret_now = "two";
        error = request_fill(&answer, source, arena, &other, &why);
        assert(error == ERROR_OK);
        judge_secret(&request, &other);
    }
    arena_free(&arena);
}

/* A page's URL never tells a secret: it cannot even name one. */
static void
fill_profile(const char *const lines[LINES], const struct request_source *source)
{
    const char *one = NULL;
    const char *two = NULL;
    struct arena *arena = arena_new(2 * REQUEST_ARENA_BYTES);
    secret_now = "one";
    int error = request_fill_profile(lines[LINE_URL], source, arena, &one);
    secret_now = "two";
    int again = request_fill_profile(lines[LINE_URL], source, arena, &two);
    assert(error == again && !differs(one, two));
    if (error == ERROR_OK) {
        judge_url(one, lines[LINE_URL]);
    }
    arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct subject subject;
    const char *lines[LINES];
    char *text = malloc(len + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, bytes, len);
    text[len] = '\0';
    cut(text, lines);
    struct call_pair value = { "a", lines[LINE_NAME] };
    struct request_source source = { .base_url = BASE,
                                     .flags = len % 2 == 0 ? ROLLCALL_DOMAIN_HOST : 0,
                                     .values = &value,
                                     .value_count = 1,
                                     .config = any_config,
                                     .secret = any_secret,
                                     .shared = any_config };
    if (subject_parse(lines[LINE_NAME], strlen(lines[LINE_NAME]), 0, &subject, NULL) == ERROR_OK) {
        source.subject = &subject;
    }
    fill(lines, &source, false);
    fill(lines, &source, true);
    fill_profile(lines, &source);
    free(text);
    return 0;
}
