/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reading recorded cases. Strict: a field that is misspelt or of the wrong type is an error, so no
 * case passes because of something that was not looked at. */
#include "daemon/app/tools_case.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/json.h"
#include "daemon/query/verdict.h"

struct reading {
    struct arena *arena;
    struct error_text *why;
    int error; /* the first, or ERROR_OK */
};

static void
refuse(struct reading *reading, const char *field, const char *sentence)
{
    if (reading->error == ERROR_OK) {
        reading->error = error_say(reading->why, ERROR_INVALID, "%s %s", field, sentence);
    }
}

static void *
take(struct reading *reading, size_t bytes)
{
    void *memory = arena_alloc(reading->arena, bytes);
    if (memory == NULL && reading->error == ERROR_OK) {
        reading->error = error_say(reading->why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    return memory;
}

static const char *
copy_bytes(struct reading *reading, const char *bytes, size_t len)
{
    char *copy = take(reading, len + 1);
    if (copy != NULL && len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

/* Members that nobody knows are refused by name. */
static void
know_members(struct reading *reading, const struct json *object, const char *what,
             const char *const *known)
{
    if (json_type(object) != JSON_OBJECT) {
        refuse(reading, what, "is not an object");
        return;
    }
    for (const struct json *member = json_first(object); member != NULL;
         member = json_next(member)) {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], json_key(member)) != 0) {
            i++;
        }
        if (known[i] == NULL) {
            refuse(reading, json_key(member), "is a field that nobody knows");
        }
    }
}

static const char *
maybe_text(struct reading *reading, const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    if (node == NULL) {
        return NULL;
    }
    const char *text = json_string(node, NULL);
    if (text == NULL) {
        refuse(reading, key, "is not a string");
        return NULL;
    }
    return copy_bytes(reading, text, strlen(text));
}

static const char *
need_text(struct reading *reading, const struct json *object, const char *key)
{
    const char *text = maybe_text(reading, object, key);
    if (text == NULL) {
        refuse(reading, key, "is not there");
    }
    return text != NULL ? text : "";
}

static void
read_headers(struct reading *reading, const struct json *object, struct call_reply *reply)
{
    size_t count = json_count(object);
    if (count > CALL_HEADERS_MAX || (object != NULL && json_type(object) != JSON_OBJECT)) {
        refuse(reading, "headers", "is not an object of at most 64 strings");
        return;
    }
    struct call_pair *headers = take(reading, (count + 1) * sizeof(*headers));
    if (headers == NULL) {
        return;
    }
    for (const struct json *member = json_first(object); member != NULL;
         member = json_next(member)) {
        struct call_pair *header = &headers[reply->header_count++];
        header->name = copy_bytes(reading, json_key(member), strlen(json_key(member)));
        header->value = need_text(reading, object, json_key(member));
    }
    reply->headers = headers;
}

static void
read_body(struct reading *reading, const struct json *object, struct call_reply *reply)
{
    const struct json *document = json_get(object, "json");
    const char *text = maybe_text(reading, object, "body");
    if (document != NULL && text != NULL) {
        refuse(reading, "body", "and json are both there");
    }
    if (document == NULL) {
        reply->body = text != NULL ? text : "";
        reply->body_len = strlen(reply->body);
        return;
    }
    struct buf printed;
    buf_init(&printed, CASE_FILE_BYTES_MAX);
    if (json_print(document, &printed) == ERROR_OK) {
        reply->body = copy_bytes(reading, buf_str(&printed), printed.len);
        reply->body_len = printed.len;
    } else {
        refuse(reading, "json", "cannot be written");
    }
    buf_fini(&printed);
}

static void
read_reply(struct reading *reading, const struct json *object, struct case_exchange *exchange)
{
    static const char *const known[] = { "status", "headers",   "body", "json",
                                         "url",    "truncated", NULL };
    struct call_reply *reply = &exchange->reply;
    int64_t status = 0;
    know_members(reading, object, "reply", known);
    if (!json_integer(json_get(object, "status"), &status) || status < 100 || status > 999) {
        refuse(reading, "status", "is not a number from 100 to 999");
    }
    reply->status = (int32_t)status;
    reply->stop_hit = -1;
    reply->url = maybe_text(reading, object, "url");
    reply->truncated = json_bool(json_get(object, "truncated"), false);
    read_headers(reading, json_get(object, "headers"), reply);
    read_body(reading, object, reply);
}

static void
read_exchange(struct reading *reading, const struct json *object, struct case_exchange *exchange)
{
    static const char *const known[] = { "request", "reply", NULL };
    static const char *const known_of_request[] = { "method", "url", "body", NULL };
    know_members(reading, object, "exchange", known);
    const struct json *request = json_get(object, "request");
    know_members(reading, request, "request", known_of_request);
    exchange->method = need_text(reading, request, "method");
    exchange->url = need_text(reading, request, "url");
    exchange->body = maybe_text(reading, request, "body");
    read_reply(reading, json_get(object, "reply"), exchange);
}

static void
read_exchanges(struct reading *reading, const struct json *array, struct case_file *out)
{
    size_t count = json_count(array);
    if (json_type(array) != JSON_ARRAY || count > CASE_EXCHANGES_MAX) {
        refuse(reading, "exchanges", "is not a list of at most 32");
        return;
    }
    struct case_exchange *exchanges = take(reading, (count + 1) * sizeof(*exchanges));
    out->exchanges = exchanges;
    for (const struct json *node = json_first(array); node != NULL && exchanges != NULL;
         node = json_next(node)) {
        read_exchange(reading, node, &exchanges[out->exchange_count++]);
    }
}

static void
read_subject(struct reading *reading, const struct json *root, struct case_file *out)
{
    const char *text = need_text(reading, root, "subject");
    const char *word = need_text(reading, root, "kind");
    int32_t kind = subject_kind_parse(word);
    struct error_text why = { "" };
    if (kind == 0) {
        refuse(reading, "kind", "is neither email nor username");
    } else if (subject_parse(text, strlen(text), kind, &out->subject, &why) != ERROR_OK) {
        refuse(reading, "subject:", why.text);
    }
}

static bool
is_word(const char *word, const char *(*name)(int number), int count)
{
    for (int i = 0; i < count; i++) {
        if (name(i) != NULL && strcmp(name(i), word) == 0) {
            return true;
        }
    }
    return false;
}

static const char *
verdict_word(int number)
{
    return verdict_name((enum verdict)number);
}

static const char *
reason_word(int number)
{
    return reason_name((enum reason)number);
}

static void
read_verdict(struct reading *reading, const struct json *root, struct case_file *out)
{
    out->verdict = need_text(reading, root, "verdict");
    out->reason = maybe_text(reading, root, "reason");
    out->url = maybe_text(reading, root, "url");
    if (!is_word(out->verdict, verdict_word, VERDICT_UNREGISTERED + 1)) {
        refuse(reading, "verdict", "is neither registered, unregistered nor unknown");
    }
    if ((out->reason != NULL) != (strcmp(out->verdict, "unknown") == 0)) {
        refuse(reading, "reason", "goes with the verdict unknown, and only with it");
    }
    if (out->reason != NULL && !is_word(out->reason, reason_word, REASON_COUNT)) {
        refuse(reading, "reason", "is not one of the closed list");
    }
    const struct json *retry_after = json_get(root, "retry_after_ms");
    out->has_retry_after = retry_after != NULL;
    if (retry_after != NULL && !json_integer(retry_after, &out->retry_after_ms)) {
        refuse(reading, "retry_after_ms", "is not a whole number");
    }
}

/* Where the exchange was seen: a case without it is a rumour. */
static void
read_source(struct reading *reading, const struct json *root)
{
    static const char *const known[] = { "kind", "where", "when", NULL };
    static const char *const kinds[] = { "documentation", "captured", "assumed" };
    const struct json *source = json_get(root, "source");
    know_members(reading, source, "source", known);
    const char *kind = need_text(reading, source, "kind");
    (void)need_text(reading, source, "where");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kind, kinds[i]) == 0) {
            return;
        }
    }
    refuse(reading, "source.kind", "is neither documentation, captured nor assumed");
}

static int
read_document(const struct json *root, struct reading *reading, struct case_file *out)
{
    static const char *const known[] = { "title",     "platform", "kind",   "subject",
                                         "source",    "verdict",  "reason", "retry_after_ms",
                                         "exchanges", "url",      NULL };
    know_members(reading, root, "the case", known);
    out->title = need_text(reading, root, "title");
    out->platform = need_text(reading, root, "platform");
    read_subject(reading, root, out);
    read_source(reading, root);
    read_exchanges(reading, json_get(root, "exchanges"), out);
    read_verdict(reading, root, out);
    return reading->error;
}

static int
read_bytes(const char *path, struct buf *out, struct error_text *why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return error_say(why, ERROR_IO, "cannot be read: %s", strerror(errno));
    }
    char chunk[8192];
    for (size_t got = 0; (got = fread(chunk, 1, sizeof(chunk), file)) > 0;) {
        buf_append(out, chunk, got);
    }
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (failed) {
        return error_say(why, ERROR_IO, "cannot be read");
    }
    if (out->error != ERROR_OK) {
        return error_say(why, out->error, "is larger than %d bytes", CASE_FILE_BYTES_MAX);
    }
    return ERROR_OK;
}

int
case_read(const char *path, struct arena *arena, struct case_file *out_case, struct error_text *why)
{
    struct reading reading = { .arena = arena, .why = why };
    struct case_file result = { 0 };
    struct json *root = NULL;
    struct buf bytes;
    buf_init(&bytes, CASE_FILE_BYTES_MAX);
    int error = read_bytes(path, &bytes, why);
    if (error == ERROR_OK) {
        error = json_parse(buf_str(&bytes), bytes.len, &root, why);
    }
    if (error == ERROR_OK) {
        error = read_document(root, &reading, &result);
    }
    json_free(&root);
    buf_fini(&bytes);
    if (error == ERROR_OK) {
        *out_case = result;
    }
    return error;
}
