/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Gzip. One z_stream a body, output through a piece on the stack, so a bomb is met a piece at a
 * time and never grows anywhere. Members one after the other are one body (RFC 1952 2.2); what
 * follows the last and is not a member is left alone, as browsers do. */

#include "daemon/exec/fetch_gzip.h"

#include <stdlib.h>

#include <zlib.h>

#define PIECE_BYTES 8192
#define GZIP_ONLY (16 + MAX_WBITS) /* zlib.h: 16 more than the window bits is gzip */
#define FIRST_MAGIC_BYTE 0x1f

enum stage { AT_MEMBER, IN_MEMBER, AFTER_MEMBER, IN_GARBAGE };

struct fetch_gzip {
    z_stream stream;
    enum stage stage;
};

int
fetch_gzip_new(struct fetch_gzip **out_gzip)
{
    struct fetch_gzip *gzip = calloc(1, sizeof(*gzip));
    if (gzip == NULL) {
        return ERROR_NOMEM;
    }
    if (inflateInit2(&gzip->stream, GZIP_ONLY) != Z_OK) {
        free(gzip);
        return ERROR_NOMEM;
    }
    *out_gzip = gzip;
    return ERROR_OK;
}

void
fetch_gzip_free(struct fetch_gzip **gzip)
{
    if (*gzip != NULL) {
        inflateEnd(&(*gzip)->stream);
        free(*gzip);
        *gzip = NULL;
    }
}

/* Between members: begin the next, or decide that what follows is none. */
static void
begin_member(struct fetch_gzip *gzip)
{
    if (gzip->stage == AFTER_MEMBER) {
        bool more = gzip->stream.next_in[0] == FIRST_MAGIC_BYTE;
        gzip->stage = more && inflateReset(&gzip->stream) == Z_OK ? IN_MEMBER : IN_GARBAGE;
    } else if (gzip->stage == AT_MEMBER) {
        gzip->stage = IN_MEMBER;
    }
}

/* One piece. Sets *out_more when the sink wants more and there may be some. */
static int
inflate_piece(struct fetch_gzip *gzip, fetch_gzip_sink *sink, void *context, bool *out_more)
{
    unsigned char piece[PIECE_BYTES];
    gzip->stream.next_out = piece;
    gzip->stream.avail_out = sizeof(piece);
    int code = inflate(&gzip->stream, Z_NO_FLUSH);
    size_t len = sizeof(piece) - gzip->stream.avail_out;
    bool wanted = len == 0 || sink(context, (const char *)piece, len);
    bool filled = gzip->stream.avail_out == 0;
    gzip->stage = code == Z_STREAM_END ? AFTER_MEMBER : gzip->stage;
    *out_more = wanted && (gzip->stream.avail_in > 0 || (filled && code == Z_OK));
    if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR || !wanted) {
        return ERROR_OK;
    }
    return code == Z_MEM_ERROR ? ERROR_NOMEM : ERROR_PROTOCOL;
}

int
fetch_gzip_feed(struct fetch_gzip *gzip, const char *bytes, size_t len, fetch_gzip_sink *sink,
                void *context)
{
    /* zlib does not write to its input, it only lacks the const. */
    union {
        const char *from;
        unsigned char *to;
    } input = { .from = bytes };
    gzip->stream.next_in = input.to;
    gzip->stream.avail_in = (unsigned)len;
    int error = ERROR_OK;
    bool more = len > 0;
    while (more && error == ERROR_OK) {
        begin_member(gzip);
        if (gzip->stage == IN_GARBAGE) {
            break;
        }
        error = inflate_piece(gzip, sink, context, &more);
    }
    return error;
}

bool
fetch_gzip_is_whole(const struct fetch_gzip *gzip)
{
    return gzip->stage == AFTER_MEMBER || gzip->stage == IN_GARBAGE;
}
