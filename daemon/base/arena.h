/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Memory that is freed all at once: one check or one call owns one arena. Bounded: past its ceiling
 * an allocation gives NULL. Thread: one at a time. */
#ifndef ROLLCALL_BASE_ARENA_H
#define ROLLCALL_BASE_ARENA_H

#include <stddef.h>

#include "daemon/base/attr.h"

struct arena;

/** A new arena, empty, of at most `max_bytes`; NULL out of memory. Free with arena_free(). */
MUST_CHECK struct arena *arena_new(size_t max_bytes);
void arena_free(struct arena **arena);

/** Zeroed bytes, aligned for any type; NULL at the ceiling or out of memory. */
MUST_CHECK void *arena_alloc(struct arena *arena, size_t bytes);

/** Zeroed bytes at a multiple of `align`, a power of two, with no padding behind them: for much
 * that is small. NULL as above. */
MUST_CHECK void *arena_alloc_packed(struct arena *arena, size_t bytes, size_t align);

/** `len` bytes copied and a NUL behind them. NULL as above. */
MUST_CHECK char *arena_copy(struct arena *arena, const void *bytes, size_t len);
MUST_CHECK char *arena_strdup(struct arena *arena, const char *text);

#endif
