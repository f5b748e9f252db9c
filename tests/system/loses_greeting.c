/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Put in front of the C library with LD_PRELOAD: a process whose first message finds that the other
 * side has gone, as when a daemon leaves between a connection and its greeting. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    static atomic_flag has_failed = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&has_failed)) {
        errno = EPIPE;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}
