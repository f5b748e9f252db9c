/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* RFC 8259 as a loop over bytes. Nesting is a stack of bits (1: object), so even a megabyte of
 * brackets costs 128 KiB and no recursion, and the grammar is judged to the last byte before a
 * merely unwelcome document (too deep, an escaped NUL, half a surrogate pair) is called that.
 * Messages quote one character at most: documents hold personal data. */
#include "daemon/base/json_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/utf8.h"

#define BITS_PER_WORD 64
#define INLINE_WORDS 16

/* Which brackets are open, the innermost last. */
struct nesting {
    uint64_t words[INLINE_WORDS];
    uint64_t *stack; /* `words`, or the heap once they are full */
    size_t room;     /* in bits */
    size_t depth;
};

struct scan {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    struct nesting nesting;
    struct error_text *why;
    const char *unwelcome; /* what is valid but not acceptable, the first of its kind */
    size_t unwelcome_at;
};

static size_t
offset(const struct scan *scan)
{
    return (size_t)(scan->at - scan->start);
}

/* Refuse for the grammar's sake at the current byte. */
static int
refuse(const struct scan *scan, const char *wanted)
{
    if (scan->at == scan->end) {
        return error_say(scan->why, ERROR_PARSE, "byte %zu: the text ends, wants %s", offset(scan),
                         wanted);
    }
    if (*scan->at > 0x20 && *scan->at < 0x7f) {
        return error_say(scan->why, ERROR_PARSE, "byte %zu: found '%c', wants %s", offset(scan),
                         *scan->at, wanted);
    }
    return error_say(scan->why, ERROR_PARSE, "byte %zu: found 0x%02x, wants %s", offset(scan),
                     *scan->at, wanted);
}

static void
note_unwelcome(struct scan *scan, const char *what, const uint8_t *where)
{
    if (scan->unwelcome == NULL) {
        scan->unwelcome = what;
        scan->unwelcome_at = (size_t)(where - scan->start);
    }
}

/* Once the words in place are full, room for as many brackets as the text has bytes. */
static bool
grow(struct scan *scan)
{
    struct nesting *nesting = &scan->nesting;
    size_t words = (size_t)(scan->end - scan->start) / BITS_PER_WORD + 1;
    uint64_t *stack = calloc(words, sizeof *stack);
    if (stack == NULL) {
        return false;
    }
    memcpy(stack, nesting->words, sizeof nesting->words);
    nesting->stack = stack;
    nesting->room = words * BITS_PER_WORD;
    return true;
}

static int
open_bracket(struct scan *scan, bool is_object)
{
    struct nesting *nesting = &scan->nesting;
    if (nesting->depth == nesting->room && !grow(scan)) {
        return error_say(scan->why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    uint64_t bit = UINT64_C(1) << nesting->depth % BITS_PER_WORD;
    uint64_t *word = &nesting->stack[nesting->depth / BITS_PER_WORD];
    *word = is_object ? *word | bit : *word & ~bit;
    nesting->depth++;
    if (nesting->depth > JSON_DEPTH_MAX) {
        note_unwelcome(scan, "arrays and objects are nested too deep", scan->at);
    }
    scan->at++;
    return ERROR_OK;
}

static bool
is_in_object(const struct nesting *nesting)
{
    size_t top = nesting->depth - 1;
    return nesting->depth > 0 && (nesting->stack[top / BITS_PER_WORD] >> top % BITS_PER_WORD & 1);
}

static void
skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r')) {
        scan->at++;
    }
}

static bool
is_at(const struct scan *scan, char byte)
{
    return scan->at < scan->end && *scan->at == (uint8_t)byte;
}

static int
hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four digits of a \u escape. */
static int
read_unit(struct scan *scan, uint32_t *out_unit)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = scan->at < scan->end ? hex_digit(*scan->at) : -1;
        if (digit < 0) {
            return refuse(scan, "four hexadecimal digits after \\u");
        }
        unit = unit << 4 | (uint32_t)digit;
        scan->at++;
    }
    *out_unit = unit;
    return ERROR_OK;
}

/* Judge a \uXXXX and, behind a high surrogate, its other half; `at` is behind the 'u'. */
static int
read_unicode_escape(struct scan *scan)
{
    const uint8_t *escape = scan->at - 2;
    uint32_t unit = 0;
    int error = read_unit(scan, &unit);
    if (error) {
        return error;
    }
    if (unit == 0) {
        note_unwelcome(scan, "a string holds an escaped NUL", escape);
    }
    bool is_low = unit >= 0xdc00 && unit <= 0xdfff;
    bool is_high = unit >= 0xd800 && unit <= 0xdbff;
    bool has_next = scan->end - scan->at >= 2 && scan->at[0] == '\\' && scan->at[1] == 'u';
    if (is_high && has_next) {
        scan->at += 2;
        error = read_unit(scan, &unit);
        if (error) {
            return error;
        }
        if (unit >= 0xdc00 && unit <= 0xdfff) {
            return ERROR_OK;
        }
    }
    if (is_low || is_high) {
        note_unwelcome(scan, "a string holds half a surrogate pair", escape);
    }
    return ERROR_OK;
}

static int
read_escape(struct scan *scan)
{
    scan->at++;
    if (scan->at == scan->end || *scan->at == '\0' || strchr("\"\\/bfnrtu", *scan->at) == NULL) {
        return refuse(scan, "one of \" \\ / b f n r t u after a backslash");
    }
    bool is_unicode = *scan->at == 'u';
    scan->at++;
    return is_unicode ? read_unicode_escape(scan) : ERROR_OK;
}

static int
read_string(struct scan *scan)
{
    scan->at++;
    while (scan->at < scan->end && *scan->at != '"') {
        uint32_t code_point;
        if (*scan->at < 0x20) {
            return refuse(scan, "control characters in a string escaped");
        }
        if (*scan->at == '\\') {
            int error = read_escape(scan);
            if (error) {
                return error;
            }
            continue;
        }
        size_t size = utf8_decode(scan->at, (size_t)(scan->end - scan->at), &code_point);
        if (size == 0) {
            return refuse(scan, "well-formed UTF-8");
        }
        scan->at += size;
    }
    if (scan->at == scan->end) {
        return refuse(scan, "the closing '\"' of a string");
    }
    scan->at++;
    return ERROR_OK;
}

static bool
is_at_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static int
read_digits(struct scan *scan)
{
    if (!is_at_digit(scan)) {
        return refuse(scan, "a digit");
    }
    while (is_at_digit(scan)) {
        scan->at++;
    }
    return ERROR_OK;
}

static int
read_number(struct scan *scan)
{
    scan->at += is_at(scan, '-');
    if (is_at(scan, '0')) {
        scan->at++;
        if (is_at_digit(scan)) {
            return refuse(scan, "no digit after a leading zero");
        }
    } else if (read_digits(scan) != ERROR_OK) {
        return ERROR_PARSE;
    }
    if (is_at(scan, '.')) {
        scan->at++;
        if (read_digits(scan) != ERROR_OK) {
            return ERROR_PARSE;
        }
    }
    if (is_at(scan, 'e') || is_at(scan, 'E')) {
        scan->at++;
        scan->at += is_at(scan, '+') || is_at(scan, '-');
        return read_digits(scan);
    }
    return ERROR_OK;
}

static int
read_word(struct scan *scan, const char *word)
{
    for (const char *letter = word; *letter != '\0'; letter++) {
        if (!is_at(scan, *letter)) {
            return refuse(scan, word);
        }
        scan->at++;
    }
    return ERROR_OK;
}

static int
read_scalar(struct scan *scan)
{
    switch (scan->at < scan->end ? *scan->at : 0) {
    case '"':
        return read_string(scan);
    case 't':
        return read_word(scan, "true");
    case 'f':
        return read_word(scan, "false");
    case 'n':
        return read_word(scan, "null");
    default:
        break;
    }
    if (is_at(scan, '-') || is_at_digit(scan)) {
        return read_number(scan);
    }
    return refuse(scan, "a value");
}

/* A member's key and its colon. */
static int
read_key(struct scan *scan)
{
    if (!is_at(scan, '"')) {
        return refuse(scan, "a key in quotes");
    }
    int error = read_string(scan);
    if (error) {
        return error;
    }
    skip_space(scan);
    if (!is_at(scan, ':')) {
        return refuse(scan, "':' after a key");
    }
    scan->at++;
    skip_space(scan);
    return ERROR_OK;
}

/* Up to the first thing that is complete: open brackets until a scalar or an empty container. */
static int
read_down(struct scan *scan)
{
    while (is_at(scan, '{') || is_at(scan, '[')) {
        bool is_object = *scan->at == '{';
        int error = open_bracket(scan, is_object);
        if (error) {
            return error;
        }
        skip_space(scan);
        if (is_at(scan, is_object ? '}' : ']')) {
            return ERROR_OK; /* read_up() closes it */
        }
        error = is_object ? read_key(scan) : ERROR_OK;
        if (error) {
            return error;
        }
    }
    return read_scalar(scan);
}

/* Behind a value: close what closes. Afterwards either a value must come or depth is 0. */
static int
read_up(struct scan *scan)
{
    while (scan->nesting.depth > 0) {
        bool in_object = is_in_object(&scan->nesting);
        skip_space(scan);
        if (is_at(scan, ',')) {
            scan->at++;
            skip_space(scan);
            return in_object ? read_key(scan) : ERROR_OK;
        }
        if (!is_at(scan, in_object ? '}' : ']')) {
            return refuse(scan, in_object ? "',' or '}'" : "',' or ']'");
        }
        scan->at++;
        scan->nesting.depth--;
    }
    return ERROR_OK;
}

static int
read_text(struct scan *scan)
{
    skip_space(scan);
    do {
        int error = read_down(scan);
        error = error ? error : read_up(scan);
        if (error) {
            return error;
        }
    } while (scan->nesting.depth > 0);
    skip_space(scan);
    return scan->at == scan->end ? ERROR_OK : refuse(scan, "nothing after the value");
}

int
json_check(const char *bytes, size_t len, struct error_text *why)
{
    const uint8_t *start = (const uint8_t *)(len > 0 ? bytes : "");
    struct scan scan = { .start = start, .at = start, .end = start + len, .why = why };
    scan.nesting.stack = scan.nesting.words;
    scan.nesting.room = INLINE_WORDS * BITS_PER_WORD;
    int error = read_text(&scan);
    if (scan.nesting.stack != scan.nesting.words) {
        free(scan.nesting.stack);
    }
    if (error) {
        return error;
    }
    if (scan.unwelcome != NULL) {
        return error_say(why, ERROR_UNACCEPTABLE, "byte %zu: %s", scan.unwelcome_at,
                         scan.unwelcome);
    }
    return ERROR_OK;
}
