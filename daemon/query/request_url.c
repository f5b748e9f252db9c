/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* URL templates. The template's own characters move a small machine from host to port to path to
 * query; what is filled in never does, because it is encoded for where the machine stands. In the
 * end the URL is read anew by url.c, which knows nothing of all this, and must agree. */
#include "daemon/query/request_url.h"

#include <string.h>

#include "daemon/query/url.h"
#include "rollcall/plugin.h"

enum where {
    IN_HOST,     /* behind "//" or in a label */
    BEHIND_NAME, /* right behind a subject as label: a dot must follow */
    BEHIND_HOST, /* right behind {base} or {domain}: the host is over */
    IN_PORT,
    IN_PATH, /* also query and fragment: they are encoded alike */
};

struct walk {
    struct filling *filling;
    enum where where;
    char last;             /* the character before */
    struct url_origin own; /* scheme, host and port as written on purpose */
    bool has_own;
};

static int
refuse(const struct walk *walk, const char *sentence)
{
    return error_say(walk->filling->why, ERROR_INVALID, "a URL template %s", sentence);
}

/* The host is over: remember it before anything else is written. Its texts stay in the arena. */
static int
end_authority(struct walk *walk)
{
    const char *authority = NULL;
    size_t len = 0;
    int error = fill_take(walk->filling, &authority, &len);
    if (error != ERROR_OK) {
        return error;
    }
    walk->has_own = url_read_origin(authority, &walk->own);
    walk->where = IN_PATH;
    return walk->has_own ? ERROR_OK : refuse(walk, "has no proper host and port");
}

static bool
is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

/* One of the template's own characters, before the path. */
static int
step_authority(struct walk *walk, char c)
{
    if (c == '/' || c == '?' || c == '#') {
        return walk->where == BEHIND_NAME ? refuse(walk, "has a name as the end of its host")
                                          : end_authority(walk);
    }
    if (c == ':' && (walk->where == IN_HOST || walk->where == BEHIND_HOST) && !walk->has_own) {
        walk->where = IN_PORT;
        return ERROR_OK;
    }
    if (walk->where == IN_PORT) {
        return c >= '0' && c <= '9' ? ERROR_OK : refuse(walk, "has a port that is no number");
    }
    if (walk->where == BEHIND_HOST || (walk->where == BEHIND_NAME && c != '.')) {
        return refuse(walk, "goes on right behind its host");
    }
    walk->where = IN_HOST;
    return is_host_char(c) ? ERROR_OK : refuse(walk, "has a character in its host that is none");
}

static int
put_literal(struct walk *walk, const struct template_part *part)
{
    for (size_t i = 0; i < part->len; i++) {
        char c = part->text[i];
        if (!url_may_hold(c) && c != '{' && c != '}') {
            return refuse(walk, "has a character that must be written as %XX");
        }
        int error = walk->where == IN_PATH ? ERROR_OK : step_authority(walk, c);
        if (error != ERROR_OK) {
            return error;
        }
        buf_append_byte(&walk->filling->out, (uint8_t)c);
        walk->last = c;
    }
    return ERROR_OK;
}

/* A field in the host: a whole label, or the address's own domain. */
static int
put_host(struct walk *walk, const struct template_part *part)
{
    bool label_begins = walk->where == IN_HOST && (walk->last == '/' || walk->last == '.');
    bool is_name = part->field == FIELD_SUBJECT || part->field == FIELD_SUBJECT_LOWER;
    bool is_domain =
        part->field == FIELD_DOMAIN && (walk->filling->source->flags & ROLLCALL_DOMAIN_HOST) != 0;
    if (!label_begins || (!is_name && !is_domain)) {
        return refuse(walk, "has a field in its host that may not stand there");
    }
    walk->where = is_name ? BEHIND_NAME : BEHIND_HOST;
    /* The domain was judged label by label when the subject was read. */
    return fill_field(walk->filling, part, is_name ? PLACE_LABEL : PLACE_RAW);
}

static int
put_field(struct walk *walk, const struct template_part *part)
{
    if (walk->where == IN_PATH) {
        return fill_field(walk->filling, part, PLACE_URL);
    }
    return put_host(walk, part);
}

/* Write {base} or the scheme; the rest of the template is at *cursor. */
static int
begin(struct walk *walk, const char **cursor)
{
    static const char *const starts[] = { "{base}", "https://", "http://" };
    size_t i = 0;
    while (i < ARRAY_LEN(starts) && strncmp(*cursor, starts[i], strlen(starts[i])) != 0) {
        i++;
    }
    if (i == ARRAY_LEN(starts)) {
        return refuse(walk, "begins with {base}, https:// or http://");
    }
    *cursor += strlen(starts[i]);
    if (i > 0) {
        buf_append_str(&walk->filling->out, starts[i]);
        walk->last = '/';
        return ERROR_OK;
    }
    const char *base = walk->filling->source->base_url;
    walk->has_own = base != NULL && url_read_origin(base, &walk->own);
    if (!walk->has_own || strpbrk(base, "?#") != NULL) {
        return error_say(walk->filling->why, ERROR_INVALID, "base_url is no http or https URL");
    }
    buf_append_str(&walk->filling->out, base);
    walk->where = BEHIND_HOST;
    return ERROR_OK;
}

static int
walk_template(struct walk *walk, const char *cursor)
{
    int error = begin(walk, &cursor);
    while (error == ERROR_OK) {
        struct template_part part;
        error = template_next(&cursor, &part, walk->filling->why);
        if (error != ERROR_OK || part.field == FIELD_END) {
            break;
        }
        error = part.field == FIELD_LITERAL ? put_literal(walk, &part) : put_field(walk, &part);
    }
    if (error == ERROR_OK && walk->where == BEHIND_NAME) {
        return refuse(walk, "has a name as the end of its host");
    }
    return error == ERROR_OK && walk->where != IN_PATH ? end_authority(walk) : error;
}

/* Read what was written as if somebody else had written it. */
static int
judge(const struct walk *walk, const char *url)
{
    struct url_origin origin;
    if (!url_read_origin(url, &origin) || !url_same_origin(&origin, &walk->own)) {
        return refuse(walk, "does not lead to its own host once it is filled");
    }
    if (url_has_dot_segment(url)) {
        return error_say(walk->filling->why,
                         walk->filling->used_subject ? ERROR_UNACCEPTABLE : ERROR_INVALID,
                         "a path has a segment of dots once it is filled");
    }
    return ERROR_OK;
}

int
request_url(struct filling *filling, const char *url_template, const char **out_url)
{
    struct walk walk = { .filling = filling, .where = IN_HOST };
    const char *url = NULL;
    size_t len = 0;
    fill_reset(filling);
    filling->used_subject = false;
    int error = walk_template(&walk, url_template);
    if (error == ERROR_OK) {
        error = fill_take(filling, &url, &len);
    }
    if (error == ERROR_OK) {
        error = judge(&walk, url);
    }
    if (error == ERROR_OK) {
        *out_url = url;
    }
    return error;
}
