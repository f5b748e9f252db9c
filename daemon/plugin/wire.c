/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The bytes under calls and answers: see the header. */
#include "daemon/plugin/wire.h"

#include <string.h>

#include "daemon/base/utf8.h"

/* The length that says NULL. */
#define NO_TEXT UINT32_MAX

static void
put_number(struct buf *out, uint64_t value, size_t width)
{
    unsigned char bytes[sizeof(value)];
    for (size_t i = 0; i < width; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
    buf_append(out, bytes, width);
}

void
wire_put_u8(struct buf *out, uint8_t value)
{
    put_number(out, value, sizeof(value));
}

void
wire_put_u16(struct buf *out, uint16_t value)
{
    put_number(out, value, sizeof(value));
}

void
wire_put_u32(struct buf *out, uint32_t value)
{
    put_number(out, value, sizeof(value));
}

void
wire_put_u64(struct buf *out, uint64_t value)
{
    put_number(out, value, sizeof(value));
}

void
wire_put_i32(struct buf *out, int32_t value)
{
    wire_put_u32(out, (uint32_t)value);
}

void
wire_put_i64(struct buf *out, int64_t value)
{
    wire_put_u64(out, (uint64_t)value);
}

void
wire_put_bytes(struct buf *out, const void *bytes, size_t len)
{
    if (len >= NO_TEXT) {
        out->error = ERROR_TOO_BIG;
        return;
    }
    wire_put_u32(out, (uint32_t)len);
    if (len > 0) {
        buf_append(out, bytes, len);
    }
}

void
wire_put_text(struct buf *out, const char *text)
{
    if (text == NULL) {
        wire_put_u32(out, NO_TEXT);
        return;
    }
    wire_put_bytes(out, text, strlen(text));
}

void
wire_reader_init(struct wire_reader *reader, const void *bytes, size_t len, struct arena *arena)
{
    *reader = (struct wire_reader){ .at = bytes, .left = len, .arena = arena, .field = "" };
}

void
wire_break(struct wire_reader *reader, int error, const char *field)
{
    if (reader->error == ERROR_OK) {
        reader->error = error;
        reader->field = field;
    }
}

/* The next `len` bytes, or NULL. */
static const unsigned char *
take(struct wire_reader *reader, const char *field, size_t len)
{
    if (reader->error == ERROR_OK && len > reader->left) {
        wire_break(reader, ERROR_PROTOCOL, field);
    }
    if (reader->error != ERROR_OK) {
        return NULL;
    }
    const unsigned char *bytes = reader->at;
    reader->at += len;
    reader->left -= len;
    return bytes;
}

static uint64_t
take_number(struct wire_reader *reader, const char *field, size_t width)
{
    const unsigned char *bytes = take(reader, field, width);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < width; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

uint8_t
wire_u8(struct wire_reader *reader, const char *field)
{
    return (uint8_t)take_number(reader, field, sizeof(uint8_t));
}

uint16_t
wire_u16(struct wire_reader *reader, const char *field)
{
    return (uint16_t)take_number(reader, field, sizeof(uint16_t));
}

uint32_t
wire_u32(struct wire_reader *reader, const char *field)
{
    return (uint32_t)take_number(reader, field, sizeof(uint32_t));
}

uint64_t
wire_u64(struct wire_reader *reader, const char *field)
{
    return take_number(reader, field, sizeof(uint64_t));
}

int32_t
wire_i32(struct wire_reader *reader, const char *field)
{
    return (int32_t)wire_u32(reader, field);
}

int64_t
wire_i64(struct wire_reader *reader, const char *field)
{
    return (int64_t)wire_u64(reader, field);
}

bool
wire_bool(struct wire_reader *reader, const char *field)
{
    uint8_t value = wire_u8(reader, field);
    if (value > 1) {
        wire_break(reader, ERROR_PROTOCOL, field);
    }
    return value == 1 && reader->error == ERROR_OK;
}

int32_t
wire_range(struct wire_reader *reader, const char *field, int32_t low, int32_t high)
{
    int32_t value = wire_i32(reader, field);
    if (reader->error == ERROR_OK && (value < low || value > high)) {
        wire_break(reader, ERROR_PROTOCOL, field);
    }
    return reader->error == ERROR_OK ? value : 0;
}

size_t
wire_count(struct wire_reader *reader, const char *field, size_t max)
{
    uint32_t count = wire_u32(reader, field);
    if (count > max || count > reader->left) {
        wire_break(reader, ERROR_PROTOCOL, field);
    }
    return reader->error == ERROR_OK ? count : 0;
}

static const unsigned char *
take_counted(struct wire_reader *reader, const char *field, size_t max, uint32_t len)
{
    if (len > max) {
        wire_break(reader, ERROR_PROTOCOL, field);
    }
    return take(reader, field, len);
}

const void *
wire_bytes(struct wire_reader *reader, const char *field, size_t max, size_t *out_len)
{
    uint32_t len = wire_u32(reader, field);
    const unsigned char *bytes = take_counted(reader, field, max, len);
    *out_len = bytes != NULL ? len : 0;
    return *out_len > 0 ? bytes : NULL;
}

static const char *
copy_line(struct wire_reader *reader, const char *field, size_t max, uint32_t len)
{
    const unsigned char *bytes = take_counted(reader, field, max, len);
    if (bytes == NULL) {
        return NULL;
    }
    if (memchr(bytes, '\0', len) != NULL) {
        wire_break(reader, ERROR_PROTOCOL, field);
        return NULL;
    }
    const char *copy = arena_copy(reader->arena, bytes, len);
    if (copy == NULL) {
        wire_break(reader, ERROR_NOMEM, field);
    }
    return copy;
}

const char *
wire_line(struct wire_reader *reader, const char *field, size_t max)
{
    return copy_line(reader, field, max, wire_u32(reader, field));
}

static const char *
copy_text(struct wire_reader *reader, const char *field, size_t max, uint32_t len)
{
    const char *text = copy_line(reader, field, max, len);
    if (text != NULL && !utf8_is_valid(text, len)) {
        wire_break(reader, ERROR_PROTOCOL, field);
        return NULL;
    }
    return text;
}

const char *
wire_text(struct wire_reader *reader, const char *field, size_t max)
{
    return copy_text(reader, field, max, wire_u32(reader, field));
}

const char *
wire_maybe_text(struct wire_reader *reader, const char *field, size_t max)
{
    uint32_t len = wire_u32(reader, field);
    return len == NO_TEXT ? NULL : copy_text(reader, field, max, len);
}

void *
wire_alloc(struct wire_reader *reader, size_t bytes)
{
    if (reader->error != ERROR_OK) {
        return NULL;
    }
    void *memory = arena_alloc(reader->arena, bytes);
    if (memory == NULL) {
        wire_break(reader, ERROR_NOMEM, "memory");
    }
    return memory;
}

int
wire_finish(struct wire_reader *reader, struct error_text *why)
{
    if (reader->left > 0) {
        wire_break(reader, ERROR_PROTOCOL, "the end");
    }
    if (reader->error != ERROR_OK) {
        return error_say(why, reader->error, "%s: %s", reader->field,
                         error_sentence(reader->error));
    }
    return ERROR_OK;
}
