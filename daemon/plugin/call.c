/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A call of a plugin as bytes. The layout is the order of the functions below; whoever changes it
 * raises CALL_VERSION. The answer's side is in call_answer.c. */
#include "daemon/plugin/call_int.h"

#define REQUEST_MAGIC UINT32_C(0x51524352) /* "RCRQ" */

void
call_put_head(struct buf *out, uint32_t magic, uint8_t kind)
{
    wire_put_u32(out, magic);
    wire_put_u16(out, CALL_VERSION);
    wire_put_u8(out, kind);
}

uint8_t
call_read_head(struct wire_reader *reader, uint32_t magic)
{
    if (wire_u32(reader, "magic") != magic) {
        wire_break(reader, ERROR_PROTOCOL, "magic");
    }
    if (wire_u16(reader, "version") != CALL_VERSION) {
        wire_break(reader, ERROR_PROTOCOL, "version");
    }
    return wire_u8(reader, "kind");
}

void
call_put_pairs(struct buf *out, const struct call_pair *pairs, size_t count)
{
    wire_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wire_put_text(out, pairs[i].name);
        wire_put_text(out, pairs[i].value);
    }
}

static void
put_reply(struct buf *out, const struct call_reply *reply)
{
    wire_put_u8(out, reply != NULL);
    if (reply == NULL) {
        return;
    }
    wire_put_i32(out, reply->status);
    wire_put_u8(out, reply->truncated);
    wire_put_i32(out, reply->stop_hit);
    wire_put_text(out, reply->url);
    call_put_pairs(out, reply->headers, reply->header_count);
    wire_put_bytes(out, reply->body, reply->body_len);
    wire_put_u8(out, 0);
}

int
call_encode_request(const struct call_request *request, struct buf *out)
{
    size_t before = out->len;
    call_put_head(out, REQUEST_MAGIC, (uint8_t)request->kind);
    wire_put_u32(out, request->index);
    wire_put_u8(out, request->enumerated);
    wire_put_u32(out, request->flags);
    wire_put_u32(out, request->step);
    wire_put_i32(out, request->subject_kind);
    wire_put_text(out, request->subject != NULL ? request->subject : "");
    wire_put_bytes(out, request->data, request->data_len);
    wire_put_bytes(out, request->carried, request->carried_len);
    put_reply(out, request->reply);
    if (out->error == ERROR_OK && out->len - before > CALL_REQUEST_BYTES_MAX) {
        return ERROR_TOO_BIG;
    }
    return out->error;
}

static const struct call_pair *
read_headers(struct wire_reader *reader, size_t *out_count)
{
    size_t count = wire_count(reader, "headers", CALL_HEADERS_MAX);
    struct call_pair *headers = wire_alloc(reader, (count + 1) * sizeof(*headers));
    for (size_t i = 0; headers != NULL && i < count; i++) {
        headers[i].name = wire_line(reader, "header.name", CALL_URL_BYTES_MAX);
        headers[i].value = wire_line(reader, "header.value", CALL_URL_BYTES_MAX);
    }
    *out_count = count;
    return headers;
}

/* A plugin may read the body as a text, so a NUL travels behind it. */
static const char *
read_body(struct wire_reader *reader, size_t *out_len)
{
    const char *bytes = wire_bytes(reader, "body", ROLLCALL_BODY_CEILING, out_len);
    if (wire_u8(reader, "body") != 0) {
        wire_break(reader, ERROR_PROTOCOL, "body");
    }
    return bytes != NULL ? bytes : "";
}

static const struct call_reply *
read_reply(struct wire_reader *reader)
{
    if (!wire_bool(reader, "reply")) {
        return NULL;
    }
    struct call_reply *reply = wire_alloc(reader, sizeof(*reply));
    if (reply == NULL) {
        return NULL;
    }
    reply->status = wire_range(reader, "status", 0, 999);
    reply->truncated = wire_bool(reader, "truncated");
    reply->stop_hit = wire_range(reader, "stop_hit", -1, ROLLCALL_STOP_AT_MAX - 1);
    reply->url = wire_line(reader, "url", CALL_URL_BYTES_MAX);
    reply->headers = read_headers(reader, &reply->header_count);
    reply->body = read_body(reader, &reply->body_len);
    return reply;
}

int
call_decode_request(const void *bytes, size_t len, struct arena *arena,
                    struct call_request *out_request, struct error_text *why)
{
    if (len > CALL_REQUEST_BYTES_MAX) {
        return error_say(why, ERROR_PROTOCOL, "the call is %zu bytes long", len);
    }
    struct wire_reader reader;
    struct call_request request = { 0 };
    wire_reader_init(&reader, bytes, len, arena);
    uint8_t kind = call_read_head(&reader, REQUEST_MAGIC);
    if (kind < CALL_STEP || kind > CALL_ENUMERATE) {
        wire_break(&reader, ERROR_PROTOCOL, "kind");
    }
    request.kind = (enum call_kind)kind;
    request.index = wire_u32(&reader, "index");
    request.enumerated = wire_bool(&reader, "enumerated");
    request.flags = wire_u32(&reader, "flags");
    request.step = wire_u32(&reader, "step");
    request.subject_kind = wire_range(&reader, "subject.kind", 0, ROLLCALL_USERNAME);
    request.subject = wire_text(&reader, "subject", MANIFEST_TEXT_BYTES);
    request.data = wire_bytes(&reader, "data", ROLLCALL_DATA_BYTES, &request.data_len);
    request.carried = wire_bytes(&reader, "carried", CALL_CARRIED_BYTES_MAX, &request.carried_len);
    request.reply = read_reply(&reader);
    int error = wire_finish(&reader, why);
    if (error == ERROR_OK) {
        *out_request = request;
    }
    return error;
}
