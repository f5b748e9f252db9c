/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One entry's JSON as a tree. Its .c is the only file here that knows cJSON. What it is given was
 * checked by scan.c, so depth and grammar are settled. */
#ifndef ROLLCALL_SITES_JSON_H
#define ROLLCALL_SITES_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/sites/pool.h"
#include "plugins/sites/scan.h"

struct node; /* a value of the tree */

enum json_kind {
    JSON_NONE, /* no value: NULL was asked */
    JSON_NULL,
    JSON_TRUTH,
    JSON_NUMBER,
    JSON_TEXT,
    JSON_ARRAY,
    JSON_OBJECT
};

#define JSON_ENTRY_BYTES ((size_t)64 * 1024) /* of one entry; real ones have 1 KB */

/** Read one value. NULL and a sentence: it is too large, has an escaped NUL or a key twice, or
 *  memory ran out. The caller's, free with json_drop(). */
struct node *json_read(struct span value, struct why *why);
void json_drop(struct node **node);

enum json_kind json_kind(const struct node *node);
/** "a text", "a number" …: for sentences. */
const char *json_kind_name(enum json_kind kind);

/** A member of an object, NULL when there is none; `node` may be NULL. */
const struct node *json_get(const struct node *node, const char *key);
const struct node *json_first(const struct node *node);
const struct node *json_next(const struct node *node);
/** The key that a member stands under. */
const char *json_key(const struct node *node);

/** The text, NULL for anything else. */
const char *json_text(const struct node *node);
bool json_is_true(const struct node *node);
bool json_is_false(const struct node *node);
/** Whether it is a whole number that 32 bits hold, and which. */
bool json_integer(const struct node *node, int32_t *out_number);
double json_number(const struct node *node);

#endif
