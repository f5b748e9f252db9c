/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The templates of each catalogue, made into the host's. The place for the name is {} at Sherlock,
 * {account} at WhatsMyName, {username} in Python's str.format at Maigret, {subject} in Rollcall's
 * own. All else is kept as it is: braces are doubled, what a URL cannot hold is written as %XX. */
#ifndef ROLLCALL_SITES_TEMPLATE_H
#define ROLLCALL_SITES_TEMPLATE_H

#include <stdbool.h>

#include "plugins/sites/node.h"
#include "plugins/sites/pool.h"
#include "plugins/sites/rule.h"

/** What is needed to read an entry's templates. */
struct dialect_words {
    enum dialect dialect;
    const char *url_main; /* Maigret's {urlMain} and {urlSubpath}; NULL elsewhere */
    const char *url_subpath;
    bool collapses; /* runs of '/' that do not stand behind ':' become one */
    const char
        *detour; /* an id: URLs lead to `<base>/<id>` and their own path; NULL: nowhere else */
};

/** A URL as the host wants it. */
struct url_template {
    const char *url;      /* "{base}/users/{subject}" */
    const char *base_url; /* "https://api.example.org" */
    const char *host;     /* "api.example.org", without a name that stands in front */
    unsigned names;       /* how often the name stands in it */
    bool name_in_host;
    bool name_in_quotes;
};

/** A request's URL; what is behind '#' is dropped, for nobody is sent it. */
bool template_url(struct pool *pool, const struct dialect_words *words, const char *text,
                  struct url_template *out, struct why *why);

/** A page for people: a whole URL, without {base}. NULL and no sentence: it is no URL. */
const char *
template_profile(struct pool *pool, const struct dialect_words *words, const char *text);

/** A raw body, `out_names` counts the places for the name; NULL and a sentence: it is none. */
const char *template_text(struct pool *pool, const struct dialect_words *words, const char *text,
                          unsigned *out_names, struct why *why);

/** A body of JSON: the name is put into the texts, never into keys. As template_text(). */
const char *template_json(struct pool *pool, const struct dialect_words *words,
                          const struct node *node, unsigned *out_names, struct why *why);

/** A form: an object's members, URL-encoded. As template_text(). */
const char *template_form(struct pool *pool, const struct dialect_words *words,
                          const struct node *object, unsigned *out_names, struct why *why);

/** A text without a place for the name, such as a header's value: braces doubled. */
const char *template_literal(struct pool *pool, const char *text);

/** Whether the name stands right between quotes, so that it is a text in another language. */
bool template_is_quoted(const char *body);

#endif
