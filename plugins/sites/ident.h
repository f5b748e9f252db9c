/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Ids of platforms from the names of entries, and which ids there have been. Entries with the same
 * id are the same site, whatever catalogue they stand in. */
#ifndef ROLLCALL_SITES_IDENT_H
#define ROLLCALL_SITES_IDENT_H

#include <stdbool.h>
#include <stddef.h>

#define IDENT_BYTES 65 /* with its NUL: the host allows 64 */

/**
 * The letters and digits of ASCII in the name, in lower case: "Archive of Our Own" is
 * archiveofourown, "Chess.com" chesscom. A name with other letters, with none of these, or too long
 * ends in "x" and eight hex digits of its hash, so that names that differ there do not fall
 * together.
 */
void ident_from_name(const char *name, char out[IDENT_BYTES]);

/** Whether it is a word that the host takes as an id. */
bool ident_is_valid(const char *id);

/** Ids that were seen, each with a number of the caller's. */
struct ident_set;

/** The caller's, free with ident_set_free(). NULL: out of memory. */
struct ident_set *ident_set_new(void);
void ident_set_free(struct ident_set **set);
/** Whether it is there; *out_owner is then what was kept with it. */
bool ident_set_find(const struct ident_set *set, const char *id, size_t *out_owner);
/** Keep it. Out of memory: false, and it is not kept. */
bool ident_set_add(struct ident_set *set, const char *id, size_t owner);

#endif
