/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The plugin files that this process itself has opened, and what was said of those that it refused.
 * Nothing is ever closed again, and opening a path twice would hand back the old code, so each path
 * is opened once and its image kept for all later readings of the configuration. [main] */
#ifndef ROLLCALL_APP_SHELF_H
#define ROLLCALL_APP_SHELF_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/error.h"
#include "daemon/base/file_mark.h"
#include "daemon/plugin/loader.h"

struct shelf_entry {
    char *path;
    struct image *image;       /* NULL: never opened here */
    struct file_mark opened;   /* the file when it was */
    struct error_text refusal; /* the last one; "" for none */
};

struct shelf {
    struct shelf_entry *entries;
    size_t count;
};

/** The image of a path, opened now unless it was before. A file that has changed since keeps its
 *  old code, and the log says so. Errors: as loader_open(), NOMEM. */
MUST_CHECK int
shelf_open(struct shelf *shelf, const char *path, struct image **out_image, struct error_text *why);

/** Log that a path was refused, once for each reason. */
void shelf_note_refusal(struct shelf *shelf, const char *path, const struct error_text *why);

/** Images stay; the list of them goes. */
void shelf_fini(struct shelf *shelf);

#endif
