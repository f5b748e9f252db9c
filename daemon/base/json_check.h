/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* RFC 8259's grammar, to the letter, in one pass without recursion. cJSON alone reads 17 to 33
 * kinds of broken document, so this speaks first. Knows no cJSON. */
#ifndef ROLLCALL_BASE_JSON_CHECK_H
#define ROLLCALL_BASE_JSON_CHECK_H

#include <stddef.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

/* Arrays and objects inside each other; a scalar document has depth 0. */
#define JSON_DEPTH_MAX 32

/**
 * Judge `len` bytes as one JSON text.
 *
 * Errors: PARSE (grammar or UTF-8 is broken; also when the document is too deep as well),
 *         UNACCEPTABLE (deeper than JSON_DEPTH_MAX, an escaped NUL, a lone surrogate escape),
 *         NOMEM. `why` names the byte offset.
 * Thread: any.
 */
MUST_CHECK int json_check(const char *bytes, size_t len, struct error_text *why);

#endif
