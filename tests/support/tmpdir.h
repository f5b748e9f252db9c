/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A private temporary folder of a test. Its name is short enough for a socket inside it. */
#ifndef ROLLCALL_TESTS_SUPPORT_TMPDIR_H
#define ROLLCALL_TESTS_SUPPORT_TMPDIR_H

#include <stddef.h>
#include <sys/types.h>

#include "daemon/base/attr.h"

struct tmpdir;

/** A new folder, mode 0700, under $TMPDIR or /tmp. tmpdir_free() removes it. Fails the test. */
struct tmpdir *tmpdir_new(void);

/** Remove the folder and all that is in it (links are not followed). Accepts NULL. */
void tmpdir_free(struct tmpdir **dir);

const char *tmpdir_path(const struct tmpdir *dir);

/** "<folder>/<name>"; free() it. */
char *tmpdir_join(const struct tmpdir *dir, const char *name);

/** Write a text to a file in it, folders of `name` made on the way. Returns its path: free() it. */
char *tmpdir_write(const struct tmpdir *dir, const char *name, const char *text);

/** Copy a file there, folders of `name` made on the way; mode 0755 whatever the umask. Returns its
 *  path: free() it. */
char *tmpdir_copy(const struct tmpdir *dir, const char *name, const char *from);

/** Make the folder and all that is in it so far a user's own. Needs root. */
void tmpdir_give(const struct tmpdir *dir, uid_t user);

/** Let everybody look into the folder. */
void tmpdir_open(const struct tmpdir *dir);

#endif
