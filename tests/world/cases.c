/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads recorded cases. Members that are not named here are let pass: they are for people. */
#include "tests/world/cases.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/json.h"
#include "tests/world/text.h"

#define STATUS_MIN 100
#define STATUS_MAX 599

/* What reading one file carries around. */
struct reader {
    struct arena *arena;
    const char *path;
    struct error_text *why;
};

static int
no_memory(struct reader *reader)
{
    return error_say(reader->why, ERROR_NOMEM, "%s: out of memory", reader->path);
}

/* A member that is a text; `fallback` when it is absent and may be, else NULL there. */
static int
read_text(struct reader *reader, const struct json *object, const char *key, const char *fallback,
          const char **out_text)
{
    const struct json *member = json_get(object, key);
    if (member == NULL && fallback != NULL) {
        *out_text = fallback;
        return 0;
    }
    if (json_type(member) != JSON_STRING) {
        return error_say(reader->why, ERROR_INVALID, "%s: \"%s\": wants a string, found %s",
                         reader->path, key, json_type_name(json_type(member)));
    }
    *out_text = arena_strdup(reader->arena, json_string(member, ""));
    return *out_text != NULL ? 0 : no_memory(reader);
}

/* A text that is one of a few words. */
static int
read_word(struct reader *reader, const struct json *object, const char *key,
          const char *const *words, const char **out_word)
{
    const char *text = NULL;
    int error = read_text(reader, object, key, NULL, &text);
    if (error) {
        return error;
    }
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0) {
            *out_word = *words;
            return 0;
        }
    }
    return error_say(reader->why, ERROR_INVALID, "%s: \"%s\": \"%s\" is not a word for it",
                     reader->path, key, text);
}

static int
read_request(struct reader *reader, const struct json *json, struct case_request *out_request)
{
    struct case_request request = { 0 };
    int error = read_text(reader, json, "method", NULL, &request.method);
    if (!error) {
        error = read_text(reader, json, "url", NULL, &request.url);
    }
    if (!error && json_get(json, "body") != NULL) {
        error = read_text(reader, json, "body", NULL, &request.body);
    }
    if (!error) {
        *out_request = request;
    }
    return error;
}

static int
add_header(struct reader *reader, const char *name, const struct json *value,
           struct case_header *headers, size_t *count)
{
    if (json_type(value) != JSON_STRING) {
        return error_say(reader->why, ERROR_INVALID, "%s: header \"%s\": wants a string, found %s",
                         reader->path, name, json_type_name(json_type(value)));
    }
    if (*count == CASE_HEADERS_MAX) {
        return error_say(reader->why, ERROR_INVALID, "%s: more than %d headers", reader->path,
                         CASE_HEADERS_MAX);
    }
    struct case_header *header = &headers[*count];
    header->name = arena_strdup(reader->arena, name);
    header->value = arena_strdup(reader->arena, json_string(value, ""));
    if (header->name == NULL || header->value == NULL) {
        return no_memory(reader);
    }
    (*count)++;
    return 0;
}

static int
add_member(struct reader *reader, const struct json *member, struct case_header *headers,
           size_t *count)
{
    if (json_type(member) != JSON_ARRAY) {
        return add_header(reader, json_key(member), member, headers, count);
    }
    int error = 0;
    const struct json *value = json_first(member);
    for (; value != NULL && !error; value = json_next(value)) {
        error = add_header(reader, json_key(member), value, headers, count);
    }
    return error;
}

static int
read_headers(struct reader *reader, const struct json *json, struct case_reply *reply)
{
    if (json != NULL && json_type(json) != JSON_OBJECT) {
        return error_say(reader->why, ERROR_INVALID, "%s: \"headers\": wants an object, found %s",
                         reader->path, json_type_name(json_type(json)));
    }
    struct case_header headers[CASE_HEADERS_MAX];
    size_t count = 0;
    int error = 0;
    const struct json *member = json_first(json);
    for (; member != NULL && !error; member = json_next(member)) {
        error = add_member(reader, member, headers, &count);
    }
    if (error || count == 0) {
        return error;
    }
    struct case_header *kept = arena_alloc(reader->arena, count * sizeof(*kept));
    if (kept == NULL) {
        return no_memory(reader);
    }
    memcpy(kept, headers, count * sizeof(*kept));
    reply->headers = kept;
    reply->header_count = count;
    return 0;
}

static int
print_body(struct reader *reader, const struct json *json, struct case_reply *reply)
{
    struct buf text;
    buf_init(&text, CASE_FILE_BYTES_MAX);
    int error = json_print(json, &text);
    if (!error) {
        reply->body = arena_copy(reader->arena, buf_str(&text), text.len);
        reply->body_len = text.len;
        error = reply->body != NULL ? 0 : ERROR_NOMEM;
    }
    buf_fini(&text);
    return error ? no_memory(reader) : 0;
}

static int
read_body(struct reader *reader, const struct json *json, struct case_reply *reply)
{
    const struct json *tree = json_get(json, "json");
    if (tree != NULL && json_get(json, "body") != NULL) {
        return error_say(reader->why, ERROR_INVALID,
                         "%s: a reply has both \"body\" and \"json\": wants one", reader->path);
    }
    if (tree != NULL) {
        return print_body(reader, tree, reply);
    }
    int error = read_text(reader, json, "body", "", &reply->body);
    if (!error) {
        reply->body_len = strlen(reply->body);
    }
    return error;
}

static int
read_reply(struct reader *reader, const struct json *json, struct case_reply *out_reply)
{
    int64_t status = 0;
    if (!json_integer(json_get(json, "status"), &status) || status < STATUS_MIN ||
        status > STATUS_MAX) {
        return error_say(reader->why, ERROR_INVALID, "%s: \"status\": wants %d to %d", reader->path,
                         STATUS_MIN, STATUS_MAX);
    }
    struct case_reply reply = {
        .status = (int)status,
        .truncated = json_bool(json_get(json, "truncated"), false),
    };
    int error = read_headers(reader, json_get(json, "headers"), &reply);
    if (!error) {
        error = read_body(reader, json, &reply);
    }
    if (!error) {
        *out_reply = reply;
    }
    return error;
}

static int
read_exchanges(struct reader *reader, const struct json *json, struct case_file *out_case)
{
    size_t count = json_count(json);
    if (json_type(json) != JSON_ARRAY || count > CASE_EXCHANGES_MAX) {
        return error_say(reader->why, ERROR_INVALID,
                         "%s: \"exchanges\": wants an array of at most %d", reader->path,
                         CASE_EXCHANGES_MAX);
    }
    struct case_exchange *exchanges = arena_alloc(reader->arena, (count + 1) * sizeof(*exchanges));
    if (exchanges == NULL) {
        return no_memory(reader);
    }
    size_t i = 0;
    const struct json *exchange = json_first(json);
    for (; exchange != NULL; exchange = json_next(exchange), i++) {
        int error = read_request(reader, json_get(exchange, "request"), &exchanges[i].request);
        if (!error) {
            error = read_reply(reader, json_get(exchange, "reply"), &exchanges[i].reply);
        }
        if (error) {
            return error;
        }
    }
    out_case->exchanges = exchanges;
    out_case->exchange_count = count;
    return 0;
}

static int
read_head(struct reader *reader, const struct json *json, struct case_file *out_case)
{
    static const char *const kinds[] = { "email", "username", NULL };
    static const char *const verdicts[] = { "registered", "unregistered", "unknown", NULL };
    int error = read_text(reader, json, "platform", NULL, &out_case->platform);
    if (!error) {
        error = read_text(reader, json, "title", "", &out_case->title);
    }
    if (!error) {
        error = read_word(reader, json, "kind", kinds, &out_case->kind);
    }
    if (!error) {
        error = read_text(reader, json, "subject", NULL, &out_case->subject);
    }
    if (!error) {
        error = read_word(reader, json, "verdict", verdicts, &out_case->verdict);
    }
    if (!error) {
        error = read_text(reader, json, "reason", "", &out_case->reason);
    }
    if (!error) {
        error = read_text(reader, json, "url", "", &out_case->url);
    }
    out_case->retry_after_ms = (int64_t)json_number(json_get(json, "retry_after_ms"), 0);
    return error;
}

static int
read_names(struct reader *reader, struct case_file *out_case)
{
    const char *slash = strrchr(reader->path, '/');
    const char *name = slash != NULL ? slash + 1 : reader->path;
    size_t len = strlen(name);
    const char *suffix = ".json";
    if (len > strlen(suffix) && strcmp(name + len - strlen(suffix), suffix) == 0) {
        len -= strlen(suffix);
    }
    out_case->stem = arena_copy(reader->arena, name, len);
    out_case->path = arena_strdup(reader->arena, reader->path);
    return out_case->stem != NULL && out_case->path != NULL ? 0 : no_memory(reader);
}

int
case_read(const char *path, struct arena *arena, struct case_file *out_case, struct error_text *why)
{
    struct reader reader = { .arena = arena, .path = path, .why = why };
    const char *text = NULL;
    size_t len = 0;
    int error = text_read_file(arena, path, CASE_FILE_BYTES_MAX, &text, &len, why);
    if (error) {
        return error;
    }
    struct json *json = NULL;
    struct error_text where = { "" };
    error = json_parse(text, len, &json, &where);
    if (error) {
        return error_say(why, error, "%s: %s", path, where.text);
    }
    struct case_file file = { 0 };
    error = read_names(&reader, &file);
    if (!error) {
        error = read_head(&reader, json, &file);
    }
    if (!error) {
        error = read_exchanges(&reader, json_get(json, "exchanges"), &file);
    }
    json_free(&json);
    if (!error) {
        *out_case = file;
    }
    return error;
}

/* ---- A folder of them */

static int
is_case_name(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static int
by_stem(const void *one, const void *other)
{
    return strcmp(((const struct case_file *)one)->stem, ((const struct case_file *)other)->stem);
}

static int
read_entries(const char *folder, struct dirent **entries, size_t count, struct arena *arena,
             struct case_file *cases, struct error_text *why)
{
    for (size_t i = 0; i < count; i++) {
        struct buf path;
        buf_init(&path, PATH_MAX);
        buf_printf(&path, "%s/%s", folder, entries[i]->d_name);
        int error = case_read(buf_str(&path), arena, &cases[i], why);
        buf_fini(&path);
        if (error) {
            return error;
        }
    }
    return 0;
}

int
case_read_folder(const char *folder, struct arena *arena, struct case_set *out_set,
                 struct error_text *why)
{
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, is_case_name, NULL);
    if (found < 0) {
        return error_say(why, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "%s: %s", folder,
                         strerror(errno));
    }
    size_t count = (size_t)found;
    struct case_file *cases = arena_alloc(arena, (count + 1) * sizeof(*cases));
    int error = cases != NULL ? read_entries(folder, entries, count, arena, cases, why)
                              : error_say(why, ERROR_NOMEM, "%s: out of memory", folder);
    for (size_t i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    if (!error) {
        qsort(cases, count, sizeof(*cases), by_stem);
        *out_set = (struct case_set){ .cases = cases, .count = count };
    }
    return error;
}
