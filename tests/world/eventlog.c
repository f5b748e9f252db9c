/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Gathers and writes the log. */
#include "tests/world/eventlog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/buf.h"

/* What may be gathered between two flushes, and when one is due. */
#define PENDING_BYTES_MAX (64u * 1024 * 1024)
#define FLUSH_BYTES (256u * 1024)

struct eventlog {
    int fd; /* -1: nothing is kept */
    struct buf pending;
};

int64_t
eventlog_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
open_file(const char *path, int *out_fd, struct error_text *why)
{
    if (path == NULL) {
        *out_fd = -1;
        return 0;
    }
    if (strcmp(path, "-") == 0) {
        *out_fd = STDOUT_FILENO;
        return 0;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_say(why, ERROR_IO, "%s: %s", path, strerror(errno));
    }
    *out_fd = fd;
    return 0;
}

int
eventlog_open(const char *path, struct eventlog **out_log, struct error_text *why)
{
    struct eventlog *log = calloc(1, sizeof(*log));
    if (log == NULL) {
        return error_say(why, ERROR_NOMEM, "the log: out of memory");
    }
    int error = open_file(path, &log->fd, why);
    if (error) {
        free(log);
        return error;
    }
    buf_init(&log->pending, PENDING_BYTES_MAX);
    *out_log = log;
    return 0;
}

void
eventlog_close(struct eventlog **log)
{
    if (*log == NULL) {
        return;
    }
    eventlog_flush(*log);
    if ((*log)->fd > STDERR_FILENO) {
        (void)close((*log)->fd);
    }
    buf_fini(&(*log)->pending);
    free(*log);
    *log = NULL;
}

/* A string of JSON; bytes past ASCII one by one, so that any target can be told. */
static void
append_string(struct buf *out, const char *text)
{
    buf_append_byte(out, '"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') {
            buf_printf(out, "\\u%04x", byte);
        } else {
            buf_append_byte(out, byte);
        }
    }
    buf_append_byte(out, '"');
}

static void
append_member(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, ",\"%s\":", key);
    append_string(out, text);
}

void
eventlog_add(struct eventlog *log, const struct eventlog_entry *entry)
{
    if (log->fd < 0) {
        return;
    }
    struct buf *out = &log->pending;
    buf_printf(out, "{\"t_us\":%" PRId64, entry->t_us);
    append_member(out, "event", entry->event);
    append_member(out, "platform", entry->platform);
    buf_printf(out, ",\"connection\":%" PRIu64, entry->connection);
    append_member(out, "method", entry->method);
    append_member(out, "target", entry->target);
    if (entry->status != 0) {
        buf_printf(out, ",\"status\":%d", entry->status);
    }
    if (entry->by != NULL) {
        append_member(out, "by", entry->by);
    }
    if (entry->file != NULL) {
        append_member(out, "case", entry->file);
    }
    buf_append_str(out, "}\n");
    if (out->len > FLUSH_BYTES) {
        eventlog_flush(log);
    }
}

void
eventlog_flush(struct eventlog *log)
{
    const char *bytes = buf_str(&log->pending);
    size_t left = log->pending.len;
    while (left > 0) {
        ssize_t written = write(log->fd, bytes, left);
        if (written < 0 && errno != EINTR) {
            break;
        }
        bytes += written > 0 ? written : 0;
        left -= written > 0 ? (size_t)written : 0;
    }
    buf_reset(&log->pending);
}
