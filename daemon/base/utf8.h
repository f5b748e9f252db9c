/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Our own forty
 * lines, because the sandboxed workers link no text library. */
#ifndef ROLLCALL_BASE_UTF8_H
#define ROLLCALL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Decode one code point at `bytes` (`len` > 0). Returns its length in bytes, 0 when broken. */
size_t utf8_decode(const uint8_t *bytes, size_t len, uint32_t *out_code_point);

/** Whether all `len` bytes are well-formed UTF-8. */
bool utf8_is_valid(const void *bytes, size_t len);

#endif
