/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Digests for templates: libcrypto computes, this file spells. Not for secrets: MD5 and SHA-1 stand
 * here because Gravatar and OpenPGP's Web Key Directory name people by them. */
#include "daemon/query/digest.h"

#include <stdint.h>

#include <openssl/evp.h>

#define SHA1_BYTES 20

static void
spell_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 0x0f];
    }
    *out = '\0';
}

/* z-base-32 of whole groups of five bytes; SHA-1's twenty are four of them. */
static void
spell_zbase32(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
    for (size_t group = 0; group + 5 <= len; group += 5) {
        uint64_t bits = 0;
        for (size_t i = 0; i < 5; i++) {
            bits = bits << 8 | bytes[group + i];
        }
        for (int shift = 35; shift >= 0; shift -= 5) {
            *out++ = digits[bits >> shift & 0x1f];
        }
    }
    *out = '\0';
}

_Static_assert(SHA1_BYTES % 5 == 0, "z-base-32 here knows whole groups only");
_Static_assert(2 * 32 + 1 <= DIGEST_TEXT_BYTES, "SHA-256 in hex fits");

int
digest_text(enum digest digest, const void *bytes, size_t len, char out[DIGEST_TEXT_BYTES])
{
    static const struct {
        const EVP_MD *(*algorithm)(void);
        void (*spell)(const uint8_t *bytes, size_t len, char *out);
    } table[] = {
        [DIGEST_MD5_HEX] = { EVP_md5, spell_hex },
        [DIGEST_SHA256_HEX] = { EVP_sha256, spell_hex },
        [DIGEST_SHA1_ZBASE32] = { EVP_sha1, spell_zbase32 },
    };
    uint8_t value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(bytes, len, value, &size, table[digest].algorithm(), NULL) != 1) {
        return ERROR_UNSUPPORTED;
    }
    table[digest].spell(value, size, out);
    return ERROR_OK;
}
