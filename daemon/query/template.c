/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reading templates. Pure; a template is a plugin's text, so every way to get it wrong has a
 * sentence. */
#include "daemon/query/template.h"

#include <string.h>

/* A name that ends in ':' wants a key behind it. */
static const struct {
    const char *name;
    enum field field;
} fields[] = {
    { "base", FIELD_BASE },
    { "subject", FIELD_SUBJECT },
    { "subject:lower", FIELD_SUBJECT_LOWER },
    { "subject:md5", FIELD_SUBJECT_MD5 },
    { "subject:sha256", FIELD_SUBJECT_SHA256 },
    { "local", FIELD_LOCAL },
    { "local:zbase32sha1", FIELD_LOCAL_ZBASE32SHA1 },
    { "domain", FIELD_DOMAIN },
    { "config:", FIELD_CONFIG },
    { "shared:", FIELD_SHARED },
    { "value:", FIELD_VALUE },
    { "secret:", FIELD_SECRET },
};

bool
field_is_subject(enum field field)
{
    return field >= FIELD_SUBJECT && field <= FIELD_DOMAIN;
}

/* Find the part's field by its text, and its key. */
static bool
find_field(struct template_part *part)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        size_t len = strlen(fields[i].name);
        bool keyed = fields[i].name[len - 1] == ':';
        bool fits = keyed ? part->len > len : part->len == len;
        if (fits && memcmp(part->text, fields[i].name, len) == 0) {
            part->field = fields[i].field;
            part->key = part->text + len;
            part->key_len = part->len - len;
            return true;
        }
    }
    return false;
}

static int
read_field(const char **cursor, struct template_part *part, struct error_text *why)
{
    const char *end = strchr(*cursor, '}');
    if (end == NULL) {
        return error_say(why, ERROR_INVALID,
                         "a template has a '{' without its '}'; write \"{{\" "
                         "for the brace itself");
    }
    part->text = *cursor + 1;
    part->len = (size_t)(end - part->text);
    if (!find_field(part)) {
        return error_say(why, ERROR_INVALID, "a template names {%.*s}, which is no field",
                         part->len < 64 ? (int)part->len : 64, part->text);
    }
    *cursor = end + 1;
    return ERROR_OK;
}

/* Characters up to the next brace; or one doubled brace. */
static int
read_literal(const char **cursor, struct template_part *part, struct error_text *why)
{
    const char *text = *cursor;
    part->text = text;
    part->len = strcspn(text, "{}");
    if (part->len > 0) {
        *cursor = text + part->len;
        return ERROR_OK;
    }
    if (text[0] != text[1]) {
        return error_say(why, ERROR_INVALID,
                         "a template has a lone '}'; write \"}}\" for the "
                         "brace itself");
    }
    part->len = 1;
    *cursor = text + 2;
    return ERROR_OK;
}

int
template_next(const char **cursor, struct template_part *out_part, struct error_text *why)
{
    const char *text = *cursor;
    struct template_part part = { .field = *text == '\0' ? FIELD_END : FIELD_LITERAL };
    int error = ERROR_OK;
    if (part.field != FIELD_END) {
        bool is_field = text[0] == '{' && text[1] != '{';
        error = is_field ? read_field(cursor, &part, why) : read_literal(cursor, &part, why);
    }
    if (error == ERROR_OK) {
        *out_part = part;
    }
    return error;
}
