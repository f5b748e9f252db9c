/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The name servers that the operator chose, judged before c-ares sees them: what it takes for an
 * address is more, and less, and what it does not take it does not name. Thread: any. */
#ifndef ROLLCALL_EXEC_RESOLVE_SERVERS_H
#define ROLLCALL_EXEC_RESOLVE_SERVERS_H

#include <stddef.h>

#include "daemon/base/error.h"

/**
 * "127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:53": one text of them all, with commas between.
 * Owner:  *out_list is the caller's, free(); NULL for none.
 * Errors: INVALID (`why` names it), TOO_BIG, NOMEM.
 */
MUST_CHECK int resolve_servers_join(const char *const *servers, size_t count, char **out_list,
                                    struct error_text *why);

#endif
