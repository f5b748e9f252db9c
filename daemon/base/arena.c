/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Arenas: a chain of zeroed chunks, each larger than the last, freed together. The ceiling counts
 * what was handed out, padding included. In sanitizer builds every allocation is a chunk of its
 * own, so AddressSanitizer sees a step over its end. */
#include "daemon/base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef ROLLCALL_SANITIZED
#define CHUNK_FIRST_BYTES 0
#else
#define CHUNK_FIRST_BYTES 1024
#endif
#define CHUNK_LARGEST_BYTES (64 * 1024)

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct chunk *chunks; /* the newest first; only it has room */
    size_t left;          /* bytes until the ceiling */
    size_t next_size;
};

struct arena *
arena_new(size_t max_bytes)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) {
        return NULL;
    }
    arena->left = max_bytes;
    arena->next_size = CHUNK_FIRST_BYTES;
    return arena;
}

void
arena_free(struct arena **arena)
{
    if (*arena == NULL) {
        return;
    }
    struct chunk *chunk = (*arena)->chunks;
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(*arena);
    *arena = NULL;
}

/* A chunk with room for `bytes`, not larger than what is left to hand out. */
static struct chunk *
add_chunk(struct arena *arena, size_t bytes)
{
    size_t size = arena->next_size < arena->left ? arena->next_size : arena->left;
    size = size > bytes ? size : bytes;
    struct chunk *chunk = calloc(1, sizeof *chunk + size);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    if (arena->next_size < CHUNK_LARGEST_BYTES) {
        arena->next_size *= 2;
    }
    return chunk;
}

/* Where the next bytes of a chunk stand. */
static size_t
place_in(const struct chunk *chunk, size_t align)
{
    return (chunk->used + align - 1) / align * align;
}

/* `charged` is what the ceiling counts, `taken` what the chunk gives. */
static void *
take(struct arena *arena, size_t charged, size_t taken, size_t align)
{
    struct chunk *chunk = arena->chunks;
    if (chunk == NULL || place_in(chunk, align) > chunk->size ||
        taken > chunk->size - place_in(chunk, align)) {
        chunk = add_chunk(arena, taken);
    }
    if (chunk == NULL) {
        return NULL;
    }
    size_t place = place_in(chunk, align);
    chunk->used = place + taken;
    arena->left -= charged < arena->left ? charged : arena->left;
    return chunk->bytes + place;
}

void *
arena_alloc(struct arena *arena, size_t bytes)
{
    const size_t unit = alignof(max_align_t);
    if (bytes > arena->left || bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t padded = bytes == 0 ? unit : (bytes + unit - 1) / unit * unit;
#ifdef ROLLCALL_SANITIZED
    return take(arena, padded, bytes == 0 ? 1 : bytes, unit);
#else
    return take(arena, padded, padded, unit);
#endif
}

void *
arena_alloc_packed(struct arena *arena, size_t bytes, size_t align)
{
    assert(align > 0 && align <= alignof(max_align_t) && (align & (align - 1)) == 0);
    if (bytes > arena->left || bytes > SIZE_MAX / 2) {
        return NULL;
    }
    return take(arena, bytes, bytes == 0 ? 1 : bytes, align);
}

char *
arena_copy(struct arena *arena, const void *bytes, size_t len)
{
    if (len == SIZE_MAX) {
        return NULL;
    }
    char *copy = arena_alloc(arena, len + 1);
    if (copy != NULL && len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text));
}
