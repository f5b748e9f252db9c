/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* From a field to its text. What a stranger gave (the subject) is held to the strict rule of each
 * place; what the operator or the platform gave, to a milder one where the place has two. */
#include "daemon/query/fill.h"

#include <string.h>

#include "daemon/query/digest.h"

#define KEY_BYTES 64 /* of a configuration key, a shared or a named value */

/* A field's text before it is encoded; `own` holds what had to be computed. */
struct content {
    const char *text;
    size_t len;
    char own[SUBJECT_USERNAME_BYTES_MAX + 1];
};

_Static_assert(DIGEST_TEXT_BYTES <= SUBJECT_USERNAME_BYTES_MAX, "a digest fits into `own`");

void
filling_init(struct filling *filling, const struct request_source *source, struct arena *arena,
             struct error_text *why)
{
    *filling = (struct filling){ .source = source, .arena = arena, .why = why };
    buf_init(&filling->out, ROLLCALL_TEMPLATE_BYTES);
}

void
filling_fini(struct filling *filling)
{
    buf_fini(&filling->out);
}

void
fill_reset(struct filling *filling)
{
    buf_reset(&filling->out);
}

int
fill_take(struct filling *filling, const char **out_text, size_t *out_len)
{
    if (filling->out.error == ERROR_TOO_BIG) {
        return error_say(filling->why, ERROR_INVALID, "a template gives more than %d bytes",
                         ROLLCALL_TEMPLATE_BYTES);
    }
    if (filling->out.error != ERROR_OK) {
        return filling->out.error;
    }
    const char *copy = arena_copy(filling->arena, buf_str(&filling->out), filling->out.len);
    if (copy == NULL) {
        return ERROR_NOMEM;
    }
    *out_text = copy;
    *out_len = filling->out.len;
    return ERROR_OK;
}

/* ---- Fields of the subject ---------------------------------------------- */

/* Only ASCII: that is what the Web Key Directory's rule says, and what Gravatar's comes to. */
static void
lower_ascii(const char *text, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        out[i] = (char)(upper ? text[i] - 'A' + 'a' : text[i]);
    }
    out[len] = '\0';
}

static int
put_digest(enum digest digest, size_t len, const struct subject *subject, struct content *out)
{
    char lower[SUBJECT_USERNAME_BYTES_MAX + 1];
    lower_ascii(subject->value, len, lower);
    int error = digest_text(digest, lower, len, out->own);
    out->text = out->own;
    out->len = strlen(out->own);
    return error;
}

static int
subject_content(const struct subject *subject, enum field field, struct content *out)
{
    size_t len = strlen(subject->value);
    out->text = subject->value;
    out->len = len;
    switch (field) {
    case FIELD_SUBJECT_LOWER:
        lower_ascii(subject->value, len, out->own);
        out->text = out->own;
        return ERROR_OK;
    case FIELD_SUBJECT_MD5:
        return put_digest(DIGEST_MD5_HEX, len, subject, out);
    case FIELD_SUBJECT_SHA256:
        return put_digest(DIGEST_SHA256_HEX, len, subject, out);
    case FIELD_LOCAL:
        out->len = subject->at;
        return ERROR_OK;
    case FIELD_LOCAL_ZBASE32SHA1:
        return put_digest(DIGEST_SHA1_ZBASE32, subject->at, subject, out);
    case FIELD_DOMAIN:
        out->text = subject_domain(subject);
        out->len = strlen(out->text);
        return ERROR_OK;
    default:
        return ERROR_OK;
    }
}

static int
find_subject(struct filling *filling, const struct template_part *part, struct content *out)
{
    const struct subject *subject = filling->source->subject;
    bool of_address = part->field == FIELD_LOCAL || part->field == FIELD_LOCAL_ZBASE32SHA1 ||
                      part->field == FIELD_DOMAIN;
    if (subject == NULL || (of_address && subject->kind != ROLLCALL_EMAIL)) {
        return error_say(filling->why, ERROR_INVALID, "{%.*s} has no meaning here: there is no %s",
                         (int)part->len, part->text, of_address ? "address" : "subject");
    }
    filling->used_subject = true;
    return subject_content(subject, part->field, out);
}

/* ---- Fields with a key -------------------------------------------------- */

static const char *
find_value(const struct request_source *source, const char *name)
{
    for (size_t i = 0; i < source->value_count; i++) {
        if (strcmp(source->values[i].name, name) == 0) {
            return source->values[i].value;
        }
    }
    return NULL;
}

static const char *
ask_source(struct filling *filling, enum field field, const char *key)
{
    const struct request_source *source = filling->source;
    switch (field) {
    case FIELD_VALUE:
        return find_value(source, key);
    case FIELD_CONFIG:
        return source->config == NULL ? NULL : source->config(source->context, key);
    case FIELD_SHARED:
        return source->shared == NULL ? NULL : source->shared(source->context, key);
    case FIELD_SECRET:
        filling->used_secret = true;
        return source->secret == NULL ? NULL : source->secret(source->context, key);
    default:
        return NULL;
    }
}

static int
find_keyed(struct filling *filling, const struct template_part *part, struct content *out)
{
    char key[KEY_BYTES + 1] = "";
    if (filling->for_people && part->field != FIELD_VALUE) {
        return error_say(filling->why, ERROR_DENIED, "{%.*s} may not stand in a page's URL",
                         (int)part->len, part->text);
    }
    if (part->key_len <= KEY_BYTES) {
        memcpy(key, part->key, part->key_len);
    }
    out->text = ask_source(filling, part->field, key);
    if (out->text == NULL) {
        filling->lacks_secret = filling->lacks_secret || part->field == FIELD_SECRET;
        return error_say(filling->why, ERROR_NOT_FOUND, "{%.*s} is not set", (int)part->len,
                         part->text);
    }
    out->len = strlen(out->text);
    return ERROR_OK;
}

/* ---- Both --------------------------------------------------------------- */

/* The rule that a place has for what is not a stranger's. */
static enum place
milder(enum place place)
{
    return place == PLACE_HEADER || place == PLACE_PLAIN ? PLACE_VALUE : place;
}

int
fill_field(struct filling *filling, const struct template_part *part, enum place place)
{
    struct content content;
    bool of_subject = field_is_subject(part->field);
    if (part->field == FIELD_BASE) {
        return error_say(filling->why, ERROR_INVALID, "{base} stands at the start of a URL only");
    }
    int error =
        of_subject ? find_subject(filling, part, &content) : find_keyed(filling, part, &content);
    if (error != ERROR_OK) {
        return error;
    }
    error = encode(of_subject ? place : milder(place), content.text, content.len, &filling->out);
    if (error != ERROR_OK) {
        return error_say(filling->why, of_subject ? ERROR_UNACCEPTABLE : ERROR_INVALID,
                         "{%.*s} does not fit its place", (int)part->len, part->text);
    }
    return ERROR_OK;
}

int
fill_text(struct filling *filling, const char *text, enum place place, enum place literals)
{
    for (;;) {
        struct template_part part;
        int error = template_next(&text, &part, filling->why);
        if (error != ERROR_OK || part.field == FIELD_END) {
            return error;
        }
        error = part.field == FIELD_LITERAL ? encode(literals, part.text, part.len, &filling->out)
                                            : fill_field(filling, &part, place);
        if (error == ERROR_UNACCEPTABLE && part.field == FIELD_LITERAL) {
            return error_say(filling->why, ERROR_INVALID,
                             "a template has characters that cannot stand there");
        }
        if (error != ERROR_OK) {
            return error;
        }
    }
}
