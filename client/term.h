/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the output can show, and how to put a stranger's text there. */
#ifndef ROLLCALL_CLIENT_TERM_H
#define ROLLCALL_CLIENT_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TERM_WIDTH_MIN 40
#define TERM_WIDTH_MAX 200

struct term {
    bool is_terminal;
    bool has_colour; /* a terminal, and neither NO_COLOR nor TERM=dumb */
    bool is_utf8;
    int width; /* columns; 80 where nobody knows */
};

/** Look at `out`. Call setlocale() before. */
void term_look(struct term *term, FILE *out);

/**
 * Print `text` with everything escaped that could steer a terminal or is no UTF-8 (and, without
 * `is_utf8`, all that is not ASCII), padded with blanks to `width` characters.
 * Errors: those of stdio, to be seen with ferror().
 */
void term_put(FILE *out, const char *text, bool is_utf8, size_t width);

/** How many columns term_put() would need for `text`. */
size_t term_columns(const char *text, bool is_utf8);

enum term_colour { TERM_PLAIN, TERM_BOLD, TERM_DIM, TERM_GREEN, TERM_YELLOW, TERM_RED };

/** Switch to a colour and back to plain; nothing without has_colour. */
void term_paint(FILE *out, const struct term *term, enum term_colour colour);

/** "rollcall: …" to standard error, escaped. */
void term_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
