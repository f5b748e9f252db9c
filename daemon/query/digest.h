/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Digests of a text, as platforms spell them. The daemon's only door to libcrypto. */
#ifndef ROLLCALL_QUERY_DIGEST_H
#define ROLLCALL_QUERY_DIGEST_H

#include <stddef.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

#define DIGEST_TEXT_BYTES 65 /* the longest, SHA-256 in hex, and a NUL */

enum digest {
    DIGEST_MD5_HEX,
    DIGEST_SHA256_HEX,
    DIGEST_SHA1_ZBASE32 /* 32 characters: how OpenPGP's Web Key Directory names a local part */
};

/** The digest of `len` bytes as a text. Errors: UNSUPPORTED (libcrypto will not). Thread: any. */
MUST_CHECK int
digest_text(enum digest digest, const void *bytes, size_t len, char out[DIGEST_TEXT_BYTES]);

#endif
