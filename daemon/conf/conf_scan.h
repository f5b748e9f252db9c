/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What libconfig 1.5 gets wrong without a word, looked for before it reads: an integer beyond 32
 * bits wraps, an open comment or @include ends the file, a NUL ends the text, ten thousands of keys
 * take minutes, and an @include that fails does not say which. Knows no libconfig. */
#ifndef ROLLCALL_CONF_CONF_SCAN_H
#define ROLLCALL_CONF_CONF_SCAN_H

#include <stddef.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

/* A real file has fifty; libconfig compares each with all others of its group. */
#define CONF_SETTINGS_MAX 4096

/* Groups and lists inside each other; plugin sections need three. */
#define CONF_NESTING_MAX 16

/* Included files in all, and inside each other (libconfig itself stops at 10). */
#define CONF_INCLUDES_MAX 64
#define CONF_INCLUDE_DEPTH_MAX 8

/**
 * Look through a text and every file that it includes.
 *
 * `name` is how messages call the text, `folder` what included names are relative to. A NUL stands
 * behind the `len` bytes.
 * Errors: RANGE (an integer), PARSE, TOO_BIG, NOT_FOUND, IO, NOMEM; `why` begins with "name:line:
 * ". Thread: any.
 */
MUST_CHECK int conf_scan(const char *name, const char *folder, const char *text, size_t len,
                         struct error_text *why);

#endif
