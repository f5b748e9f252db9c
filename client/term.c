/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Terminals: what they can show, and what must not reach them. Every text that came from the
 * daemon, and so perhaps from a platform, goes through term_put(). */
#include "client/term.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/utf8.h"
#include "client/why.h"

#define WIDTH_DEFAULT 80
#define ESCAPE_BYTES 16

static bool
is_set(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0';
}

static bool
is_dumb(void)
{
    const char *name = getenv("TERM");
    return name == NULL || name[0] == '\0' || strcmp(name, "dumb") == 0;
}

static int
look_width(FILE *out)
{
    struct winsize size = { .ws_col = 0 };
    long width = 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0) {
        width = size.ws_col;
    }
    if (width == 0 && is_set("COLUMNS")) {
        width = strtol(getenv("COLUMNS"), NULL, 10);
    }
    if (width <= 0) {
        return WIDTH_DEFAULT;
    }
    if (width < TERM_WIDTH_MIN) {
        return TERM_WIDTH_MIN;
    }
    return width > TERM_WIDTH_MAX ? TERM_WIDTH_MAX : (int)width;
}

void
term_look(struct term *term, FILE *out)
{
    bool is_terminal = isatty(fileno(out)) == 1;
    *term = (struct term){
        .is_terminal = is_terminal,
        .has_colour = is_terminal && !is_set("NO_COLOR") && !is_dumb(),
        .is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .width = look_width(out),
    };
}

/* The next character of `text` as it may be shown; its bytes in `text` to *out_length. */
static void
show_next(const char *text, bool is_utf8, size_t *out_length, char out_shown[ESCAPE_BYTES])
{
    int32_t character = utf8_next(text, out_length);
    if (character < 0) {
        (void)snprintf(out_shown, ESCAPE_BYTES, "\\x%02x", (unsigned char)text[0]);
    } else if (utf8_is_control(character) || (character > 0x7f && !is_utf8)) {
        const char *format = character <= 0xff ? "\\x%02x" : "\\u{%x}";
        (void)snprintf(out_shown, ESCAPE_BYTES, format, (unsigned)character);
    } else {
        memcpy(out_shown, text, *out_length);
        out_shown[*out_length] = '\0';
    }
}

/* Columns of a shown piece: an escape is ASCII, anything else one character. */
static size_t
piece_columns(const char *shown)
{
    return (unsigned char)shown[0] < 0x80 ? strlen(shown) : 1;
}

size_t
term_columns(const char *text, bool is_utf8)
{
    size_t columns = 0;
    size_t length = 0;
    char shown[ESCAPE_BYTES];
    for (; *text != '\0'; text += length) {
        show_next(text, is_utf8, &length, shown);
        columns += piece_columns(shown);
    }
    return columns;
}

void
term_put(FILE *out, const char *text, bool is_utf8, size_t width)
{
    size_t columns = 0;
    size_t length = 0;
    char shown[ESCAPE_BYTES];
    for (; *text != '\0'; text += length) {
        show_next(text, is_utf8, &length, shown);
        (void)fputs(shown, out);
        columns += piece_columns(shown);
    }
    for (; columns < width; columns++) {
        (void)fputc(' ', out);
    }
}

void
term_paint(FILE *out, const struct term *term, enum term_colour colour)
{
    static const char *const codes[] = {
        [TERM_PLAIN] = "\033[0m",  [TERM_BOLD] = "\033[1m",    [TERM_DIM] = "\033[2m",
        [TERM_GREEN] = "\033[32m", [TERM_YELLOW] = "\033[33m", [TERM_RED] = "\033[31m",
    };
    if (term->has_colour) {
        (void)fputs(codes[colour], out);
    }
}

void
term_complain(const char *format, ...)
{
    char text[2 * WHY_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)fputs("rollcall: ", stderr);
    term_put(stderr, text, strcmp(nl_langinfo(CODESET), "UTF-8") == 0, 0);
    (void)fputc('\n', stderr);
}
