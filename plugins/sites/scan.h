/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A catalogue's JSON, walked without building anything: first the grammar of the whole file in one
 * pass and bounded depth, then the members of one object or array at a time. So a file of 64 MiB
 * costs no memory beside itself, and one entry at a time is given to the JSON library. */
#ifndef ROLLCALL_SITES_SCAN_H
#define ROLLCALL_SITES_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "plugins/sites/pool.h"

#define SCAN_DEPTH_MAX 32                 /* arrays and objects inside each other */
#define SCAN_BYTES_MAX ((size_t)64 << 20) /* of a file */

/** A value as it stands in the file. */
struct span {
    const char *bytes;
    size_t len;
};

/** Whether it is one JSON text (RFC 8259) in UTF-8 within the bounds; else a sentence. */
bool scan_check(struct span file, struct why *why);

/** The one value of a text that was checked, without the white space around it. */
struct span scan_value(struct span text);

/** Members of an object or elements of an array that were checked. */
struct scan {
    const char *at;
    const char *end;
    bool keyed;
};

/** Begin. A value that is neither an object nor an array has no members. */
void scan_open(struct scan *scan, struct span value);
/** The next one; `out_key` is the string with its quotes, and empty for an element. */
bool scan_next(struct scan *scan, struct span *out_key, struct span *out_value);
/** The member of that name; false when there is none. */
bool scan_find(struct span object, const char *key, struct span *out_value);

#endif
