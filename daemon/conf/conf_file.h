/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Files that the configuration names: where they are, and their bytes, bounded. */
#ifndef ROLLCALL_CONF_CONF_FILE_H
#define ROLLCALL_CONF_CONF_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/error.h"

/* A configuration file, an included one too. A real one has some two kilobytes. */
#define CONF_FILE_BYTES_MAX (1024 * 1024)

/* A secret: an API token has some hundred bytes, a key in PEM three thousand. */
#define CONF_SECRET_BYTES_MAX 4096

/**
 * Read a regular file of at most `max_bytes`.
 *
 * Owner:  *out_bytes is the caller's, free() it; a NUL stands behind the *out_len bytes.
 * Errors: NOT_FOUND, TOO_BIG, NOMEM, IO (not a regular file, not readable); `why` is the part of a
 *         sentence that says what is the matter: "no such file".
 * Thread: any.
 */
MUST_CHECK int conf_file_read(const char *path, size_t max_bytes, char **out_bytes, size_t *out_len,
                              struct error_text *why);

/** Whether `path` is a regular file that can be read: as conf_file_read(), without the bytes. */
MUST_CHECK int conf_file_probe(const char *path, struct error_text *why);

/** `name` if it is absolute, else `folder`/`name`. In the arena; NULL: out of memory. */
MUST_CHECK const char *conf_file_resolve(struct arena *arena, const char *folder, const char *name);

/** The folder of a path: "/etc" for "/etc/x", "." for "x". In the arena; NULL: out of memory. */
MUST_CHECK const char *conf_file_folder(struct arena *arena, const char *path);

/**
 * The secret in the file `name`: looked for in $CREDENTIALS_DIRECTORY, then in `folder`. One
 * newline at its end is dropped; what is left is one printable line.
 *
 * Owner:  *out_secret lives in the arena.
 * Errors: as conf_file_read(), and INVALID. `why` names neither the file nor what is in it: who
 *         writes a token where its file's name belongs shall not find it in the log.
 * Thread: [main].
 */
MUST_CHECK int conf_file_secret(struct arena *arena, const char *folder, const char *name,
                                const char **out_secret, struct error_text *why);

#endif
