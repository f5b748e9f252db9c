/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Which files a worker can open, by Landlock: the layer behind the allow-list of calls, which knows
 * calls but no paths. As much of it as the running kernel has. Thread: [worker]. */
#ifndef ROLLCALL_WORKER_LANDLOCK_H
#define ROLLCALL_WORKER_LANDLOCK_H

#include <stdbool.h>

#include "daemon/base/error.h"

/** From now on: read and run the system's libraries and this one plugin, with `network` also read
 *  what looking up names needs; without, no TCP either. Neither signals nor abstract sockets reach
 *  anybody outside. Errors: IO. A kernel without Landlock is no error: what that means, the daemon
 *  says in its log, since nobody reads a worker's. */
MUST_CHECK int landlock_for_loading(const char *plugin, bool network, struct error_text *why);

/** And then: no file at all, with `network` only those for names. Errors: IO. */
MUST_CHECK int landlock_for_running(bool network, struct error_text *why);

#endif
