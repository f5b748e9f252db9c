/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Percent-encoding, comparing, reading files. */
#include "tests/world/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    int lower = tolower((unsigned char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that %XX at `at` stands for, or 0 when it is none or NUL. */
static char
escaped_byte(const char *at, const char *end)
{
    if (end - at < 3 || *at != '%') {
        return '\0';
    }
    int high = hex_digit(at[1]);
    int low = hex_digit(at[2]);
    return high < 0 || low < 0 ? '\0' : (char)(high * 16 + low);
}

char *
text_percent_decode(struct arena *arena, const char *bytes, size_t len, bool plus_is_space)
{
    char *text = arena_copy(arena, bytes, len);
    if (text == NULL) {
        return NULL;
    }
    char *out = text;
    const char *end = bytes + len;
    while (bytes < end) {
        char byte = escaped_byte(bytes, end);
        if (byte != '\0') {
            *out++ = byte;
            bytes += 3;
        } else {
            *out++ = plus_is_space && *bytes == '+' ? ' ' : *bytes;
            bytes++;
        }
    }
    *out = '\0';
    return text;
}

void
text_percent_encode(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if ((byte < 0x80 && isalnum(byte)) || strchr("-._~", byte) != NULL) {
            buf_append_byte(out, byte);
        } else {
            buf_printf(out, "%%%02X", byte);
        }
    }
}

bool
text_begins_nocase(const char *text, const char *begin)
{
    return strncasecmp(text, begin, strlen(begin)) == 0;
}

bool
text_equals_nocase(const char *one, const char *other)
{
    return strcasecmp(one, other) == 0;
}

static int
read_open_file(FILE *file, struct arena *arena, const char *path, size_t max_bytes,
               const char **out_text, size_t *out_len, struct error_text *why)
{
    struct buf bytes;
    buf_init(&bytes, max_bytes);
    char piece[16384];
    size_t len;
    while ((len = fread(piece, 1, sizeof(piece), file)) > 0) {
        buf_append(&bytes, piece, len);
    }
    int error = ferror(file) ? ERROR_IO : bytes.error;
    const char *text = error ? NULL : arena_copy(arena, buf_str(&bytes), bytes.len);
    if (error == ERROR_OK && text == NULL) {
        error = ERROR_NOMEM;
    }
    if (error) {
        error = error_say(why, error, "%s: %s", path, error_sentence(error));
    } else {
        *out_text = text;
        *out_len = bytes.len;
    }
    buf_fini(&bytes);
    return error;
}

int
text_read_file(struct arena *arena, const char *path, size_t max_bytes, const char **out_text,
               size_t *out_len, struct error_text *why)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return error_say(why, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "%s: %s", path,
                         strerror(errno));
    }
    int error = read_open_file(file, arena, path, max_bytes, out_text, out_len, why);
    (void)fclose(file);
    return error;
}
