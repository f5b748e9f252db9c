/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* When each check of an answer started and ended, drawn to scale. */
#ifndef ROLLCALL_CLIENT_TIMELINE_H
#define ROLLCALL_CLIENT_TIMELINE_H

#include <stdio.h>

#include <rollcall/client.h>

#include "client/term.h"

/**
 * One line a check, in the answer's order: a bar from its start to its end, closed by a dot (it
 * finished) or an x (it was cancelled), scaled to the terminal's width; ASCII without UTF-8.
 * Errors: those of stdio, to be seen with ferror().
 */
void timeline_draw(FILE *out, const struct term *term, const rollcall_answer *answer);

#endif
