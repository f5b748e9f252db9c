/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A plugin's request, filled: the URL (request_url.c), then headers, then the body, each by the
 * rules of its place. Pure but for the look-ups of its source. What a plugin may not decide is
 * refused here: the headers that say where a request goes or how it is framed, and secrets for
 * strangers. */
#include "daemon/query/request.h"

#include <string.h>
#include <strings.h>

#include "daemon/base/json_check.h"
#include "daemon/query/fill.h"
#include "daemon/query/request_url.h"
#include "daemon/query/url.h"
#include "rollcall/plugin.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

_Static_assert(ROLLCALL_REQUEST_HEADERS_MAX + 1 <= FETCH_HEADERS_MAX, "one more for the body");
_Static_assert(ROLLCALL_STOP_AT_MAX <= FETCH_STOP_AT_MAX, "fetch looks for them all");

/* ---- Headers ------------------------------------------------------------ */

/* They say where a request goes or where it ends: the host's to write. */
static const char *const reserved_headers[] = {
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Upgrade",
    "Expect",
    "Accept-Encoding",
    "Proxy-Authorization",
    "Proxy-Connection",
};

/* RFC 9110 5.6.2: a token. */
static bool
is_token(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "!#$%&'*+-.^_`|~");
    return len > 0 && name[len] == '\0';
}

static int
judge_header_name(const char *name, struct error_text *why)
{
    if (!is_token(name)) {
        return error_say(why, ERROR_INVALID,
                         "a header's name has characters that may not be there");
    }
    for (size_t i = 0; i < ARRAY_LEN(reserved_headers); i++) {
        if (strcasecmp(name, reserved_headers[i]) == 0) {
            return error_say(why, ERROR_INVALID, "the header %s is not a plugin's to set",
                             reserved_headers[i]);
        }
    }
    return ERROR_OK;
}

static int
fill_header_value(struct filling *filling, const char *text, const char **out_value)
{
    if (strncmp(text, "{base}", 6) == 0) {
        return request_url(filling, text, out_value);
    }
    size_t len = 0;
    fill_reset(filling);
    int error = fill_text(filling, text, PLACE_HEADER, PLACE_VALUE);
    return error == ERROR_OK ? fill_take(filling, out_value, &len) : error;
}

/* One header into the next place; none when it names a secret that is not set. */
static int
fill_header(struct filling *filling, const struct call_pair *pair, struct fetch_header *headers,
            size_t *count)
{
    int error = judge_header_name(pair->name, filling->why);
    if (error != ERROR_OK) {
        return error;
    }
    struct fetch_header header = { .name = arena_strdup(filling->arena, pair->name) };
    filling->lacks_secret = false;
    error = fill_header_value(filling, pair->value, &header.value);
    if (error == ERROR_OK && header.name != NULL) {
        headers[(*count)++] = header;
        return ERROR_OK;
    }
    bool left_out = error == ERROR_NOT_FOUND && filling->lacks_secret;
    return error == ERROR_OK ? ERROR_NOMEM : left_out ? ERROR_OK : error;
}

static int
fill_headers(struct filling *filling, const struct call_answer *answer,
             struct fetch_request *request)
{
    struct fetch_header *headers =
        arena_alloc(filling->arena, (answer->header_count + 1) * sizeof *headers);
    if (headers == NULL) {
        return ERROR_NOMEM;
    }
    if (answer->header_count > ROLLCALL_REQUEST_HEADERS_MAX) {
        return error_say(filling->why, ERROR_INVALID, "a request has more than %d headers",
                         ROLLCALL_REQUEST_HEADERS_MAX);
    }
    request->headers = headers;
    for (size_t i = 0; i < answer->header_count; i++) {
        int error = fill_header(filling, &answer->headers[i], headers, &request->header_count);
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

/* The body's type, unless the plugin gave one. There is room for one more header. */
static void
add_content_type(struct fetch_request *request, const char *type)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "Content-Type") == 0) {
            return;
        }
    }
    struct fetch_header *headers = (struct fetch_header *)request->headers;
    headers[request->header_count++] = (struct fetch_header){ "Content-Type", type };
}

/* ---- Bodies ------------------------------------------------------------- */

static int
fill_form(struct filling *filling, const struct call_answer *answer)
{
    for (size_t i = 0; i < answer->form_count; i++) {
        const struct call_pair *pair = &answer->form[i];
        if (i > 0) {
            buf_append_byte(&filling->out, '&');
        }
        int error = encode(PLACE_FORM, pair->name, strlen(pair->name), &filling->out);
        buf_append_byte(&filling->out, '=');
        if (error == ERROR_OK) {
            error = fill_text(filling, pair->value, PLACE_FORM, PLACE_FORM);
        }
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

/* Whether the template's own characters so far left a JSON string open. */
static bool
is_in_string(bool in_string, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (in_string && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            in_string = !in_string;
        }
    }
    return in_string;
}

/* Inside a string a field is escaped; outside only a plain word is let in. */
static int
fill_json(struct filling *filling, const char *text)
{
    bool in_string = false;
    for (;;) {
        struct template_part part;
        int error = template_next(&text, &part, filling->why);
        if (error != ERROR_OK || part.field == FIELD_END) {
            return error;
        }
        if (part.field == FIELD_LITERAL) {
            buf_append(&filling->out, part.text, part.len);
            in_string = is_in_string(in_string, part.text, part.len);
        } else {
            error = fill_field(filling, &part, in_string ? PLACE_JSON : PLACE_PLAIN);
        }
        if (error != ERROR_OK) {
            return error;
        }
    }
}

static int
fill_json_body(struct filling *filling, const char *text)
{
    int error = fill_json(filling, text);
    if (error != ERROR_OK || filling->out.error != ERROR_OK) {
        return error;
    }
    error = json_check(filling->out.bytes, filling->out.len, NULL);
    if (error == ERROR_PARSE || error == ERROR_UNACCEPTABLE) {
        return error_say(filling->why, ERROR_INVALID, "a JSON body is no JSON once it is filled");
    }
    return error;
}

/* "application/json; charset=utf-8" is "application/json"; so is "application/x+json". */
static bool
type_is(const char *content_type, const char *type)
{
    size_t len = strcspn(content_type, "; ");
    return len == strlen(type) && strncasecmp(content_type, type, len) == 0;
}

static bool
type_is_json(const char *content_type)
{
    size_t len = strcspn(content_type, "; ");
    bool suffix = len > 5 && strncasecmp(content_type + len - 5, "+json", 5) == 0;
    return suffix || type_is(content_type, "application/json");
}

static int
fill_text_body(struct filling *filling, const struct call_answer *answer)
{
    if (type_is_json(answer->content_type)) {
        return fill_json_body(filling, answer->body);
    }
    bool form = type_is(answer->content_type, FORM_TYPE);
    return fill_text(filling, answer->body, form ? PLACE_FORM : PLACE_PLAIN, PLACE_RAW);
}

static int
judge_body(const struct call_answer *answer, struct error_text *why)
{
    bool has_form = answer->form_count > 0;
    bool has_body = answer->body != NULL;
    bool may_have = answer->method == ROLLCALL_POST || answer->method == ROLLCALL_PUT;
    if ((has_form || has_body) && !may_have) {
        return error_say(why, ERROR_INVALID, "only a POST or PUT request has a form or a body");
    }
    if (has_form && has_body) {
        return error_say(why, ERROR_INVALID, "a request has a form or a body, not both");
    }
    if (has_body && (answer->content_type == NULL || answer->content_type[0] == '\0' ||
                     strpbrk(answer->content_type, "\r\n") != NULL)) {
        return error_say(why, ERROR_INVALID, "a body needs a content type");
    }
    return ERROR_OK;
}

static int
fill_body(struct filling *filling, const struct call_answer *answer, struct fetch_request *request)
{
    bool has_form = answer->form_count > 0;
    int error = judge_body(answer, filling->why);
    if (error != ERROR_OK || (!has_form && answer->body == NULL)) {
        return error;
    }
    fill_reset(filling);
    error = has_form ? fill_form(filling, answer) : fill_text_body(filling, answer);
    const char *body = NULL;
    if (error == ERROR_OK) {
        error = fill_take(filling, &body, &request->body_len);
    }
    if (error != ERROR_OK) {
        return error;
    }
    request->body = body;
    const char *type = arena_strdup(filling->arena, has_form ? FORM_TYPE : answer->content_type);
    add_content_type(request, type);
    return type == NULL ? ERROR_NOMEM : ERROR_OK;
}

/* ---- The whole ---------------------------------------------------------- */

/* A secret goes to the checker's own origin, and nobody may send it on from there. */
static int
judge_secret(const struct filling *filling, struct fetch_request *request)
{
    if (!filling->used_secret) {
        return ERROR_OK;
    }
    struct url_origin own;
    struct url_origin target;
    const char *base = filling->source->base_url;
    bool same = base != NULL && url_read_origin(base, &own) &&
                url_read_origin(request->url, &target) && url_same_origin(&own, &target);
    if (!same) {
        return error_say(filling->why, ERROR_DENIED,
                         "a request with a {secret:…} goes to another host than base_url's");
    }
    request->redirects_max = 0;
    return ERROR_OK;
}

static int
fill_method(int32_t method, struct fetch_request *request, struct error_text *why)
{
    static const enum fetch_method methods[] = {
        [ROLLCALL_GET] = FETCH_GET,
        [ROLLCALL_HEAD] = FETCH_HEAD,
        [ROLLCALL_POST] = FETCH_POST,
        [ROLLCALL_PUT] = FETCH_PUT,
    };
    if (method == ROLLCALL_SRV) {
        return ERROR_OK; /* none of fetch's: chain_work sends it elsewhere */
    }
    if (method < ROLLCALL_GET || method > ROLLCALL_PUT) {
        return error_say(why, ERROR_INVALID, "a request has a method that is none");
    }
    request->method = methods[method];
    return ERROR_OK;
}

static int
fill_request(struct filling *filling, const struct call_answer *answer,
             struct fetch_request *request)
{
    int error = fill_method(answer->method, request, filling->why);
    if (error == ERROR_OK && answer->method == ROLLCALL_SRV) {
        return request_srv(filling, answer->url, &request->url);
    }
    if (error == ERROR_OK) {
        error = request_url(filling, answer->url, &request->url);
    }
    if (error == ERROR_OK) {
        error = fill_headers(filling, answer, request);
    }
    if (error == ERROR_OK) {
        error = fill_body(filling, answer, request);
    }
    return error == ERROR_OK ? judge_secret(filling, request) : error;
}

int
request_fill(const struct call_answer *answer, const struct request_source *source,
             struct arena *arena, struct fetch_request *out_request, struct error_text *why)
{
    struct fetch_request request = {
        .redirects_max =
            answer->redirects < FETCH_REDIRECTS_MAX ? answer->redirects : FETCH_REDIRECTS_MAX,
        .stop_at = answer->stop_at,
        .stop_at_count = answer->stop_at_count,
    };
    struct filling filling;
    filling_init(&filling, source, arena, why);
    int error = fill_request(&filling, answer, &request);
    filling_fini(&filling);
    if (error == ERROR_OK) {
        *out_request = request;
    }
    return error;
}

bool
request_is_srv(const struct fetch_request *request)
{
    return request->url[0] == '_';
}

int
request_fill_profile(const char *url_template, const struct request_source *source,
                     struct arena *arena, const char **out_url)
{
    struct filling filling;
    filling_init(&filling, source, arena, NULL);
    filling.for_people = true;
    int error = request_url(&filling, url_template, out_url);
    filling_fini(&filling);
    return error;
}

/* ---- Shared values ------------------------------------------------------ */

/* The template with number `index`: the URL, the body, then headers and form. */
static const char *
template_at(const struct call_answer *answer, size_t index)
{
    if (index < 2) {
        return index == 0 ? answer->url : answer->body;
    }
    index -= 2;
    return index < answer->header_count ? answer->headers[index].value
                                        : answer->form[index - answer->header_count].value;
}

static bool
take_name(const struct template_part *part, char *out_name, size_t name_bytes)
{
    if (part->field != FIELD_SHARED || part->key_len >= name_bytes) {
        return false;
    }
    memcpy(out_name, part->key, part->key_len);
    out_name[part->key_len] = '\0';
    return true;
}

bool
request_next_shared(const struct call_answer *answer, size_t *cursor, char *out_name,
                    size_t name_bytes)
{
    size_t seen = 0;
    size_t templates = 2 + answer->header_count + answer->form_count;
    for (size_t i = 0; i < templates; i++) {
        const char *text = template_at(answer, i);
        struct template_part part = { .field = FIELD_END };
        while (text != NULL && template_next(&text, &part, NULL) == ERROR_OK &&
               part.field != FIELD_END) {
            if (take_name(&part, out_name, name_bytes) && seen++ == *cursor) {
                *cursor += 1;
                return true;
            }
        }
    }
    return false;
}
