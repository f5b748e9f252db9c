/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The picture of a race: who started when, who won, who was cut off. */
#include "client/timeline.h"

#include <stdbool.h>
#include <string.h>

#define NAME_MAX_COLUMNS 24
#define TAIL_COLUMNS 26 /* " 123456 ms  unregistered  " */

struct scale {
    double end_ms; /* at the right edge */
    size_t bar;    /* columns of it */
    size_t name;   /* columns of the platforms' names */
};

static double
end_of(const rollcall_result *result)
{
    return result->elapsed_ms > result->started_ms ? result->elapsed_ms : result->started_ms;
}

static struct scale
measure(const struct term *term, const rollcall_answer *answer)
{
    struct scale scale = { .end_ms = rollcall_answer_elapsed_ms(answer), .name = 8 };
    for (size_t i = 0; i < rollcall_answer_count(answer); i++) {
        const rollcall_result *result = rollcall_answer_result(answer, i);
        size_t columns = term_columns(result->platform, term->is_utf8);
        if (columns > scale.name && columns <= NAME_MAX_COLUMNS) {
            scale.name = columns;
        }
        if (end_of(result) > scale.end_ms) {
            scale.end_ms = end_of(result);
        }
    }
    if (scale.end_ms < 0.001) {
        scale.end_ms = 0.001;
    }
    size_t width = (size_t)term->width;
    size_t taken = scale.name + TAIL_COLUMNS + 3;
    scale.bar = width > taken + 10 ? width - taken : 10;
    return scale;
}

static size_t
column_of(const struct scale *scale, double ms)
{
    double part = ms / scale->end_ms * (double)(scale->bar - 1);
    return part > 0 ? (size_t)(part + 0.5) : 0;
}

static void
repeat(FILE *out, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        (void)fputs(text, out);
    }
}

static void
draw_bar(FILE *out, const struct term *term, const struct scale *scale,
         const rollcall_result *result)
{
    bool is_cancelled = strcmp(result->state, "cancelled") == 0;
    const char *line = term->is_utf8 ? "\u2501" : "=";
    const char *dot = term->is_utf8 ? "\u25cf" : "o";
    size_t start = column_of(scale, result->started_ms);
    size_t end = column_of(scale, end_of(result));
    repeat(out, " ", start);
    repeat(out, line, end - start);
    (void)fputs(is_cancelled ? "x" : dot, out);
    repeat(out, " ", scale->bar - 1 - end);
}

static void
draw_check(FILE *out, const struct term *term, const struct scale *scale,
           const rollcall_result *result)
{
    bool is_cancelled = strcmp(result->state, "cancelled") == 0;
    const char *edge = term->is_utf8 ? "\u2502" : "|";
    term_put(out, result->platform, term->is_utf8, scale->name);
    (void)fprintf(out, " %s", edge);
    if (result->started_ms < 0) {
        repeat(out, " ", scale->bar);
        (void)fprintf(out, "%s            never began\n", edge);
        return;
    }
    draw_bar(out, term, scale, result);
    (void)fprintf(out, "%s %7.0f ms  ", edge, end_of(result));
    term_put(out, is_cancelled ? "cancelled" : result->verdict, term->is_utf8, 0);
    (void)fputc('\n', out);
}

void
timeline_draw(FILE *out, const struct term *term, const rollcall_answer *answer)
{
    struct scale scale = measure(term, answer);
    for (size_t i = 0; i < rollcall_answer_count(answer); i++) {
        draw_check(out, term, &scale, rollcall_answer_result(answer, i));
    }
}
