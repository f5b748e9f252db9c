/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Find and open plugin files: the only file that knows dlopen. Opening a file runs its
 * constructors, so whoever calls loader_open() is the process that is ready to die of it. Nothing
 * is ever dlclosed. Shared by the daemon and its workers. */
#ifndef ROLLCALL_PLUGIN_LOADER_H
#define ROLLCALL_PLUGIN_LOADER_H

#include <stddef.h>

#include "daemon/base/error.h"
#include "daemon/plugin/manifest.h"

/* An opened plugin. Stays until the process ends; never freed. One that a worker opened has a
 * manifest, and no entry here. */
struct image {
    const char *file;             /* "github.so" */
    const rollcall_plugin *entry; /* the plugin's own descriptor: for the functions in it only */
    size_t entry_size;            /* bytes of it that may be read */
    struct manifest *manifest;
};

/**
 * Open one file, judge it, keep it.
 * Errors: NOT_FOUND, DENIED (not a regular file; writable by others than its owner; owned by
 * neither root nor us), INVALID (not a shared object, no entry), and as manifest_judge(). `why` is
 * one sentence that begins with the file's name: "github.so: wants ABI 9.0, …". Thread: any, one at
 * a time.
 */
MUST_CHECK int loader_open(const char *path, struct image **out_image, struct error_text *why);

/* What loader_scan() found: paths, sorted by file name; a file name seen in an earlier folder wins.
 */
struct loader_list {
    char **paths;
    size_t count;
};

/** The *.so files of some folders; a folder that is not there is NOT_FOUND with its name. */
MUST_CHECK int loader_scan(const char *const *folders, size_t folder_count,
                           struct loader_list *out_list, struct error_text *why);
void loader_list_fini(struct loader_list *list);

/** "/x/y/github.so" to "github.so". */
const char *loader_file_name(const char *path);

#endif
