/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Structs to JSON: the allow-list of what leaves the daemon. A field that is not written here does
 * not travel. Times are milliseconds, rounded to 0.1. NULL means out of memory.
 * Thread: [loop], which owns what is read. */
#ifndef ROLLCALL_SERVE_CODEC_H
#define ROLLCALL_SERVE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/json.h"
#include "daemon/exec/fetch.h"
#include "daemon/exec/pool.h"
#include "daemon/plugin/registry.h"
#include "daemon/query/query.h"

/** One check; `started_us` is when its query began (monotonic). */
struct json *codec_check(const struct check_view *view, int64_t started_us);

struct json *codec_answer(const struct answer *answer);

/** {"platforms": [...]} of a kind (0: any) and a tag (NULL: any). */
struct json *codec_platforms(const struct registry *registry, int32_t kind, const char *tag);

/** {"plugins": [...]}. */
struct json *codec_plugins(const struct registry *registry);

/** One of them: {"plugin": {...}}, null when there is none of that name (any more). */
struct json *codec_plugin(const struct registry *registry, const char *name);

/* What `status` tells. */
struct codec_status {
    int64_t uptime_us;
    size_t calls_waiting;
    size_t calls_max;
    uint64_t served;
    uint64_t overloaded;
    struct queries_stats queries;
    struct fetcher_stats fetch;
    struct pool_stats pool;
    const struct registry *registry;
};

struct json *codec_status(const struct codec_status *status);

#endif
