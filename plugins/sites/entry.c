/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. Nothing here knows a format: what is the same in all four is done once. */
#include "plugins/sites/entry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plugins/sites/pattern.h"

/* Of a site that nobody asked us to know better: one question now and then. */
#define RATE_COUNT 30
#define RATE_SECONDS 60
#define CONCURRENCY 2

#define MAD_PATTERNS_MAX 1000 /* as many milliseconds at most, roughly */
#define TAG_BYTES 64
#define TEXT_BYTES 1024 /* what the host takes for one text of a descriptor */
#define STATUS_MIN 100
#define STATUS_MAX 999

void
entry_begin(struct entry *entry, const struct reader *reader, const char *name)
{
    pool_reset(&entry->pool);
    entry->reader = reader;
    entry->outcome = ENTRY_OFFERED;
    entry->field[0] = '\0';
    entry->why.text[0] = '\0';
    entry->name = name;
    ident_from_name(name, entry->id);
    entry->home = NULL;
    entry->tags[0] = NULL;
    entry->tag_count = 0;
    entry->known[0] = NULL;
    entry->known_count = 0;
    entry->base_url = NULL;
    entry->absent = NULL;
    entry->method = ROLLCALL_DOCUMENTED;
    entry->evidence = 0;
    entry->rate_count = RATE_COUNT;
    entry->rate_seconds = RATE_SECONDS;
    entry->concurrency = CONCURRENCY;
    entry->names = 0;
    entry->pattern = NULL;
    entry->words = (struct dialect_words){ .dialect = reader->dialect };
    entry->rule = (struct rule){ .dialect = (uint8_t)reader->dialect,
                                 .reading = (uint8_t)reader->reading,
                                 .method = ROLLCALL_GET };
    if (name[0] == '\0' || strlen(name) > TEXT_BYTES) {
        entry_break(entry, "name", "is empty or longer than %d bytes", TEXT_BYTES);
    }
}

void
entry_break(struct entry *entry, const char *field, const char *format, ...)
{
    if (entry->outcome != ENTRY_OFFERED) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(entry->why.text, sizeof(entry->why.text), format, args);
    va_end(args);
    (void)snprintf(entry->field, sizeof(entry->field), "%s", field);
    entry->outcome = ENTRY_BROKEN;
}

void
entry_skip(struct entry *entry, const char *why)
{
    if (entry->outcome == ENTRY_OFFERED) {
        entry->outcome = ENTRY_SKIPPED;
        (void)say(&entry->why, "%s", why);
    }
}

/* ---- Fields ------------------------------------------------------------- */

static void
break_type(struct entry *entry, const char *field, const struct node *node, const char *wanted)
{
    entry_break(entry, field, "is %s, wants %s", node_kind_name(node_kind(node)), wanted);
}

const char *
entry_text(struct entry *entry, const struct node *node, const char *field)
{
    const struct node *value = node_get(node, field);
    const char *text = node_text(value);
    if (value != NULL && text == NULL && node_kind(value) != NODE_NULL) {
        break_type(entry, field, value, "a text");
    }
    return text;
}

const char *
entry_need_text(struct entry *entry, const struct node *node, const char *field)
{
    const char *text = entry_text(entry, node, field);
    if (text == NULL || text[0] == '\0') {
        entry_break(entry, field, "is not there, wants a text");
        return NULL;
    }
    return text;
}

bool
entry_flag(struct entry *entry, const struct node *node, const char *field)
{
    const struct node *value = node_get(node, field);
    if (value != NULL && node_kind(value) != NODE_TRUTH && node_kind(value) != NODE_NULL) {
        break_type(entry, field, value, "true or false");
    }
    return node_is_true(value);
}

static void
add_text(struct entry *entry, const struct node *value, const char *field, const struct texts *out)
{
    const char *text = node_text(value);
    if (text == NULL) {
        break_type(entry, field, value, "a text or a list of texts");
    } else if (*out->count == out->max) {
        if (!out->cuts) {
            entry_break(entry, field, "has more than %zu texts", out->max);
        }
    } else if (text[0] != '\0') {
        out->texts[(*out->count)++] = text;
    }
}

void
entry_texts(struct entry *entry, const struct node *node, const char *field,
            const struct texts *out)
{
    const struct node *value = node_get(node, field);
    if (node_kind(value) != NODE_ARRAY) {
        if (value != NULL && node_kind(value) != NODE_NULL) {
            add_text(entry, value, field, out);
        }
        return;
    }
    for (const struct node *at = node_first(value); at != NULL; at = node_next(at)) {
        add_text(entry, at, field, out);
    }
}

static void
add_code(struct entry *entry, const struct node *value, const char *field, struct rule_side *side)
{
    int32_t code = 0;
    if (!node_integer(value, &code) || code < STATUS_MIN || code > STATUS_MAX) {
        entry_break(entry, field, "is %s, wants a status of HTTP or a list of them",
                    node_kind(value) == NODE_NUMBER ? "another number"
                                                    : node_kind_name(node_kind(value)));
    } else if (side->code_count == RULE_CODES_MAX) {
        entry_break(entry, field, "has more than %d codes", RULE_CODES_MAX);
    } else {
        side->codes[side->code_count++] = code;
    }
}

void
entry_codes(struct entry *entry, const struct node *node, const char *field, struct rule_side *side)
{
    const struct node *value = node_get(node, field);
    if (node_kind(value) != NODE_ARRAY) {
        if (value != NULL) {
            add_code(entry, value, field, side);
        }
        return;
    }
    for (const struct node *at = node_first(value); at != NULL; at = node_next(at)) {
        add_code(entry, at, field, side);
    }
}

/* ---- What all formats have ---------------------------------------------- */

void
entry_url(struct entry *entry, const char *field, const char *text)
{
    struct url_template url;
    struct why why;
    if (text == NULL || entry->outcome != ENTRY_OFFERED) {
        return;
    }
    entry->words.detour = entry->reader->detours ? entry->id : NULL;
    if (!template_url(&entry->pool, &entry->words, text, &url, &why)) {
        entry_break(entry, field, "%s", why.text);
        return;
    }
    entry->rule.url = url.url;
    entry->base_url = url.base_url;
    entry->rule.host = url.host;
    entry->names += url.names;
    entry->rule.flags |= url.name_in_host ? RULE_LABEL_NAME : 0;
    entry->rule.flags |= url.name_in_quotes ? RULE_PLAIN_NAME : 0;
}

/* They say how a message is framed or where it goes: the host's to write, whatever they hold. */
static bool
is_framing(const char *name)
{
    static const char *const names[] = { "Content-Length",
                                         "Transfer-Encoding",
                                         "Connection",
                                         "Keep-Alive",
                                         "TE",
                                         "Trailer",
                                         "Upgrade",
                                         "Expect",
                                         "Accept-Encoding",
                                         "Proxy-Connection",
                                         "Proxy-Authorization" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* RFC 9110 5.6.2: a token; and a value without control characters. */
static bool
is_header(const char *name, const char *value)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "!#$%&'*+-.^_`|~");
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value < 0x20 || *value == 0x7f) {
            return false;
        }
    }
    return len > 0 && name[len] == '\0';
}

static void
add_header(struct entry *entry, const char *field, const char *name, const char *value)
{
    struct rule *rule = &entry->rule;
    if (!is_header(name, value)) {
        entry_break(entry, field, "has \"%.40s\", which is no header", name);
    } else if (strcasecmp(name, "Content-Type") == 0) {
        rule->content_type = value;
    } else if (strcasecmp(name, "Host") == 0) {
        if (rule->host != NULL && strcasecmp(value, rule->host) != 0) {
            entry_skip(entry, "their Host header names another host than their URL");
        }
    } else if (is_framing(name)) {
        return;
    } else if (rule->header_count == ROLLCALL_REQUEST_HEADERS_MAX) {
        entry_break(entry, field, "has more than %d headers", ROLLCALL_REQUEST_HEADERS_MAX);
    } else {
        rule->headers[rule->header_count++] =
            (struct rule_pair){ name, template_literal(&entry->pool, value) };
    }
}

void
entry_headers(struct entry *entry, const struct node *node, const char *field)
{
    const struct node *headers = node_get(node, field);
    if (headers != NULL && node_kind(headers) != NODE_OBJECT && node_kind(headers) != NODE_NULL) {
        break_type(entry, field, headers, "an object");
        return;
    }
    for (const struct node *at = node_first(headers); at != NULL; at = node_next(at)) {
        const char *value = node_text(at);
        if (value == NULL) {
            break_type(entry, field, at, "texts");
            return;
        }
        add_header(entry, field, node_key(at), value);
    }
}

void
entry_pattern(struct entry *entry, const char *field, const char *text)
{
    struct why why;
    if (text == NULL || text[0] == '\0' || entry->outcome != ENTRY_OFFERED) {
        return;
    }
    entry->rule.pattern = pattern_from_python(&entry->pool, text);
    if (entry->rule.pattern == NULL) {
        entry_break(entry, field, "is too long");
        return;
    }
    entry->pattern = pattern_new(entry->rule.pattern, &why);
    if (entry->pattern == NULL) {
        entry_break(entry, field, "%s", why.text);
    }
}

void
entry_tag(struct entry *entry, const char *text)
{
    char tag[TAG_BYTES + 1];
    size_t len = 0;
    for (; *text != '\0' && len < TAG_BYTES; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        c = c == ' ' ? '-' : c;
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_word || (len > 0 && strchr("._-", c) != NULL)) {
            tag[len++] = c;
        }
    }
    for (size_t i = 0; i < entry->tag_count; i++) {
        if (strlen(entry->tags[i]) == len && memcmp(entry->tags[i], tag, len) == 0) {
            return;
        }
    }
    if (len > 0 && entry->tag_count < ENTRY_TAGS_MAX) {
        entry->tags[entry->tag_count++] = pool_copy(&entry->pool, tag, len);
        entry->tags[entry->tag_count] = NULL;
    }
}

void
entry_known(struct entry *entry, const char *name)
{
    if (name != NULL && name[0] != '\0' && strlen(name) <= TEXT_BYTES &&
        entry->known_count < ENTRY_KNOWN_MAX) {
        entry->known[entry->known_count++] = name;
        entry->known[entry->known_count] = NULL;
    }
}

/* ---- In the end --------------------------------------------------------- */

/* One name of the form. */
static enum pattern_answer
try_name(const struct entry *entry, const char *form, const char *filling)
{
    char name[64];
    size_t len = 0;
    for (; form[len] != '\0' && len + 1 < sizeof(name); len++) {
        name[len] = form[len] != '?' ? form[len] : filling[len % strlen(filling)];
    }
    name[len] = '\0';
    return pattern_find(entry->pattern, name);
}

/* Whether every name of this form is legal here: its '?' as the letters and digits at the ends. */
static enum pattern_answer
try_form(const struct entry *entry, const char *form)
{
    static const char *const fillings[] = { "a", "z", "0", "9", "a0", "0a", "z9x", "77q" };
    for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
        enum pattern_answer answer = try_name(entry, form, fillings[i]);
        if (answer != PATTERN_MATCHES) {
            return answer;
        }
    }
    return PATTERN_MATCHES;
}

/* Time is not spent on patterns that run away. */
static void
find_absent(struct entry *entry)
{
    static const char *const forms[] = { "zz????????????", "zz????????", "????????" };
    if (entry->pattern == NULL && entry->absent == NULL) {
        entry->absent = forms[0];
    }
    for (size_t i = 0; entry->absent == NULL && i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (entry->mad_patterns == MAD_PATTERNS_MAX) {
            return;
        }
        enum pattern_answer answer = try_form(entry, forms[i]);
        if (answer == PATTERN_GIVES_UP) {
            entry->mad_patterns++;
            return;
        }
        entry->absent = answer == PATTERN_MATCHES ? forms[i] : NULL;
    }
}

static void
judge_body(struct entry *entry)
{
    struct rule *rule = &entry->rule;
    if (rule->body == NULL) {
        rule->content_type = NULL;
        return;
    }
    if (rule->method != ROLLCALL_POST && rule->method != ROLLCALL_PUT) {
        entry_skip(entry, "they send a body with a method that has none");
    }
    if (template_is_quoted(rule->body)) {
        rule->flags |= RULE_PLAIN_NAME;
    }
}

static void
judge_whole(struct entry *entry)
{
    if (entry->names == 0) {
        entry_break(entry, "url", "has no place for the name, nor has a body");
    }
    judge_body(entry);
    if (entry->home == NULL || entry->home[0] == '\0' || strlen(entry->home) > TEXT_BYTES) {
        entry->home = entry->base_url;
    }
    if (entry->pool.full) {
        entry_break(entry, "url", "and its other texts are too long");
    }
    find_absent(entry);
}

void
entry_finish(struct entry *entry)
{
    if (entry->outcome == ENTRY_OFFERED) {
        judge_whole(entry);
    }
    pattern_free(&entry->pattern);
}
