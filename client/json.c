/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* cJSON behind a small face: `struct json` is a cJSON node under another name. The bytes come from
 * the daemon, so nothing here trusts a type: what is not as expected is not there. */
#include "client/json.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static const cJSON *
node(const struct json *json)
{
    return (const cJSON *)(const void *)json;
}

static cJSON *
node_mutable(struct json *json)
{
    return (cJSON *)(void *)json;
}

struct json *
json_parse(const char *text, size_t length)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    for (; root != NULL && end < text + length; end++) {
        if (*end != '\0' && strchr(" \t\r\n", *end) == NULL) {
            cJSON_Delete(root);
            return NULL;
        }
    }
    return (struct json *)(void *)root;
}

void
json_free(struct json **json)
{
    cJSON_Delete(node_mutable(*json));
    *json = NULL;
}

const struct json *
json_get(const struct json *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(node(object), name);
    return (const struct json *)(const void *)member;
}

const char *
json_string(const struct json *json)
{
    return cJSON_GetStringValue(node(json));
}

const char *
json_text(const struct json *object, const char *name)
{
    return json_string(json_get(object, name));
}

double
json_number(const struct json *object, const char *name, double fallback)
{
    const cJSON *member = node(json_get(object, name));
    return cJSON_IsNumber(member) ? member->valuedouble : fallback;
}

bool
json_is_true(const struct json *object, const char *name)
{
    return cJSON_IsTrue(node(json_get(object, name)));
}

bool
json_is_object(const struct json *json)
{
    return cJSON_IsObject(node(json));
}

bool
json_is_array(const struct json *json)
{
    return cJSON_IsArray(node(json));
}

bool
json_is_number(const struct json *object, const char *name, double value)
{
    const cJSON *member = node(json_get(object, name));
    return cJSON_IsNumber(member) && !(member->valuedouble < value) &&
           !(member->valuedouble > value);
}

size_t
json_size(const struct json *json)
{
    int size = cJSON_GetArraySize(node(json));
    return size < 0 ? 0 : (size_t)size;
}

const struct json *
json_first(const struct json *json)
{
    return json == NULL ? NULL : (const struct json *)(const void *)node(json)->child;
}

const struct json *
json_next(const struct json *child)
{
    return (const struct json *)(const void *)node(child)->next;
}

const char *
json_name(const struct json *child)
{
    return node(child)->string;
}

/* DEL and the C1 controls travel raw in JSON; they only ever stand inside texts, so an escape means
 * the same. `\u00XX` is six bytes. */
static char *
escape_controls(const char *text)
{
    char *safe = malloc(strlen(text) * 6 + 1);
    if (safe == NULL) {
        return NULL;
    }
    static const char digits[] = "0123456789abcdef";
    char *to = safe;
    for (const unsigned char *from = (const unsigned char *)text; *from != '\0'; from++) {
        bool is_c1 = from[0] == 0xc2 && from[1] >= 0x80 && from[1] <= 0x9f;
        if (*from != 0x7f && !is_c1) {
            *to++ = (char)*from;
            continue;
        }
        from += is_c1 ? 1 : 0;
        memcpy(to, "\\u00", 4);
        to[4] = digits[*from >> 4];
        to[5] = digits[*from & 0x0f];
        to += 6;
    }
    *to = '\0';
    return safe;
}

static bool
has_controls(const char *text)
{
    for (; *text != '\0'; text++) {
        if (text[0] == 0x7f || ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] <= 0x9f)) {
            return true;
        }
    }
    return false;
}

char *
json_print(const struct json *json)
{
    char *text = cJSON_PrintUnformatted(node(json));
    if (text == NULL || !has_controls(text)) {
        return text;
    }
    char *safe = escape_controls(text);
    free(text);
    return safe;
}

struct json *
json_object(void)
{
    return (struct json *)(void *)cJSON_CreateObject();
}

bool
json_put(struct json *object, const char *name, struct json *child)
{
    if (child == NULL) {
        return false;
    }
    if (!cJSON_AddItemToObject(node_mutable(object), name, node_mutable(child))) {
        cJSON_Delete(node_mutable(child));
        return false;
    }
    return true;
}

bool
json_put_text(struct json *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(node_mutable(object), name, text) != NULL;
}

bool
json_put_number(struct json *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(node_mutable(object), name, number) != NULL;
}

bool
json_put_true(struct json *object, const char *name)
{
    return cJSON_AddTrueToObject(node_mutable(object), name) != NULL;
}

bool
json_put_texts(struct json *object, const char *name, const char *const *texts)
{
    cJSON *array = cJSON_AddArrayToObject(node_mutable(object), name);
    if (array == NULL) {
        return false;
    }
    for (; *texts != NULL; texts++) {
        cJSON *text = cJSON_CreateString(*texts);
        if (text == NULL || !cJSON_AddItemToArray(array, text)) {
            cJSON_Delete(text);
            return false;
        }
    }
    return true;
}
