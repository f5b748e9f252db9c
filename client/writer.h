/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* How an answer is written: four functions, one set of them a format. `check` says what happens;
 * a writer decides how it looks.
 *
 * Errors: stdio remembers them; whoever drives a writer looks at ferror(out) now and then. */
#ifndef ROLLCALL_CLIENT_WRITER_H
#define ROLLCALL_CLIENT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <rollcall/client.h>

#include "client/options.h"
#include "client/term.h"

struct writer;

/* Between these calls a progress line may be shown; they wipe it where it would be in the way. */
struct writer_ops {
    /* A subject's block begins. */
    void (*begin)(struct writer *writer, const char *subject);
    /* A check has ended: the index-th result of `results`. */
    void (*check)(struct writer *writer, const rollcall_answer *results, size_t index);
    /* The answer; the block ends. */
    void (*answer)(struct writer *writer, const rollcall_answer *answer);
    /* All subjects are through. */
    void (*finish)(struct writer *writer);
};

struct writer {
    const struct writer_ops *ops;
    FILE *out;
    FILE *progress; /* a terminal that shows how far it is (progress.h); NULL: none */
    struct term term;
    unsigned only;       /* bits of enum only; 0: all */
    bool has_many;       /* several subjects: each block says whose it is */
    bool wants_timeline; /* text only */
    bool sums_up;        /* text only: how many stayed unknown, and why, even beside a yes */
    const char *subject; /* as typed, of the block; borrowed */
    size_t blocks;
    bool shows_progress; /* the progress line stands there and must be wiped */
};

extern const struct writer_ops writer_text;
extern const struct writer_ops writer_json;
extern const struct writer_ops writer_jsonl;
extern const struct writer_ops writer_csv;

/** The functions for a format. */
const struct writer_ops *writer_find(enum format format);

/** Whether --only lets this result through. */
bool writer_wants(const struct writer *writer, const rollcall_result *result);

/** The function of a writer that has nothing to say at the end: it wipes the progress line. */
void writer_no_finish(struct writer *writer);

#endif
