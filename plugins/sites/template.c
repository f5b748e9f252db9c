/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. What the host would refuse in every request is refused here, once, as the
 * entry's own fault: a port that is none, a name that is half a label, a user in the URL. */
#include "plugins/sites/template.h"

#include <stdio.h>
#include <string.h>

#include "plugins/sites/expand.h"

#define BASE_FIELD "{base}"

/* ---- URLs --------------------------------------------------------------- */

/* The parts of an expanded URL, in place. */
struct parts {
    const char *scheme; /* with "://" */
    size_t scheme_len;
    const char *host; /* with its port */
    size_t host_len;
    const char *rest; /* path and query */
    size_t rest_len;
};

static bool
is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

static bool
is_url_char(char c)
{
    return c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

static bool
split(const struct expanded *url, bool keep_fragment, struct parts *out, struct why *why)
{
    static const char *const schemes[] = { "https://", "http://" };
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        if (url->len > len && memcmp(url->text, schemes[i], len) == 0) {
            out->scheme = url->text;
            out->scheme_len = len;
            out->host = url->text + len;
            out->host_len = strcspn(out->host, "/?#");
            out->rest = out->host + out->host_len;
            size_t rest = strlen(out->rest);
            out->rest_len = keep_fragment ? rest : strcspn(out->rest, "#");
            return out->host_len > 0 || say(why, "has no host");
        }
    }
    return say(why, "begins with neither https:// nor http://");
}

static bool
judge_port(const char *port, size_t len, struct why *why)
{
    unsigned number = 0;
    for (size_t i = 0; i < len; i++) {
        if (port[i] < '0' || port[i] > '9' || number > UINT16_MAX) {
            return say(why, "has a port that is no number");
        }
        number = number * 10 + (unsigned)(port[i] - '0');
    }
    return (number > 0 && number <= UINT16_MAX) || say(why, "has a port that is no number");
}

/* A name in the host is one whole label with others behind it. */
static bool
judge_host(const struct parts *parts, struct why *why)
{
    const char *host = parts->host;
    size_t len = strcspn(host, ":/?#");
    len = len < parts->host_len ? len : parts->host_len;
    for (size_t i = 0; i < len; i++) {
        bool is_label =
            is_mark(host[i]) && (i == 0 || host[i - 1] == '.') && i + 1 < len && host[i + 1] == '.';
        if (is_mark(host[i]) && !is_label) {
            return say(why, "has the name as a part of a label, or as the end of its host");
        }
        if (!is_label && !is_host_char(host[i])) {
            return say(why, "has a character in its host that is none");
        }
    }
    return len > 0 &&
           (len == parts->host_len || judge_port(host + len + 1, parts->host_len - len - 1, why));
}

static void
put_url(struct pool *pool, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char hex[4];
        if (is_mark(text[i])) {
            pool_puts(pool, name_field(text[i]));
        } else if (is_url_char(text[i])) {
            pool_byte(pool, text[i]);
        } else {
            (void)snprintf(hex, sizeof(hex), "%%%02X", (unsigned)(unsigned char)text[i]);
            pool_put(pool, hex, 3);
        }
    }
}

/* The host behind the labels that are the name: "{}.example.org" is example.org's. */
static struct parts
without_name(const struct parts *parts)
{
    struct parts bare = *parts;
    for (size_t i = 0; i < parts->host_len; i++) {
        if (is_mark(parts->host[i])) {
            bare.host = parts->host + i + 2;
            bare.host_len = parts->host_len - i - 2;
        }
    }
    return bare;
}

static bool
has_dot_segment(const struct parts *parts)
{
    const char *end = parts->rest + strcspn(parts->rest, "?#");
    for (const char *at = parts->rest; at < end && *at == '/';) {
        size_t len = strcspn(at + 1, "/?#");
        if ((len == 1 && at[1] == '.') || (len == 2 && at[1] == '.' && at[2] == '.')) {
            return true;
        }
        at += 1 + len;
    }
    return false;
}

static bool
is_behind_quote(const char *text, size_t at)
{
    return (at >= 3 && strncmp(text + at - 3, "%22", 3) == 0) ||
           (at >= 1 && (text[at - 1] == '"' || text[at - 1] == '\''));
}

static void
look_at_names(const struct parts *parts, struct url_template *out)
{
    for (size_t i = 0; i < parts->host_len; i++) {
        out->name_in_host = out->name_in_host || is_mark(parts->host[i]);
        out->names += is_mark(parts->host[i]);
    }
    for (size_t i = 0; i < parts->rest_len; i++) {
        if (is_mark(parts->rest[i])) {
            out->names++;
            out->name_in_quotes = out->name_in_quotes || is_behind_quote(parts->rest, i);
        }
    }
}

/* "{base}/path", "https://{subject}.example.org/path", or "{base}/id/{subject}/path". */
static const char *
write_url(struct pool *pool, const struct parts *parts, const char *detour, bool in_host)
{
    pool_begin(pool);
    if (in_host && detour == NULL) {
        put_url(pool, parts->scheme, parts->scheme_len);
        put_url(pool, parts->host, parts->host_len);
    } else {
        pool_puts(pool, BASE_FIELD);
    }
    if (detour != NULL) {
        pool_byte(pool, '/');
        pool_puts(pool, detour);
    }
    if (in_host && detour != NULL) {
        pool_puts(pool, "/{subject}");
    }
    if (parts->rest_len == 0 || parts->rest[0] != '/') {
        pool_byte(pool, '/');
    }
    put_url(pool, parts->rest, parts->rest_len);
    return pool_end(pool, NULL);
}

bool
template_url(struct pool *pool, const struct dialect_words *words, const char *text,
             struct url_template *out, struct why *why)
{
    struct expanded expanded;
    struct parts parts;
    if (!expand(words, text, &expanded, why) || !split(&expanded, false, &parts, why) ||
        !judge_host(&parts, why)) {
        return false;
    }
    if (has_dot_segment(&parts)) {
        return say(why, "has a segment of dots in its path");
    }
    *out = (struct url_template){ .names = 0 };
    look_at_names(&parts, out);
    struct parts bare = without_name(&parts);
    pool_begin(pool);
    put_url(pool, bare.scheme, bare.scheme_len);
    put_url(pool, bare.host, bare.host_len);
    out->base_url = pool_end(pool, NULL);
    out->host = pool_copy(pool, bare.host, strcspn(bare.host, ":/?#"));
    out->url = write_url(pool, &parts, words->detour, out->name_in_host);
    return out->url != NULL || say(why, "is too long");
}

const char *
template_profile(struct pool *pool, const struct dialect_words *words, const char *text)
{
    struct expanded expanded;
    struct parts parts;
    if (text == NULL || !expand(words, text, &expanded, NULL) ||
        !split(&expanded, true, &parts, NULL) || !judge_host(&parts, NULL) ||
        has_dot_segment(&parts)) {
        return NULL;
    }
    pool_begin(pool);
    put_url(pool, expanded.text, expanded.len);
    return pool_end(pool, NULL);
}

/* ---- Bodies ------------------------------------------------------------- */

static void
put_doubled(struct pool *pool, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_mark(text[i])) {
            pool_puts(pool, name_field(text[i]));
            continue;
        }
        pool_byte(pool, text[i]);
        if (text[i] == '{' || text[i] == '}') {
            pool_byte(pool, text[i]);
        }
    }
}

const char *
template_literal(struct pool *pool, const char *text)
{
    pool_begin(pool);
    put_doubled(pool, text, strlen(text));
    return pool_end(pool, NULL);
}

const char *
template_text(struct pool *pool, const struct dialect_words *words, const char *text,
              unsigned *out_names, struct why *why)
{
    struct expanded expanded;
    if (!expand(words, text, &expanded, why)) {
        return NULL;
    }
    *out_names += expanded.names;
    pool_begin(pool);
    put_doubled(pool, expanded.text, expanded.len);
    return pool_end(pool, NULL);
}

static void
put_json_string(struct pool *pool, const char *text, size_t len)
{
    pool_byte(pool, '"');
    for (size_t i = 0; i < len; i++) {
        char escape[8];
        if (is_mark(text[i])) {
            pool_puts(pool, name_field(text[i]));
        } else if ((unsigned char)text[i] < 0x20) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)text[i]);
            pool_puts(pool, escape);
        } else {
            if (text[i] == '"' || text[i] == '\\') {
                pool_byte(pool, '\\');
            }
            put_doubled(pool, text + i, 1);
        }
    }
    pool_byte(pool, '"');
}

/* What a body of JSON is written with. */
struct json_writer {
    struct pool *pool;
    const struct dialect_words *words;
    unsigned names;
    struct why *why;
};

static bool write_json(struct json_writer *writer, const struct node *node);

static void
put_json_number(struct pool *pool, const struct node *node)
{
    char text[32];
    int32_t integer = 0;
    if (node_integer(node, &integer)) {
        (void)snprintf(text, sizeof(text), "%d", integer);
    } else {
        (void)snprintf(text, sizeof(text), "%.17g", node_number(node));
    }
    pool_puts(pool, text);
}

static bool
write_members(struct json_writer *writer, const struct node *node, bool keyed)
{
    pool_puts(writer->pool, keyed ? "{{" : "[");
    for (const struct node *at = node_first(node); at != NULL; at = node_next(at)) {
        if (keyed) {
            put_json_string(writer->pool, node_key(at), strlen(node_key(at)));
            pool_byte(writer->pool, ':');
        }
        if (!write_json(writer, at)) {
            return false;
        }
        if (node_next(at) != NULL) {
            pool_byte(writer->pool, ',');
        }
    }
    pool_puts(writer->pool, keyed ? "}}" : "]");
    return true;
}

static bool
write_string(struct json_writer *writer, const struct node *node)
{
    struct expanded expanded;
    if (!expand(writer->words, node_text(node), &expanded, writer->why)) {
        return false;
    }
    writer->names += expanded.names;
    put_json_string(writer->pool, expanded.text, expanded.len);
    return true;
}

static bool
write_json(struct json_writer *writer, const struct node *node)
{
    switch (node_kind(node)) {
    case NODE_TEXT:
        return write_string(writer, node);
    case NODE_OBJECT:
        return write_members(writer, node, true);
    case NODE_ARRAY:
        return write_members(writer, node, false);
    case NODE_NUMBER:
        put_json_number(writer->pool, node);
        return true;
    case NODE_TRUTH:
        pool_puts(writer->pool, node_is_true(node) ? "true" : "false");
        return true;
    default:
        pool_puts(writer->pool, "null");
        return true;
    }
}

const char *
template_json(struct pool *pool, const struct dialect_words *words, const struct node *node,
              unsigned *out_names, struct why *why)
{
    struct json_writer writer = { .pool = pool, .words = words, .why = why };
    pool_begin(pool);
    bool written = write_json(&writer, node);
    const char *text = pool_end(pool, NULL);
    *out_names += writer.names;
    return written ? text : NULL;
}

static void
put_form(struct pool *pool, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ') {
            pool_byte(pool, '+');
        } else if (strchr("&=+%#", text[i]) != NULL) {
            char hex[4];
            (void)snprintf(hex, sizeof(hex), "%%%02X", (unsigned)(unsigned char)text[i]);
            pool_puts(pool, hex);
        } else {
            put_url(pool, text + i, 1);
        }
    }
}

const char *
template_form(struct pool *pool, const struct dialect_words *words, const struct node *object,
              unsigned *out_names, struct why *why)
{
    pool_begin(pool);
    for (const struct node *at = node_first(object); at != NULL; at = node_next(at)) {
        struct expanded expanded;
        const char *text = node_text(at);
        if (text == NULL || !expand(words, text, &expanded, why)) {
            return text == NULL ? (say(why, "has a member that is no text"), NULL) : NULL;
        }
        *out_names += expanded.names;
        put_form(pool, node_key(at), strlen(node_key(at)));
        pool_byte(pool, '=');
        put_form(pool, expanded.text, expanded.len);
        if (node_next(at) != NULL) {
            pool_byte(pool, '&');
        }
    }
    return pool_end(pool, NULL);
}

bool
template_is_quoted(const char *body)
{
    for (const char *at = strstr(body, "{subject"); at != NULL; at = strstr(at + 1, "{subject")) {
        if (at - body >= 2 && at[-2] == '\\' && at[-1] == '"') {
            return true;
        }
    }
    return false;
}
