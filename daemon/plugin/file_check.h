/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a plugin's file must be before the dynamic linker sees it. Shared by the daemon and its
 * workers. */
#ifndef ROLLCALL_PLUGIN_FILE_CHECK_H
#define ROLLCALL_PLUGIN_FILE_CHECK_H

#include "daemon/base/error.h"

/**
 * Judge a file by its owner, its mode and its length.
 * Errors: NOT_FOUND, DENIED (not a regular file; writable by others than its owner; owned by
 * neither root nor us), INVALID (shorter than its own head says: mapping it would be a SIGBUS).
 * `why` begins with the file's name. Thread: any.
 */
MUST_CHECK int file_check(const char *path, struct error_text *why);

#endif
