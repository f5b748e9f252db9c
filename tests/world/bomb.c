/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* RFC 1951, 3.2.6: a block of fixed codes. One literal, then "copy 258 bytes from one back" until
 * it is enough. The copy is 13 bits: length code 285, 11000101, and distance code 0, 00000, both
 * with their first bit first; so the pattern comes round every 13 bytes. */
#include "tests/world/bomb.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define COPY_BYTES 258
#define LAP_COPIES 8 /* come round to the same bit of a byte … */
#define LAP_BYTES 13 /* … after so many bytes */

struct bits {
    struct buf *out;
    unsigned value; /* bits not yet written, the oldest lowest */
    unsigned count;
};

static void
put_bit(struct bits *bits, bool bit)
{
    bits->value |= (unsigned)bit << bits->count++;
    if (bits->count == 8) {
        buf_append_byte(bits->out, (uint8_t)bits->value);
        bits->value = 0;
        bits->count = 0;
    }
}

/* Huffman codes go highest bit first. */
static void
put_code(struct bits *bits, unsigned code, unsigned len)
{
    while (len-- > 0) {
        put_bit(bits, (code >> len) & 1);
    }
}

void
bomb_append(struct buf *out)
{
    static const uint8_t head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 }; /* RFC 1952, 2.3 */
    static const uint8_t tail[] = { 0, 0, 0, 0, 0, 0, 0, 0 }; /* CRC and size: not true */
    struct bits bits = { .out = out };
    buf_append(out, head, sizeof(head));
    put_bit(&bits, true); /* the last block */
    put_bit(&bits, true); /* of type 01: fixed codes */
    put_bit(&bits, false);
    put_code(&bits, 0x30 + 'A', 8);
    for (unsigned copied = 0; copied < 2 * LAP_COPIES; copied++) {
        put_code(&bits, 0xc5, 8);
        put_code(&bits, 0, 5);
    }
    char lap[LAP_BYTES] = { 0 };
    memcpy(lap, buf_str(out) + out->len - LAP_BYTES, LAP_BYTES);
    for (unsigned laps = 2; laps < BOMB_INFLATED_BYTES / COPY_BYTES / LAP_COPIES; laps++) {
        buf_append(out, lap, LAP_BYTES);
    }
    put_code(&bits, 0, 7); /* end of block */
    while (bits.count != 0) {
        put_bit(&bits, false);
    }
    buf_append(out, tail, sizeof(tail));
}
