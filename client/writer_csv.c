/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* CSV by RFC 4180, one row a check, for spreadsheets: a cell that one of them would take for a
 * formula gets an apostrophe in front, and control characters are escaped. */
#include "client/writer.h"

#include <string.h>

#include "client/progress.h"
#include "client/utf8.h"

static void
put_escape(FILE *out, unsigned code)
{
    (void)fprintf(out, code <= 0xff ? "\\x%02x" : "\\u{%x}", code);
}

static void
put_cell(FILE *out, const char *text, char before)
{
    if (before != '\0') {
        (void)fputc(before, out);
    }
    if (text == NULL || text[0] == '\0') {
        return;
    }
    (void)fputc('"', out);
    if (strchr("=+-@\t\r", text[0]) != NULL) {
        (void)fputc('\'', out);
    }
    size_t length = 0;
    for (; *text != '\0'; text += length) {
        int32_t character = utf8_next(text, &length);
        if (character == '"') {
            (void)fputs("\"\"", out);
        } else if (character < 0 || utf8_is_control(character)) {
            put_escape(out, character < 0 ? (unsigned char)*text : (unsigned)character);
        } else {
            (void)fwrite(text, 1, length, out);
        }
    }
    (void)fputc('"', out);
}

/* A number, nothing where it is not known. */
static void
put_ms(FILE *out, double ms)
{
    (void)fputc(',', out);
    if (ms >= 0) {
        (void)fprintf(out, "%.1f", ms);
    }
}

static void
csv_begin(struct writer *writer, const char *subject)
{
    writer->subject = subject;
    if (writer->blocks++ == 0) {
        (void)fputs("subject,platform,verdict,reason,state,evidence,source,url,why,started_ms,"
                    "elapsed_ms,retry_after_ms,cached\r\n",
                    writer->out);
    }
}

static void
csv_check(struct writer *writer, const rollcall_answer *results, size_t index)
{
    const rollcall_result *result = rollcall_answer_result(results, index);
    if (!writer_wants(writer, result)) {
        return;
    }
    progress_wipe(writer);
    FILE *out = writer->out;
    const char *const cells[] = { result->platform, result->verdict, result->reason, result->state,
                                  result->evidence, result->source,  result->url,    result->why };
    put_cell(out, writer->subject, '\0');
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        put_cell(out, cells[i], ',');
    }
    put_ms(out, result->started_ms);
    put_ms(out, result->elapsed_ms);
    put_ms(out, (double)result->retry_after_ms);
    (void)fprintf(out, ",%s\r\n", result->cached ? "true" : "false");
}

static void
csv_answer(struct writer *writer, const rollcall_answer *answer)
{
    (void)writer;
    (void)answer;
}

const struct writer_ops writer_csv = {
    .begin = csv_begin,
    .check = csv_check,
    .answer = csv_answer,
    .finish = writer_no_finish,
};
