/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One entry's JSON as a tree. Its .c is the only file here that knows cJSON. What it is given was
 * checked by scan.c, so depth and grammar are settled. */
#ifndef ROLLCALL_SITES_NODE_H
#define ROLLCALL_SITES_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/sites/pool.h"
#include "plugins/sites/scan.h"

struct node; /* a value of the tree */

enum node_kind {
    NODE_NONE, /* no value: NULL was asked */
    NODE_NULL,
    NODE_TRUTH,
    NODE_NUMBER,
    NODE_TEXT,
    NODE_ARRAY,
    NODE_OBJECT
};

#define NODE_ENTRY_BYTES ((size_t)64 * 1024) /* of one entry; real ones have 1 KB */

/** Read one value. NULL and a sentence: it is too large, has an escaped NUL or a key twice, or
 *  memory ran out. The caller's, free with node_drop(). */
struct node *node_read(struct span value, struct why *why);
void node_drop(struct node **node);

enum node_kind node_kind(const struct node *node);
/** "a text", "a number" …: for sentences. */
const char *node_kind_name(enum node_kind kind);

/** A member of an object, NULL when there is none; `node` may be NULL. */
const struct node *node_get(const struct node *node, const char *key);
const struct node *node_first(const struct node *node);
const struct node *node_next(const struct node *node);
/** The key that a member stands under. */
const char *node_key(const struct node *node);

/** The text, NULL for anything else. */
const char *node_text(const struct node *node);
bool node_is_true(const struct node *node);
bool node_is_false(const struct node *node);
/** Whether it is a whole number that 32 bits hold, and which. */
bool node_integer(const struct node *node, int32_t *out_number);
double node_number(const struct node *node);

#endif
