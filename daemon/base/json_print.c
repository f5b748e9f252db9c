/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The printer: a walk over the tree into a bounded buffer, which remembers its own failure. */
#include "daemon/base/json_print.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/json.h"
#include "daemon/base/utf8.h"

/* Integers are exact in a double up to here. */
#define INTEGER_MAX 9007199254740992.0 /* 2^53 */

/* What stands for a byte that is not UTF-8: U+FFFD. */
#define REPLACEMENT "\xef\xbf\xbd"

static void
print_control(struct buf *out, uint8_t byte)
{
    static const char letters[] = "\b\f\n\r\t";
    static const char *const escapes[] = { "\\b", "\\f", "\\n", "\\r", "\\t" };
    const char *letter = strchr(letters, byte);
    if (letter != NULL) {
        buf_append_str(out, escapes[letter - letters]);
    } else {
        buf_printf(out, "\\u%04x", byte);
    }
}

/* Bytes at `at` that stand in a JSON string as they are. */
static size_t
plain_run(const uint8_t *at, size_t len)
{
    size_t run = 0;
    while (run < len) {
        uint32_t code_point;
        size_t size = utf8_decode(at + run, len - run, &code_point);
        if (size == 0 || code_point < 0x20 || code_point == '"' || code_point == '\\') {
            break;
        }
        run += size;
    }
    return run;
}

static void
print_string(struct buf *out, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    buf_append_byte(out, '"');
    while (left > 0) {
        size_t run = plain_run(at, left);
        buf_append(out, at, run);
        at += run;
        left -= run;
        if (left == 0) {
            break;
        }
        if (*at == '"' || *at == '\\') {
            buf_append_byte(out, '\\');
            buf_append_byte(out, *at);
        } else if (*at < 0x20) {
            print_control(out, *at);
        } else {
            buf_append_str(out, REPLACEMENT);
        }
        at++;
        left--;
    }
    buf_append_byte(out, '"');
}

/* An integer as one, else the shortest of three precisions that reads back the same. */
static void
print_number(struct buf *out, double value)
{
    if (isinf(value)) {
        buf_append_str(out, value < 0 ? "-1e999" : "1e999");
        return;
    }
    if (value >= -INTEGER_MAX && value <= INTEGER_MAX && value == (double)(int64_t)value) {
        buf_printf(out, "%lld", (long long)value);
        return;
    }
    char text[32];
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    buf_append_str(out, text);
}

static int print_value(struct buf *out, const struct json *json, int depth);

static int
print_members(struct buf *out, const struct json *container, int depth)
{
    bool is_object = json_type(container) == JSON_OBJECT;
    for (const struct json *node = json_first(container); node != NULL; node = json_next(node)) {
        if (node != json_first(container)) {
            buf_append_byte(out, ',');
        }
        if (is_object) {
            print_string(out, json_key(node));
            buf_append_byte(out, ':');
        }
        int error = print_value(out, node, depth + 1);
        if (error) {
            return error;
        }
    }
    return ERROR_OK;
}

static int
print_container(struct buf *out, const struct json *container, int depth)
{
    bool is_object = json_type(container) == JSON_OBJECT;
    if (depth == JSON_PRINT_DEPTH_MAX) {
        return ERROR_TOO_BIG;
    }
    buf_append_byte(out, is_object ? '{' : '[');
    int error = print_members(out, container, depth);
    buf_append_byte(out, is_object ? '}' : ']');
    return error;
}

static int
print_value(struct buf *out, const struct json *json, int depth)
{
    if (json_is_broken(json)) {
        return ERROR_NOMEM;
    }
    switch (json_type(json)) {
    case JSON_ABSENT:
        return ERROR_NOMEM;
    case JSON_NULL:
        buf_append_str(out, "null");
        break;
    case JSON_BOOL:
        buf_append_str(out, json_bool(json, false) ? "true" : "false");
        break;
    case JSON_NUMBER:
        print_number(out, json_number(json, 0));
        break;
    case JSON_STRING:
        print_string(out, json_string(json, ""));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return print_container(out, json, depth);
    }
    return ERROR_OK;
}

int
json_print(const struct json *json, struct buf *out)
{
    int error = print_value(out, json, 0);
    return error ? error : out->error;
}
