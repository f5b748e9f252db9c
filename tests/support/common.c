/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Failing, time and texts for the other helpers. The only file of the helpers that calls cmocka. */
#include "tests/support/common.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
