/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes as a call of a plugin. What is promised: they are refused, or what was read keeps every
 * bound and is written again as the very same bytes. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/plugin/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define ARENA_BYTES ((size_t)4 * 1024 * 1024)

static void
judge(const struct call_request *request)
{
    assert(request->kind >= CALL_STEP && request->kind <= CALL_ENUMERATE);
    assert(strlen(request->subject) <= MANIFEST_TEXT_BYTES);
    assert(request->data_len <= ROLLCALL_DATA_BYTES);
    assert((request->data == NULL) == (request->data_len == 0));
    assert(request->carried_len <= CALL_CARRIED_BYTES_MAX);
    const struct call_reply *reply = request->reply;
    if (reply != NULL) {
        assert(reply->header_count <= CALL_HEADERS_MAX);
        assert(reply->body_len <= ROLLCALL_BODY_CEILING);
        assert(reply->body[reply->body_len] == '\0');
        for (size_t i = 0; i < reply->header_count; i++) {
            assert(reply->headers[i].name != NULL && reply->headers[i].value != NULL);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error_text why = { "" };
    struct call_request request;
    struct arena *arena = arena_new(ARENA_BYTES);
    assert(arena != NULL);
    int error = call_decode_request(bytes, len, arena, &request, &why);
    assert(error == ERROR_OK || error == ERROR_PROTOCOL || error == ERROR_NOMEM);
    assert((error == ERROR_OK) == (why.text[0] == '\0'));
    if (error == ERROR_OK) {
        judge(&request);
        struct buf again;
        buf_init(&again, CALL_REQUEST_BYTES_MAX);
        error = call_encode_request(&request, &again);
        assert(error == ERROR_OK);
        assert(again.len == len && memcmp(again.bytes, bytes, len) == 0);
        buf_fini(&again);
    }
    arena_free(&arena);
    return 0;
}
