/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Catalogue files: which format it is, and its entries one after the other to the host. */
#ifndef ROLLCALL_SITES_CATALOG_H
#define ROLLCALL_SITES_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include <rollcall/plugin.h>

#include "plugins/sites/entry.h"
#include "plugins/sites/ident.h"
#include "plugins/sites/report.h"
#include "plugins/sites/scan.h"

#define CATALOG_NAME_BYTES 256
#define CATALOG_ENTRIES_MAX 1000000 /* of one file: as many checkers as the host takes */

/** A file that was recognised. */
struct catalog {
    char name[CATALOG_NAME_BYTES]; /* the file's, without .json */
    enum dialect dialect;
    struct span entries; /* an object or an array */
    struct span engines; /* Maigret's; empty elsewhere */
};

/** What is shared by all catalogues of one run. */
struct reading_run {
    rollcall_check *check;
    enum reading reading;
    bool detours;
    struct ident_set *seen;
    const struct catalog *catalogs; /* owners in `seen` are indexes of it */
    struct report report;
    struct entry entry;
};

/** Recognise it from its content. False and a sentence: it is no catalogue. `file` must outlive
 *  it. */
bool catalog_open(const char *file_name, struct span file, struct catalog *out, struct why *why);

/** Offer its entries; `index` is its place in run->catalogs. */
void catalog_read(struct reading_run *run, size_t index);

#endif
