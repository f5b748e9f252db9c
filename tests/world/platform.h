/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One platform, built from its part of the script and its recorded cases. A route is a recorded
 * request with holes; cases of one kind that record the same request share it. All lives in the
 * caller's arena. Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_PLATFORM_H
#define ROLLCALL_TESTS_WORLD_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "tests/world/cases.h"
#include "tests/world/pattern.h"
#include "tests/world/script.h"

enum kind { KIND_EMAIL, KIND_USERNAME, KINDS };

/* A case that records a route's request, and as which of its exchanges. */
struct use {
    const struct case_file *source;
    size_t step;
};

struct route {
    enum kind kind;
    struct parts *pattern;
    bool has_hole;
    struct use *uses;
    size_t use_count; /* never 0 */
};

struct platform {
    const struct script_platform *script;
    struct route *routes;
    size_t route_count;
    const struct case_file *yes[KINDS];    /* what the registered get; NULL: no such case */
    const struct case_file *no[KINDS];     /* what the others get */
    const struct case_file *forced[KINDS]; /* what everybody gets */
};

/** Where a platform is built from. `script_path` is for messages. */
struct platform_source {
    struct arena *arena;
    const char *script_path;
    const char *cases; /* the folder that holds <platform>/cases/ */
};

/** Read the cases and build. Errors: as case_read_folder(); INVALID when a case that the script
 *  needs is not there. */
MUST_CHECK int
platform_build(const struct platform_source *source, const struct script_platform *script,
               struct platform *out_platform, struct error_text *why);

/** An address has an '@' past its first character; all else is a name. */
enum kind platform_kind_of(const char *subject);

#endif
