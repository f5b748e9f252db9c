/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. The check is a loop with a stack of one bit a level; the walk trusts it. */
#include "plugins/sites/scan.h"

#include <stdint.h>
#include <string.h>

struct check {
    const char *start;
    const char *at;
    const char *end;
    struct why *why;
    unsigned depth;
    bool in_object[SCAN_DEPTH_MAX + 1];
};

static bool
refuse(const struct check *check, const char *sentence)
{
    return say(check->why, "%s at byte %zu", sentence, (size_t)(check->at - check->start));
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *
skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at)) {
        at++;
    }
    return at;
}

/* ---- Scalars ------------------------------------------------------------ */

/* The length of one well-formed UTF-8 sequence that does not begin with ASCII; 0: it is none. */
static size_t
utf8_len(const char *at, size_t left)
{
    const unsigned char *u = (const unsigned char *)at;
    size_t len = u[0] >= 0xc2 && u[0] <= 0xdf ? 2 : (u[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (u[0] < 0xc2 || u[0] > 0xf4 || len > left) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_bad = (u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
                  (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f);
    return is_bad ? 0 : len;
}

static bool
check_escape(struct check *check)
{
    const char *at = check->at + 1;
    size_t left = (size_t)(check->end - at);
    if (left > 0 && *at == 'u') {
        size_t digits = 0;
        while (digits < 4 && digits + 1 < left &&
               strchr("0123456789abcdefABCDEF", at[digits + 1]) != NULL && at[digits + 1] != '\0') {
            digits++;
        }
        check->at += 6;
        return digits == 4;
    }
    check->at += 2;
    return left > 0 && *at != '\0' && strchr("\"\\/bfnrt", *at) != NULL;
}

static bool
check_string(struct check *check)
{
    const char *start = check->at++;
    while (check->at < check->end && *check->at != '"') {
        unsigned char c = (unsigned char)*check->at;
        size_t len = c < 0x80 ? 1 : utf8_len(check->at, (size_t)(check->end - check->at));
        if (c < 0x20 || len == 0) {
            return refuse(check, c < 0x20 ? "a string has a control character" : "is not UTF-8");
        }
        if (c == '\\' && !check_escape(check)) {
            check->at = start;
            return refuse(check, "a string has an escape that is none");
        }
        check->at += c == '\\' ? 0 : len;
    }
    if (check->at >= check->end) {
        check->at = start;
        return refuse(check, "a string does not end");
    }
    check->at++;
    return true;
}

static void
skip_digits(struct check *check)
{
    while (check->at < check->end && is_digit(*check->at)) {
        check->at++;
    }
}

static bool
next_is(const struct check *check, const char *set)
{
    return check->at < check->end && *check->at != '\0' && strchr(set, *check->at) != NULL;
}

static bool
check_digits(struct check *check)
{
    const char *start = check->at;
    skip_digits(check);
    return check->at > start || refuse(check, "a number is none");
}

static bool
check_number(struct check *check)
{
    check->at += *check->at == '-';
    bool leads_zero = next_is(check, "0");
    const char *start = check->at;
    if (!check_digits(check) || (leads_zero && check->at - start > 1)) {
        return refuse(check, "a number is none");
    }
    if (next_is(check, ".")) {
        check->at++;
        if (!check_digits(check)) {
            return false;
        }
    }
    if (!next_is(check, "eE")) {
        return true;
    }
    check->at++;
    check->at += next_is(check, "+-");
    return check_digits(check);
}

static bool
check_word(struct check *check)
{
    static const char *const words[] = { "true", "false", "null" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(check->end - check->at) >= len && memcmp(check->at, words[i], len) == 0) {
            check->at += len;
            return true;
        }
    }
    return refuse(check, "is no JSON");
}

static bool
check_scalar(struct check *check)
{
    char c = *check->at;
    if (c == '"') {
        return check_string(check);
    }
    return c == '-' || is_digit(c) ? check_number(check) : check_word(check);
}

/* ---- The whole ---------------------------------------------------------- */

static bool
check_key(struct check *check)
{
    check->at = skip_space(check->at, check->end);
    if (!next_is(check, "\"")) {
        return refuse(check, "wants a key");
    }
    if (!check_string(check)) {
        return false;
    }
    check->at = skip_space(check->at, check->end);
    if (!next_is(check, ":")) {
        return refuse(check, "wants ':'");
    }
    check->at++;
    return true;
}

static bool
enter(struct check *check)
{
    if (check->depth == SCAN_DEPTH_MAX) {
        return say(check->why, "is nested deeper than %d at byte %zu", SCAN_DEPTH_MAX,
                   (size_t)(check->at - check->start));
    }
    check->in_object[++check->depth] = *check->at == '{';
    check->at++;
    return true;
}

/* Behind a value: close what ends here, and find where the next value begins. */
static bool
close_up(struct check *check)
{
    for (;;) {
        check->at = skip_space(check->at, check->end);
        if (check->depth == 0) {
            return check->at == check->end || refuse(check, "goes on behind its end");
        }
        bool in_object = check->in_object[check->depth];
        if (next_is(check, ",")) {
            check->at++;
            return !in_object || check_key(check);
        }
        if (!next_is(check, in_object ? "}" : "]")) {
            return refuse(check, in_object ? "wants ',' or '}'" : "wants ',' or ']'");
        }
        check->at++;
        check->depth--;
    }
}

/* Behind '{' or '[': true when it is empty and was closed. */
static bool
is_empty(struct check *check)
{
    check->at = skip_space(check->at, check->end);
    if (!next_is(check, check->in_object[check->depth] ? "}" : "]")) {
        return false;
    }
    check->at++;
    check->depth--;
    return true;
}

static bool
check_one(struct check *check)
{
    check->at = skip_space(check->at, check->end);
    if (check->at == check->end) {
        return refuse(check, "ends too early");
    }
    if (!next_is(check, "{[")) {
        return check_scalar(check) && close_up(check);
    }
    if (!enter(check)) {
        return false;
    }
    if (is_empty(check)) {
        return close_up(check);
    }
    return !check->in_object[check->depth] || check_key(check);
}

bool
scan_check(struct span file, struct why *why)
{
    if (file.len > SCAN_BYTES_MAX) {
        return say(why, "is larger than %zu MiB", SCAN_BYTES_MAX >> 20);
    }
    struct check check = {
        .start = file.bytes, .at = file.bytes, .end = file.bytes + file.len, .why = why
    };
    do {
        if (!check_one(&check)) {
            return false;
        }
    } while (check.depth > 0 || check.at < check.end);
    return true;
}

/* ---- Walking what was checked ------------------------------------------- */

static const char *
end_of_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        at += *at == '\\';
    }
    return at + 1;
}

static const char *
end_of_value(const char *at, const char *end)
{
    unsigned depth = 0;
    while (at < end) {
        char c = *at;
        if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_space(c))) {
            return at;
        }
        at = c == '"' ? end_of_string(at) : at + 1;
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= c == '}' || c == ']' ? 1 : 0;
        if (depth == 0 && (c == '"' || c == '}' || c == ']')) {
            return at;
        }
    }
    return end;
}

struct span
scan_value(struct span text)
{
    const char *end = text.bytes + text.len;
    const char *at = skip_space(text.bytes, end);
    return (struct span){ at, (size_t)(end_of_value(at, end) - at) };
}

void
scan_open(struct scan *scan, struct span value)
{
    bool has_members = value.len >= 2 && (value.bytes[0] == '{' || value.bytes[0] == '[');
    scan->keyed = has_members && value.bytes[0] == '{';
    scan->at = value.bytes + (has_members ? 1 : 0);
    scan->end = value.bytes + (has_members ? value.len - 1 : 0);
}

static void
take(struct scan *scan, struct span *out)
{
    const char *end = end_of_value(scan->at, scan->end);
    *out = (struct span){ scan->at, (size_t)(end - scan->at) };
    scan->at = skip_space(end, scan->end);
}

bool
scan_next(struct scan *scan, struct span *out_key, struct span *out_value)
{
    scan->at = skip_space(scan->at, scan->end);
    if (scan->at >= scan->end) {
        return false;
    }
    *out_key = (struct span){ scan->at, 0 };
    if (scan->keyed) {
        take(scan, out_key);
        scan->at = skip_space(scan->at + 1, scan->end); /* ':' */
    }
    take(scan, out_value);
    scan->at += scan->at < scan->end; /* ',' */
    return true;
}

bool
scan_find(struct span object, const char *key, struct span *out_value)
{
    struct scan scan;
    struct span name;
    struct span value;
    size_t len = strlen(key);
    scan_open(&scan, object);
    while (scan.keyed && scan_next(&scan, &name, &value)) {
        if (name.len == len + 2 && memcmp(name.bytes + 1, key, len) == 0) {
            *out_value = value;
            return true;
        }
    }
    return false;
}
