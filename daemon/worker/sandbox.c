/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The sandbox is one visible sequence: enter_full() and seal_full(), at the end of this file. Calls
 * are refused by two allow-lists, one table: the first lets a plugin be loaded, the second only
 * lets it run, and the kernel asks both from then on. A call that is on neither gives EPERM; one
 * that the C library tries before an older one gives ENOSYS, so that it goes on to that; a call of
 * another architecture kills. */
#include "daemon/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "daemon/base/attr.h"
#include "daemon/worker/landlock.h"

#define MIB (UINT64_C(1024) * 1024)
/* Address space: for steps; for reading catalogues, which a worker is started for and then leaves.
 * Not to be raised once the plugin is known: its constructor knows it too. */
#define MEMORY_BYTES (256 * MIB)
#define MEMORY_ENUMERATE_BYTES (1024 * MIB)
/* The channel, the few beside it, and what the dynamic linker opens on its way. */
#define DESCRIPTORS_MAX 16
/* Seconds of processor time in a whole life. A call that loops, or a worker that is busy with
 * nothing, the daemon ends long before: this is for when nobody watches. worker.c leaves in time.
 */
#define LIFE_CPU_S (4 * 3600)

struct limit {
    __rlimit_resource_t resource;
    const char *name;
    uint64_t most;
};

/* Soft and hard, and no call on the lists moves one: a limit that a worker could renew for itself
 * its plugin could renew as well. New processes are refused by the allow-list: RLIMIT_NPROC does
 * not bind root. The address space is all that sanitizer builds lift: their runtimes need no call
 * that is not on the list. */
static const struct limit limits[] = {
#if !defined(ROLLCALL_SANITIZED) /* shadow memory takes terabytes of it */
    { RLIMIT_AS, "RLIMIT_AS", MEMORY_BYTES },
#endif
    { RLIMIT_CPU, "RLIMIT_CPU", LIFE_CPU_S }, { RLIMIT_NOFILE, "RLIMIT_NOFILE", DESCRIPTORS_MAX },
    { RLIMIT_FSIZE, "RLIMIT_FSIZE", 0 },      { RLIMIT_CORE, "RLIMIT_CORE", 0 },
    { RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", 0 },  { RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", 0 },
};

/* When a call is allowed. */
enum { LOADING = 1, RUNNING = 2, CONNECTING = 4 /* running, with the network */ };
#define ALWAYS (LOADING | RUNNING | CONNECTING)

#define ARGS_MAX 3

struct rule {
    int call;
    unsigned when;
    unsigned arg_count;
    struct scmp_arg_cmp args[ARGS_MAX];
};

#define ANY(name, when)                                                                            \
    {                                                                                              \
        SCMP_SYS(name), when, 0,                                                                   \
        {                                                                                          \
            {                                                                                      \
                0                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
/* An argument's bits under the mask are exactly these. */
#define BITS(name, when, arg, mask, bits)                                                          \
    {                                                                                              \
        SCMP_SYS(name), when, 1,                                                                   \
        {                                                                                          \
            {                                                                                      \
                arg, SCMP_CMP_MASKED_EQ, mask, bits                                                \
            }                                                                                      \
        }                                                                                          \
    }
#define EQUALS(name, when, arg, value)                                                             \
    {                                                                                              \
        SCMP_SYS(name), when, 1,                                                                   \
        {                                                                                          \
            {                                                                                      \
                arg, SCMP_CMP_EQ, value, 0                                                         \
            }                                                                                      \
        }                                                                                          \
    }
#define SOCKET_OF(family, type, protocol)                                                          \
    {                                                                                              \
        SCMP_SYS(socket), CONNECTING, 3,                                                           \
        {                                                                                          \
            { 0, SCMP_CMP_EQ, family, 0 }, { 1, SCMP_CMP_MASKED_EQ, SOCKET_TYPES, type },          \
            {                                                                                      \
                2, SCMP_CMP_EQ, protocol, 0                                                        \
            }                                                                                      \
        }                                                                                          \
    }
/* One option of sockets, to set or to ask for. */
#define OPTION(name, level, option)                                                                \
    {                                                                                              \
        SCMP_SYS(name), CONNECTING, 2,                                                             \
        {                                                                                          \
            { 1, SCMP_CMP_EQ, level, 0 },                                                          \
            {                                                                                      \
                2, SCMP_CMP_EQ, option, 0                                                          \
            }                                                                                      \
        }                                                                                          \
    }
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC)
#define SOCKET_TYPES UINT64_C(0xf)

/* The order is that of the kernel's look: what each call of a worker needs comes first. */
static const struct rule rules[] = {
    /* the conversation */
    ANY(recvfrom, ALWAYS),
    ANY(recvmsg, ALWAYS),
    ANY(sendmsg, ALWAYS),
    ANY(close, ALWAYS),
    ANY(clock_gettime, ALWAYS),
    /* memory: never any that can be executed, once the plugin is open */
    ANY(brk, ALWAYS),
    ANY(munmap, ALWAYS),
    ANY(mremap, ALWAYS),
    ANY(madvise, ALWAYS),
    ANY(mmap, LOADING),
    ANY(mprotect, LOADING),
    BITS(mmap, RUNNING | CONNECTING, 2, PROT_EXEC, 0),
    BITS(mprotect, RUNNING | CONNECTING, 2, PROT_EXEC, 0),
    /* a frame's memory, which has a size already: the limit of file sizes is 0 */
    ANY(fstatfs, ALWAYS),
    ANY(lseek, ALWAYS),
    ANY(ftruncate, ALWAYS),
    EQUALS(fcntl, ALWAYS, 1, F_GET_SEALS),
    EQUALS(fcntl, ALWAYS, 1, F_ADD_SEALS),
    /* No other command: F_SETOWN would send signals to the daemon. */
    EQUALS(fcntl, ALWAYS, 1, F_GETFD),
    EQUALS(fcntl, ALWAYS, 1, F_SETFD),
    EQUALS(fcntl, ALWAYS, 1, F_GETFL),
    EQUALS(fcntl, CONNECTING, 1, F_SETFL),
    /* what is open, which is the channel and three more */
    ANY(read, ALWAYS),
    ANY(readv, ALWAYS),
    ANY(write, ALWAYS),
    ANY(writev, ALWAYS),
    ANY(poll, ALWAYS),
    ANY(ppoll, ALWAYS),
    /* what the C library does on its own */
    ANY(futex, ALWAYS),
    ANY(getrandom, ALWAYS),
    ANY(gettimeofday, ALWAYS),
    ANY(clock_getres, ALWAYS),
    ANY(clock_nanosleep, ALWAYS),
    ANY(nanosleep, ALWAYS),
    ANY(sched_yield, ALWAYS),
    ANY(sysinfo, ALWAYS), /* qsort() asks how much memory there is */
    ANY(uname, ALWAYS),
    ANY(getpid, ALWAYS),
    ANY(gettid, ALWAYS),
    ANY(getppid, ALWAYS),
    ANY(getuid, ALWAYS),
    ANY(geteuid, ALWAYS),
    ANY(getgid, ALWAYS),
    ANY(getegid, ALWAYS),
    /* its own limits, to look at: sets none */
    { SCMP_SYS(prlimit64), ALWAYS, 2, { { 0, SCMP_CMP_EQ, 0, 0 }, { 2, SCMP_CMP_EQ, 0, 0 } } },
    /* its own end; abort() is told in tgkill's rule, in add_rules() */
    ANY(rt_sigaction, ALWAYS),
    ANY(rt_sigprocmask, ALWAYS),
    ANY(rt_sigreturn, ALWAYS),
    ANY(sigaltstack, ALWAYS),
    ANY(restart_syscall, ALWAYS),
    ANY(exit, ALWAYS),
    ANY(exit_group, ALWAYS),
    EQUALS(shutdown, ALWAYS, 0, SANDBOX_CHANNEL), /* it takes no more calls */
    /* opening the plugin and what it needs, for reading; Landlock says where */
    BITS(openat, LOADING | CONNECTING, 2, WRITING, O_RDONLY),
    ANY(newfstatat, LOADING | CONNECTING),
    ANY(fstat, LOADING | CONNECTING),
    ANY(stat, LOADING | CONNECTING),
    ANY(lstat, LOADING | CONNECTING),
    ANY(pread64, LOADING | CONNECTING),
    ANY(access, LOADING | CONNECTING),
    ANY(readlink, LOADING),
    ANY(readlinkat, LOADING),
    ANY(getcwd, LOADING),
    /* the second stride */
    ANY(landlock_create_ruleset, LOADING),
    ANY(landlock_add_rule, LOADING),
    ANY(landlock_restrict_self, LOADING),
    ANY(seccomp, LOADING),
    ANY(capget, LOADING),
    ANY(capset, LOADING),
    /* a network of its own, TCP and UDP: no listening, no other family, nor what else the kernel
     * would load for a stream (MPTCP, SCTP) or a datagram (UDP-Lite, ping) */
    SOCKET_OF(AF_INET, SOCK_STREAM, 0),
    SOCKET_OF(AF_INET, SOCK_STREAM, IPPROTO_TCP),
    SOCKET_OF(AF_INET, SOCK_DGRAM, 0),
    SOCKET_OF(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
    SOCKET_OF(AF_INET6, SOCK_STREAM, 0),
    SOCKET_OF(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
    SOCKET_OF(AF_INET6, SOCK_DGRAM, 0),
    SOCKET_OF(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
    ANY(connect, CONNECTING),
    ANY(sendto, CONNECTING),
    ANY(sendmmsg, CONNECTING), /* the resolver's two questions */
    ANY(recvmmsg, CONNECTING),
    ANY(getsockname, CONNECTING),
    ANY(getpeername, CONNECTING),
    ANY(shutdown, CONNECTING),
    ANY(select, CONNECTING),
    ANY(pselect6, CONNECTING),
    ANY(epoll_create1, CONNECTING),
    ANY(epoll_ctl, CONNECTING),
    ANY(epoll_wait, CONNECTING),
    ANY(epoll_pwait, CONNECTING),
    EQUALS(ioctl, CONNECTING, 1, FIONREAD),
    EQUALS(ioctl, CONNECTING, 1, FIONBIO),
    /* What resolvers and clients of directories and databases set. Never SO_LINGER, nor what else
     * makes close() wait or brings other code of the kernel into a connection (TCP_ULP): a plugin
     * can send the daemon a descriptor, and who closes one last waits for it, which is the daemon's
     * loop even where it only throws the message away. */
    OPTION(setsockopt, SOL_SOCKET, SO_KEEPALIVE),
    OPTION(setsockopt, SOL_SOCKET, SO_SNDBUF),
    OPTION(setsockopt, SOL_SOCKET, SO_RCVBUF),
    OPTION(setsockopt, SOL_SOCKET, SO_SNDTIMEO),
    OPTION(setsockopt, SOL_SOCKET, SO_RCVTIMEO),
    OPTION(setsockopt, IPPROTO_TCP, TCP_NODELAY),
    OPTION(setsockopt, IPPROTO_TCP, TCP_KEEPIDLE),
    OPTION(setsockopt, IPPROTO_TCP, TCP_KEEPINTVL),
    OPTION(setsockopt, IPPROTO_TCP, TCP_KEEPCNT),
    OPTION(setsockopt, IPPROTO_TCP, TCP_USER_TIMEOUT),
    OPTION(setsockopt, IPPROTO_IP, IP_RECVERR),
    OPTION(setsockopt, IPPROTO_IP, IP_TOS),
    OPTION(setsockopt, IPPROTO_IPV6, IPV6_RECVERR),
    OPTION(setsockopt, IPPROTO_IPV6, IPV6_TCLASS),
    OPTION(setsockopt, IPPROTO_IPV6, IPV6_V6ONLY),
    /* Not SO_PEERPIDFD, which is a handle on the daemon. */
    OPTION(getsockopt, SOL_SOCKET, SO_ERROR),
    OPTION(getsockopt, SOL_SOCKET, SO_TYPE),
    OPTION(getsockopt, SOL_SOCKET, SO_KEEPALIVE),
    OPTION(getsockopt, SOL_SOCKET, SO_SNDBUF),
    OPTION(getsockopt, SOL_SOCKET, SO_RCVBUF),
    OPTION(getsockopt, IPPROTO_TCP, TCP_NODELAY),
    OPTION(getsockopt, IPPROTO_TCP, TCP_MAXSEG),
    OPTION(getsockopt, IPPROTO_TCP, TCP_INFO),
};

/* Tried by the C library first, with an older call behind them. */
static const int unknown_calls[] = { SCMP_SYS(clone3),     SCMP_SYS(openat2),
                                     SCMP_SYS(faccessat2), SCMP_SYS(statx),
                                     SCMP_SYS(rseq),       SCMP_SYS(epoll_pwait2),
                                     SCMP_SYS(close_range) };

static int
fail(const char *what, int number, struct error_text *why)
{
    return error_say(why, ERROR_IO, "cannot be sandboxed: %s: %s", what, strerror(number));
}

/* Where the log is a file, not even that can be written to: then the sentence is lost, not the
 * worker. */
static int
limit_all(bool enumerates, struct error_text *why)
{
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR) {
        return fail("SIGXFSZ", errno, why);
    }
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct rlimit have;
        if (getrlimit(limits[i].resource, &have) != 0) {
            return fail(limits[i].name, errno, why);
        }
        bool is_larger = enumerates && limits[i].resource == RLIMIT_AS;
        rlim_t most = is_larger ? MEMORY_ENUMERATE_BYTES : limits[i].most;
        /* Never more than there was: that would need a privilege. */
        most = most < have.rlim_max ? most : have.rlim_max;
        const struct rlimit want = { most, most };
        if (setrlimit(limits[i].resource, &want) != 0) {
            return fail(limits[i].name, errno, why);
        }
    }
    return ERROR_OK;
}

/* Keep at most the capability to read what a plugin's folder would hide, for opening it. Who has
 * none does not ask: a service's own filter may refuse capset(). */
static int
drop_capabilities(bool keep_reading, struct error_text *why)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(data, 0, sizeof(data));
    if (syscall(SYS_capget, &head, data) != 0) {
        return fail("capget", errno, why);
    }
    if ((data[0].permitted | data[0].inheritable | data[1].permitted | data[1].inheritable) == 0) {
        return ERROR_OK;
    }
    uint32_t kept = keep_reading ? data[0].permitted & (1U << CAP_DAC_READ_SEARCH) : 0;
    memset(data, 0, sizeof(data));
    data[0].permitted = kept;
    data[0].effective = kept;
    return syscall(SYS_capset, &head, data) != 0 ? fail("capset", errno, why) : ERROR_OK;
}

/* The rules of one time. Numbers are libseccomp's: 0 or -errno. */
static int
add_rules(scmp_filter_ctx filter, unsigned when)
{
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < ARRAY_LEN(rules); i++) {
        if ((rules[i].when & when) != 0) {
            failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call,
                                            rules[i].arg_count, rules[i].args);
        }
    }
    /* abort(): a signal to nobody but itself */
    const struct scmp_arg_cmp itself = { 0, SCMP_CMP_EQ, (uint64_t)getpid(), 0 };
    if (failed == 0) {
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &itself);
    }
    for (size_t i = 0; failed == 0 && i < ARRAY_LEN(unknown_calls); i++) {
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), unknown_calls[i], 0);
    }
    return failed;
}

/* Let the kernel refuse all calls but those of one time. */
static int
allow_calls(unsigned when, struct error_text *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) {
        return fail("seccomp_init", ENOMEM, why);
    }
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (failed == 0) {
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* is set already */
    }
    if (failed == 0) {
        failed = add_rules(filter, when);
    }
    if (failed == 0) {
        failed = seccomp_load(filter);
    }
    seccomp_release(filter);
    return failed != 0 ? fail("seccomp", -failed, why) : ERROR_OK;
}

/* Die with the daemon, even when it died before this was said. */
static int
die_with(pid_t parent, struct error_text *why)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        return fail("PR_SET_PDEATHSIG", errno, why);
    }
    if (getppid() != parent) {
        return error_say(why, ERROR_DENIED, "cannot be sandboxed: its parent is %ld, wants %ld",
                         (long)getppid(), (long)parent);
    }
    return ERROR_OK;
}

/* Where memory runs out the kernel ends a worker, which is replaced, and not the daemon. A worker
 * whose /proc is not there, cannot be written to or is another's keeps what it has: then that of
 * the two which took more is chosen. */
static int
go_before_daemon(struct error_text *why)
{
    static const char most[] = "1000";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        bool may_be = errno == ENOENT || errno == EACCES || errno == EROFS;
        return may_be ? ERROR_OK : fail("oom_score_adj", errno, why);
    }
    bool is_told = write(fd, most, sizeof(most) - 1) == (ssize_t)(sizeof(most) - 1);
    int error = is_told ? ERROR_OK : fail("oom_score_adj", errno, why);
    (void)close(fd);
    return error;
}

static int
enter_full(const struct sandbox_options *options, struct error_text *why)
{
    int error = die_with(options->parent, why);
    if (error == ERROR_OK) {
        error = go_before_daemon(why);
    }
    if (error == ERROR_OK && close_range(SANDBOX_LAST + 1, ~0U, 0) != 0) {
        error = fail("close_range", errno, why);
    }
    if (error == ERROR_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        error = fail("PR_SET_NO_NEW_PRIVS", errno, why);
    }
    if (error == ERROR_OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        error = fail("PR_SET_DUMPABLE", errno, why);
    }
    if (error == ERROR_OK) {
        error = limit_all(options->enumerates, why);
    }
    if (error == ERROR_OK) {
        error = drop_capabilities(true, why);
    }
    if (error == ERROR_OK) {
        error = landlock_for_loading(options->plugin, options->network, why);
    }
    if (error == ERROR_OK) {
        error = allow_calls(options->network ? LOADING | CONNECTING : LOADING, why);
    }
    return error;
}

static int
seal_full(const struct sandbox_options *options, struct error_text *why)
{
    int error = drop_capabilities(false, why);
    if (error == ERROR_OK) {
        error = landlock_for_running(options->network, why);
    }
    if (error == ERROR_OK) {
        error = allow_calls(options->network ? CONNECTING : RUNNING, why);
    }
    return error;
}

static int
keep_all(const struct sandbox_options *options, struct error_text *why)
{
    (void)options;
    (void)why;
    return ERROR_OK;
}

const struct sandbox sandbox_full = { "full", enter_full, seal_full };
const struct sandbox sandbox_none = { "none", keep_all, keep_all };
