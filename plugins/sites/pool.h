/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Texts of one entry: a bounded piece of memory that is emptied for the next. A text that does not
 * fit sets `full`, and what is made then is NULL; so a reader may build an entry to its end and ask
 * once. Also sentences: why something is refused. */
#ifndef ROLLCALL_SITES_POOL_H
#define ROLLCALL_SITES_POOL_H

#include <stdbool.h>
#include <stddef.h>

#define POOL_BYTES (32 * 1024) /* of one entry, with all that is made from it on the way */
#define WHY_BYTES 400          /* of a sentence: two of them and a name fit a note of the host */

struct pool {
    char bytes[POOL_BYTES];
    size_t used;
    size_t start; /* of the text that is being written */
    bool full;
};

/** Why something is refused. */
struct why {
    char text[WHY_BYTES];
};

void pool_reset(struct pool *pool);
/** A copy with a NUL behind it; NULL when the pool is full. */
const char *pool_copy(struct pool *pool, const char *text, size_t len);
/** Begin a text at the pool's end, append to it, take it. One at a time. */
void pool_begin(struct pool *pool);
void pool_put(struct pool *pool, const char *text, size_t len);
void pool_puts(struct pool *pool, const char *text);
void pool_byte(struct pool *pool, char byte);
/** The text, NULL when it did not fit. `out_len`, where it is not NULL, is its length. */
const char *pool_end(struct pool *pool, size_t *out_len);

/** Write a sentence; what is cut is cut between characters. Always false, so that a refusal is one
 *  line. `why` may be NULL. */
__attribute__((format(printf, 2, 3))) bool say(struct why *why, const char *format, ...);

#endif
