/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One child process. posix_spawn() shares the parent's memory until the exec, so it costs the same
 * however large the daemon is, and no code of ours runs in between. */
#include "daemon/exec/proc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a child finds in its environment: only how a sanitizer was told to behave. */
#define ENVIRONMENT_MAX 8

static int
say_errno(struct error_text *why, const char *what, int number)
{
    int error = number == ENOMEM || number == EAGAIN ? ERROR_NOMEM : ERROR_IO;
    return error_say(why, error, "%s: %s", what, strerror(number));
}

static void
fill_environment(char **environment)
{
    size_t count = 0;
#ifdef ROLLCALL_SANITIZED
    static const char prefix_asan[] = "ASAN_OPTIONS=";
    static const char prefix_ubsan[] = "UBSAN_OPTIONS=";
    static const char prefix_tsan[] = "TSAN_OPTIONS=";
    static const char prefix_lsan[] = "LSAN_OPTIONS=";
    static const char *const kept[] = { prefix_asan, prefix_ubsan, prefix_tsan, prefix_lsan };
    for (char **entry = environ; *entry != NULL && count + 1 < ENVIRONMENT_MAX; entry++) {
        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
            if (strncmp(*entry, kept[i], strlen(kept[i])) == 0) {
                environment[count++] = *entry;
                break;
            }
        }
    }
#endif
    environment[count] = NULL;
}

/* The child's descriptors. First its socket, whose number may be one of those that follow. */
static int
plan_descriptors(posix_spawn_file_actions_t *actions, int child_fd)
{
    int failed = posix_spawn_file_actions_adddup2(actions, child_fd, PROC_CHILD_FD);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, STDOUT_FILENO);
    if (failed != 0) {
        return failed;
    }
#ifndef ROLLCALL_SANITIZED
    /* What a plugin prints is a stranger's: it does not stand in our log as if we had said it. */
    failed = posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, STDERR_FILENO);
    if (failed != 0) {
        return failed;
    }
#endif
    /* Not every library opens its descriptors with CLOEXEC. */
    return posix_spawn_file_actions_addclosefrom_np(actions, PROC_CHILD_FD + 1);
}

static int
plan_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_setsigdefault(attributes, &all);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_setpgroup(attributes, 0);
    if (failed != 0) {
        return failed;
    }
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
}

static int
plan(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int child_fd)
{
    int failed = plan_descriptors(actions, child_fd);
    return failed != 0 ? failed : plan_attributes(attributes);
}

/* Returns what posix_spawn() returns: an errno. */
static int
spawn(const char *program, char *const *argv, int child_fd, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *environment[ENVIRONMENT_MAX];
    fill_environment(environment);
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        failed = plan(&actions, &attributes, child_fd);
        if (failed == 0) {
            failed = posix_spawn(out_pid, program, &actions, &attributes, argv, environment);
        }
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static void
end_unwatched(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

int
proc_spawn(const char *program, char *const *argv, struct proc *out_proc, struct error_text *why)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return say_errno(why, "got no socket", errno);
    }
    struct proc proc = { .pidfd = -1, .fd = ends[0] };
    int failed = fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ? errno : 0;
    if (failed == 0) {
        failed = spawn(program, argv, ends[1], &proc.pid);
    }
    (void)close(ends[1]);
    if (failed == 0) {
        proc.pidfd = pidfd_open(proc.pid, 0);
        if (proc.pidfd < 0) {
            failed = errno;
            end_unwatched(proc.pid);
        }
    }
    if (failed != 0) {
        (void)close(ends[0]);
        return say_errno(why, "could not be started", failed);
    }
    *out_proc = proc;
    return ERROR_OK;
}

void
proc_kill(const struct proc *proc)
{
    /* It fails only when the child has ended already. */
    (void)pidfd_send_signal(proc->pidfd, SIGKILL, NULL, 0);
}

int64_t
proc_cpu_time_us(const struct proc *proc)
{
    clockid_t clock;
    struct timespec used;
    /* Its number is its own until it is buried. */
    if (clock_getcpuclockid(proc->pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

void
proc_hang_up(struct proc *proc)
{
    if (proc->fd >= 0) {
        (void)close(proc->fd);
        proc->fd = -1;
    }
}

bool
proc_bury(const struct proc *proc, bool wait, struct proc_end *out_end)
{
    const size_t size = sizeof(out_end->sentence);
    siginfo_t info = { .si_pid = 0 };
    int failed;
    do {
        failed = waitid(P_PIDFD, (id_t)proc->pidfd, &info, WEXITED | (wait ? 0 : WNOHANG));
    } while (failed != 0 && errno == EINTR);
    if (failed == 0 && info.si_pid == 0) {
        return false;
    }
    out_end->signal = 0;
    out_end->is_fair = failed == 0 && info.si_code == CLD_EXITED && info.si_status == 0;
    if (failed != 0) {
        (void)snprintf(out_end->sentence, size, "ended, nobody knows how: %s", strerror(errno));
    } else if (info.si_code == CLD_EXITED) {
        (void)snprintf(out_end->sentence, size, "exited with status %d", info.si_status);
    } else {
        const char *name = sigabbrev_np(info.si_status);
        out_end->signal = info.si_status;
        (void)snprintf(out_end->sentence, size, "killed by signal %d (%s%s)", info.si_status,
                       name != NULL ? "SIG" : "", name != NULL ? name : "unknown");
    }
    return true;
}

void
proc_fini(struct proc *proc)
{
    assert(proc->pidfd >= 0);
    proc_hang_up(proc);
    (void)close(proc->pidfd);
    proc->pidfd = -1;
}
