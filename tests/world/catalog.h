/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The entries of catalogue files, each id once: Rollcall's own format wins over WhatsMyName's, that
 * over Sherlock's, that over Maigret's. What an entry lacks leaves it out, silently: whether it is
 * reported is the daemon's business. All lives in the caller's arena. Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_CATALOG_H
#define ROLLCALL_TESTS_WORLD_CATALOG_H

#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "tests/world/site.h"

#define CATALOG_FILE_BYTES_MAX (32u * 1024 * 1024)
#define CATALOG_FILES_MAX 8

struct catalog {
    const struct site *sites; /* by id */
    size_t count;
};

/** Read files and choose among entries of one id. Errors: NOT_FOUND, IO, TOO_BIG, PARSE, INVALID
 *  (no catalogue), NOMEM; `why` names the file. */
MUST_CHECK int catalog_read(const char *const *paths, size_t count, struct arena *arena,
                            struct catalog *out_catalog, struct error_text *why);

/** The site of an id, or NULL. */
const struct site *catalog_find(const struct catalog *catalog, const char *id, size_t len);

#endif
