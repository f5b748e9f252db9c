/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One daemon a socket: a lock on "<path>.lock" that is held from before the socket's path is first
 * touched to the end of the process. The kernel lets go of it when the process ends in any way, so
 * a socket file beside a free lock is a dead daemon's. The file itself stays: to remove it would
 * let two daemons hold locks on two files of that name. */
#ifndef ROLLCALL_SERVE_LOCKFILE_H
#define ROLLCALL_SERVE_LOCKFILE_H

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

/**
 * Lock "<path>.lock", creating it.
 * Owner:  *out_fd is the caller's; lockfile_release().
 * Errors: EXISTS (another process holds it), IO (no such folder, not permitted); `why` has the
 *         sentence without the URL. Thread: any.
 */
MUST_CHECK int lockfile_take(const char *path, int *out_fd, struct error_text *why);

/** Let go; -1 is fine. Sets *fd to -1. */
void lockfile_release(int *fd);

#endif
