/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. Sherlock and WhatsMyName replace one word wherever it stands; Maigret uses
 * Python's str.format, where every other brace is doubled; Rollcall's own are the host's. */
#include "plugins/sites/expand.h"

#include <string.h>

#define FIELD_SHOWN 40

static bool
add(struct expanded *out, const char *text, size_t len, struct why *why)
{
    if (len > EXPANDED_BYTES - out->len) {
        return say(why, "is longer than %d bytes", EXPANDED_BYTES);
    }
    for (size_t i = 0; i < len; i++) {
        if (is_mark(text[i])) {
            return say(why, "has a control character");
        }
    }
    memcpy(out->text + out->len, text, len);
    out->len += len;
    return true;
}

static bool
add_mark(struct expanded *out, char mark, struct why *why)
{
    if (out->len == EXPANDED_BYTES) {
        return say(why, "is longer than %d bytes", EXPANDED_BYTES);
    }
    out->text[out->len++] = mark;
    out->names++;
    return true;
}

/* Every place of `word` becomes the name; all else stays. */
static bool
expand_word(const char *text, const char *word, struct expanded *out, struct why *why)
{
    for (;;) {
        const char *place = strstr(text, word);
        size_t len = place != NULL ? (size_t)(place - text) : strlen(text);
        if (!add(out, text, len, why)) {
            return false;
        }
        if (place == NULL) {
            return true;
        }
        if (!add_mark(out, MARK_NAME, why)) {
            return false;
        }
        text = place + strlen(word);
    }
}

struct field {
    const char *name;
    char mark;        /* the name, or 0 */
    const char *text; /* else this; NULL: there is none */
};

/* The fields that a dialect has; the last one has no name. */
static bool
add_field(const struct field *fields, struct span name, struct expanded *out, struct why *why)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (strlen(field->name) == name.len && memcmp(field->name, name.bytes, name.len) == 0) {
            return field->mark != 0 ? add_mark(out, field->mark, why)
                                    : add(out, field->text, strlen(field->text), why);
        }
    }
    return say(why, "names {%.*s}, which is no field",
               name.len < FIELD_SHOWN ? (int)name.len : FIELD_SHOWN, name.bytes);
}

/* {field}, {{ and }}. */
static bool
expand_fields(const char *text, const struct field *fields, struct expanded *out, struct why *why)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "{}");
        if (len == 0 && text[0] == text[1]) {
            if (!add(out, text, 1, why)) {
                return false;
            }
            text += 2;
            continue;
        }
        if (len > 0) {
            if (!add(out, text, len, why)) {
                return false;
            }
            text += len;
            continue;
        }
        const char *end = text[0] == '{' ? strchr(text, '}') : NULL;
        if (end == NULL) {
            return say(why, "has a brace without its other half");
        }
        const struct span name = { text + 1, (size_t)(end - text - 1) };
        if (!add_field(fields, name, out, why)) {
            return false;
        }
        text = end + 1;
    }
    return true;
}

static void
collapse_slashes(struct expanded *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < out->len; i++) {
        bool is_run = out->text[i] == '/' && kept > 0 && out->text[kept - 1] == '/' &&
                      !(kept > 1 && out->text[kept - 2] == ':');
        if (!is_run) {
            out->text[kept++] = out->text[i];
        }
    }
    out->len = kept;
}

static const char *
or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static bool
expand_dialect(const struct dialect_words *words, const char *text, struct expanded *out,
               struct why *why)
{
    const struct field maigret[] = { { "username", MARK_NAME, NULL },
                                     { "urlMain", 0, or_empty(words->url_main) },
                                     { "urlSubpath", 0, or_empty(words->url_subpath) },
                                     { NULL, 0, NULL } };
    static const struct field own[] = { { "subject", MARK_NAME, NULL },
                                        { "subject:lower", MARK_LOWER, NULL },
                                        { NULL, 0, NULL } };
    switch (words->dialect) {
    case DIALECT_SHERLOCK:
        return expand_word(text, "{}", out, why);
    case DIALECT_WMN:
        return expand_word(text, "{account}", out, why);
    case DIALECT_MAIGRET:
        return expand_fields(text, maigret, out, why);
    default:
        return expand_fields(text, own, out, why);
    }
}

bool
expand(const struct dialect_words *words, const char *text, struct expanded *out, struct why *why)
{
    out->len = 0;
    out->names = 0;
    if (!expand_dialect(words, text, out, why)) {
        return false;
    }
    if (words->collapses) {
        collapse_slashes(out);
    }
    out->text[out->len] = '\0';
    return true;
}

const char *
name_field(char mark)
{
    return mark == MARK_LOWER ? "{subject:lower}" : "{subject}";
}
