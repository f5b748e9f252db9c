/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What /proc says of a running process: its memory, threads and descriptors. Each function fails
 * the test when the process is not there. */
#ifndef ROLLCALL_TESTS_SUPPORT_PROC_H
#define ROLLCALL_TESTS_SUPPORT_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_memory {
    int64_t rss_bytes;  /* VmRSS: all that is resident, shared libraries too */
    int64_t anon_bytes; /* RssAnon: private memory */
    int64_t peak_bytes; /* VmHWM: the most that rss ever was */
};

struct proc_memory proc_memory(pid_t pid);
size_t proc_threads(pid_t pid);
size_t proc_fds(pid_t pid);

/** How many of its descriptors are TCP sockets. */
size_t proc_tcp(pid_t pid);

/** How many processes have it as their parent, dead ones that it has not waited for included. */
size_t proc_children(pid_t pid);

/** CPU time used so far, user and system, of all threads; in units of a clock tick (10 ms). */
int64_t proc_cpu_us(pid_t pid);

#endif
