/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The daemon's error codes: one table gives number, name and sentence. 0 is success, the rest is
 * negative. A function that can fail returns one of them as an int and is MUST_CHECK; one that
 * refuses somebody's input also says why in words, in a struct error_text of the caller's. */
#ifndef ROLLCALL_BASE_ERROR_H
#define ROLLCALL_BASE_ERROR_H

#include "daemon/base/attr.h"

#define ERROR_TABLE(X)                                                                             \
    X(NOMEM, -1, "out of memory")                                                                  \
    X(BUSY, -2, "the queue is full")                                                               \
    X(CLOSED, -3, "shutting down")                                                                 \
    X(INVALID, -4, "not valid")                                                                    \
    X(RANGE, -5, "out of range")                                                                   \
    X(TOO_BIG, -6, "larger than allowed")                                                          \
    X(NOT_FOUND, -7, "not found")                                                                  \
    X(EXISTS, -8, "already there")                                                                 \
    X(TIMEOUT, -9, "timed out")                                                                    \
    X(CANCELLED, -10, "cancelled")                                                                 \
    X(IO, -11, "input/output error")                                                               \
    X(PARSE, -12, "not well formed")                                                               \
    X(UNACCEPTABLE, -13, "well formed but not acceptable")                                         \
    X(UNREACHABLE, -14, "unreachable")                                                             \
    X(DENIED, -15, "not permitted")                                                                \
    X(UNSUPPORTED, -16, "not supported")                                                           \
    X(PROTOCOL, -17, "the peer broke the protocol")                                                \
    X(LOOP, -18, "too many redirects")                                                             \
    X(PLUGIN, -19, "the plugin failed")

enum error {
    ERROR_OK = 0,
#define X(name, number, sentence) ERROR_##name = (number),
    ERROR_TABLE(X)
#undef X
};

/** The table's sentence for `error`, or "unknown error". Static text. Thread: any. */
const char *error_sentence(int error);

/** The table's name for `error`, e.g. "TIMEOUT". Static text. Thread: any. */
const char *error_name(int error);

/* Bytes of an explanation, NUL included. Longer ones are cut. */
#define ERROR_TEXT_BYTES 512

struct error_text {
    char text[ERROR_TEXT_BYTES];
};

/**
 * Write an explanation and hand the code back: `return error_say(why, ERROR_RANGE, "…", …);`
 * `why` may be NULL: then only the code is passed on. Thread: any.
 */
int error_say(struct error_text *why, int error, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
