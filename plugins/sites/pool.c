/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. */
#include "plugins/sites/pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
pool_reset(struct pool *pool)
{
    pool->used = 0;
    pool->start = 0;
    pool->full = false;
}

void
pool_begin(struct pool *pool)
{
    pool->start = pool->used;
}

void
pool_put(struct pool *pool, const char *text, size_t len)
{
    if (pool->full || len >= POOL_BYTES - pool->used) {
        pool->full = true;
        return;
    }
    memcpy(pool->bytes + pool->used, text, len);
    pool->used += len;
}

void
pool_puts(struct pool *pool, const char *text)
{
    pool_put(pool, text, strlen(text));
}

void
pool_byte(struct pool *pool, char byte)
{
    pool_put(pool, &byte, 1);
}

const char *
pool_end(struct pool *pool, size_t *out_len)
{
    size_t len = pool->used - pool->start;
    pool_byte(pool, '\0');
    if (out_len != NULL) {
        *out_len = len;
    }
    return pool->full ? NULL : pool->bytes + pool->start;
}

const char *
pool_copy(struct pool *pool, const char *text, size_t len)
{
    pool_begin(pool);
    pool_put(pool, text, len);
    return pool_end(pool, NULL);
}

bool
say(struct why *why, const char *format, ...)
{
    if (why == NULL) {
        return false;
    }
    va_list args;
    va_start(args, format);
    int len = vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    if (len >= (int)sizeof(why->text)) {
        size_t end = sizeof(why->text) - 1;
        while (end > 0 && ((unsigned char)why->text[end] & 0xc0) == 0x80) {
            end--;
        }
        why->text[end] = '\0';
    }
    return false;
}
