/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* flock() rather than fcntl(): it belongs to the open file, so that no other part of the process
 * can drop it by closing the same file. */
#include "daemon/serve/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int
lockfile_take(const char *path, int *out_fd, struct error_text *why)
{
    char name[PATH_MAX];
    int len = snprintf(name, sizeof(name), "%s.lock", path);
    if (len < 0 || (size_t)len >= sizeof(name)) {
        return error_say(why, ERROR_RANGE, "the path is too long");
    }
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return error_say(why, ERROR_IO, "cannot open the lock %s: %s", name, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *out_fd = fd;
        return ERROR_OK;
    }
    int error = errno;
    (void)close(fd);
    if (error == EWOULDBLOCK) {
        return error_say(why, ERROR_EXISTS,
                         "another rollcalld serves this socket (lock %s is held)", name);
    }
    return error_say(why, ERROR_IO, "cannot lock %s: %s", name, strerror(error));
}

void
lockfile_release(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}
