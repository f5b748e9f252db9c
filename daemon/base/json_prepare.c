/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One walk over a good text. Keys are collected with the number of their object, sorted once and
 * compared with their neighbours: n log n for any document. A key is not quoted in the message:
 * documents hold personal data. */
#include "daemon/base/json_prepare.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/json_check.h"

/* The longest number that every cJSON reads: 64 bytes with the NUL. */
#define NUMBER_BYTES_MAX 63

/* Keys of one document before the first allocation; most requests have fewer. */
#define INLINE_KEYS 48

struct key {
    const char *bytes; /* decoded: in the text, or in `decoded` */
    size_t len;
    size_t object;
    size_t place;
};

struct walk {
    char *text;
    char *at;
    size_t open[JSON_DEPTH_MAX]; /* numbers of the open containers */
    size_t depth;
    size_t containers;
    char *decoded; /* room for all keys that have escapes; NULL until there is one */
    size_t decoded_len;
    size_t len;
    struct key *keys; /* `inline_keys`, or the heap once they are full */
    size_t key_count;
    size_t key_room;
    struct key inline_keys[INLINE_KEYS];
};

/* Behind the closing quote of the string that starts at `quote`. */
static char *
string_end(char *quote)
{
    char *at = quote + 1;
    while (*at != '"') {
        at += *at == '\\' ? 2 : 1;
    }
    return at + 1;
}

static uint32_t
read_unit(const char *digits)
{
    char text[5] = { digits[0], digits[1], digits[2], digits[3], '\0' };
    return (uint32_t)strtoul(text, NULL, 16);
}

static char *
put_utf8(char *out, uint32_t code_point)
{
    if (code_point < 0x80) {
        *out++ = (char)code_point;
        return out;
    }
    if (code_point < 0x800) {
        *out++ = (char)(0xc0 | code_point >> 6);
    } else {
        if (code_point < 0x10000) {
            *out++ = (char)(0xe0 | code_point >> 12);
        } else {
            *out++ = (char)(0xf0 | code_point >> 18);
            *out++ = (char)(0x80 | (code_point >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (code_point >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (code_point & 0x3f));
    return out;
}

/* Decode the escape at `*in`, a backslash; moves `*in` behind it. */
static char *
put_escape(char *out, const char **in)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *at = *in + 1;
    if (*at != 'u') {
        *in += 2;
        *out = meanings[strchr(letters, *at) - letters];
        return out + 1;
    }
    uint32_t code_point = read_unit(at + 1);
    *in += 6;
    if (code_point >= 0xd800 && code_point <= 0xdbff) {
        code_point = 0x10000 + ((code_point - 0xd800) << 10) + (read_unit(*in + 2) - 0xdc00);
        *in += 6;
    }
    return put_utf8(out, code_point);
}

/* The key's bytes without escapes. A decoded text is never longer than the encoded one. */
static bool
decode_key(struct walk *walk, struct key *key)
{
    if (memchr(key->bytes, '\\', key->len) == NULL) {
        return true;
    }
    if (walk->decoded == NULL) {
        walk->decoded = malloc(walk->len);
    }
    if (walk->decoded == NULL) {
        return false;
    }
    char *start = walk->decoded + walk->decoded_len;
    char *out = start;
    for (const char *in = key->bytes; in < key->bytes + key->len;) {
        if (*in == '\\') {
            out = put_escape(out, &in);
        } else {
            *out++ = *in++;
        }
    }
    key->bytes = start;
    key->len = (size_t)(out - start);
    walk->decoded_len += key->len;
    return true;
}

static bool
reserve_key(struct walk *walk)
{
    if (walk->key_count < walk->key_room) {
        return true;
    }
    struct key *old = walk->keys == walk->inline_keys ? NULL : walk->keys;
    struct key *keys = realloc(old, walk->key_room * 2 * sizeof *keys);
    if (keys == NULL) {
        return false;
    }
    if (old == NULL) {
        memcpy(keys, walk->inline_keys, sizeof walk->inline_keys);
    }
    walk->keys = keys;
    walk->key_room *= 2;
    return true;
}

/* Pass a string; a key, which is one with a colon behind it, is remembered. */
static bool
pass_string(struct walk *walk)
{
    char *quote = walk->at;
    walk->at = string_end(quote);
    if (walk->at[strspn(walk->at, " \t\n\r")] != ':') {
        return true;
    }
    struct key key = { .bytes = quote + 1,
                       .len = (size_t)(walk->at - quote) - 2,
                       .object = walk->open[walk->depth - 1],
                       .place = (size_t)(quote - walk->text) };
    if (!reserve_key(walk) || !decode_key(walk, &key)) {
        return false;
    }
    walk->keys[walk->key_count] = key;
    walk->key_count++;
    return true;
}

/* Pass a number; one that cJSON would not read becomes its shorter equal, padded with spaces. */
static void
pass_number(struct walk *walk)
{
    char *number = walk->at;
    size_t len = strspn(number, "+-.0123456789eE");
    walk->at += len;
    if (len <= NUMBER_BYTES_MAX) {
        return;
    }
    char shorter[NUMBER_BYTES_MAX + 1];
    double value = strtod(number, NULL); /* ends at the number's end: no locale is ever set */
    int written = isinf(value) ? snprintf(shorter, sizeof shorter, "%s1e999", value < 0 ? "-" : "")
                               : snprintf(shorter, sizeof shorter, "%.17g", value);
    memset(number, ' ', len);
    memcpy(number, shorter, (size_t)written);
}

static void
pass_byte(struct walk *walk)
{
    if (*walk->at == '{' || *walk->at == '[') {
        assert(walk->depth < JSON_DEPTH_MAX);
        walk->open[walk->depth] = walk->containers;
        walk->depth++;
        walk->containers++;
    } else if (*walk->at == '}' || *walk->at == ']') {
        walk->depth--;
    }
    walk->at++;
}

static bool
walk_text(struct walk *walk)
{
    while (*walk->at != '\0') {
        if (*walk->at == '"') {
            if (!pass_string(walk)) {
                return false;
            }
        } else if (*walk->at == '-' || (*walk->at >= '0' && *walk->at <= '9')) {
            pass_number(walk);
        } else {
            pass_byte(walk);
        }
    }
    return true;
}

/* Are they the same key of the same object? Else, which comes first. */
static int
compare(const struct key *left, const struct key *right)
{
    if (left->object != right->object) {
        return left->object < right->object ? -1 : 1;
    }
    if (left->len != right->len) {
        return left->len < right->len ? -1 : 1;
    }
    return memcmp(left->bytes, right->bytes, left->len);
}

static int
compare_for_sort(const void *left, const void *right)
{
    const struct key *one = left;
    const struct key *other = right;
    int order = compare(one, other);
    if (order != 0) {
        return order;
    }
    return one->place < other->place ? -1 : 1;
}

static int
refuse_twice(struct walk *walk, struct error_text *why)
{
    qsort(walk->keys, walk->key_count, sizeof *walk->keys, compare_for_sort);
    for (size_t i = 1; i < walk->key_count; i++) {
        if (compare(&walk->keys[i - 1], &walk->keys[i]) == 0) {
            return error_say(why, ERROR_UNACCEPTABLE, "byte %zu: a key that its object has already",
                             walk->keys[i].place);
        }
    }
    return ERROR_OK;
}

int
json_prepare(char *text, size_t len, struct error_text *why)
{
    struct walk walk = { .text = text, .at = text, .len = len, .key_room = INLINE_KEYS };
    walk.keys = walk.inline_keys;
    int error = walk_text(&walk) ? refuse_twice(&walk, why)
                                 : error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    if (walk.keys != walk.inline_keys) {
        free(walk.keys);
    }
    free(walk.decoded);
    return error;
}
