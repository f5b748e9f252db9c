/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reading UTF-8 by the letter of RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF.
 */
#ifndef ROLLCALL_CLIENT_UTF8_H
#define ROLLCALL_CLIENT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The character at `text`, its length in bytes to *out_length; -1 (length 1) where there is none.
 * `text` is NUL-terminated and not at its end. */
int32_t utf8_next(const char *text, size_t *out_length);

bool utf8_is_valid(const char *text);

/** Whether a terminal could take it for an order: C0, DEL, C1, and the marks that turn the
 * direction of what follows. */
bool utf8_is_control(int32_t character);

#endif
