/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One entry of a catalogue while it is read: its rule and what its checker says of itself. The
 * first thing that is wrong is kept with the name of its field; the readers go on as if nothing had
 * happened and ask once at the end. Texts belong to the entry's JSON or to its pool. */
#ifndef ROLLCALL_SITES_ENTRY_H
#define ROLLCALL_SITES_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/sites/ident.h"
#include "plugins/sites/node.h"
#include "plugins/sites/pattern.h"
#include "plugins/sites/pool.h"
#include "plugins/sites/rule.h"
#include "plugins/sites/template.h"

#define ENTRY_TAGS_MAX 32
#define ENTRY_KNOWN_MAX 16
#define ENTRY_FIELD_BYTES 64

enum entry_outcome {
    ENTRY_OFFERED,
    ENTRY_SKIPPED, /* nothing is wrong with it, but it is not for us */
    ENTRY_BROKEN
};

/** How a catalogue is read. */
struct reader {
    enum dialect dialect;
    enum reading reading;
    bool detours;               /* requests go to <base_url>/<id> */
    const struct node *engines; /* Maigret's; NULL elsewhere */
};

struct entry {
    const struct reader *reader;
    struct pool pool;
    enum entry_outcome outcome;
    char field[ENTRY_FIELD_BYTES]; /* that is wrong */
    struct why why;
    const char *name;
    char id[IDENT_BYTES];
    const char *home;
    const char *tags[ENTRY_TAGS_MAX + 1]; /* ends in NULL, as does `known` */
    size_t tag_count;
    const char *known[ENTRY_KNOWN_MAX + 1];
    size_t known_count;
    const char *base_url;
    const char *absent;
    int32_t method;   /* ROLLCALL_DOCUMENTED … */
    int32_t evidence; /* 0: as the rule says */
    uint32_t rate_count;
    uint32_t rate_seconds;
    uint32_t concurrency;
    unsigned names; /* places for the name in the request */
    struct dialect_words words;
    unsigned mad_patterns;   /* that gave up, over all entries: stays when the next one begins */
    struct pattern *pattern; /* rule.pattern, compiled until entry_finish(); or NULL */
    struct rule rule;
};

/** Empty it for the next one, and name it. */
void entry_begin(struct entry *entry, const struct reader *reader, const char *name);

__attribute__((format(printf, 3, 4))) void
entry_break(struct entry *entry, const char *field, const char *format, ...);
/** `why` stays a whole sentence: skipped entries are listed by it. */
void entry_skip(struct entry *entry, const char *why);

/* ---- Fields: NULL, 0 or false where they are not there; one of another type breaks the entry --
 */

const char *entry_text(struct entry *entry, const struct node *node, const char *field);
/** As entry_text(); one that is not there, or empty, breaks it. */
const char *entry_need_text(struct entry *entry, const struct node *node, const char *field);
bool entry_flag(struct entry *entry, const struct node *node, const char *field);
/** Where texts are put. */
struct texts {
    const char **texts;
    size_t max;
    size_t *count;
    bool cuts; /* what does not fit is left out, and does not break the entry */
};
/** A text or a list of texts, appended. Empty ones say nothing and are left out. */
void entry_texts(struct entry *entry, const struct node *node, const char *field,
                 const struct texts *out);
/** A number or a list of numbers: codes of HTTP. */
void entry_codes(struct entry *entry, const struct node *node, const char *field,
                 struct rule_side *side);

/* ---- What all formats have ------------------------------------------------------------- */

/** The request's URL, with base_url, flags and the places for the name. */
void entry_url(struct entry *entry, const char *field, const char *text);
/** An object of names and values. Content-Type is kept for the body; what only a host may set is
 *  left out; a Host that is not the URL's own breaks or skips it. After entry_url(). */
void entry_headers(struct entry *entry, const struct node *node, const char *field);
/** A pattern of Python's for legal names. */
void entry_pattern(struct entry *entry, const char *field, const char *text);
/** A word as a tag: lower case, spaces as hyphens. */
void entry_tag(struct entry *entry, const char *text);
void entry_known(struct entry *entry, const char *name);
/** What can only be judged once all is there: a place for the name, a name that cannot exist. To be
 *  called for every entry that was begun. */
void entry_finish(struct entry *entry);

#endif
