/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Names of services (RFC 2782), as templates. A field stands where one may stand in a URL's host,
 * so a subject is one label of the name and never the service. */
#include <string.h>

#include "daemon/query/request_url.h"
#include "rollcall/plugin.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

static int
refuse(const struct filling *filling, const char *sentence)
{
    return error_say(filling->why, ERROR_INVALID, "the name of a service %s", sentence);
}

/* "_xmpp-client._tcp." and then something. */
static bool
names_service(const char *text)
{
    size_t service = strcspn(text, ".{");
    const char *rest = text + service;
    bool has_service = text[0] == '_' && service > 1;
    bool has_protocol = strncmp(rest, "._tcp.", 6) == 0 || strncmp(rest, "._udp.", 6) == 0;
    return has_service && has_protocol && rest[6] != '\0';
}

/* Behind a dot, and with a dot or nothing behind it. */
static bool
is_whole_label(const struct filling *filling, const char *behind)
{
    const struct buf *out = &filling->out;
    bool begins = out->len > 0 && out->bytes[out->len - 1] == '.';
    return begins && (*behind == '\0' || *behind == '.');
}

static int
put_part(struct filling *filling, const struct template_part *part, const char *behind)
{
    bool is_name = part->field == FIELD_SUBJECT || part->field == FIELD_SUBJECT_LOWER;
    bool is_domain =
        part->field == FIELD_DOMAIN && (filling->source->flags & ROLLCALL_DOMAIN_HOST) != 0;
    if (part->field == FIELD_LITERAL) {
        buf_append(&filling->out, part->text, part->len);
        return strspn(part->text, NAME_CHARS) >= part->len
                   ? ERROR_OK
                   : refuse(filling, "has a character that is none of a host's");
    }
    if ((!is_name && !is_domain) || !is_whole_label(filling, behind)) {
        return refuse(filling, "has a field that may not stand there");
    }
    return fill_field(filling, part, is_name ? PLACE_LABEL : PLACE_RAW);
}

int
request_srv(struct filling *filling, const char *name_template, const char **out_name)
{
    const char *cursor = name_template;
    size_t len = 0;
    fill_reset(filling);
    if (!names_service(name_template)) {
        return refuse(filling, "begins with the service, \"_xmpp-client._tcp.\"");
    }
    for (;;) {
        struct template_part part;
        int error = template_next(&cursor, &part, filling->why);
        if (error != ERROR_OK) {
            return error;
        }
        if (part.field == FIELD_END) {
            return fill_take(filling, out_name, &len);
        }
        error = put_part(filling, &part, cursor);
        if (error != ERROR_OK) {
            return error;
        }
    }
}
