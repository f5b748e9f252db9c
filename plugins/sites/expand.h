/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The first half of reading a template: one text of any dialect becomes literal bytes with a mark
 * byte where the name goes. What may stand where is template.c's. */
#ifndef ROLLCALL_SITES_EXPAND_H
#define ROLLCALL_SITES_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

#include "plugins/sites/pool.h"
#include "plugins/sites/template.h"

#define EXPANDED_BYTES 8192

/* They stand for the name; no template may hold them itself. */
#define MARK_NAME '\x01'
#define MARK_LOWER '\x02'

struct expanded {
    char text[EXPANDED_BYTES + 1];
    size_t len;
    unsigned names; /* marks in it */
};

/** Errors: a field that is none, a byte that is a mark, too long: a sentence. */
bool
expand(const struct dialect_words *words, const char *text, struct expanded *out, struct why *why);

/** What the host calls the name: "{subject}" or "{subject:lower}". */
const char *name_field(char mark);

static inline bool
is_mark(char c)
{
    return c == MARK_NAME || c == MARK_LOWER;
}

#endif
