/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One recorded case played to a plugin: each request that the plugin asks for is held against the
 * recorded one, each reply comes from the record, and the verdict is compared at the end. The
 * same calls, templates and rules as in a query, without network, loop or threads. */
#ifndef ROLLCALL_APP_TOOLS_REPLAY_H
#define ROLLCALL_APP_TOOLS_REPLAY_H

#include "daemon/app/tools_case.h"
#include "daemon/base/error.h"
#include "daemon/plugin/registry.h"

/**
 * Play one case. Errors: INVALID when something differs, and `why` says what; NOMEM.
 * Thread: any, one at a time for one registry.
 */
MUST_CHECK int replay_case(const struct registry *registry, const struct case_file *recorded,
                           struct error_text *why);

#endif
