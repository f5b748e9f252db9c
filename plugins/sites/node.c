/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. A key given twice is refused in every object of an entry: readers differ in which
 * of the two they take, so no reading of it would be the tool's own. */
#include "plugins/sites/node.h"

#include <string.h>

#include <cjson/cJSON.h>

#define MEMBERS_MAX 256 /* of one object or list in an entry: twins are looked for pair by pair */
#define ESCAPED_NUL "\\u0000"

static const cJSON *
to_cjson(const struct node *node)
{
    return (const cJSON *)node;
}

static const struct node *
from_cjson(const cJSON *item)
{
    return (const struct node *)item;
}

static bool
has_twins(const cJSON *object, struct why *why)
{
    for (const cJSON *a = object->child; a != NULL; a = a->next) {
        for (const cJSON *b = a->next; b != NULL; b = b->next) {
            if (strcmp(a->string, b->string) == 0) {
                return !say(why, "has the key \"%.80s\" twice", a->string);
            }
        }
    }
    return false;
}

/* Recursion is bounded: the depth was checked. */
static bool
is_fit(const cJSON *item, struct why *why)
{
    if (cJSON_GetArraySize(item) > MEMBERS_MAX) {
        return say(why, "has a list or an object of more than %d", MEMBERS_MAX);
    }
    if (cJSON_IsObject(item) && has_twins(item, why)) {
        return false;
    }
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        if (!is_fit(child, why)) {
            return false;
        }
    }
    return true;
}

struct node *
node_read(struct span value, struct why *why)
{
    if (value.len > NODE_ENTRY_BYTES) {
        (void)say(why, "is %zu bytes, wants at most %zu", value.len, NODE_ENTRY_BYTES);
        return NULL;
    }
    if (memmem(value.bytes, value.len, ESCAPED_NUL, strlen(ESCAPED_NUL)) != NULL) {
        (void)say(why, "has a character U+0000");
        return NULL;
    }
    cJSON *item = cJSON_ParseWithLength(value.bytes, value.len);
    if (item == NULL) {
        (void)say(why, "cannot be read: a lone surrogate, or no memory");
        return NULL;
    }
    if (!is_fit(item, why)) {
        cJSON_Delete(item);
        return NULL;
    }
    return (struct node *)item;
}

void
node_drop(struct node **node)
{
    cJSON_Delete((cJSON *)*node);
    *node = NULL;
}

enum node_kind
node_kind(const struct node *node)
{
    const cJSON *item = to_cjson(node);
    if (item == NULL) {
        return NODE_NONE;
    }
    switch (item->type & 0xff) {
    case cJSON_NULL:
        return NODE_NULL;
    case cJSON_Number:
        return NODE_NUMBER;
    case cJSON_String:
        return NODE_TEXT;
    case cJSON_Array:
        return NODE_ARRAY;
    case cJSON_Object:
        return NODE_OBJECT;
    default:
        return NODE_TRUTH;
    }
}

const char *
node_kind_name(enum node_kind kind)
{
    switch (kind) {
    case NODE_NONE:
        return "nothing";
    case NODE_NULL:
        return "null";
    case NODE_TRUTH:
        return "true or false";
    case NODE_NUMBER:
        return "a number";
    case NODE_TEXT:
        return "a text";
    case NODE_ARRAY:
        return "a list";
    case NODE_OBJECT:
        return "an object";
    }
    return "nothing";
}

const struct node *
node_get(const struct node *node, const char *key)
{
    return from_cjson(cJSON_GetObjectItemCaseSensitive(to_cjson(node), key));
}

const struct node *
node_first(const struct node *node)
{
    return node != NULL ? from_cjson(to_cjson(node)->child) : NULL;
}

const struct node *
node_next(const struct node *node)
{
    return from_cjson(to_cjson(node)->next);
}

const char *
node_key(const struct node *node)
{
    return to_cjson(node)->string;
}

const char *
node_text(const struct node *node)
{
    return cJSON_GetStringValue(to_cjson(node));
}

bool
node_is_true(const struct node *node)
{
    return cJSON_IsTrue(to_cjson(node));
}

bool
node_is_false(const struct node *node)
{
    return cJSON_IsFalse(to_cjson(node));
}

double
node_number(const struct node *node)
{
    return cJSON_IsNumber(to_cjson(node)) ? to_cjson(node)->valuedouble : 0;
}

bool
node_integer(const struct node *node, int32_t *out_number)
{
    double number = node_number(node);
    if (!cJSON_IsNumber(to_cjson(node)) || !(number >= INT32_MIN && number <= INT32_MAX)) {
        return false;
    }
    *out_number = (int32_t)number;
    return (double)*out_number == number;
}
