/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the manifest's files share: one judge who goes through a descriptor, copies as he goes, and
 * keeps the first refusal. After a refusal his functions do nothing, so callers ask once, at the
 * end. */
#ifndef ROLLCALL_PLUGIN_MANIFEST_INT_H
#define ROLLCALL_PLUGIN_MANIFEST_INT_H

#include "daemon/plugin/manifest.h"

#define JUDGE_WHERE_BYTES 64

struct judge {
    struct arena *arena;
    struct error_text *why;
    int error;                     /* the first refusal, or ERROR_OK */
    char where[JUDGE_WHERE_BYTES]; /* "checkers[2].", stands before the field's name */
};

/* The forms of short names. */
enum word_form { WORD_PLUGIN, WORD_ID, WORD_KEY };

/** Refuse: "<where><field> <sentence>"; only the first refusal counts. */
void judge_refuse(struct judge *judge, int error, const char *field, const char *format, ...)
    PRINTF_LIKE(4, 5);

/** "checkers[2]." */
void judge_at(struct judge *judge, const char *list, size_t index);

/** The texts below are copied into the arena; NULL when refused, or when optional and not there. */
const char *judge_text(struct judge *judge, const char *field, const char *text);
const char *judge_optional(struct judge *judge, const char *field, const char *text);
const char *
judge_word(struct judge *judge, const char *field, const char *text, enum word_form form);
const char *judge_base_url(struct judge *judge, const char *field, const char *text);

/** A NULL-terminated list, NULL taken for an empty one; never NULL unless refused. */
const char *const *
judge_list(struct judge *judge, const char *field, const char *const *list, size_t max, bool words);

/** `found` is one of 1 to `last`; `wanted` names them. */
void judge_choice(struct judge *judge, const char *field, int32_t found, int32_t last,
                  const char *wanted);
/** `found` is more than 0. */
void judge_positive(struct judge *judge, const char *field, uint32_t found);

/** Zeroed memory of the arena, or NULL and the refusal NOMEM. */
void *judge_alloc(struct judge *judge, size_t bytes);

bool word_fits(const char *text, enum word_form form);

/** One checker of a descriptor or of enumerate, `bytes` of it; see manifest_judge_checker(). */
void judge_checker(struct judge *judge, const rollcall_checker *checker, size_t stride,
                   bool enumerated, struct manifest_checker *out_checker);
/** The option that stands at `last`, into out_options[last]; those before it are judged. */
void judge_option(struct judge *judge, const rollcall_option *option, size_t last,
                  struct manifest_option *out_options);
/** The bytes of a checker that the oldest plugin has. */
extern const size_t judge_checker_least;

#endif
