/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The daemon's only door to libconfig: a file's settings with the overrides laid over them, as
 * nodes that know where they were written. Knows no key. Thread: one at a time. */
#ifndef ROLLCALL_CONF_CONF_DOC_H
#define ROLLCALL_CONF_CONF_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

struct conf_doc;

/* Opaque; really a libconfig setting. Lives as long as its document. */
struct conf_node;

enum conf_node_type {
    CONF_NODE_GROUP,
    CONF_NODE_LIST, /* ( … ) and [ … ] are the same here */
    CONF_NODE_TEXT,
    CONF_NODE_INTEGER,
    CONF_NODE_FRACTION,
    CONF_NODE_BOOL
};

/**
 * Read a file (`path` NULL: none) and lay "key=value" texts over it; the last of equal ones wins.
 *
 * Owner:  *out_doc is the caller's, free with conf_doc_close().
 * Errors: NOT_FOUND, IO, TOO_BIG, PARSE, RANGE, INVALID (an override), NOMEM.
 */
MUST_CHECK int conf_doc_open(const char *path, const char *const *overrides, size_t count,
                             struct conf_doc **out_doc, struct error_text *why);

/**
 * A document of one value: a text as it would stand behind a key in the file, or, when it reads as
 * no such thing, that text itself. Its node is conf_doc_value().
 */
MUST_CHECK int
conf_doc_from_value(const char *value, struct conf_doc **out_doc, struct error_text *why);
void conf_doc_close(struct conf_doc **doc);

/** The path as given, or NULL; the folder that it is in, "." without one. */
const char *conf_doc_file(const struct conf_doc *doc);
const char *conf_doc_folder(const struct conf_doc *doc);

const struct conf_node *conf_doc_root(const struct conf_doc *doc);
const struct conf_node *conf_doc_value(const struct conf_doc *doc);

enum conf_node_type conf_node_type(const struct conf_node *node);
/** The name in its group; NULL in a list and of the root. */
const char *conf_node_name(const struct conf_node *node);
/** Members or elements; the i-th, NULL past the end; the member of a name, NULL when absent. */
size_t conf_node_count(const struct conf_node *node);
const struct conf_node *conf_node_at(const struct conf_node *node, size_t index);
const struct conf_node *conf_node_get(const struct conf_node *group, const char *name);

/** A TEXT's bytes; also a number or a bool of an override or a fallback as it was typed, where a
 * text may have been meant. Else NULL. */
const char *conf_node_text(const struct conf_node *node);
/** An INTEGER's or BOOL's value, else 0. */
int64_t conf_node_integer(const struct conf_node *node);
double conf_node_fraction(const struct conf_node *node);

/**
 * Refuse a node: `why` gets "FILE:LINE: KEY: TEXT", "-o KEY: TEXT" or "the fallback of KEY: TEXT".
 * Returns `error`.
 */
int conf_node_refuse(const struct conf_node *node, const char *key, int error,
                     struct error_text *why, const char *format, ...) PRINTF_LIKE(5, 6);

#endif
