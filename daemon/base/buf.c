/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Growing buffers. Capacity doubles, so appending is linear in all; one byte more than the ceiling
 * is kept for the NUL. */
#include "daemon/base/buf.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/error.h"

#define FIRST_CAPACITY 64

void
buf_init(struct buf *buf, size_t max_bytes)
{
    *buf = (struct buf){ .max = max_bytes < SIZE_MAX ? max_bytes : SIZE_MAX - 1 };
}

void
buf_fini(struct buf *buf)
{
    free(buf->bytes);
    *buf = (struct buf){ .max = buf->max };
}

void
buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->error = ERROR_OK;
    if (buf->bytes != NULL) {
        buf->bytes[0] = '\0';
    }
}

/* Make room for `len` bytes and the NUL. */
static bool
reserve(struct buf *buf, size_t len)
{
    if (buf->error != ERROR_OK) {
        return false;
    }
    if (len > buf->max - buf->len) {
        buf->error = ERROR_TOO_BIG;
        return false;
    }
    size_t wanted = buf->len + len + 1;
    if (wanted <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity > SIZE_MAX / 2 ? SIZE_MAX : buf->capacity * 2;
    capacity = capacity < FIRST_CAPACITY ? FIRST_CAPACITY : capacity;
    capacity = capacity > buf->max ? buf->max + 1 : capacity;
    capacity = capacity < wanted ? wanted : capacity;
    char *bytes = realloc(buf->bytes, capacity);
    if (bytes == NULL) {
        buf->error = ERROR_NOMEM;
        return false;
    }
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

void
buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (!reserve(buf, len)) {
        return;
    }
    if (len > 0) {
        memcpy(buf->bytes + buf->len, bytes, len);
    }
    buf->len += len;
    buf->bytes[buf->len] = '\0';
}

void
buf_append_str(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void
buf_append_byte(struct buf *buf, uint8_t byte)
{
    buf_append(buf, &byte, 1);
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        buf->error = buf->error != ERROR_OK ? buf->error : ERROR_TOO_BIG;
        return;
    }
    if (!reserve(buf, (size_t)len)) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(buf->bytes + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

const char *
buf_str(const struct buf *buf)
{
    return buf->bytes != NULL ? buf->bytes : "";
}

char *
buf_take(struct buf *buf, size_t *out_len)
{
    if (buf->error != ERROR_OK || !reserve(buf, 0)) {
        return NULL;
    }
    char *bytes = buf->bytes;
    bytes[buf->len] = '\0';
    if (out_len != NULL) {
        *out_len = buf->len;
    }
    *buf = (struct buf){ .max = buf->max };
    return bytes;
}
