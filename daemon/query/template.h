/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The grammar of a plugin's templates: literal characters, "{{" and "}}" for the braces themselves,
 * and {fields} out of one table. Reads, never fills. */
#ifndef ROLLCALL_QUERY_TEMPLATE_H
#define ROLLCALL_QUERY_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

enum field {
    FIELD_END,     /* the template is over */
    FIELD_LITERAL, /* characters as they are */
    FIELD_BASE,
    FIELD_SUBJECT,
    FIELD_SUBJECT_LOWER,
    FIELD_SUBJECT_MD5,
    FIELD_SUBJECT_SHA256,
    FIELD_LOCAL,
    FIELD_LOCAL_ZBASE32SHA1,
    FIELD_DOMAIN,
    FIELD_CONFIG, /* these four have a key */
    FIELD_SHARED,
    FIELD_VALUE,
    FIELD_SECRET
};

/* One part of a template; texts point into it. */
struct template_part {
    enum field field;
    const char *text; /* FIELD_LITERAL: the characters; else the field without its braces */
    size_t len;
    const char *key;
    size_t key_len;
};

/**
 * Read the part at *cursor and move on; FIELD_END at the end.
 * Errors: INVALID (an unknown field, a lone brace); `why` names it. Thread: any.
 */
MUST_CHECK int
template_next(const char **cursor, struct template_part *out_part, struct error_text *why);

/** Whether a field's text comes from the subject, so from a stranger. */
bool field_is_subject(enum field field);

#endif
