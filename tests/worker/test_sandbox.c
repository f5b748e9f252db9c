/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the sandbox refuses, by the errno that a plugin sees: as the user of the test and, where
 * that is root, as a plain user too; in each kind of worker. The plugin is the fixture
 * "tries". */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"
#include "tests/worker/hands.h"

#define ARGS 12
#define PLAIN_USER "65534"
#define SETPRIV "/usr/bin/setpriv"

/* What a try must give: in a worker for steps, in one with the network, in one that reads data. */
struct wanted {
    const char *name;
    int errnos[3];
};
enum profile { ALONE, NET, DATA };

#define EACH(name, alone, net, data)                                                               \
    {                                                                                              \
        name,                                                                                      \
        {                                                                                          \
            alone, net, data                                                                       \
        }                                                                                          \
    }
#define ALL(name, number) EACH(name, number, number, number)
#define NEVER(name) ALL(name, EPERM)
#define WITH_NET(name) EACH(name, EPERM, 0, EPERM)

static const struct wanted wanted[] = {
    /* while the plugin is loaded: opening is allowed, but only where Landlock lets it */
    ALL("loading-open-passwd", EACCES),
    NEVER("loading-open-write"),
    WITH_NET("loading-socket-tcp"),
    NEVER("loading-clone"),
    NEVER("loading-execve"),
    NEVER("loading-kill-parent"),
    NEVER("loading-ptrace"),
    NEVER("loading-memfd"),
    NEVER("loading-fcntl-owner"),
    NEVER("loading-bpf"),
    NEVER("loading-limit-memory"),
    NEVER("loading-limit-cpu"),
    ALL("loading-memory-grow", EFBIG),
#if !defined(ROLLCALL_SANITIZED)
    EACH("loading-mmap-some", ENOMEM, ENOMEM, 0),
#endif
    NEVER("loading-sigqueue-parent"),
    NEVER("loading-tgsigqueue-parent"),
    NEVER("loading-fcntl-owner-ex"),
    NEVER("loading-fcntl-signal"),
    NEVER("loading-fcntl-lease"),
    NEVER("loading-ioctl-type"),
    NEVER("loading-prctl-outlive"),
    NEVER("loading-prctl-dumpable"),
    NEVER("loading-prctl-tracer"),
    NEVER("loading-exec-memory"),
    /* and once it runs */
    EACH("open-passwd", EPERM, EACCES, EPERM),
    EACH("open-shadow", EPERM, EACCES, EPERM),
    WITH_NET("open-hosts"),
    NEVER("open-write"),
    NEVER("open-tmpfile"),
#if defined(__x86_64__)
    NEVER("creat"),
#endif
    ALL("openat2", ENOSYS),
    NEVER("open-proc"),
    NEVER("unlink"),
    ALL("statx", ENOSYS),
    NEVER("chdir"),
    NEVER("memfd"),
    NEVER("dup"),
    NEVER("pipe"),
    NEVER("fcntl-owner"),
    NEVER("fcntl-dup"),
    NEVER("ioctl"),
    WITH_NET("socket-tcp"),
    WITH_NET("socket-tcp6"),
    WITH_NET("socket-udp"),
    WITH_NET("socket-tcp-named"),
    WITH_NET("socket-udp6-named"),
    NEVER("socket-mptcp"),
    NEVER("socket-mptcp6"),
    NEVER("socket-sctp"),
    NEVER("socket-udplite"),
    NEVER("socket-ping"),
    NEVER("socket-packet"),
    NEVER("socket-raw"),
    NEVER("socket-unix"),
    NEVER("socket-netlink"),
    NEVER("socketpair"),
    EACH("lookup", ENOENT, 0, ENOENT),
    NEVER("bind"),
    NEVER("listen"),
    NEVER("option-linger"),
    WITH_NET("option-nodelay"),
    WITH_NET("option-keepalive"),
    WITH_NET("option-icmp"),
    NEVER("option-ulp"),
    NEVER("option-filter"),
    NEVER("option-credentials"),
    WITH_NET("option-error"),
    NEVER("option-peer"),
    NEVER("clone"),
    NEVER("clone-thread"),
    ALL("clone3", ENOSYS),
#if defined(__x86_64__)
    NEVER("fork"),
    NEVER("vfork"),
#endif
    NEVER("execve"),
    NEVER("execveat"),
    NEVER("kill-parent"),
    NEVER("kill-all"),
    NEVER("tgkill-parent"),
    ALL("tgkill-itself", 0), /* abort() */
    NEVER("tkill"),
    NEVER("ptrace"),
    NEVER("ptrace-me"),
    NEVER("process-vm"),
    NEVER("pidfd-open"),
    NEVER("prlimit-parent"),
    NEVER("limit-files"),
    NEVER("limit-cpu"),
    ALL("limit-ask", 0),
    NEVER("limit-same"),
    NEVER("unshare"),
    NEVER("mount"),
    NEVER("setuid"),
    NEVER("personality"),
    NEVER("bpf"),
    NEVER("io-uring"),
    NEVER("userfaultfd"),
    NEVER("perf"),
    NEVER("keyctl"),
    NEVER("shmget"),
    NEVER("affinity"),
    NEVER("name-to-handle"),
    NEVER("open-by-handle"),
    NEVER("getdents"),
    NEVER("truncate"),
    NEVER("rename"),
    NEVER("link"),
    NEVER("symlink"),
    NEVER("mkdir"),
    NEVER("mknod"),
    NEVER("chmod"),
    NEVER("chown"),
    NEVER("xattr"),
    NEVER("times"),
    NEVER("inotify"),
    NEVER("fanotify"),
    NEVER("chroot"),
    NEVER("umount"),
    NEVER("pivot-root"),
    NEVER("fsopen"),
    NEVER("fspick"),
    NEVER("fsmount"),
    NEVER("open-tree"),
    NEVER("move-mount"),
    NEVER("mount-setattr"),
    NEVER("setns"),
    NEVER("splice"),
    NEVER("vmsplice"),
    NEVER("tee"),
    NEVER("sendfile"),
    NEVER("copy-range"),
    NEVER("aio"),
    NEVER("io-uring-enter"),
    NEVER("io-uring-register"),
    NEVER("eventfd"),
    NEVER("signalfd"),
    NEVER("timerfd"),
    NEVER("accept"),
    NEVER("memfd-secret"),
    NEVER("message-queue"),
    NEVER("msgget"),
    NEVER("semget"),
    NEVER("shmat"),
    NEVER("add-key"),
    NEVER("request-key"),
    NEVER("process-vm-write"),
    NEVER("process-madvise"),
    NEVER("pidfd-getfd"),
    NEVER("pidfd-signal"),
    NEVER("kcmp"),
    NEVER("wait"),
    NEVER("setpgid"),
    NEVER("setsid"),
    NEVER("timer-create"),
    NEVER("setitimer"),
    NEVER("scheduler"),
    NEVER("sched-attr"),
    NEVER("priority"),
    NEVER("ioprio"),
    NEVER("membarrier"),
    NEVER("mbind"),
    NEVER("move-pages"),
    NEVER("mlockall"),
    NEVER("setresuid"),
    NEVER("setgroups"),
    NEVER("syslog"),
    NEVER("clock-settime"),
    NEVER("adjtime"),
    NEVER("hostname"),
    NEVER("module"),
    NEVER("kexec"),
    NEVER("reboot"),
    NEVER("swap"),
    NEVER("accounting"),
    NEVER("quota"),
#if defined(__x86_64__)
    NEVER("ports"),
    NEVER("segments"),
    NEVER("arch-prctl"),
#endif
    NEVER("sigqueue-parent"),
    NEVER("tgsigqueue-parent"),
    NEVER("fcntl-owner-ex"),
    NEVER("fcntl-signal"),
    NEVER("fcntl-lease"),
    NEVER("ioctl-type"),
    NEVER("prctl-outlive"),
    NEVER("prctl-dumpable"),
    NEVER("prctl-tracer"),
    NEVER("exec-memory"),
    ALL("mmap", 0),
    NEVER("mmap-exec"),
    NEVER("mprotect-exec"),
    NEVER("pkey-mprotect"),
    NEVER("mlock"),
    EACH("memory-grow", EBADF, EINVAL, EFBIG),
    NEVER("seccomp"),
    NEVER("landlock"),
    NEVER("capset"),
    NEVER("readlink"),
    NEVER("limit-memory"),
    WITH_NET("stat"),
#if !defined(ROLLCALL_SANITIZED)
    EACH("mmap-some", ENOMEM, ENOMEM, 0),
    ALL("mmap-much", ENOMEM),
#endif
};

static int
noted(const struct call_answer *answer, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < answer->note_count; i++) {
        if (strncmp(answer->notes[i], name, len) == 0 && answer->notes[i][len] == ' ') {
            return (int)strtol(answer->notes[i] + len, NULL, 10);
        }
    }
    support_fail("the plugin did not try %s", name);
}

static void
expect_refusals(struct hands *hands, enum profile profile)
{
    const struct call_request request = { .kind = CALL_ENUMERATE };
    struct call_answer *answer = hands_call(hands, &request);
    assert_int_equal(answer->outcome, CALL_ENUMERATED);
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        int found = noted(answer, wanted[i].name);
        int want = wanted[i].errnos[profile];
        if (found != want) {
            print_error("%zu: %s gave %d (%s), wants %d\n", i, wanted[i].name, found,
                        strerror(found), want);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    /* and nothing was tried that nobody judges */
    assert_int_equal(answer->note_count, ARRAY_LEN(wanted));
    call_answer_free(&answer);
}

static void
refuses_alone(void **state)
{
    (void)state;
    struct hands hands;
    hands_open(&hands, HANDS_FIXTURE("tries"), NULL);
    hands_greet(&hands);
    expect_refusals(&hands, ALONE);
    assert_int_equal(hands_hang_up(&hands), 0);
}

static void
refuses_with_network(void **state)
{
    (void)state;
    struct hands hands;
    hands_open(&hands, HANDS_FIXTURE("tries"), "net");
    hands_greet(&hands);
    expect_refusals(&hands, NET);
    assert_int_equal(hands_hang_up(&hands), 0);
}

static void
refuses_while_reading_data(void **state)
{
    (void)state;
    struct hands hands;
    hands_open(&hands, HANDS_FIXTURE("tries"), "data");
    hands_greet(&hands);
    expect_refusals(&hands, DATA);
    assert_int_equal(hands_hang_up(&hands), 0);
}

/* Where everybody can read it: a build may stand in a folder that only root sees. */
static char *
copy_for_all(const struct tmpdir *dir, const char *from, const char *name)
{
    size_t len = 0;
    char *bytes = support_read_file(from, &len);
    char *path = tmpdir_join(dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(fchmod(fd, 0755), 0);
    assert_int_equal(close(fd), 0);
    free(bytes);
    return path;
}

static void
refuses_plain_user(void **state)
{
    (void)state;
    if (geteuid() != 0 || access(SETPRIV, X_OK) != 0) {
        skip(); /* the other tests were a plain user's already */
    }
    struct tmpdir *dir = tmpdir_new();
    assert_int_equal(chmod(tmpdir_path(dir), 0755), 0);
    char *worker = copy_for_all(dir, HANDS_WORKER, "rollcall-worker");
    char *plugin = copy_for_all(dir, HANDS_FIXTURE("tries"), "tries.so");
    char *parent = support_text("%ld", (long)getpid());
    const char *const argv[ARGS] = { SETPRIV,          "--reuid", PLAIN_USER, "--regid", PLAIN_USER,
                                     "--clear-groups", "--",      worker,     plugin,    parent };
    struct hands hands;
    hands_start(&hands, argv);
    hands_greet(&hands);
    expect_refusals(&hands, ALONE);
    assert_int_equal(hands_hang_up(&hands), 0);
    free(parent);
    free(plugin);
    free(worker);
    tmpdir_free(&dir);
}

/* A line of /proc/<pid>/status, behind its name. */
static void
expect_status(pid_t pid, const char *name, const char *value)
{
    char *path = support_text("/proc/%ld/status", (long)pid);
    char *text = support_read_file(path, NULL);
    char *line = strstr(text, name);
    assert_non_null(line);
    line += strlen(name);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line + strspn(line, ":\t "), value);
    free(text);
    free(path);
}

static void
expect_first_victim(pid_t pid)
{
    char *path = support_text("/proc/%ld/oom_score_adj", (long)pid);
    char *text = support_read_file(path, NULL);
    assert_string_equal(text, "1000\n");
    free(text);
    free(path);
}

static void
shows_in_proc(void **state)
{
    (void)state;
    struct hands hands;
    hands_open(&hands, HANDS_GITHUB, NULL);
    hands_greet(&hands);
    expect_status(hands.pid, "\nCapPrm", "0000000000000000");
    expect_status(hands.pid, "\nCapEff", "0000000000000000");
    expect_status(hands.pid, "\nNoNewPrivs", "1");
    expect_status(hands.pid, "\nSeccomp", "2");
    expect_status(hands.pid, "\nSeccomp_filters", "2");
    expect_first_victim(hands.pid);
    assert_int_equal(hands_hang_up(&hands), 0);
}

#if defined(__x86_64__)
/* How a worker ends whose plugin makes a call of that architecture. */
static int
end_after_call_of(const char *architecture)
{
    struct hands hands;
    const struct call_request request = { .kind = CALL_BLOCK,
                                          .subject_kind = ROLLCALL_USERNAME,
                                          .subject = architecture };
    struct buf bytes;
    hands_open(&hands, HANDS_FIXTURE("tries"), NULL);
    hands_greet(&hands);
    buf_init(&bytes, CALL_REQUEST_BYTES_MAX);
    assert_int_equal(call_encode_request(&request, &bytes), ERROR_OK);
    assert_int_equal(frame_send(hands.channel, FRAME_CALL, 1, bytes.bytes, bytes.len), ERROR_OK);
    buf_fini(&bytes);
    return hands_wait(&hands);
}

/* Where the kernel was built without those calls, the processor itself refuses the way to them. */
static bool
has_i386_calls(void)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        long number = 20; /* its getpid() */
        (void)signal(SIGSEGV, SIG_DFL);
        __asm__ volatile("int $0x80" : "+a"(number) : : "memory", "cc");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status);
}

static void
kills_foreign_calls(void **state)
{
    (void)state;
    assert_int_equal(end_after_call_of("x32"), -SIGSYS);
    if (has_i386_calls()) {
        assert_int_equal(end_after_call_of("i386"), -SIGSYS);
    }
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_alone),
        cmocka_unit_test(refuses_with_network),
        cmocka_unit_test(refuses_while_reading_data),
        cmocka_unit_test(refuses_plain_user),
        cmocka_unit_test(shows_in_proc),
#if defined(__x86_64__)
        cmocka_unit_test(kills_foreign_calls),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
