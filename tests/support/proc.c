/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads /proc/<pid>. */
#include "tests/support/proc.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/common.h"

#define KIB 1024
/* More than a line of /proc/<pid>/stat up to the parent. */
#define STAT_BYTES 512
/* More than "socket:[4711]". */
#define LINK_BYTES 64

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

/* Whether a descriptor's link, "socket:[4711]", leads to a socket of the table. */
static bool
is_in_table(const char *link, const char *table)
{
    unsigned long inode = 0;
    if (sscanf(link, "socket:[%lu]", &inode) != 1) {
        return false;
    }
    char *column = support_text(" %lu ", inode);
    bool is_there = strstr(table, column) != NULL;
    free(column);
    return is_there;
}

size_t
proc_tcp(pid_t pid)
{
    char *table = read_proc(pid, "net/tcp");
    char *path = support_text("/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        support_fail("%s: %s", path, strerror(errno));
    }
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char link[LINK_BYTES] = "";
        (void)!readlinkat(dirfd(folder), entry->d_name, link, sizeof(link) - 1);
        count += is_in_table(link, table);
    }
    (void)closedir(folder);
    free(path);
    free(table);
    return count;
}

/* The parent of a process, or 0 when that is gone. */
static pid_t
parent_of(const char *pid)
{
    char line[STAT_BYTES];
    char *path = support_text("/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    size_t len = file != NULL ? fread(line, 1, sizeof(line) - 1, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    free(path);
    line[len] = '\0';
    const char *behind = strrchr(line, ')');
    int parent = 0;
    return behind != NULL && sscanf(behind + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

size_t
proc_children(pid_t pid)
{
    DIR *folder = opendir("/proc");
    if (folder == NULL) {
        support_fail("/proc: %s", strerror(errno));
    }
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        bool is_pid = entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
        count += is_pid && parent_of(entry->d_name) == pid;
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
