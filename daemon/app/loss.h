/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a new setup would lose of what serves now. A plugin that the operator disabled or unloaded,
 * or whose file is gone, is no loss; one that is there and cannot be used is. */
#ifndef ROLLCALL_APP_LOSS_H
#define ROLLCALL_APP_LOSS_H

#include "daemon/app/setup.h"
#include "daemon/plugin/call.h"

/** Whether `after` refuses a plugin that serves in `before` and is not among those `unloaded`.
 *  Errors: INVALID; `why` begins with the file's name. Thread: [loop]. */
MUST_CHECK int loss_of_plugins(const struct setup *before, const struct setup *after,
                               const struct names *unloaded, struct error_text *why);

/**
 * Whether a plugin's data gives less than in `before` (NULL: nothing serves yet): it cannot be read
 * (`answer` is NULL and `reason` says why), or of one of its sources nothing is left and the plugin
 * noted a fault of that.
 * Errors: INVALID; `why` begins with the file's name. Thread: [main], before the new one is in use.
 */
MUST_CHECK int
loss_of_data(const struct registry *before, const struct plugin *plugin,
             const struct call_answer *answer, const char *reason, struct error_text *why);

#endif
