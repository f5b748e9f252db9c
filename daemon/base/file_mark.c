/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Device, inode, size and the time of the last write. */
#include "daemon/base/file_mark.h"

#include <sys/stat.h>

struct file_mark
file_mark_take(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return (struct file_mark){ .is_there = false };
    }
    return (struct file_mark){ .is_there = true,
                               .device = info.st_dev,
                               .inode = info.st_ino,
                               .size = info.st_size,
                               .written = info.st_mtim };
}

bool
file_mark_is_same(const struct file_mark *a, const struct file_mark *b)
{
    return a->is_there == b->is_there && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->written.tv_sec == b->written.tv_sec &&
           a->written.tv_nsec == b->written.tv_nsec;
}
