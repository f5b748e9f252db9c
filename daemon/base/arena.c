/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Arenas: a chain of zeroed chunks, each larger than the last, freed together. The ceiling counts
 * what was handed out, padding included. In sanitizer builds every allocation is a chunk of its
 * own, so AddressSanitizer sees a step over its end. */
#include "daemon/base/arena.h"

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

void *
arena_alloc(struct arena *arena, size_t bytes)
{
    const size_t unit = alignof(max_align_t);
    if (bytes > arena->left || bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t padded = bytes == 0 ? unit : (bytes + unit - 1) / unit * unit;
#ifdef ROLLCALL_SANITIZED
    size_t taken = bytes == 0 ? 1 : bytes;
#else
    size_t taken = padded;
#endif
    struct chunk *chunk = arena->chunks;
    if (chunk == NULL || taken > chunk->size - chunk->used) {
        chunk = add_chunk(arena, taken);
    }
    if (chunk == NULL) {
        return NULL;
    }
    void *result = chunk->bytes + chunk->used;
    chunk->used += taken;
    arena->left -= padded < arena->left ? padded : arena->left;
    return result;
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
