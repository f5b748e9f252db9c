/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Whether a path still leads to the file that it led to. No contents are read: who replaces a file
 * by renaming another over it, or writes into it, leaves another mark. */
#ifndef ROLLCALL_BASE_FILE_MARK_H
#define ROLLCALL_BASE_FILE_MARK_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct file_mark {
    bool is_there; /* else the rest is 0 */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written;
};

/** The mark of what is at `path` now. Thread: any. */
struct file_mark file_mark_take(const char *path);

/** Whether both are of the same file, or there was none either time. Thread: any. */
bool file_mark_is_same(const struct file_mark *a, const struct file_mark *b);

#endif
