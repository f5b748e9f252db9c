/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the readers of the formats share. */
#ifndef ROLLCALL_TESTS_WORLD_CATALOG_INT_H
#define ROLLCALL_TESTS_WORLD_CATALOG_INT_H

#include <stdbool.h>

#include "daemon/base/json.h"
#include "tests/world/catalog.h"

/* A file in hand. Values that cannot be kept for want of memory set `is_short`: asked once, at the
 * end. */
struct catalog_source {
    struct arena *arena;
    const char *name;        /* the file's, without ".json" */
    const struct json *root; /* of the file */
    bool is_short;
};

/** Read one entry: `json` is its value, its key the name where the format has it so. False: it
 *  lacks something that a check needs. */
typedef bool (*catalog_entry_fn)(struct catalog_source *source, const struct json *json,
                                 struct site *out_site);

bool
catalog_read_wmn(struct catalog_source *source, const struct json *json, struct site *out_site);
bool catalog_read_sherlock(struct catalog_source *source, const struct json *json,
                           struct site *out_site);
bool
catalog_read_own(struct catalog_source *source, const struct json *json, struct site *out_site);
bool
catalog_read_maigret(struct catalog_source *source, const struct json *json, struct site *out_site);

/* ---- Values, kept in the arena */

const char *catalog_keep(struct catalog_source *source, const char *text);
const char *catalog_text(struct catalog_source *source, const struct json *json);
/** A string or an array of strings; empty strings are none. */
struct site_texts catalog_texts(struct catalog_source *source, const struct json *json);
/** A number or an array of numbers, into site->codes. */
void catalog_codes(const struct json *json, struct site *site);
/** The name and what follows from it. */
void catalog_name(struct catalog_source *source, const char *name, struct site *site);
/** Whether `text` stands in this string or in one anywhere inside. */
bool catalog_has_text(const struct json *json, const char *text);

/** Whether the place for the name stands in a URL's host. */
bool catalog_is_in_host(const struct json *url, const char *place);

#endif
