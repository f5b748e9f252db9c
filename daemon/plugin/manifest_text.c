/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The judge's eye for texts, words, lists and numbers of a descriptor. Every text is bounded, well
 * formed UTF-8 and free of control characters before a copy of it is kept or shown. */
#include "daemon/plugin/manifest_int.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/utf8.h"
#include "daemon/plugin/text.h"

/* How much of a refused text is shown. */
#define SHOWN_BYTES 80

struct word_rule {
    bool digit_first;
    const char *more; /* allowed behind the first beside [a-z0-9] */
    size_t bytes_max;
    const char *wanted;
};

static const struct word_rule word_rules[] = {
    [WORD_PLUGIN] = { false, "_-", 32, "[a-z][a-z0-9_-]*, at most 32 bytes" },
    [WORD_ID] = { true, "._-", MANIFEST_ID_BYTES, "[a-z0-9][a-z0-9._-]*, at most 64 bytes" },
    [WORD_KEY] = { false, "_", MANIFEST_ID_BYTES, "[a-z][a-z0-9_]*, at most 64 bytes" },
};

void
judge_refuse(struct judge *judge, int error, const char *field, const char *format, ...)
{
    if (judge->error != ERROR_OK) {
        return;
    }
    char sentence[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    text_mend(sentence); /* a text that is shown in part may be cut inside a character */
    judge->error = error_say(judge->why, error, "%s%s %s", judge->where, field, sentence);
}

void
judge_at(struct judge *judge, const char *list, size_t index)
{
    (void)snprintf(judge->where, sizeof(judge->where), "%s[%zu].", list, index);
}

void *
judge_alloc(struct judge *judge, size_t bytes)
{
    if (judge->error != ERROR_OK) {
        return NULL;
    }
    void *memory = arena_alloc(judge->arena, bytes);
    if (memory == NULL) {
        judge->error = error_say(judge->why, ERROR_NOMEM, "the descriptor is larger than allowed");
    }
    return memory;
}

static const char *
copy_text(struct judge *judge, const char *field, const char *text)
{
    size_t len = strnlen(text, MANIFEST_TEXT_BYTES + 1);
    if (len > MANIFEST_TEXT_BYTES) {
        judge_refuse(judge, ERROR_TOO_BIG, field, "is longer than %d bytes", MANIFEST_TEXT_BYTES);
        return NULL;
    }
    if (!utf8_is_valid(text, len)) {
        judge_refuse(judge, ERROR_INVALID, field, "is not UTF-8");
        return NULL;
    }
    if (!text_is_clean(text, len)) {
        judge_refuse(judge, ERROR_INVALID, field, "has a control character");
        return NULL;
    }
    char *copy = arena_copy(judge->arena, text, len);
    if (copy == NULL) {
        judge->error = error_say(judge->why, ERROR_NOMEM, "the descriptor is larger than allowed");
    }
    return copy;
}

const char *
judge_optional(struct judge *judge, const char *field, const char *text)
{
    if (judge->error != ERROR_OK || text == NULL) {
        return NULL;
    }
    return copy_text(judge, field, text);
}

const char *
judge_text(struct judge *judge, const char *field, const char *text)
{
    if (judge->error != ERROR_OK) {
        return NULL;
    }
    if (text == NULL || text[0] == '\0') {
        judge_refuse(judge, ERROR_INVALID, field, "is not set, wants a text");
        return NULL;
    }
    return copy_text(judge, field, text);
}

static bool
is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool
word_fits(const char *text, enum word_form form)
{
    const struct word_rule *rule = &word_rules[form];
    if (!is_lower_or_digit(text[0]) || (!rule->digit_first && text[0] <= '9')) {
        return false;
    }
    size_t len = 0;
    for (; text[len] != '\0' && len <= rule->bytes_max; len++) {
        if (!is_lower_or_digit(text[len]) && strchr(rule->more, text[len]) == NULL) {
            return false;
        }
    }
    return len <= rule->bytes_max;
}

bool
manifest_is_key(const char *text)
{
    return word_fits(text, WORD_KEY);
}

const char *
judge_word(struct judge *judge, const char *field, const char *text, enum word_form form)
{
    const char *word = judge_text(judge, field, text);
    if (word != NULL && !word_fits(word, form)) {
        judge_refuse(judge, ERROR_INVALID, field, "is \"%.*s\", wants %s", SHOWN_BYTES, word,
                     word_rules[form].wanted);
        return NULL;
    }
    return word;
}

/* An origin and perhaps a path: nothing that a template would have to escape or could confuse. */
bool
manifest_is_base_url(const char *text)
{
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;
    size_t len = strlen(text);
    if (scheme == 0 || text[scheme] == '\0' || text[scheme] == '/' || text[len - 1] == '/') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f ||
            strchr("{}?#@\"<>\\^`|", text[i]) != NULL) {
            return false;
        }
    }
    return true;
}

const char *
judge_base_url(struct judge *judge, const char *field, const char *text)
{
    const char *url = judge_text(judge, field, text);
    if (url != NULL && !manifest_is_base_url(url)) {
        judge_refuse(judge, ERROR_INVALID, field,
                     "is \"%.*s\", wants http:// or https://, a host and perhaps a path, without a "
                     "slash at the end",
                     SHOWN_BYTES, url);
        return NULL;
    }
    return url;
}

static size_t
list_length(const char *const *list, size_t max)
{
    size_t count = 0;
    while (list != NULL && count <= max && list[count] != NULL) {
        count++;
    }
    return count;
}

const char *const *
judge_list(struct judge *judge, const char *field, const char *const *list, size_t max, bool words)
{
    size_t count = list_length(list, max);
    if (count > max) {
        judge_refuse(judge, ERROR_TOO_BIG, field, "has more than %zu entries", max);
        return NULL;
    }
    const char **copy = judge_alloc(judge, (count + 1) * sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        char name[JUDGE_WHERE_BYTES];
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, i);
        copy[i] =
            words ? judge_word(judge, name, list[i], WORD_ID) : judge_text(judge, name, list[i]);
    }
    return copy;
}

void
judge_choice(struct judge *judge, const char *field, int32_t found, int32_t last,
             const char *wanted)
{
    if (found < 1 || found > last) {
        judge_refuse(judge, ERROR_INVALID, field, "is %" PRId32 ", wants %s", found, wanted);
    }
}

void
judge_positive(struct judge *judge, const char *field, uint32_t found)
{
    if (found == 0) {
        judge_refuse(judge, ERROR_INVALID, field, "is 0, wants more");
    }
}
