/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The log's sink: standard error, one write(2) for each line, so lines of several threads do not
 * mix and no lock is needed (a line is far below PIPE_BUF). What stands in a line may come from a
 * platform or a plugin, so control characters and broken UTF-8 are escaped: nobody can forge a line
 * or steer a terminal. */
#include "daemon/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/utf8.h"

/* A line with its newline. */
#define LINE_BYTES 1024

struct line {
    char bytes[LINE_BYTES];
    size_t len;
};

static const struct {
    const char *word;
    const char *journal; /* sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = { "error", "<3>" },
    [LOG_LEVEL_WARNING] = { "warning", "<4>" },
    [LOG_LEVEL_INFO] = { "info", "<6>" },
    [LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

/* Stored by log_set_level(), loaded by log_line(). Relaxed: it orders nothing. */
static _Atomic int threshold = LOG_LEVEL_INFO;

void
log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

int
log_level_parse(const char *word, enum log_level *out_level)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(word, levels[i].word) == 0) {
            *out_level = (enum log_level)i;
            return ERROR_OK;
        }
    }
    return ERROR_INVALID;
}

/* $JOURNAL_STREAM names the journal's end as device:inode; what was redirected is not it. */
static bool
is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    if (stream == NULL || fstat(STDERR_FILENO, &status) != 0) {
        return false;
    }
    char own[64];
    (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

/* Append whole or not at all; one byte stays free for the newline. */
static bool
append(struct line *line, const char *bytes, size_t len)
{
    if (len > LINE_BYTES - 1 - line->len) {
        return false;
    }
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
    return true;
}

static bool
is_control(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x2028 ||
           code_point == 0x2029;
}

/* Append a text with everything unprintable as \n or \xNN, up to the end of the line. */
static void
append_escaped(struct line *line, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    bool fits = true;
    while (left > 0 && fits) {
        uint32_t code_point = 0;
        size_t size = utf8_decode(at, left, &code_point);
        if (size > 0 && !is_control(code_point)) {
            fits = append(line, (const char *)at, size);
        } else if (*at == '\n') {
            size = 1;
            fits = append(line, "\\n", 2);
        } else {
            char escape[8];
            size = 1;
            (void)snprintf(escape, sizeof escape, "\\x%02x", *at);
            fits = append(line, escape, 4);
        }
        at += size;
        left -= size;
    }
}

static void
append_stamp(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char stamp[64];
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || gmtime_r(&now.tv_sec, &utc) == NULL) {
        return;
    }
    size_t len = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    int more = snprintf(stamp + len, sizeof stamp - len, ".%03ldZ ", now.tv_nsec / 1000000);
    (void)append(line, stamp, len + (size_t)more);
}

static void
append_head(struct line *line, enum log_level level)
{
    if (is_journal()) {
        (void)append(line, levels[level].journal, strlen(levels[level].journal));
        return;
    }
    append_stamp(line);
    append_escaped(line, levels[level].word);
    (void)append(line, " ", 1);
}

void
log_line(enum log_level level, const char *subsystem, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&threshold, memory_order_relaxed)) {
        return;
    }
    int saved_errno = errno;
    char text[LINE_BYTES];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct line line = { .len = 0 };
    append_head(&line, level);
    append_escaped(&line, subsystem);
    (void)append(&line, ": ", 2);
    append_escaped(&line, written < 0 ? format : text);
    line.bytes[line.len] = '\n';
    line.len++;
    /* A log that cannot be written has nobody left to tell. */
    ssize_t ignored = write(STDERR_FILENO, line.bytes, line.len);
    (void)ignored;
    errno = saved_errno;
}
