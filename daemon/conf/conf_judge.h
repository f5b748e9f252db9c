/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One value against what its key allows. */
#ifndef ROLLCALL_CONF_CONF_JUDGE_H
#define ROLLCALL_CONF_CONF_JUDGE_H

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "daemon/conf/conf.h"
#include "daemon/conf/conf_doc.h"
#include "daemon/conf/conf_form.h"

/* Bytes of one text and texts of one list. */
#define CONF_TEXT_BYTES_MAX 4096
#define CONF_LIST_MAX 256

/* A key of a table: of the daemon's, of every plugin's section, or one that a plugin declared. */
struct conf_spec {
    const char *section; /* the plugin's name; NULL: the daemon's own */
    const char *key;
    enum conf_type type;
    const char *fallback; /* as it would be written; NULL: not set */
    int64_t min;          /* of a number (durations in us, sizes in bytes), or of a list's length */
    int64_t max;          /* min == max == 0: no bounds */
    const struct conf_form *form;
    const char *sentence;
};

/* Where values go, and what file names are relative to. */
struct conf_context {
    struct arena *arena;
    const char *folder;
};

/**
 * Judge `node`, or the fallback where it is NULL.
 *
 * Owner:  what *out_value points to lives in the context's arena; its key is the spec's.
 * Errors: INVALID, RANGE, NOT_FOUND and IO (a file), NOMEM; `why` names place, key, what was found
 *         and what is allowed. A secret and what may hold a password are not repeated.
 * Thread: [main].
 */
MUST_CHECK int
conf_judge(const struct conf_context *context, const struct conf_spec *spec,
           const struct conf_node *node, struct conf_value *out_value, struct error_text *why);

/** Append what a key allows: "a duration such as \"10s\", from 1ms to 10min". */
void conf_describe(const struct conf_spec *spec, struct buf *out);

/** The key as messages call it: "timeout", "plugin.github.timeout". */
#define CONF_KEY_BYTES 160
void conf_write_key(const char *section, const char *key, char out_text[CONF_KEY_BYTES]);

#endif
