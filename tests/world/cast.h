/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Who plays what: each site of the catalogues gets its latency, whether it knows the names of the
 * script, and its fault, always the same ones for the same catalogues. A fault is one that the
 * site's own rule can tell from a reply: a site that looks at the status alone cannot be misled by
 * a body. Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_CAST_H
#define ROLLCALL_TESTS_WORLD_CAST_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "tests/world/catalog.h"
#include "tests/world/script.h"
#include "tests/world/stage.h"

struct cast;

/** Give every site its part. Owner: all lives in `arena`; `script` and `catalog` are borrowed.
 *  Errors: NOMEM. */
MUST_CHECK int cast_new(const struct script_catalog *script, const struct catalog *catalog,
                        struct arena *arena, struct cast **out_cast);

/** Decide how a request to the site `id` is answered: `rest` is its target behind the id, `body`
 *  may be NULL. False, and *out_play as it was: there is no such site. */
bool cast_play(const struct cast *cast, const char *id, size_t id_len, const char *rest,
               const char *body, struct play *out_play);

/** The truth about every site as JSON; README.md says how it looks. Errors: NOMEM, TOO_BIG. */
MUST_CHECK int cast_print(const struct cast *cast, struct buf *out);

#endif
