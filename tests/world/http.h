/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads HTTP/1.1 requests out of bytes. Thread: any. */
#ifndef ROLLCALL_TESTS_WORLD_HTTP_H
#define ROLLCALL_TESTS_WORLD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_BYTES_MAX 32768
#define HTTP_BODY_BYTES_MAX (1024u * 1024)

struct http_request {
    const char *method; /* these point into the bytes that were read */
    const char *target;
    const char *body; /* NULL: none; a NUL behind it */
    bool keep_alive;
    size_t bytes; /* all of it, from the first byte to where the next request begins */
};

enum http_progress { HTTP_MORE, HTTP_DONE, HTTP_BAD };

/**
 * Look for a whole request at the beginning of `len` bytes; behind them one byte must be writable.
 * The bytes stay as they are until it is DONE; then NULs are put between its parts, and
 * *out_saved is the byte that stood behind it: put it back at bytes[request.bytes] before reading
 * on. BAD: *out_problem is a sentence.
 */
enum http_progress http_read(char *bytes, size_t len, struct http_request *out_request,
                             char *out_saved, const char **out_problem);

/** Whether the head, whole, asks for "100 Continue" and the body has not come yet. */
bool http_wants_continue(const char *bytes, size_t len);

#endif
