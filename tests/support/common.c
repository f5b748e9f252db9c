/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Failing, time and texts for the other helpers. The only file of the helpers that calls cmocka. */
#include "tests/support/common.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define FAIL_TEXT_BYTES 4096

void
support_fail(const char *format, ...)
{
    char text[FAIL_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fail_msg("%s", text);
    abort(); /* fail_msg() jumps or exits */
}

int64_t
support_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int
support_left_ms(int64_t deadline_us)
{
    int64_t left_us = deadline_us - support_now_us();
    if (left_us <= 0) {
        return 0;
    }
    int64_t left_ms = (left_us + 999) / 1000;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

char *
support_text(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        support_fail("out of memory");
    }
    return text;
}

static void
abort_here(void (*act)(void), int stderr_fd)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    (void)signal(SIGABRT, SIG_DFL);
    (void)dup2(stderr_fd, STDERR_FILENO);
    act();
    _exit(0);
}

void
support_expect_abort(void (*act)(void), const char *words)
{
    int ends[2];
    char text[FAIL_TEXT_BYTES];
    size_t len = 0;
    int status = 0;
    if (pipe(ends) != 0) {
        support_fail("pipe: %s", strerror(errno));
    }
    pid_t child = fork();
    if (child == 0) {
        abort_here(act, ends[1]);
    }
    (void)close(ends[1]);
    ssize_t got = 1;
    while (got > 0 && len < sizeof(text) - 1) {
        got = read(ends[0], text + len, sizeof(text) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    text[len] = '\0';
    (void)close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        support_fail("no child: %s", strerror(errno));
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strstr(text, words) == NULL) {
        support_fail("wanted an abort with \"%s\", got status %d with \"%s\"", words, status, text);
    }
}

void
support_await_sleep(pid_t tid)
{
    char path[64];
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    for (char state = 'R'; state != 'S'; sched_yield()) {
        char *stat = support_read_file(path, NULL);
        const char *behind_name = strrchr(stat, ')'); /* the state follows, after a blank */
        state = behind_name != NULL && behind_name[1] != '\0' ? behind_name[2] : 'R';
        free(stat);
        if (support_now_us() > deadline_us) {
            support_fail("thread %d does not sleep", (int)tid);
        }
    }
}

char *
support_read_file(const char *path, size_t *out_len)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        support_fail("%s: %s", path, strerror(errno));
    }
    size_t capacity = 65536;
    size_t len = 0;
    char *bytes = malloc(capacity);
    while (bytes != NULL) {
        len += fread(bytes + len, 1, capacity - len - 1, file);
        if (len + 1 < capacity) {
            break;
        }
        capacity *= 2;
        char *more = realloc(bytes, capacity);
        if (more == NULL) {
            free(bytes);
        }
        bytes = more;
    }
    (void)fclose(file);
    if (bytes == NULL) {
        support_fail("%s: out of memory", path);
    }
    bytes[len] = '\0';
    if (out_len != NULL) {
        *out_len = len;
    }
    return bytes;
}
