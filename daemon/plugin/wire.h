/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Numbers, texts and byte strings as little-endian bytes of fixed width. The writer is a struct
 * buf, which keeps its own error. The reader treats what it reads as a stranger's: every length and
 * count is held against a bound, and the first fault sticks and names its field, so callers ask
 * once, at the end. Pure; one thread at a time. */
#ifndef ROLLCALL_PLUGIN_WIRE_H
#define ROLLCALL_PLUGIN_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"

void wire_put_u8(struct buf *out, uint8_t value);
void wire_put_u16(struct buf *out, uint16_t value);
void wire_put_u32(struct buf *out, uint32_t value);
void wire_put_u64(struct buf *out, uint64_t value);
void wire_put_i32(struct buf *out, int32_t value);
void wire_put_i64(struct buf *out, int64_t value);
/** A length and the bytes. */
void wire_put_bytes(struct buf *out, const void *bytes, size_t len);
/** As bytes; NULL is told apart from "". */
void wire_put_text(struct buf *out, const char *text);

struct wire_reader {
    const unsigned char *at;
    size_t left;
    struct arena *arena; /* where texts are copied to */
    int error;           /* ERROR_OK, PROTOCOL or NOMEM */
    const char *field;   /* what was being read when it broke; static text */
};

void
wire_reader_init(struct wire_reader *reader, const void *bytes, size_t len, struct arena *arena);

/** Note a fault; only the first counts. */
void wire_break(struct wire_reader *reader, int error, const char *field);

/* After a fault all of these give 0, false or NULL. */
uint8_t wire_u8(struct wire_reader *reader, const char *field);
uint16_t wire_u16(struct wire_reader *reader, const char *field);
uint32_t wire_u32(struct wire_reader *reader, const char *field);
uint64_t wire_u64(struct wire_reader *reader, const char *field);
int32_t wire_i32(struct wire_reader *reader, const char *field);
int64_t wire_i64(struct wire_reader *reader, const char *field);
bool wire_bool(struct wire_reader *reader, const char *field);
/** A number from `low` to `high`. */
int32_t wire_range(struct wire_reader *reader, const char *field, int32_t low, int32_t high);
/** A count of things that take at least one byte each, at most `max`. */
size_t wire_count(struct wire_reader *reader, const char *field, size_t max);
/** Bytes where they stand; NULL when there are none. */
const void *wire_bytes(struct wire_reader *reader, const char *field, size_t max, size_t *out_len);
/** A copy without a NUL in it, of any other bytes; wire_text() also wants UTF-8. Never NULL but
 *  after a fault; those with `maybe` give NULL for NULL. */
const char *wire_line(struct wire_reader *reader, const char *field, size_t max);
const char *wire_text(struct wire_reader *reader, const char *field, size_t max);
const char *wire_maybe_text(struct wire_reader *reader, const char *field, size_t max);

/** Zeroed memory of the arena; NULL after a fault. */
void *wire_alloc(struct wire_reader *reader, size_t bytes);

/** All was read and nothing is left. Errors: PROTOCOL, NOMEM; `why` names the field. */
MUST_CHECK int wire_finish(struct wire_reader *reader, struct error_text *why);

#endif
