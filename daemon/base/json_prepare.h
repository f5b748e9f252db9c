/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a text that json_check() passed still needs before cJSON may read it. cJSON up to
 * 1.7.17 copies a number into 64 bytes and fails on a longer one (Debian's 1.7.15 is patched,
 * others are not), so those are rewritten; and it keeps the first of two members with one key, so a
 * key given twice is refused here. Knows no cJSON. */
#ifndef ROLLCALL_BASE_JSON_PREPARE_H
#define ROLLCALL_BASE_JSON_PREPARE_H

#include <stddef.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

/**
 * Change `text` in place so that cJSON reads it whole; the length stays.
 *
 * Owner:  `text` is the caller's: `len` bytes that json_check() found good, and a NUL behind them.
 * Errors: UNACCEPTABLE (a key twice in one object, escapes decoded; `why` has the byte offset of
 *         the second), NOMEM. The text is spoilt then.
 * Thread: any.
 */
MUST_CHECK int json_prepare(char *text, size_t len, struct error_text *why);

#endif
