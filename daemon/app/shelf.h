/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The plugin files opened so far. Nothing is ever closed again, and opening a path twice would hand
 * back the old code, so each path is opened once and its image kept for all later readings of the
 * configuration. [main] */
#ifndef ROLLCALL_APP_SHELF_H
#define ROLLCALL_APP_SHELF_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/error.h"
#include "daemon/plugin/loader.h"

struct shelf_entry {
    char *path;
    struct image *image;       /* NULL: refused */
    struct error_text refusal; /* why */
    bool is_listed;            /* found by the last shelf_scan() */
};

struct shelf {
    struct shelf_entry *entries;
    size_t count;
};

/** Scan folders; open what is new and what was refused before. A refusal is logged once. Errors:
 *  as loader_scan(), NOMEM. */
MUST_CHECK int shelf_scan(struct shelf *shelf, const char *const *folders, size_t folder_count,
                          struct error_text *why);

/** Images stay; the list of them goes. */
void shelf_fini(struct shelf *shelf);

#endif
