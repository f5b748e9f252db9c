/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The only file of the daemon that includes cJSON. A struct json is a cJSON node under another
 * name, so nothing is copied or wrapped. cJSON sees a text only after json_check() and
 * json_prepare(), and never prints: json_print.c does. */
#include "daemon/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "daemon/base/json_check.h"
#include "daemon/base/json_prepare.h"

/* The largest integer that no other one is rounded to. */
#define INTEGER_MAX 9007199254740991.0 /* 2^53 - 1 */

/* Our mark in a container whose building lost a value; above the bits that cJSON uses. */
#define BROKEN (1 << 16)

static cJSON *
node_of(struct json *json)
{
    return (cJSON *)(void *)json;
}

static const cJSON *
const_node_of(const struct json *json)
{
    return (const cJSON *)(const void *)json;
}

static struct json *
json_of(cJSON *node)
{
    return (struct json *)(void *)node;
}

static const struct json *
const_json_of(const cJSON *node)
{
    return (const struct json *)(const void *)node;
}

/* ---- Reading ------------------------------------------------------------------------- */

int
json_parse(const char *bytes, size_t len, struct json **out_json, struct error_text *why)
{
    int error = json_check(bytes, len, why);
    if (error) {
        return error;
    }
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    error = json_prepare(copy, len, why);
    if (!error) {
        /* The grammar is right, so all that can fail here is memory. */
        cJSON *node = cJSON_ParseWithLengthOpts(copy, len + 1, NULL, true);
        if (node == NULL) {
            error = error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
        } else {
            *out_json = json_of(node);
        }
    }
    free(copy);
    return error;
}

void
json_free(struct json **json)
{
    cJSON_Delete(node_of(*json));
    *json = NULL;
}

enum json_type
json_type(const struct json *json)
{
    if (json == NULL) {
        return JSON_ABSENT;
    }
    switch (const_node_of(json)->type & 0xff) {
    case cJSON_False:
    case cJSON_True:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

const char *
json_type_name(enum json_type type)
{
    switch (type) {
    case JSON_ABSENT:
        return "nothing";
    case JSON_NULL:
        return "null";
    case JSON_BOOL:
        return "true or false";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    }
    return "nothing";
}

const struct json *
json_get(const struct json *object, const char *key)
{
    if (json_type(object) != JSON_OBJECT) {
        return NULL;
    }
    return const_json_of(cJSON_GetObjectItemCaseSensitive(const_node_of(object), key));
}

size_t
json_count(const struct json *container)
{
    size_t count = 0;
    for (const struct json *node = json_first(container); node != NULL; node = json_next(node)) {
        count++;
    }
    return count;
}

const struct json *
json_first(const struct json *container)
{
    enum json_type type = json_type(container);
    if (type != JSON_ARRAY && type != JSON_OBJECT) {
        return NULL;
    }
    return const_json_of(const_node_of(container)->child);
}

const struct json *
json_next(const struct json *node)
{
    return node != NULL ? const_json_of(const_node_of(node)->next) : NULL;
}

const char *
json_key(const struct json *member)
{
    return member != NULL ? const_node_of(member)->string : NULL;
}

const char *
json_string(const struct json *json, const char *fallback)
{
    return json_type(json) == JSON_STRING ? const_node_of(json)->valuestring : fallback;
}

bool
json_bool(const struct json *json, bool fallback)
{
    return json_type(json) == JSON_BOOL ? cJSON_IsTrue(const_node_of(json)) : fallback;
}

double
json_number(const struct json *json, double fallback)
{
    return json_type(json) == JSON_NUMBER ? const_node_of(json)->valuedouble : fallback;
}

bool
json_integer(const struct json *json, int64_t *out_value)
{
    double value = json_number(json, NAN);
    if (!(value >= -INTEGER_MAX && value <= INTEGER_MAX) || value != (double)(int64_t)value) {
        return false;
    }
    *out_value = (int64_t)value;
    return true;
}

/* ---- Building ------------------------------------------------------------------------ */

struct json *
json_new_object(void)
{
    return json_of(cJSON_CreateObject());
}

struct json *
json_new_array(void)
{
    return json_of(cJSON_CreateArray());
}

struct json *
json_new_string(const char *text)
{
    return text != NULL ? json_of(cJSON_CreateString(text)) : NULL;
}

struct json *
json_new_number(double value)
{
    return isfinite(value) ? json_of(cJSON_CreateNumber(value)) : NULL;
}

struct json *
json_new_bool(bool value)
{
    return json_of(cJSON_CreateBool(value));
}

struct json *
json_new_null(void)
{
    return json_of(cJSON_CreateNull());
}

struct json *
json_copy(const struct json *json)
{
    return json_of(cJSON_Duplicate(const_node_of(json), true));
}

bool
json_is_broken(const struct json *json)
{
    return json == NULL || (const_node_of(json)->type & BROKEN) != 0;
}

/* A value did not get into its container: free it and mark the container for json_print(). */
static bool
lose(struct json *container, struct json *value)
{
    cJSON_Delete(node_of(value));
    if (container != NULL) {
        node_of(container)->type |= BROKEN;
    }
    return false;
}

bool
json_put(struct json *object, const char *key, struct json *value)
{
    if (json_type(object) != JSON_OBJECT || value == NULL || key == NULL) {
        return lose(object, value);
    }
    /* cJSON's own replacing keeps a member without a key when memory runs out. */
    cJSON_DeleteItemFromObjectCaseSensitive(node_of(object), key);
    bool done = cJSON_AddItemToObject(node_of(object), key, node_of(value));
    return done ? true : lose(object, value);
}

bool
json_put_string(struct json *object, const char *key, const char *text)
{
    return json_put(object, key, json_new_string(text));
}

bool
json_put_number(struct json *object, const char *key, double value)
{
    return json_put(object, key, json_new_number(value));
}

bool
json_put_bool(struct json *object, const char *key, bool value)
{
    return json_put(object, key, json_new_bool(value));
}

bool
json_append(struct json *array, struct json *value)
{
    if (json_type(array) != JSON_ARRAY || value == NULL) {
        return lose(array, value);
    }
    return cJSON_AddItemToArray(node_of(array), node_of(value)) ? true : lose(array, value);
}
