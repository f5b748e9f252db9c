/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* How a text is written into a place of a request so that it stays a text there: it can neither end
 * the place nor begin another one. */
#ifndef ROLLCALL_QUERY_ENCODE_H
#define ROLLCALL_QUERY_ENCODE_H

#include <stddef.h>

#include "daemon/base/attr.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"

enum place {
    PLACE_URL,    /* path segment, query or fragment: all but RFC 3986 unreserved is %XX */
    PLACE_FORM,   /* application/x-www-form-urlencoded: a space is '+', the rest %XX */
    PLACE_JSON,   /* inside a JSON string: escaped */
    PLACE_HEADER, /* a header's value: visible ASCII, as it is */
    PLACE_PLAIN,  /* any other text: [A-Za-z0-9@._-], as it is */
    PLACE_LABEL,  /* a label of a host name: 1 to 63 letters, digits and inner hyphens */
    PLACE_VALUE,  /* a header's value, for what is not a stranger's: no control characters */
    PLACE_RAW     /* as it is: for a template's own characters */
};

/**
 * Append `len` bytes to `out`, encoded for `place`.
 * Errors: UNACCEPTABLE when the place cannot hold them; `out` is then unchanged. A full buffer
 * shows in out->error. Thread: any.
 */
MUST_CHECK int encode(enum place place, const char *text, size_t len, struct buf *out);

#endif
