/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* JSON texts out of JSON values. cJSON's own printer writes 1e15 as "1e+15", infinity as null and
 * broken UTF-8 as it is; this one keeps integers integers and its output always passes
 * json_check(). Knows no cJSON. */
#ifndef ROLLCALL_BASE_JSON_PRINT_H
#define ROLLCALL_BASE_JSON_PRINT_H

#include "daemon/base/attr.h"
#include "daemon/base/buf.h"

struct json;

/**
 * Append the compact text to `out`. Broken UTF-8 in a string becomes U+FFFD.
 *
 * Errors: NOMEM (also when `json` is NULL or a value was lost while it was built),
 *         TOO_BIG (the buffer's ceiling, or deeper than JSON_PRINT_DEPTH_MAX).
 * Thread: the tree's.
 */
MUST_CHECK int json_print(const struct json *json, struct buf *out);

/* What we build stays far below; the bound keeps the recursion small. */
#define JSON_PRINT_DEPTH_MAX 64

#endif
