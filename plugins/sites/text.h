/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A body as UTF-8, so that marks in any language match. A page in UTF-8 or ASCII, which is nearly
 * every one, is used where it stands. */
#ifndef ROLLCALL_SITES_TEXT_H
#define ROLLCALL_SITES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    const char *bytes; /* the body itself, or `own` */
    size_t len;
    char *own;
};

/**
 * The charset is `encoding` where the entry forces one; else what Content-Type says; else what the
 * page says of itself, if it is not UTF-8 already; else windows-1252. A label that nobody knows is
 * none. What a charset does not have becomes U+FFFD. Always ends in text_fini(). Errors: out of
 * memory, false.
 */
bool text_decode(const char *body, size_t len, const char *content_type, const char *encoding,
                 struct text *out);
void text_fini(struct text *text);

#endif
