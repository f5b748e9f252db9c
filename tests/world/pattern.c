/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Takes requests apart and matches them against recorded ones. */
#include "tests/world/pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/json.h"
#include "tests/world/text.h"

/* ---- Take apart */

struct splitter {
    struct arena *arena;
    struct parts *parts;
    int error;
};

static void
add_part(struct splitter *splitter, enum part_place place, const char *bytes, size_t len)
{
    struct parts *parts = splitter->parts;
    if (splitter->error) {
        return;
    }
    if (parts->count == PARTS_MAX) {
        splitter->error = ERROR_TOO_BIG;
        return;
    }
    bool is_raw = place == PART_BODY;
    const char *text =
        is_raw ? arena_copy(splitter->arena, bytes, len)
               : text_percent_decode(splitter->arena, bytes, len, place != PART_SEGMENT);
    if (text == NULL) {
        splitter->error = ERROR_NOMEM;
        return;
    }
    parts->items[parts->count++] = (struct part){ .place = place, .text = text };
}

/* "a=b&c=d": names at `name`, values at the place behind it. */
static void
split_pairs(struct splitter *splitter, enum part_place name, const char *bytes, size_t len)
{
    const char *end = bytes + len;
    while (bytes < end) {
        const char *pair_end = memchr(bytes, '&', (size_t)(end - bytes));
        pair_end = pair_end != NULL ? pair_end : end;
        const char *equals = memchr(bytes, '=', (size_t)(pair_end - bytes));
        const char *name_end = equals != NULL ? equals : pair_end;
        const char *value = equals != NULL ? equals + 1 : pair_end;
        add_part(splitter, name, bytes, (size_t)(name_end - bytes));
        add_part(splitter, name + 1, value, (size_t)(pair_end - value));
        bytes = pair_end + 1;
    }
}

static void
split_path(struct splitter *splitter, const char *path, size_t len)
{
    const char *end = path + len;
    while (path < end) {
        path += *path == '/';
        const char *slash = memchr(path, '/', (size_t)(end - path));
        slash = slash != NULL ? slash : end;
        add_part(splitter, PART_SEGMENT, path, (size_t)(slash - path));
        path = slash;
    }
}

static void
split_body(struct splitter *splitter, const char *body)
{
    size_t len = strlen(body);
    bool is_form = strchr("{[<\"", *body) == NULL && strchr(body, '=') != NULL;
    if (is_form) {
        split_pairs(splitter, PART_FORM_NAME, body, len);
    } else if (len > 0) {
        add_part(splitter, PART_BODY, body, len);
    }
}

int
parts_split(struct arena *arena, const char *method, const char *target, const char *body,
            struct parts *out_parts)
{
    struct splitter splitter = { .arena = arena, .parts = out_parts };
    out_parts->count = 0;
    out_parts->method = arena_strdup(arena, method);
    size_t path_len = strcspn(target, "?#");
    split_path(&splitter, target, path_len);
    if (target[path_len] == '?') {
        const char *query = target + path_len + 1;
        split_pairs(&splitter, PART_NAME, query, strcspn(query, "#"));
    }
    if (body != NULL) {
        split_body(&splitter, body);
    }
    return out_parts->method == NULL ? ERROR_NOMEM : splitter.error;
}

/* ---- Make holes */

/* Every `what` in a text becomes one byte. Names count where they are words of their own. */
static int
punch(struct arena *arena, struct part *part, const char *what, char hole, bool is_word)
{
    size_t len = strlen(what);
    char *text = arena_strdup(arena, part->text);
    if (text == NULL) {
        return ERROR_NOMEM;
    }
    char *out = text;
    for (const char *at = part->text; *at != '\0';) {
        bool begins = !is_word || at == part->text || !isalnum((unsigned char)at[-1]);
        if (begins && text_begins_nocase(at, what) &&
            (!is_word || !isalnum((unsigned char)at[len]))) {
            *out++ = hole;
            at += len;
        } else {
            *out++ = *at++;
        }
    }
    *out = '\0';
    part->text = text;
    return 0;
}

/* The whole parts that are `what`; how many there were, or a negative error. */
static int
punch_whole(struct arena *arena, struct parts *parts, const char *what, char hole)
{
    int found = 0;
    for (size_t i = 0; i < parts->count; i++) {
        struct part *part = &parts->items[i];
        if (text_equals_nocase(part->text, what)) {
            int error = punch(arena, part, what, hole, false);
            if (error) {
                return error;
            }
            found++;
        }
    }
    return found;
}

static int
punch_inside(struct arena *arena, struct parts *parts, const char *subject)
{
    bool is_word = strchr(subject, '@') == NULL;
    for (size_t i = 0; i < parts->count; i++) {
        int error = punch(arena, &parts->items[i], subject, HOLE_SUBJECT, is_word);
        if (error) {
            return error;
        }
    }
    return 0;
}

static int
punch_halves(struct arena *arena, struct parts *parts, const char *subject)
{
    const char *at = strrchr(subject, '@');
    if (at == NULL || at == subject) {
        return 0;
    }
    const char *local = arena_copy(arena, subject, (size_t)(at - subject));
    int found = local != NULL ? punch_whole(arena, parts, local, HOLE_LOCAL) : ERROR_NOMEM;
    if (found >= 0) {
        found = punch_whole(arena, parts, at + 1, HOLE_DOMAIN);
    }
    return found < 0 ? found : 0;
}

int
parts_make_holes(struct arena *arena, const char *subject, struct parts *parts)
{
    if (*subject == '\0') {
        return 0;
    }
    int found = punch_whole(arena, parts, subject, HOLE_SUBJECT);
    if (found != 0) {
        return found < 0 ? found : 0;
    }
    int error = punch_inside(arena, parts, subject);
    if (error || parts_have_hole(parts)) {
        return error;
    }
    return punch_halves(arena, parts, subject);
}

/* ---- Compare and match */

bool
parts_are_equal(const struct parts *one, const struct parts *other)
{
    if (one->count != other->count || strcmp(one->method, other->method) != 0) {
        return false;
    }
    for (size_t i = 0; i < one->count; i++) {
        if (one->items[i].place != other->items[i].place ||
            strcmp(one->items[i].text, other->items[i].text) != 0) {
            return false;
        }
    }
    return true;
}

static bool
is_hole(char c)
{
    return c == HOLE_SUBJECT || c == HOLE_LOCAL || c == HOLE_DOMAIN;
}

bool
parts_have_hole(const struct parts *parts)
{
    static const char holes[] = { HOLE_SUBJECT, HOLE_LOCAL, HOLE_DOMAIN, '\0' };
    for (size_t i = 0; i < parts->count; i++) {
        if (strpbrk(parts->items[i].text, holes) != NULL) {
            return true;
        }
    }
    return false;
}

/* What stood in each kind of hole, the first of each; indexed by its byte. */
struct catch
{
    const char *text;
    size_t len;
    bool is_json; /* stands inside a JSON string, escaped */
};

static bool
match_text(const char *pattern, const char *text, struct catch catches[4], bool is_json)
{
    while (*pattern != '\0' && !is_hole(*pattern)) {
        if (*pattern++ != *text++) {
            return false;
        }
    }
    if (*pattern == '\0') {
        return *text == '\0';
    }
    for (size_t len = strlen(text); len > 0; len--) {
        if (match_text(pattern + 1, text + len, catches, is_json)) {
            catches[(size_t)*pattern] =
                (struct catch){ .text = text, .len = len, .is_json = is_json };
            return true;
        }
    }
    return false;
}

/* Append what was caught to `out`; unescapes what stood in a JSON string. */
static void
append_catch(struct buf *out, const struct catch *caught)
{
    if (!caught->is_json) {
        buf_append(out, caught->text, caught->len);
        return;
    }
    struct buf quoted;
    struct json *json = NULL;
    buf_init(&quoted, SUBJECT_BYTES_MAX);
    buf_printf(&quoted, "\"%.*s\"", (int)caught->len, caught->text);
    if (!quoted.error && json_parse(buf_str(&quoted), quoted.len, &json, NULL) == 0) {
        buf_append_str(out, json_string(json, ""));
        json_free(&json);
    }
    buf_fini(&quoted);
}

static void
put_together(const struct catch catches[4], char out_subject[SUBJECT_BYTES_MAX])
{
    const struct catch *whole = &catches[(size_t)HOLE_SUBJECT];
    const struct catch *local = &catches[(size_t)HOLE_LOCAL];
    const struct catch *domain = &catches[(size_t)HOLE_DOMAIN];
    struct buf subject;
    buf_init(&subject, SUBJECT_BYTES_MAX - 1);
    if (whole->text != NULL) {
        append_catch(&subject, whole);
    } else if (local->text != NULL) {
        append_catch(&subject, local);
        if (domain->text != NULL) {
            buf_append_byte(&subject, '@');
            append_catch(&subject, domain);
        }
    }
    (void)snprintf(out_subject, SUBJECT_BYTES_MAX, "%s", buf_str(&subject));
    buf_fini(&subject);
}

bool
parts_match(const struct parts *pattern, const struct parts *request,
            char out_subject[SUBJECT_BYTES_MAX])
{
    struct catch catches[4] = { 0 };
    if (pattern->count != request->count || strcmp(pattern->method, request->method) != 0) {
        return false;
    }
    for (size_t i = 0; i < pattern->count; i++) {
        const struct part *wanted = &pattern->items[i];
        const struct part *found = &request->items[i];
        bool is_json = wanted->place == PART_BODY && strchr("{[\"", *wanted->text) != NULL;
        if (wanted->place != found->place ||
            !match_text(wanted->text, found->text, catches, is_json)) {
            return false;
        }
    }
    put_together(catches, out_subject);
    return true;
}
