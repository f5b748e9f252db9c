/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Text for people and for grep: one line a check as it completes, the answer last. */
#include "client/writer.h"

#include <stdlib.h>
#include <string.h>

#include "client/progress.h"
#include "client/timeline.h"

#define NAME_COLUMNS 20
#define VERDICT_COLUMNS 13
#define NAMES_MAX 5 /* named in a summary; the rest is counted */

static bool
is_word(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static void
put(const struct writer *writer, const char *text)
{
    term_put(writer->out, text, writer->term.is_utf8, 0);
}

/* "1003 ms", and from ten seconds on "12.3 s". */
static void
put_time(FILE *out, double ms)
{
    if (ms < 10000) {
        (void)fprintf(out, "%.0f ms", ms);
    } else {
        (void)fprintf(out, "%.1f s", ms / 1000);
    }
}

static void
text_begin(struct writer *writer, const char *subject)
{
    writer->subject = subject;
    if (writer->has_many) {
        (void)fputs(writer->blocks > 0 ? "\n" : "", writer->out);
        term_paint(writer->out, &writer->term, TERM_BOLD);
        put(writer, subject);
        term_paint(writer->out, &writer->term, TERM_PLAIN);
        (void)fputc('\n', writer->out);
    }
    writer->blocks++;
}

/* The word in front: a check that was cut off is no verdict. */
static const char *
outcome(const rollcall_result *result, enum term_colour *out_colour)
{
    if (is_word(result->state, "cancelled")) {
        *out_colour = TERM_DIM;
        return "cancelled";
    }
    *out_colour = TERM_PLAIN;
    if (is_word(result->verdict, "registered")) {
        *out_colour = TERM_GREEN;
    } else if (is_word(result->verdict, "unknown")) {
        *out_colour = TERM_YELLOW;
    }
    return result->verdict;
}

static void
put_detail(const struct writer *writer, const char *before, const char *text, const char *after)
{
    (void)fputs(before, writer->out);
    put(writer, text);
    (void)fputs(after, writer->out);
}

static void
put_details(const struct writer *writer, const rollcall_result *result)
{
    bool is_cancelled = is_word(result->state, "cancelled");
    if (result->url != NULL) {
        put_detail(writer, "  ", result->url, "");
    }
    if (result->reason != NULL && !is_cancelled) {
        put_detail(writer, "  ", result->reason, "");
    }
    if (result->retry_after_ms >= 0) {
        (void)fputs(", again in ", writer->out);
        put_time(writer->out, (double)result->retry_after_ms);
    }
    if (is_word(result->evidence, "inferred") && !is_cancelled) {
        (void)fputs("  (inferred)", writer->out);
    }
    if (result->cached) {
        (void)fputs("  (cached)", writer->out);
    }
    if (result->why != NULL) {
        put_detail(writer, "  [", result->why, "]");
    }
}

static void
text_check(struct writer *writer, const rollcall_answer *results, size_t index)
{
    const rollcall_result *result = rollcall_answer_result(results, index);
    if (!writer_wants(writer, result)) {
        return;
    }
    progress_wipe(writer);
    FILE *out = writer->out;
    enum term_colour colour = TERM_PLAIN;
    const char *word = outcome(result, &colour);
    term_put(out, result->platform, writer->term.is_utf8, NAME_COLUMNS);
    (void)fputc(' ', out);
    term_paint(out, &writer->term, colour);
    term_put(out, word, writer->term.is_utf8, VERDICT_COLUMNS);
    term_paint(out, &writer->term, TERM_PLAIN);
    if (result->started_ms < 0) {
        (void)fputs("  not asked", out);
    } else {
        (void)fprintf(out, "%8.0f ms", result->elapsed_ms > 0 ? result->elapsed_ms : 0);
    }
    put_details(writer, result);
    (void)fputc('\n', out);
}

/* What a summary names platforms for. */
typedef bool (*is_named_fn)(const rollcall_result *result);

static bool
is_registered(const rollcall_result *result)
{
    return is_word(result->verdict, "registered");
}

static bool
hides_misses(const rollcall_result *result)
{
    return is_word(result->reason, "not_public");
}

/* "github, twitter and 3 more": the platforms that `is_named` picks, the first ones by name. */
static size_t
put_names(const struct writer *writer, const rollcall_answer *answer, is_named_fn is_named)
{
    size_t count = 0;
    for (size_t i = 0; i < rollcall_answer_count(answer); i++) {
        const rollcall_result *result = rollcall_answer_result(answer, i);
        if (is_named(result) && count++ < NAMES_MAX) {
            put_detail(writer, count > 1 ? ", " : "", result->platform, "");
        }
    }
    if (count > NAMES_MAX) {
        (void)fprintf(writer->out, " and %zu more", count - NAMES_MAX);
    }
    return count;
}

static void
put_reasons(const struct writer *writer, const rollcall_answer *answer)
{
    size_t count = 0;
    const char *reason = rollcall_answer_reason_at(answer, 0, &count);
    if (reason == NULL && rollcall_answer_reason(answer) != NULL) {
        put(writer, rollcall_answer_reason(answer));
    }
    for (size_t i = 0; reason != NULL; i++) {
        (void)fprintf(writer->out, "%s%zu ", i > 0 ? ", " : "", count);
        put(writer, reason);
        reason = rollcall_answer_reason_at(answer, i + 1, &count);
    }
}

/* Registered: where. Unregistered: nowhere. Unknown: why, reason by reason. */
static void
put_conclusion(const struct writer *writer, const rollcall_answer *answer)
{
    const char *verdict = rollcall_answer_verdict(answer);
    if (is_word(verdict, "registered")) {
        if (put_names(writer, answer, is_registered) == 0 &&
            rollcall_answer_platform(answer) != NULL) {
            put(writer, rollcall_answer_platform(answer));
        }
    } else if (is_word(verdict, "unregistered")) {
        (void)fprintf(writer->out, "nowhere");
    } else {
        put_reasons(writer, answer);
    }
}

static size_t
count_named(const rollcall_answer *answer, is_named_fn is_named)
{
    size_t count = 0;
    for (size_t i = 0; i < rollcall_answer_count(answer); i++) {
        count += is_named(rollcall_answer_result(answer, i)) ? 1 : 0;
    }
    return count;
}

/* A checker that only sees what owners published can never give "nowhere". */
static void
put_obstacle(const struct writer *writer, const rollcall_answer *answer)
{
    if (!is_word(rollcall_answer_verdict(answer), "unknown") ||
        count_named(answer, hides_misses) == 0) {
        return;
    }
    (void)put_names(writer, answer, hides_misses);
    (void)fputs(" shows only what owners made public, so a miss there does not mean \"nowhere\"\n",
                writer->out);
}

/* A reason of unknown, and how often it was given for a check that came to its end. */
struct reason {
    const char *name;
    size_t count;
};

#define REASONS_MAX 32 /* there are fourteen */

static size_t
count_reasons(const rollcall_answer *answer, struct reason reasons[REASONS_MAX])
{
    size_t known = 0;
    for (size_t i = 0; i < rollcall_answer_count(answer); i++) {
        const rollcall_result *result = rollcall_answer_result(answer, i);
        if (!is_word(result->verdict, "unknown") || is_word(result->state, "cancelled") ||
            result->reason == NULL) {
            continue;
        }
        size_t place = 0;
        while (place < known && strcmp(reasons[place].name, result->reason) != 0) {
            place++;
        }
        if (place == known && known < REASONS_MAX) {
            reasons[known++] = (struct reason){ .name = result->reason };
        }
        if (place < known) {
            reasons[place].count++;
        }
    }
    return known;
}

/* The most frequent one first. */
static int
compare_reasons(const void *left, const void *right)
{
    const struct reason *a = left;
    const struct reason *b = right;
    int by_count = (a->count < b->count) - (a->count > b->count);
    return by_count != 0 ? by_count : strcmp(a->name, b->name);
}

/* What a sweep did not learn; an answer that is itself unknown says so in its own line. */
static void
put_unknown(const struct writer *writer, const rollcall_answer *answer)
{
    struct reason reasons[REASONS_MAX];
    size_t known = count_reasons(answer, reasons);
    if (!writer->sums_up || known == 0 || is_word(rollcall_answer_verdict(answer), "unknown")) {
        return;
    }
    qsort(reasons, known, sizeof(reasons[0]), compare_reasons);
    (void)fputs("unknown: ", writer->out);
    for (size_t i = 0; i < known; i++) {
        (void)fprintf(writer->out, "%s%zu ", i > 0 ? ", " : "", reasons[i].count);
        put(writer, reasons[i].name);
    }
    (void)fputc('\n', writer->out);
}

static void
text_answer(struct writer *writer, const rollcall_answer *answer)
{
    progress_wipe(writer);
    FILE *out = writer->out;
    bool is_found = is_word(rollcall_answer_verdict(answer), "registered");
    term_paint(out, &writer->term, is_found ? TERM_GREEN : TERM_BOLD);
    put(writer, rollcall_answer_verdict(answer));
    term_paint(out, &writer->term, TERM_PLAIN);
    (void)fputs(": ", out);
    put_conclusion(writer, answer);
    (void)fputs(" (", out);
    put_time(out, rollcall_answer_elapsed_ms(answer));
    (void)fprintf(out, "; %zu asked, %zu cancelled)\n", rollcall_answer_asked(answer),
                  rollcall_answer_cancelled(answer));
    put_unknown(writer, answer);
    put_obstacle(writer, answer);
    if (writer->wants_timeline) {
        timeline_draw(out, &writer->term, answer);
    }
}

const struct writer_ops writer_text = {
    .begin = text_begin,
    .check = text_check,
    .answer = text_answer,
    .finish = writer_no_finish,
};
