/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Plugins that do harm, one for each misdeed: CMakeLists.txt builds this file once for each, with
 * HOSTILE naming the function below. Each provides one checker, by name, for a platform of its own
 * name; with HOSTILE_BLOCK a blocking one with the network.
 *
 * A misdeed that the sandbox let pass says `registered`; one that it prevented says `unknown,
 * blocked`; the rest kills, hangs or garbles the worker. So a test that never sees `registered` has
 * seen the sandbox hold.
 *
 * None of them does anything outside of a sandboxed rollcall-worker: is_confined() comes first. And
 * none is without bounds: what should be stopped early gives up by itself a little later. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rollcall/plugin.h>

#define WORKER "rollcall-worker"
/* The worker's end of the socket to the daemon. */
#define CHANNEL_FD 3

#define DESCRIPTORS 100000
/* A worker may hold a few; this many are too many. */
#define DESCRIPTORS_HARMLESS 256
#define FORKS 200
/* What a child that should never have been born lives on for. */
#define CHILD_SECONDS 5
#define MESSAGES 1000
#define GARBAGE_BYTES 512
/* More than one message of the channel may hold, less than its buffer. */
#define OVERSIZE_BYTES (160 * 1024)
#define LONG_BYTES (1024 * 1024)
#define CHUNK_BYTES (1024 * 1024)
/* Longer than any healthy check takes, on a busy machine too. */
#define LINGER_SECONDS 30
/* Where eating memory ends when nothing else ends it. */
#if defined(ROLLCALL_SANITIZED)
#define CHUNKS 256
#else
#define CHUNKS 2048
#endif

/* The daemon, its tools and every test run under other names, and without a filter of ours. */
static bool
is_confined(void)
{
    errno = 0;
    int filter = prctl(PR_GET_SECCOMP);
    return strcmp(program_invocation_short_name, WORKER) == 0 &&
           (filter > 0 || (filter < 0 && errno == EPERM));
}

#if !defined(HOSTILE_CONSTRUCTOR)

static rollcall_step
let_pass(rollcall_check *check, bool did_harm)
{
    return did_harm ? rollcall_registered(check, NULL) : rollcall_unknown(check, ROLLCALL_BLOCKED);
}

#define MISDEED __attribute__((unused)) static rollcall_step

/* ---- Dying, and not ending */

MISDEED
segfault(rollcall_check *check)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
    return let_pass(check, true);
}

MISDEED
aborts(rollcall_check *check)
{
    (void)check;
    abort();
}

MISDEED
exits(rollcall_check *check)
{
    (void)check;
    exit(0);
}

/* Only of one name: what others of the same plugin see of it is measured. */
MISDEED
mortal(rollcall_check *check)
{
    if (strcmp(check->subject, "die") == 0) {
        return segfault(check);
    }
    return rollcall_unknown(check, ROLLCALL_NOT_PUBLIC);
}

MISDEED
loop(rollcall_check *check)
{
    for (volatile bool goes_on = true; goes_on;) {
    }
    return let_pass(check, true);
}

/* ---- Taking all there is */

MISDEED
memory(rollcall_check *check)
{
    for (size_t i = 0; i < CHUNKS; i++) {
        char *volatile chunk = malloc(CHUNK_BYTES); /* never freed, and never asked for success */
        memset(chunk, (int)i, CHUNK_BYTES);
    }
#if defined(ROLLCALL_SANITIZED)
    abort(); /* here the address space has no limit that could end it */
#endif
    return let_pass(check, true);
}

MISDEED
descriptors(rollcall_check *check)
{
    size_t opened = 0;
    for (size_t i = 0; i < DESCRIPTORS; i += 3) {
        opened += dup(CHANNEL_FD) >= 0;
        opened += open("/dev/null", O_RDONLY) >= 0;
        opened += socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
    }
    return let_pass(check, opened > DESCRIPTORS_HARMLESS);
}

MISDEED
forks(rollcall_check *check)
{
    size_t born = 0;
    for (size_t i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)alarm(CHILD_SECONDS);
            (void)pause();
            _exit(0);
        }
        born += pid > 0;
    }
    return let_pass(check, born > 0);
}

/* ---- Lying to the daemon */

MISDEED
garbage(rollcall_check *check)
{
    unsigned char bytes[GARBAGE_BYTES];
    for (size_t i = 0; i < MESSAGES; i++) {
        memset(bytes, (int)(i * 37 + 1), sizeof(bytes));
        (void)!write(CHANNEL_FD, bytes, 1 + i % sizeof(bytes));
    }
    return let_pass(check, true);
}

MISDEED
oversize(rollcall_check *check)
{
    static unsigned char bytes[OVERSIZE_BYTES];
    (void)!write(CHANNEL_FD, bytes, sizeof(bytes));
    return let_pass(check, true);
}

/* Says goodbye and stays. */
MISDEED
mute(rollcall_check *check)
{
    (void)close(CHANNEL_FD);
    return loop(check);
}

MISDEED
verdict(rollcall_check *check)
{
    return check->host->verdict(check, 7, 99, NULL);
}

MISDEED
step_value(rollcall_check *check)
{
    (void)check;
    return 77;
}

MISDEED
long_answer(rollcall_check *check)
{
    char *url = malloc(LONG_BYTES);
    if (url == NULL) {
        return rollcall_unknown(check, ROLLCALL_BLOCKED);
    }
    memset(url, 'a', LONG_BYTES - 1);
    memcpy(url, "{base}/", 7);
    url[LONG_BYTES - 1] = '\0';
    rollcall_step step = rollcall_get(check, url);
    free(url);
    return step;
}

/* ---- Reaching out */

static bool
reaches(int family, int type, const void *address, socklen_t len)
{
    int fd = socket(family, type, 0);
    if (fd < 0) {
        return false;
    }
    /* Refused by the other side is reached, too. */
    bool is_out = connect(fd, address, len) == 0 || errno == ECONNREFUSED || errno == EINPROGRESS;
    (void)close(fd);
    return is_out;
}

MISDEED
connects(rollcall_check *check)
{
    const struct sockaddr_in loopback = {
        .sin_family = AF_INET,
        .sin_port = htons(9),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const struct sockaddr_un bus = { .sun_family = AF_UNIX,
                                     .sun_path = "/run/dbus/system_bus_socket" };
    bool is_out = reaches(AF_INET, SOCK_STREAM, &loopback, sizeof(loopback)) ||
                  reaches(AF_INET, SOCK_DGRAM, &loopback, sizeof(loopback)) ||
                  reaches(AF_UNIX, SOCK_STREAM, &bus, sizeof(bus));
    return let_pass(check, is_out);
}

/* As much as is taken without anybody reading it. */
static void
fill(int fd)
{
    static const char bytes[CHUNK_BYTES];
    while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

static void
hand_over(int descriptor)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)),
                             .cmsg_level = SOL_SOCKET,
                             .cmsg_type = SCM_RIGHTS } };
    struct iovec part = { (char[]){ 0 }, 1 };
    const struct msghdr message = { .msg_iov = &part,
                                    .msg_iovlen = 1,
                                    .msg_control = control.bytes,
                                    .msg_controllen = sizeof(control.bytes) };
    memcpy(CMSG_DATA(&control.align), &descriptor, sizeof(descriptor));
    (void)!sendmsg(CHANNEL_FD, &message, MSG_NOSIGNAL);
}

/* Leave the daemon with the last reference to a connection whose close() waits. The subject begins
 * with a port of the loopback where nobody reads. */
MISDEED
linger(rollcall_check *check)
{
    const struct linger patience = { 1, LINGER_SECONDS };
    const struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(check->subject, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&peer, sizeof(peer)) != 0) {
        return rollcall_unknown(check, ROLLCALL_UNREACHABLE);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &patience, sizeof(patience));
    fill(fd);
    hand_over(fd);
    (void)close(fd);
    return rollcall_unknown(check, ROLLCALL_BLOCKED);
}

static bool
reads(const char *path)
{
    char byte = 0;
    int fd = open(path, O_RDONLY);
    bool is_read = fd >= 0 && read(fd, &byte, 1) == 1;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_read;
}

/* The second is for anybody's eyes but a sandbox's. */
MISDEED
shadow(rollcall_check *check)
{
    return let_pass(check,
                    reads("/etc/shadow") || reads("/etc/passwd") || reads("/proc/self/environ"));
}

/* Never a group and never everybody: only the process that is known to be the daemon. */
MISDEED
parent(rollcall_check *check)
{
    pid_t pid = getppid();
    return let_pass(check, pid > 1 && kill(pid, SIGKILL) == 0);
}

static rollcall_step
step(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    return is_confined() ? HOSTILE(check) : rollcall_unknown(check, ROLLCALL_UNSUPPORTED);
}

#else

__attribute__((constructor)) static void
crash(void)
{
    volatile int *volatile nowhere = NULL;
    if (is_confined()) {
        *nowhere = 1;
    }
}

static rollcall_step
step(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    return rollcall_unknown(check, ROLLCALL_UNSUPPORTED);
}

#endif

static const rollcall_platform platform = {
    .id = HOSTILE_NAME,
    .title = HOSTILE_NAME,
    .home = "https://hostile.example/",
};

static const rollcall_checker checkers[] = {
    {
        .platform = &platform,
        .kind = ROLLCALL_USERNAME,
        .method = ROLLCALL_DOCUMENTED,
        .evidence = ROLLCALL_EXACT,
        .rate_count = 1000,
        .rate_seconds = 1,
        .concurrency = 100,
#if defined(HOSTILE_BLOCK)
        .flags = ROLLCALL_NEEDS_NETWORK,
        .block = step,
#else
        .base_url = "https://hostile.example",
        .step = step,
#endif
    },
};

ROLLCALL_EXPORT const rollcall_plugin rollcall_plugin_entry = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = HOSTILE_NAME,
    .version = "1.0",
    ROLLCALL_CHECKERS(checkers),
};
