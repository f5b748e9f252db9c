/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* rollcall-worker's life: give up what a plugin must not have, open the plugin, say what it is, and
 * then one call in, one answer out, until the daemon hangs up. Keeps nothing of a call. Thread:
 * [worker], the only one of its process. */
#ifndef ROLLCALL_WORKER_WORKER_H
#define ROLLCALL_WORKER_WORKER_H

#include "daemon/worker/sandbox.h"

/**
 * Serve one plugin on the channel (SANDBOX_CHANNEL).
 * Gives the process' exit status: 0 when the daemon hung up, 1 after REFUSED or when the
 * conversation broke, with a sentence in the log. Runs once in a process.
 */
MUST_CHECK int worker_run(const struct sandbox *sandbox, const struct sandbox_options *options);

#endif
