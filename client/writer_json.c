/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* JSON: one document a subject, the answer as the daemon gave it. JSON lines: one line a check as
 * it completes, with the subject as it was typed in front, and the answer last. */
#include "client/writer.h"

#include <stdlib.h>
#include <string.h>

#include "client/json.h"
#include "client/progress.h"

static void
print_line(FILE *out, char *text)
{
    (void)fputs(text != NULL ? text : "", out);
    (void)fputc('\n', out);
    free(text);
}

static void
json_begin(struct writer *writer, const char *subject)
{
    writer->subject = subject;
}

static void
json_no_check(struct writer *writer, const rollcall_answer *results, size_t index)
{
    (void)writer;
    (void)results;
    (void)index;
}

static void
json_answer(struct writer *writer, const rollcall_answer *answer)
{
    progress_wipe(writer);
    print_line(writer->out, rollcall_answer_json(answer));
}

/* {"subject":"…" without its closing brace; NULL: no memory. */
static char *
print_subject(const char *subject)
{
    struct json *object = json_object();
    char *text = NULL;
    if (object != NULL && json_put_text(object, "subject", subject)) {
        text = json_print(object);
    }
    json_free(&object);
    if (text != NULL) {
        text[strlen(text) - 1] = '\0';
    }
    return text;
}

static void
jsonl_check(struct writer *writer, const rollcall_answer *results, size_t index)
{
    if (!writer_wants(writer, rollcall_answer_result(results, index))) {
        return;
    }
    char *subject = print_subject(writer->subject);
    char *check = rollcall_answer_result_json(results, index);
    progress_wipe(writer);
    if (subject != NULL && check != NULL) {
        (void)fprintf(writer->out, "%s,%s\n", subject, check + 1);
    }
    free(subject);
    free(check);
}

const struct writer_ops writer_json = {
    .begin = json_begin,
    .check = json_no_check,
    .answer = json_answer,
    .finish = writer_no_finish,
};

const struct writer_ops writer_jsonl = {
    .begin = json_begin,
    .check = jsonl_check,
    .answer = json_answer,
    .finish = writer_no_finish,
};
