/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Sockets that never block. */
#include "tests/world/stream.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "daemon/base/error.h"

int
stream_init(struct stream *stream, int fd, SSL_CTX *context)
{
    SSL *ssl = NULL;
    if (context != NULL) {
        ssl = SSL_new(context);
        if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
            SSL_free(ssl);
            return ERROR_NOMEM;
        }
        SSL_set_accept_state(ssl);
    }
    *stream = (struct stream){ .fd = fd, .ssl = ssl };
    return 0;
}

static ssize_t
plain_result(ssize_t result, enum stream_result again)
{
    if (result >= 0) {
        return result;
    }
    return errno == EAGAIN || errno == EINTR ? again : STREAM_FAILED;
}

static ssize_t
tls_result(const struct stream *stream, int result)
{
    if (result > 0) {
        return result;
    }
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return STREAM_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return STREAM_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return STREAM_END;
    default:
        return STREAM_FAILED;
    }
}

static int
bounded(size_t len)
{
    return len > INT_MAX ? INT_MAX : (int)len;
}

ssize_t
stream_read(struct stream *stream, char *bytes, size_t len)
{
    if (stream->ssl == NULL) {
        return plain_result(recv(stream->fd, bytes, len, 0), STREAM_WANT_READ);
    }
    ERR_clear_error();
    return tls_result(stream, SSL_read(stream->ssl, bytes, bounded(len)));
}

ssize_t
stream_write(struct stream *stream, const char *bytes, size_t len)
{
    if (stream->ssl == NULL) {
        return plain_result(send(stream->fd, bytes, len, MSG_NOSIGNAL), STREAM_WANT_WRITE);
    }
    ERR_clear_error();
    return tls_result(stream, SSL_write(stream->ssl, bytes, bounded(len)));
}

void
stream_close(struct stream *stream)
{
    if (stream->ssl != NULL && SSL_is_init_finished(stream->ssl)) {
        ERR_clear_error();
        (void)SSL_shutdown(stream->ssl);
    }
    stream_cut(stream);
}

void
stream_cut(struct stream *stream)
{
    SSL_free(stream->ssl);
    stream->ssl = NULL;
    (void)close(stream->fd);
    stream->fd = -1;
}

void
stream_reset(struct stream *stream)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    stream_cut(stream);
}
