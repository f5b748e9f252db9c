/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A growing byte buffer with a ceiling. Appending past the ceiling or out of memory sets `error`
 * and changes nothing from then on, so a writer checks once, at the end. The bytes are always
 * followed by a NUL that is not counted. Owner: the embedding object. Thread: one at a time. */
#ifndef ROLLCALL_BASE_BUF_H
#define ROLLCALL_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"

struct buf {
    char *bytes; /* NULL while empty */
    size_t len;
    size_t capacity;
    size_t max;
    int error; /* ERROR_OK, ERROR_TOO_BIG or ERROR_NOMEM: sticks until buf_reset() */
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_fini(struct buf *buf);

/** Forget content and error, keep the memory. */
void buf_reset(struct buf *buf);

void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_append_str(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, uint8_t byte);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/** The content as a NUL-terminated text: "" while empty. Valid until the next change. */
const char *buf_str(const struct buf *buf);

/** Hand the bytes over (free() them); the buffer is empty again. NULL when it is in error. */
char *buf_take(struct buf *buf, size_t *out_len);

#endif
