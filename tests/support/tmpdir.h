/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A private temporary folder of a test. Its name is short enough for a socket inside it. */
#ifndef ROLLCALL_TESTS_SUPPORT_TMPDIR_H
#define ROLLCALL_TESTS_SUPPORT_TMPDIR_H

#include <stddef.h>

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

#endif
