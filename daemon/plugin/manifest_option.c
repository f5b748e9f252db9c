/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The configuration keys that a plugin declares. A fallback is judged as far as its type shows in
 * the text; the configuration, which reads it in earnest, judges the rest. */
#include "daemon/plugin/manifest_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool
is_reserved(const char *key)
{
    static const char *const reserved[] = { "enabled",     "isolation", "rate",
                                            "concurrency", "timeout",   "base_url" };
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (strcmp(key, reserved[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
refuse_taken_key(struct judge *judge, const struct manifest_option *options, size_t last)
{
    if (judge->error != ERROR_OK) {
        return;
    }
    const char *key = options[last].key;
    if (is_reserved(key)) {
        judge_refuse(judge, ERROR_INVALID, "key", "is \"%s\", which every plugin has already", key);
    }
    for (size_t i = 0; i < last; i++) {
        if (strcmp(options[i].key, key) == 0) {
            judge_refuse(judge, ERROR_INVALID, "key", "is \"%s\" again, as of options[%zu]", key,
                         i);
        }
    }
}

static bool
is_integer(const char *text, int64_t *out_value, const char **out_rest)
{
    char *rest = NULL;
    errno = 0;
    long long value = strtoll(text, &rest, 10);
    *out_value = value;
    *out_rest = rest;
    return errno == 0 && rest != text && text[0] != ' ' && text[0] != '+';
}

static bool
is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a fallback could be of its type; the configuration, which reads it, judges the rest. */
static bool
fallback_fits(const struct manifest_option *option)
{
    static const char *const spans[] = { "ms", "s", "min", "h", "d" };
    static const char *const rates[] = { "/s", "/min", "/h", "/d" };
    const char *text = option->fallback;
    const char *rest = NULL;
    int64_t value = 0;
    switch (option->type) {
    case ROLLCALL_INT:
        return is_integer(text, &value, &rest) && *rest == '\0' &&
               (option->min == option->max || (value >= option->min && value <= option->max));
    case ROLLCALL_DURATION:
        return is_integer(text, &value, &rest) && value >= 0 &&
               is_one_of(rest, spans, ARRAY_LEN(spans));
    case ROLLCALL_RATE:
        return strcmp(text, "0") == 0 || (is_integer(text, &value, &rest) && value > 0 &&
                                          is_one_of(rest, rates, ARRAY_LEN(rates)));
    case ROLLCALL_BOOL:
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    default:
        return true;
    }
}

static void
judge_fields(struct judge *judge, const rollcall_option *from, struct manifest_option *to)
{
    to->key = judge_word(judge, "key", from->key, WORD_KEY);
    judge_choice(judge, "type", from->type, ROLLCALL_SECRET,
                 "ROLLCALL_STRING (1) to ROLLCALL_SECRET (9)");
    to->type = from->type;
    to->fallback = judge_optional(judge, "fallback", from->fallback);
    to->sentence = judge_text(judge, "sentence", from->sentence);
    to->min = from->min;
    to->max = from->max;
    bool counts = from->type == ROLLCALL_INT || from->type == ROLLCALL_DURATION;
    if (from->min > from->max) {
        judge_refuse(judge, ERROR_INVALID, "min", "is %" PRId64 ", more than max %" PRId64,
                     from->min, from->max);
    }
    if (!counts && (from->min != 0 || from->max != 0)) {
        judge_refuse(judge, ERROR_INVALID, "min",
                     "and max are for ROLLCALL_INT and ROLLCALL_DURATION");
    }
    if (judge->error == ERROR_OK && to->fallback != NULL && !fallback_fits(to)) {
        judge_refuse(judge, ERROR_INVALID, "fallback", "is \"%.80s\", which is not of its type",
                     to->fallback);
    }
}

void
judge_option(struct judge *judge, const rollcall_option *option, size_t last,
             struct manifest_option *out_options)
{
    judge_fields(judge, option, &out_options[last]);
    refuse_taken_key(judge, out_options, last);
}
