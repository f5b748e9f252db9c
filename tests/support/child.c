/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Runs another program for a test. Owns one thread a child, which reads both pipes into memory;
 * everything that both threads touch is under the child's mutex. Between fork and exec only calls
 * that are safe there: the test's program may have threads. */
#include "tests/support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/common.h"

#define READ_BYTES 65536
#define EXEC_FAILED 127
#define STREAMS 2

extern char **environ;

struct output {
    char *bytes; /* a NUL behind them */
    size_t len;
    size_t capacity;
    size_t line_from; /* where the next line begins */
    int fd;           /* -1: at its end */
};

struct child {
    pid_t pid;
    int pidfd;
    bool has_ended;
    int status;
    pthread_t reader;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct output outputs[STREAMS]; /* under the mutex, but for their fds: the reader's */
    bool is_drained;                /* under the mutex: the reader has left */
};

/* ---- The reader's thread */

static void
keep_bytes(struct output *output, const char *bytes, size_t len)
{
    size_t room = CHILD_OUTPUT_MAX - output->len;
    size_t kept = len < room ? len : room;
    if (output->len + kept + 1 > output->capacity) {
        size_t capacity = (output->len + kept + 1) * 2;
        char *more = realloc(output->bytes, capacity);
        if (more == NULL) {
            return;
        }
        output->bytes = more;
        output->capacity = capacity;
    }
    memcpy(output->bytes + output->len, bytes, kept);
    output->len += kept;
    output->bytes[output->len] = '\0';
}

/* One read. False when there is nothing more for now, or ever. */
static bool
read_some(struct child *child, struct output *output)
{
    static _Thread_local char bytes[READ_BYTES];
    ssize_t len = read(output->fd, bytes, sizeof(bytes));
    if (len > 0) {
        (void)pthread_mutex_lock(&child->mutex);
        keep_bytes(output, bytes, (size_t)len);
        (void)pthread_cond_broadcast(&child->changed);
        (void)pthread_mutex_unlock(&child->mutex);
        return true;
    }
    if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
        (void)close(output->fd);
        output->fd = -1;
    }
    return false;
}

/* What the child wrote before it ended is in the pipes. Their end is not waited for: somebody else
 * may hold the other ends open. */
static void
drain(struct child *child)
{
    for (size_t i = 0; i < STREAMS; i++) {
        while (child->outputs[i].fd >= 0 && read_some(child, &child->outputs[i])) {
        }
    }
}

static void *
reader_main(void *argument)
{
    struct child *child = argument;
    for (;;) {
        struct pollfd fds[STREAMS + 1] = {
            { .fd = child->outputs[CHILD_STDOUT].fd, .events = POLLIN },
            { .fd = child->outputs[CHILD_STDERR].fd, .events = POLLIN },
            { .fd = child->pidfd, .events = POLLIN },
        };
        (void)poll(fds, STREAMS + 1, -1);
        if (fds[STREAMS].revents != 0) { /* it has ended */
            break;
        }
        for (size_t i = 0; i < STREAMS; i++) {
            if (fds[i].revents != 0) {
                (void)read_some(child, &child->outputs[i]);
            }
        }
    }
    drain(child);
    (void)pthread_mutex_lock(&child->mutex);
    child->is_drained = true;
    (void)pthread_cond_broadcast(&child->changed);
    (void)pthread_mutex_unlock(&child->mutex);
    return NULL;
}

/* ---- Start */

struct image {
    const char *argv[CHILD_ARGS_MAX + 1];
    char **env;
    int stdin_fd;
    int stdout_fd;
    int stderr_fd;
};

static void
add_args(struct image *image, size_t *count, const char *const *args)
{
    for (; args != NULL && *args != NULL; args++) {
        if (*count == CHILD_ARGS_MAX) {
            support_fail("more than %d arguments", CHILD_ARGS_MAX);
        }
        image->argv[(*count)++] = *args;
    }
    image->argv[*count] = NULL;
}

static bool
is_named(const char *entry, const char *name)
{
    size_t len = strcspn(name, "=");
    return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool
is_replaced(const char *entry, const char *const *changes)
{
    for (; changes != NULL && *changes != NULL; changes++) {
        if (is_named(entry, *changes)) {
            return true;
        }
    }
    return false;
}

/* Ours, less what is replaced or taken away, plus what is new. Only the array is allocated. */
static char **
make_env(const char *const *changes)
{
    size_t count = 1;
    for (char **entry = environ; *entry != NULL; entry++) {
        count++;
    }
    for (const char *const *change = changes; change != NULL && *change != NULL; change++) {
        count++;
    }
    char **env = calloc(count, sizeof(*env));
    if (env == NULL) {
        support_fail("out of memory");
    }
    size_t used = 0;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (!is_replaced(*entry, changes)) {
            env[used++] = *entry;
        }
    }
    for (; changes != NULL && *changes != NULL; changes++) {
        if (strchr(*changes, '=') != NULL) {
            env[used++] = (char *)(uintptr_t)*changes; /* execve() wants it so, and only reads */
        }
    }
    return env;
}

/* A file in memory with the input: it never blocks, however long it is. */
static int
open_input(const char *input)
{
    if (input == NULL) {
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t len = strlen(input);
    if (fd < 0 || write(fd, input, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0) {
        support_fail("the input of a child: %s", strerror(errno));
    }
    return fd;
}

/* In the child, between fork and exec. */
NORETURN static void
become(const struct image *image, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(image->stdin_fd, STDIN_FILENO) < 0 ||
        dup2(image->stdout_fd, STDOUT_FILENO) < 0 || dup2(image->stderr_fd, STDERR_FILENO) < 0) {
        _exit(EXEC_FAILED);
    }
    (void)close_range(STDERR_FILENO + 1, ~0U, 0); /* whatever we were given ourselves */
    (void)execvpe(image->argv[0], (char *const *)(uintptr_t)image->argv, image->env);
    static const char message[] = "cannot be executed\n";
    (void)!write(STDERR_FILENO, image->argv[0], strlen(image->argv[0]));
    (void)!write(STDERR_FILENO, ": ", 2);
    (void)!write(STDERR_FILENO, message, sizeof(message) - 1);
    _exit(EXEC_FAILED);
}

static void
open_pipe(struct output *output, int *out_write_fd)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
        support_fail("a pipe: %s", strerror(errno));
    }
    output->fd = fds[0];
    *out_write_fd = fds[1];
}

static void
init_sync(struct child *child)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&child->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&child->mutex, NULL);
}

static void
launch(struct child *child, const struct image *image)
{
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0) {
        become(image, parent);
    }
    if (child->pid < 0) {
        support_fail("fork: %s", strerror(errno));
    }
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->pidfd < 0) {
        support_fail("pidfd_open: %s", strerror(errno));
    }
}

struct child *
child_start(const struct child_options *options)
{
    struct child *child = calloc(1, sizeof(*child));
    if (child == NULL) {
        support_fail("out of memory");
    }
    struct image image = { .env = make_env(options->env), .stdin_fd = open_input(options->input) };
    size_t count = 0;
    add_args(&image, &count, options->wrapper);
    add_args(&image, &count, options->argv);
    open_pipe(&child->outputs[CHILD_STDOUT], &image.stdout_fd);
    open_pipe(&child->outputs[CHILD_STDERR], &image.stderr_fd);
    init_sync(child);
    launch(child, &image);
    (void)close(image.stdin_fd);
    (void)close(image.stdout_fd);
    (void)close(image.stderr_fd);
    free(image.env);
    if (pthread_create(&child->reader, NULL, reader_main, child) != 0) {
        support_fail("cannot read a child's output");
    }
    return child;
}

/* ---- Use */

pid_t
child_pid(const struct child *child)
{
    return child->pid;
}

int
child_pidfd(const struct child *child)
{
    return child->pidfd;
}

static int64_t
deadline_after(int timeout_ms)
{
    return support_now_us() + (int64_t)timeout_ms * SUPPORT_SLOWDOWN * 1000;
}

static struct timespec
timespec_of(int64_t at_us)
{
    return (struct timespec){ .tv_sec = at_us / 1000000, .tv_nsec = (at_us % 1000000) * 1000 };
}

/* False: the deadline, or the child has ended and all that it wrote is here. */
static bool
wait_change_locked(struct child *child, int64_t deadline_us)
{
    if (child->is_drained) {
        return false;
    }
    struct timespec until = timespec_of(deadline_us);
    return pthread_cond_timedwait(&child->changed, &child->mutex, &until) == 0;
}

static char *
take_line_locked(struct output *output)
{
    if (output->bytes == NULL) {
        return NULL;
    }
    char *from = output->bytes + output->line_from;
    char *newline = memchr(from, '\n', output->len - output->line_from);
    if (newline == NULL) {
        return NULL;
    }
    output->line_from += (size_t)(newline - from) + 1;
    return strndup(from, (size_t)(newline - from));
}

/* What a waiter looks for: the next line (text NULL), or a text. */
struct want {
    enum child_stream stream;
    const char *text;
};

static bool
is_there_locked(struct child *child, const struct want *want, char **out_line)
{
    struct output *output = &child->outputs[want->stream];
    if (want->text != NULL) {
        return output->bytes != NULL &&
               memmem(output->bytes, output->len, want->text, strlen(want->text)) != NULL;
    }
    *out_line = take_line_locked(output);
    return *out_line != NULL;
}

static bool
wait_for(struct child *child, const struct want *want, int timeout_ms, char **out_line)
{
    int64_t deadline_us = deadline_after(timeout_ms);
    bool found = false;
    (void)pthread_mutex_lock(&child->mutex);
    while (!(found = is_there_locked(child, want, out_line)) &&
           wait_change_locked(child, deadline_us)) {
    }
    (void)pthread_mutex_unlock(&child->mutex);
    return found;
}

char *
child_read_line(struct child *child, int timeout_ms)
{
    char *line = NULL;
    const struct want want = { .stream = CHILD_STDOUT };
    return wait_for(child, &want, timeout_ms, &line) ? line : NULL;
}

bool
child_wait_text(struct child *child, enum child_stream stream, const char *text, int timeout_ms)
{
    const struct want want = { .stream = stream, .text = text };
    return wait_for(child, &want, timeout_ms, NULL);
}

char *
child_output(struct child *child, enum child_stream stream)
{
    (void)pthread_mutex_lock(&child->mutex);
    const char *bytes = child->outputs[stream].bytes;
    char *copy = strdup(bytes != NULL ? bytes : "");
    (void)pthread_mutex_unlock(&child->mutex);
    if (copy == NULL) {
        support_fail("out of memory");
    }
    return copy;
}

void
child_signal(struct child *child, int signal_number)
{
    if (!child->has_ended) {
        (void)syscall(SYS_pidfd_send_signal, child->pidfd, signal_number, NULL, 0);
    }
}

static void
reap(struct child *child)
{
    siginfo_t info = { 0 };
    while (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED) != 0 && errno == EINTR) {
    }
    child->has_ended = true;
    child->status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    (void)pthread_join(child->reader, NULL);
}

bool
child_wait(struct child *child, int timeout_ms, int *out_status)
{
    int64_t deadline_us = deadline_after(timeout_ms);
    while (!child->has_ended) {
        struct pollfd fd = { .fd = child->pidfd, .events = POLLIN };
        int ready = poll(&fd, 1, support_left_ms(deadline_us));
        if (ready > 0) {
            reap(child);
        } else if (ready == 0) {
            return false;
        }
    }
    *out_status = child->status;
    return true;
}

void
child_free(struct child **child)
{
    struct child *one = *child;
    if (one == NULL) {
        return;
    }
    child_signal(one, SIGKILL);
    if (!one->has_ended) {
        reap(one);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        if (one->outputs[i].fd >= 0) {
            (void)close(one->outputs[i].fd);
        }
        free(one->outputs[i].bytes);
    }
    (void)close(one->pidfd);
    (void)pthread_cond_destroy(&one->changed);
    (void)pthread_mutex_destroy(&one->mutex);
    free(one);
    *child = NULL;
}

int
child_run(const struct child_options *options, char **out_stdout, char **out_stderr)
{
    struct child *child = child_start(options);
    int status = 0;
    if (!child_wait(child, CHILD_WAIT_MS, &status)) {
        char *said = child_output(child, CHILD_STDERR);
        child_free(&child);
        support_fail("%s did not end; it said: %s", options->argv[0], said);
    }
    if (out_stdout != NULL) {
        *out_stdout = child_output(child, CHILD_STDOUT);
    }
    if (out_stderr != NULL) {
        *out_stderr = child_output(child, CHILD_STDERR);
    }
    child_free(&child);
    return status;
}
