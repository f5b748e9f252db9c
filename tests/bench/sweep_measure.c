/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* CPU time of a running process comes from its clock, exact to the microsecond; the client's from
 * its death. */
#include "tests/bench/sweep_measure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "tests/support/child.h"
#include "tests/support/common.h"
#include "tests/support/proc.h"

#define WORKERS_MAX 64
#define LINE_BYTES 65536
#define SAMPLE_MS 20
#define STATUS_MAX 2 /* registered, not, or not sure */

extern char **environ;

/* ---- Workers */

struct workers {
    pid_t pids[WORKERS_MAX];
    size_t count;
};

static pid_t
parent_of(const char *pid)
{
    char line[512] = "";
    char *path = support_text("/proc/%s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    free(path);
    const char *behind = len > 0 ? strrchr(line, ')') : NULL;
    int parent = 0;
    return behind != NULL && sscanf(behind + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static struct workers
workers_of(pid_t daemon)
{
    struct workers workers = { .count = 0 };
    DIR *folder = opendir("/proc");
    if (folder == NULL) {
        support_fail("/proc: %s", strerror(errno));
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        bool is_pid = entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
        if (is_pid && parent_of(entry->d_name) == daemon && workers.count < WORKERS_MAX) {
            workers.pids[workers.count++] = (pid_t)strtol(entry->d_name, NULL, 10);
        }
    }
    (void)closedir(folder);
    return workers;
}

static int64_t
cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec used = { 0 };
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0; /* it has left */
    }
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static int64_t
workers_cpu_us(pid_t daemon)
{
    struct workers workers = workers_of(daemon);
    int64_t total_us = 0;
    for (size_t i = 0; i < workers.count; i++) {
        total_us += cpu_us(workers.pids[i]);
    }
    return total_us;
}

/* ---- Memory */

/* A value of /proc/<pid>/<file> in KiB; 0 when the process is gone. */
static int64_t
memory_kb(pid_t pid, const char *file, const char *key)
{
    char text[8192] = "";
    char *path = support_text("/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    free(path);
    const char *found = len > 0 ? strstr(text, key) : NULL;
    return found != NULL ? strtoll(found + strlen(key), NULL, 10) : 0;
}

static int64_t
sum_kb(pid_t daemon, pid_t client, const char *file, const char *key)
{
    struct workers workers = workers_of(daemon);
    int64_t total_kb = memory_kb(daemon, file, key) + memory_kb(client, file, key);
    for (size_t i = 0; i < workers.count; i++) {
        total_kb += memory_kb(workers.pids[i], file, key);
    }
    return total_kb;
}

static void
raise_to(int64_t *peak, int64_t value)
{
    *peak = value > *peak ? value : *peak;
}

static void
sample(struct sweep_cost *cost, pid_t daemon, pid_t client)
{
    raise_to(&cost->pss_peak_kb, sum_kb(daemon, client, "smaps_rollup", "\nPss:"));
    raise_to(&cost->anon_peak_kb, sum_kb(daemon, client, "status", "\nRssAnon:"));
}

/* ---- The client */

struct reader {
    int fd;
    char bytes[LINE_BYTES];
    size_t len;
};

static pid_t
spawn(const char *const *argv, int *out_fd)
{
    int fds[2];
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        support_fail("pipe: %s", strerror(errno));
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    int error = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(fds[1]);
    if (error != 0) {
        support_fail("%s: %s", argv[0], strerror(error));
    }
    *out_fd = fds[0];
    return pid;
}

static void
count_line(struct sweep_cost *cost, const char *line)
{
    cost->lines++;
    if (strstr(line, " registered ") == NULL) {
        return;
    }
    if (cost->registered++ == 0) {
        cost->first_us = support_now_us();
    }
}

/* False: its end. */
static bool
read_some(struct reader *reader, struct sweep_cost *cost)
{
    ssize_t len = read(reader->fd, reader->bytes + reader->len, LINE_BYTES - 1 - reader->len);
    if (len <= 0) {
        return false;
    }
    reader->len += (size_t)len;
    reader->bytes[reader->len] = '\0';
    char *line = reader->bytes;
    for (char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
        *end = '\0';
        count_line(cost, line);
        line = end + 1;
    }
    reader->len = strlen(line);
    memmove(reader->bytes, line, reader->len + 1);
    return true;
}

static void
read_all(struct reader *reader, struct sweep_cost *cost, pid_t daemon, pid_t client, bool samples)
{
    for (;;) {
        struct pollfd fd = { .fd = reader->fd, .events = POLLIN };
        int ready = poll(&fd, 1, samples ? SAMPLE_MS : -1);
        if (ready > 0 && !read_some(reader, cost)) {
            return;
        }
        if (samples) {
            sample(cost, daemon, client);
        }
    }
}

struct sweep_cost
sweep_measure(const char *const *argv, pid_t daemon, bool samples)
{
    static struct reader reader;
    struct sweep_cost cost = { .wall_us = 0 };
    struct rusage usage;
    int64_t workers_us = workers_cpu_us(daemon);
    int64_t daemon_us = cpu_us(daemon);
    int64_t begun_us = support_now_us();
    reader.len = 0;
    pid_t client = spawn(argv, &reader.fd);
    read_all(&reader, &cost, daemon, client, samples);
    if (wait4(client, &cost.status, 0, &usage) != client) {
        support_fail("wait4: %s", strerror(errno));
    }
    if (!WIFEXITED(cost.status) || WEXITSTATUS(cost.status) > STATUS_MAX) {
        support_fail("%s: status %d", argv[0], cost.status);
    }
    (void)close(reader.fd);
    cost.wall_us = support_now_us() - begun_us;
    cost.daemon_cpu_us = cpu_us(daemon) - daemon_us;
    cost.worker_cpu_us = workers_cpu_us(daemon) - workers_us;
    cost.client_cpu_us = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                         usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    cost.client_peak_kb = usage.ru_maxrss;
    cost.daemon_peak_kb = memory_kb(daemon, "status", "\nVmHWM:");
    struct workers workers = workers_of(daemon);
    for (size_t i = 0; i < workers.count; i++) {
        cost.worker_peak_kb += memory_kb(workers.pids[i], "status", "\nVmHWM:");
    }
    return cost;
}

static int64_t
number_of(const cJSON *object, const char *key)
{
    return (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

struct sweep_cost
sweep_measure_peer(const char *requests)
{
    const char *const argv[] = { TEST_BUILD_DIR "/bench/peer_curl", requests, NULL };
    char *output = NULL;
    if (child_run(&(struct child_options){ .argv = argv }, &output, NULL) != 0) {
        support_fail("peer_curl failed");
    }
    cJSON *said = cJSON_Parse(output);
    struct sweep_cost cost = { .wall_us = number_of(said, "wall_us"),
                               .client_cpu_us = number_of(said, "cpu_us"),
                               .client_peak_kb = number_of(said, "peak_kb"),
                               .lines = (size_t)number_of(said, "done") };
    cJSON_Delete(said);
    free(output);
    return cost;
}
