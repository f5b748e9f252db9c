/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Encoding by place: a table of one judge and one writer a place. Pure. */
#include "daemon/query/encode.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "daemon/query/subject.h"

static bool
is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* ---- Judges: whether one character may stand there ---------------------- */

static bool
is_visible_ascii(char c)
{
    return c > 0x20 && c < 0x7f;
}

static bool
is_plain(char c)
{
    return is_alnum(c) || is_one_of(c, "@._-");
}

static bool
is_no_control(char c)
{
    return (unsigned char)c >= 0x20 && c != 0x7f;
}

/* ---- Writers ------------------------------------------------------------ */

static void
write_percent(char c, struct buf *out)
{
    buf_printf(out, "%%%02X", (unsigned)(uint8_t)c);
}

static void
write_url(char c, struct buf *out)
{
    if (is_alnum(c) || is_one_of(c, "-._~")) {
        buf_append_byte(out, (uint8_t)c);
    } else {
        write_percent(c, out);
    }
}

static void
write_form(char c, struct buf *out)
{
    if (is_alnum(c) || is_one_of(c, "*-._")) {
        buf_append_byte(out, (uint8_t)c);
    } else if (c == ' ') {
        buf_append_byte(out, '+');
    } else {
        write_percent(c, out);
    }
}

static void
write_json(char c, struct buf *out)
{
    if (c == '"' || c == '\\') {
        buf_append_byte(out, '\\');
        buf_append_byte(out, (uint8_t)c);
    } else if (is_no_control(c)) {
        buf_append_byte(out, (uint8_t)c);
    } else {
        buf_printf(out, "\\u%04x", (unsigned)(uint8_t)c);
    }
}

static void
write_raw(char c, struct buf *out)
{
    buf_append_byte(out, (uint8_t)c);
}

int
encode(enum place place, const char *text, size_t len, struct buf *out)
{
    static const struct {
        bool (*fits)(char c); /* NULL: all do */
        void (*write)(char c, struct buf *out);
    } table[] = {
        [PLACE_URL] = { NULL, write_url },
        [PLACE_FORM] = { NULL, write_form },
        [PLACE_JSON] = { NULL, write_json },
        [PLACE_HEADER] = { is_visible_ascii, write_raw },
        [PLACE_PLAIN] = { is_plain, write_raw },
        [PLACE_LABEL] = { NULL, write_raw }, /* judged as a whole */
        [PLACE_VALUE] = { is_no_control, write_raw },
        [PLACE_RAW] = { NULL, write_raw },
    };
    if (place == PLACE_LABEL && !subject_is_label(text, len)) {
        return ERROR_UNACCEPTABLE;
    }
    for (size_t i = 0; table[place].fits != NULL && i < len; i++) {
        if (!table[place].fits(text[i])) {
            return ERROR_UNACCEPTABLE;
        }
    }
    for (size_t i = 0; i < len; i++) {
        table[place].write(text[i], out);
    }
    return ERROR_OK;
}
