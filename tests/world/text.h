/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Small acts on text that the world's parts share. Thread: any. */
#ifndef ROLLCALL_TESTS_WORLD_TEXT_H
#define ROLLCALL_TESTS_WORLD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"

/** `len` bytes with %XX decoded (not %00, which stays as it is), '+' as a space where asked for.
 *  NULL out of memory. */
MUST_CHECK char *
text_percent_decode(struct arena *arena, const char *bytes, size_t len, bool plus_is_space);

/** Append with all but RFC 3986's unreserved characters as %XX. */
void text_percent_encode(struct buf *out, const char *text);

/** Letters of ASCII compare without case. */
bool text_begins_nocase(const char *text, const char *begin);
bool text_equals_nocase(const char *one, const char *other);

/** The whole of a file, NUL behind it, at most `max_bytes`. Errors: NOT_FOUND, IO, TOO_BIG, NOMEM;
 *  `why` names the file. */
MUST_CHECK int text_read_file(struct arena *arena, const char *path, size_t max_bytes,
                              const char **out_text, size_t *out_len, struct error_text *why);

#endif
