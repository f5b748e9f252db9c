/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Where the daemon is. */
#ifndef ROLLCALL_CLIENT_LOCATE_H
#define ROLLCALL_CLIENT_LOCATE_H

#include "client/why.h"

/* The longest path that the kernel takes for a socket, without its NUL. */
#define LOCATE_PATH_MAX 107

/**
 * The address to dial: `url`, else $ROLLCALL_URL, else $XDG_RUNTIME_DIR/rollcall/rollcall.sock
 * where there is a socket, else /run/rollcall/rollcall.sock. A plain path counts as ipc.
 * Owner:  *out_url is the caller's: free().
 * Errors: INVALID: a scheme that is not ours, or a path too long for a socket; NOMEM.
 */
int locate_daemon(const char *url, char **out_url, struct why *why);

/** Why nobody can be reached at `url`, as far as the file system knows: "there is no socket", "you
 * may not open it"; "" when it does not know. Static text. */
const char *locate_explain(const char *url);

#endif
