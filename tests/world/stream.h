/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A client's socket, with TLS on it or without: reads and writes that never block. Thread: the
 * world's only one. */
#ifndef ROLLCALL_TESTS_WORLD_STREAM_H
#define ROLLCALL_TESTS_WORLD_STREAM_H

#include <stddef.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include "daemon/base/attr.h"

struct stream {
    int fd;
    SSL *ssl; /* NULL: plain */
};

enum stream_result {
    STREAM_END = 0,         /* the peer has closed */
    STREAM_WANT_READ = -1,  /* nothing for now: wait until the socket is readable */
    STREAM_WANT_WRITE = -2, /* …writable */
    STREAM_FAILED = -3      /* reset, or broken TLS */
};

/** Take over a socket; with `context` TLS is spoken, its handshake is part of the first reads.
 *  Errors: NOMEM; then the socket is still the caller's. */
MUST_CHECK int stream_init(struct stream *stream, int fd, SSL_CTX *context);

/** Bytes read or written, or one of the above. */
ssize_t stream_read(struct stream *stream, char *bytes, size_t len);
ssize_t stream_write(struct stream *stream, const char *bytes, size_t len);

/** Close as one should. */
void stream_close(struct stream *stream);
/** Close without a word of TLS: the peer sees the connection end in the middle. */
void stream_cut(struct stream *stream);
/** Close with RST. */
void stream_reset(struct stream *stream);

#endif
