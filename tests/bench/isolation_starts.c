/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One worker after the other, started by hand: the frames are the daemon's, nothing else is. */
#include "tests/bench/isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/frame.h"
#include "tests/support/common.h"

#define GITHUB TEST_BUILD_DIR "/plugins/github.so"
#define HELLO_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define CHANNEL_FD 3

struct started {
    pid_t pid;
    int channel;
};

static struct started
start_worker(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        support_fail("socketpair: %s", strerror(errno));
    }
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    /* The same number would keep its CLOEXEC. */
    int end = fcntl(pair[1], F_DUPFD_CLOEXEC, CHANNEL_FD + 1);
    (void)posix_spawn_file_actions_adddup2(&actions, end, CHANNEL_FD);
    char *parent = support_text("%d", (int)getpid());
    char name[] = "rollcall-worker";
    char plugin[] = GITHUB;
    char *const argv[] = { name, plugin, parent, NULL };
    char *const env[] = { NULL };
    struct started started = { .channel = pair[0] };
    int error = posix_spawn(&started.pid, ISOLATION_WORKER, &actions, NULL, argv, env);
    if (error != 0) {
        support_fail("%s: %s", ISOLATION_WORKER, strerror(error));
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(pair[1]);
    (void)close(end);
    free(parent);
    return started;
}

static void
await_hello(const struct started *started)
{
    struct frame frame;
    int error = frame_receive(started->channel, HELLO_BYTES_MAX, &frame);
    if (error != ERROR_OK || frame.type != FRAME_HELLO) {
        support_fail("no HELLO from the worker: %s", error_sentence(error));
    }
    frame_release(&frame);
}

static long
pss_kib(pid_t pid)
{
    char *path = support_text("/proc/%d/smaps_rollup", (int)pid);
    char *text = support_read_file(path, NULL);
    const char *pss = strstr(text, "\nPss:");
    long kib = pss != NULL ? strtol(pss + strlen("\nPss:"), NULL, 10) : -1;
    free(text);
    free(path);
    return kib;
}

void
isolation_starts(size_t starts)
{
    int64_t *samples = calloc(starts, sizeof(*samples));
    struct started *all = calloc(starts, sizeof(*all));
    if (samples == NULL || all == NULL) {
        support_fail("out of memory");
    }
    size_t kept = starts < 16 ? starts : 16; /* memory is shared by so many */
    long pss = 0;
    for (size_t i = 0; i < starts; i++) {
        int64_t begun_ns = isolation_now_ns();
        all[i] = start_worker();
        await_hello(&all[i]);
        samples[i] = isolation_now_ns() - begun_ns;
        if (i + 1 == kept) {
            pss = pss_kib(all[i].pid);
        }
        size_t leaving = i + 1 >= kept ? i + 1 - kept : starts;
        if (leaving < starts) {
            (void)close(all[leaving].channel);
            (void)waitpid(all[leaving].pid, NULL, 0);
        }
    }
    for (size_t i = starts - kept + 1; i < starts; i++) {
        (void)close(all[i].channel);
        (void)waitpid(all[i].pid, NULL, 0);
    }
    printf("from posix_spawn to HELLO, %zu times:\n", starts);
    printf("  p50 %.2f ms   p99 %.2f ms (goal: about 1)\n",
           isolation_quantile_us(samples, starts, 0.5) / 1000,
           isolation_quantile_us(samples, starts, 0.99) / 1000);
    printf("a worker among %zu: PSS %ld KiB (goal: about 160)\n", kept, pss);
    free(samples);
    free(all);
}
