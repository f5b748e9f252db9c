/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* RFC 3629, section 4, as a decoder: the shortest form only, no surrogates, nothing too large. */
#include "daemon/base/utf8.h"

/* Bytes of a sequence from its first byte, 0 for one that cannot start one. */
static size_t
length_from_lead(uint8_t lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        return 3;
    }
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

size_t
utf8_decode(const uint8_t *bytes, size_t len, uint32_t *out_code_point)
{
    static const uint32_t lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t size = length_from_lead(bytes[0]);
    if (size == 0 || size > len) {
        return 0;
    }
    uint32_t code_point = bytes[0] & lead_bits[size];
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        code_point = code_point << 6 | (bytes[i] & 0x3fU);
    }
    bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    if (code_point < smallest[size] || is_surrogate || code_point > 0x10ffff) {
        return 0;
    }
    *out_code_point = code_point;
    return size;
}

bool
utf8_is_valid(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        uint32_t code_point;
        size_t size = utf8_decode(at, len, &code_point);
        if (size == 0) {
            return false;
        }
        at += size;
        len -= size;
    }
    return true;
}
