/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Which checkers a query asks, and in which order. Pure. */
#ifndef ROLLCALL_QUERY_SELECT_H
#define ROLLCALL_QUERY_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/error.h"
#include "daemon/plugin/registry.h"
#include "daemon/query/query.h"

/* The most words in `platforms` or `exclude`. */
#define SELECT_WORDS_MAX 1000

struct pick {
    const char *platform;
    struct checker *checker; /* NULL: asked for by id, but nobody here may answer */
};

struct selection {
    struct pick *picks;
    size_t count;
    size_t usable; /* those with a checker */
};

/**
 * The checkers for a request: named ids first, in the order given, then tags, then in the order of
 * the registry; none twice. `methods` has bit 1 << ROLLCALL_DOCUMENTED … for each allowed method.
 *
 * Owner:  the list lives in `arena`; ids and checkers are the registry's.
 * Errors: INVALID (`why` names the word that is no platform, tag or catalogue), NOMEM.
 * Thread: [loop].
 */
MUST_CHECK int select_checkers(const struct registry *registry, uint32_t methods,
                               const struct query_request *request, struct arena *arena,
                               struct selection *out_selection, struct error_text *why);

#endif
