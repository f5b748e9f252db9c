/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a descriptor says, judged and copied: pure functions from the bytes of a plugin's descriptor
 * to a struct manifest of our own, or one sentence why not. Runs no code of the plugin. After this
 * file nobody reads a plugin's own structs. Shared by the daemon and its workers. */
#ifndef ROLLCALL_PLUGIN_MANIFEST_H
#define ROLLCALL_PLUGIN_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/error.h"
#include "rollcall/plugin.h"

#define MANIFEST_CHECKERS_MAX 4096
#define MANIFEST_OPTIONS_MAX 64
#define MANIFEST_SHARED_MAX 16
#define MANIFEST_TAGS_MAX 32
#define MANIFEST_KNOWN_MAX 32
#define MANIFEST_ID_BYTES 64
#define MANIFEST_TEXT_BYTES 1024 /* any one text of a descriptor */

struct manifest_platform {
    const char *id;
    const char *title;
    const char *home;
    const char *const *tags; /* NULL-terminated, never NULL */
    uint64_t accounts;
    bool adult; /* has the tag "adult" */
};

struct manifest_name_rule {
    uint32_t min_chars;
    uint32_t max_chars;
    const char *chars;
    const char *source;
    bool all_names;
};

/* One checker, of a descriptor or yielded by enumerate. All texts live in the manifest's arena (or
 * in the answer's, for a yielded one). Enum fields hold the constants of rollcall/plugin.h. */
struct manifest_checker {
    struct manifest_platform platform;
    int32_t kind;
    int32_t method;
    int32_t evidence;
    uint32_t flags;
    const char *base_url; /* NULL for a blocking checker */
    uint32_t rate_count;
    uint32_t rate_seconds;
    uint32_t concurrency;
    uint32_t body_max;                          /* never 0 here */
    const struct manifest_name_rule *name_rule; /* or NULL */
    const char *const *known;                   /* NULL-terminated, never NULL */
    const char *absent;                         /* or NULL */
    bool blocking;
    uint32_t index;  /* place in the descriptor's list: how a call names it */
    bool enumerated; /* from enumerate: a call names it by its data */
    const void *data;
    size_t data_len;
    const char *source; /* of an enumerated one: the data it came from, or NULL */
};

struct manifest_option {
    const char *key;
    int32_t type;
    const char *fallback; /* or NULL */
    const char *sentence;
    int64_t min;
    int64_t max;
};

struct manifest_shared {
    const char *name;
    uint32_t lifetime_s;
    const char *base_url;
    uint32_t index;
};

struct manifest {
    struct arena *arena;
    const char *name;
    const char *version;
    const struct manifest_checker *checkers;
    size_t checker_count;
    const struct manifest_option *options;
    size_t option_count;
    const struct manifest_shared *shared;
    size_t shared_count;
    bool enumerates;
};

/**
 * Judge only the first 16 bytes. `why` is one sentence without the file's name.
 * Errors: INVALID, UNSUPPORTED (ABI), TOO_BIG. Thread: any.
 */
MUST_CHECK int manifest_judge_head(const void *entry, struct error_text *why);

/**
 * Judge a descriptor and copy it.
 *
 * `entry` is what dlsym gave; nothing beyond its first 16 bytes is read before they are judged.
 * Owner:  *out_manifest is the caller's, free with manifest_free(); it points to nothing of the
 * plugin. Errors: INVALID, UNSUPPORTED (ABI), TOO_BIG, NOMEM; `why` is one sentence without the
 * file's name: "wants ABI 9.0, this daemon has 1.1; rebuild the plugin". Thread: any.
 */
MUST_CHECK int
manifest_judge(const void *entry, struct manifest **out_manifest, struct error_text *why);
void manifest_free(struct manifest **manifest);

/** The same judgement for one checker that enumerate yielded: neither `step` nor `block` is set,
 * and `data` becomes its own. All is copied into `arena`. `stride` is the plugin's sizeof. */
MUST_CHECK int
manifest_judge_checker(const rollcall_checker *checker, size_t stride, struct arena *arena,
                       struct manifest_checker *out_checker, struct error_text *why);

/** Whether this can be a base_url: http or https, a host, perhaps a path, no slash at the end. */
bool manifest_is_base_url(const char *text);

/** [a-z][a-z0-9_]*, at most MANIFEST_ID_BYTES: how options, shared and kept values are called. */
bool manifest_is_key(const char *text);

#endif
