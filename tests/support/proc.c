/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads /proc/<pid>. */
#include "tests/support/proc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/common.h"

#define KIB 1024

static char *
read_proc(pid_t pid, const char *name)
{
    char *path = support_text("/proc/%d/%s", (int)pid, name);
    char *text = support_read_file(path, NULL);
    free(path);
    return text;
}

/* The number behind "\nKey:". */
static int64_t
number_after(const char *text, const char *key)
{
    char *label = support_text("\n%s:", key);
    const char *found = strstr(text, label);
    if (found == NULL) {
        support_fail("/proc has no %s", key);
    }
    int64_t number = strtoll(found + strlen(label), NULL, 10);
    free(label);
    return number;
}

struct proc_memory
proc_memory(pid_t pid)
{
    char *status = read_proc(pid, "status");
    struct proc_memory memory = {
        .rss_bytes = number_after(status, "VmRSS") * KIB,
        .anon_bytes = number_after(status, "RssAnon") * KIB,
        .peak_bytes = number_after(status, "VmHWM") * KIB,
    };
    free(status);
    return memory;
}

size_t
proc_threads(pid_t pid)
{
    char *status = read_proc(pid, "status");
    size_t threads = (size_t)number_after(status, "Threads");
    free(status);
    return threads;
}

size_t
proc_fds(pid_t pid)
{
    char *path = support_text("/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        support_fail("%s: %s", path, strerror(errno));
    }
    free(path);
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    return count;
}

int64_t
proc_cpu_us(pid_t pid)
{
    char *stat = read_proc(pid, "stat");
    /* The name in brackets may hold anything; utime and stime are the 12th and 13th behind it. */
    const char *behind = strrchr(stat, ')');
    unsigned long long user = 0;
    unsigned long long kernel = 0;
    if (behind == NULL ||
        sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
               &kernel) != 2) {
        support_fail("/proc/%d/stat is not understood", (int)pid);
    }
    free(stat);
    return (int64_t)(user + kernel) * 1000000 / sysconf(_SC_CLK_TCK);
}
