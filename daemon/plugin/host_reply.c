/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* How a step reads the reply. Its JSON is parsed once, when first asked for, strictly; a body that
 * was cut has none. */
#include "daemon/plugin/host_int.h"

#include <string.h>
#include <strings.h>

#include "daemon/plugin/reply.h"

/* One part of a path, and how many an index can have: the depth is bounded by JSON itself. */
#define PATH_PART_BYTES 256
#define INDEX_DIGITS_MAX 9

const char *
host_header_of(const rollcall_reply *reply, const char *name)
{
    return name != NULL ? reply_header(host_call_of_reply(reply)->request.reply, name) : NULL;
}

int32_t
host_body_has(const rollcall_reply *reply, const char *text)
{
    return text != NULL && memmem(reply->body, reply->body_len, text, strlen(text)) != NULL;
}

int32_t
host_body_between(const rollcall_reply *reply, const char *before, const char *after, char *out,
                  size_t out_bytes)
{
    if (before == NULL || after == NULL || out == NULL) {
        return -1;
    }
    const char *first = memmem(reply->body, reply->body_len, before, strlen(before));
    if (first == NULL) {
        return -1;
    }
    first += strlen(before);
    size_t left = reply->body_len - (size_t)(first - reply->body);
    const char *last = memmem(first, left, after, strlen(after));
    if (last == NULL || (size_t)(last - first) >= out_bytes) {
        return -1;
    }
    size_t len = (size_t)(last - first);
    memcpy(out, first, len);
    out[len] = '\0';
    return (int32_t)len;
}

static const struct json *
document(struct host_call *call)
{
    const struct call_reply *reply = call->request.reply;
    bool wanted = !call->json_was_read && !reply->truncated;
    if (wanted && json_parse(reply->body, reply->body_len, &call->json, NULL) != ERROR_OK) {
        call->json = NULL;
    }
    call->json_was_read = true;
    return call->json;
}

static const struct json *
element(const struct json *array, const char *digits)
{
    size_t index = 0;
    size_t len = strlen(digits);
    if (len == 0 || len > INDEX_DIGITS_MAX || strspn(digits, "0123456789") != len) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        index = index * 10 + (size_t)(digits[i] - '0');
    }
    const struct json *node = json_first(array);
    while (node != NULL && index > 0) {
        node = json_next(node);
        index--;
    }
    return node;
}

/* "items.0.login": one part after the other. */
static const struct json *
look_up(const rollcall_reply *reply, const char *path)
{
    const struct json *node = document(host_call_of_reply(reply));
    if (path == NULL || path[0] == '\0') {
        return path != NULL ? node : NULL;
    }
    for (const char *part = path; node != NULL && part != NULL;) {
        const char *dot = strchrnul(part, '.');
        char key[PATH_PART_BYTES];
        size_t len = (size_t)(dot - part);
        if (len >= sizeof(key)) {
            return NULL;
        }
        memcpy(key, part, len);
        key[len] = '\0';
        node = json_type(node) == JSON_ARRAY ? element(node, key) : json_get(node, key);
        part = *dot == '.' ? dot + 1 : NULL;
    }
    return node;
}

const char *
host_json_string(const rollcall_reply *reply, const char *path)
{
    return json_string(look_up(reply, path), NULL);
}

int32_t
host_json_bool(const rollcall_reply *reply, const char *path)
{
    const struct json *node = look_up(reply, path);
    return json_type(node) == JSON_BOOL ? json_bool(node, false) : -1;
}

int32_t
host_json_int(const rollcall_reply *reply, const char *path, int64_t *out)
{
    return out != NULL && json_integer(look_up(reply, path), out);
}

int64_t
host_json_count(const rollcall_reply *reply, const char *path)
{
    const struct json *node = look_up(reply, path);
    enum json_type type = json_type(node);
    return type == JSON_ARRAY || type == JSON_OBJECT ? (int64_t)json_count(node) : -1;
}

static bool
same_caseless(const char *left, const char *right)
{
    for (; *left != '\0' && *right != '\0'; left++, right++) {
        unsigned char l = (unsigned char)*left;
        unsigned char r = (unsigned char)*right;
        l = (unsigned char)(l >= 'A' && l <= 'Z' ? l + 32 : l);
        r = (unsigned char)(r >= 'A' && r <= 'Z' ? r + 32 : r);
        if (l != r) {
            return false;
        }
    }
    return *left == *right;
}

int32_t
host_is_subject(const rollcall_reply *reply, const char *text)
{
    const struct call_request *request = &host_call_of_reply(reply)->request;
    if (text == NULL || request->subject[0] == '\0') {
        return 0;
    }
    return (request->flags & ROLLCALL_CASELESS) != 0 ? same_caseless(text, request->subject)
                                                     : strcmp(text, request->subject) == 0;
}
