/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. One write a line, so that it never stands there half. */
#include "client/progress.h"

#include <stdio.h>

#define LINE_BYTES 160
#define WIPE "\r\033[K"

/* The time that is left, when there is anything to tell it from. */
static void
spell_rest(char *rest, size_t size, const struct progress *progress, double rate)
{
    rest[0] = '\0';
    if (progress->total > progress->done && rate > 0) {
        (void)snprintf(rest, size, ", %.0f s left",
                       (double)(progress->total - progress->done) / rate);
    }
}

static void
spell(char line[LINE_BYTES], const struct progress *progress)
{
    char total[32] = "";
    char rest[48];
    double seconds = (double)progress->elapsed_ms / 1000;
    double rate = seconds > 0 ? (double)progress->done / seconds : 0;
    if (progress->total > 0) {
        (void)snprintf(total, sizeof(total), " of %zu", progress->total);
    }
    spell_rest(rest, sizeof(rest), progress, rate);
    (void)snprintf(line, LINE_BYTES, "%zu%s done, %zu found, %zu unknown, %.0f/s%s", progress->done,
                   total, progress->found, progress->unknown, rate, rest);
}

void
progress_show(struct writer *writer, const struct progress *progress)
{
    char line[LINE_BYTES];
    if (writer->progress == NULL) {
        return;
    }
    spell(line, progress);
    int width = writer->term.width > 1 ? writer->term.width - 1 : LINE_BYTES;
    (void)fprintf(writer->progress, WIPE "%.*s", width, line); /* a line that wraps stays */
    (void)fflush(writer->progress);
    writer->shows_progress = true;
}

void
progress_wipe(struct writer *writer)
{
    if (writer->shows_progress) {
        (void)fputs(WIPE, writer->progress);
        (void)fflush(writer->progress);
        writer->shows_progress = false;
    }
}
