/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One entry of a catalogue: what a proper reply of the site looks like when the name is there and
 * when it is not, and what may be concluded from any reply. Written for the world alone, from the
 * formats' descriptions, so that it can be held against what the daemon concludes. All lives in the
 * catalogue's arena. Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_SITE_H
#define ROLLCALL_TESTS_WORLD_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "tests/world/cases.h"

#define SITE_ID_BYTES_MAX 64
#define SITE_CODES_MAX 16

/* How an entry decides; the first three may come together: then all must say present. */
enum site_rule {
    SITE_MESSAGE = 1 << 0,  /* marks in the body */
    SITE_STATUS = 1 << 1,   /* the status alone */
    SITE_REDIRECT = 1 << 2, /* whether it redirects */
    SITE_TWO_SIDED = 1 << 3 /* a status and a mark for each side */
};

/* Stands in a mark for the name that was asked for. */
#define SITE_SUBJECT "{subject}"

struct site_texts {
    const char *const *texts; /* any one of them is enough */
    size_t count;
};

struct site {
    const char *id;
    const char *name;
    const char *catalog; /* the file's name without ".json" */
    unsigned rules;
    struct site_texts present;
    struct site_texts absent;
    int present_code; /* of two-sided entries; else 0 */
    int absent_code;
    int codes[SITE_CODES_MAX]; /* that mean absent, by the entry's own word */
    size_t code_count;
    bool follows;        /* redirects, so that one is never the reply */
    bool is_host;        /* the name stands in the host: only a label can be asked for */
    bool is_quoted;      /* it stands between quotes inside another language: only plain names */
    const char *strip;   /* characters that a name may not have, or NULL */
    const char *pattern; /* of legal names; NULL: any */
    bool is_adult;
    bool is_similar; /* it finds names like this one, so it proves nothing */
    bool is_public;  /* it shows only some names, so absence proves nothing */
    bool is_bare[2]; /* of the reply for absence, for presence: its mark is the whole body */
};

enum site_verdict { SITE_UNKNOWN, SITE_PRESENT, SITE_ABSENT };

/** What the strict reading says of a reply that came whole. `location` may be NULL. */
enum site_verdict
site_judge(const struct site *site, int status, const char *body, const char *location);

/** "registered", "unregistered" or "unknown". */
const char *site_verdict_word(enum site_verdict verdict);

/** Whether the entry looks at bodies at all: if not, nothing that is wrong with one matters. */
bool site_reads_bodies(const struct site *site);

/** The site's own reply when the name is there, or when it is not. Errors: NOMEM. */
MUST_CHECK int
site_reply(const struct site *site, bool is_present, struct arena *arena, struct case_reply *out);

/** A reply of the status for presence, with no mark of either side. Errors: NOMEM. */
MUST_CHECK int site_neutral(const struct site *site, struct arena *arena, struct case_reply *out);

/** The id that an entry's name gives: all its letters and digits of ASCII in lower case, and "x"
 * and eight digits behind them when there are none, too many, or letters of others. NULL out of
 * memory.
 */
MUST_CHECK const char *site_id(struct arena *arena, const char *name);

#endif
