/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What an entry of any catalogue comes to: what to ask, and how to read the reply. A reader fills
 * it, rule_encode() makes the opaque bytes that the host keeps, rule_decode() reads them again in
 * each step. Whoever hands in the bytes is not trusted: every length is checked. */
#ifndef ROLLCALL_SITES_RULE_H
#define ROLLCALL_SITES_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rollcall/plugin.h>

#include "plugins/sites/pool.h"

#define RULE_MARKS_MAX 64
#define RULE_CODES_MAX 32
#define RULE_CONDITIONS_MAX 16
#define RULE_ERRORS_MAX 64

/* Which catalogue's rules: also the order of precedence when two have the same site. */
enum dialect { DIALECT_OWN, DIALECT_WMN, DIALECT_SHERLOCK, DIALECT_MAIGRET, DIALECT_COUNT };

enum reading { READING_STRICT, READING_FAITHFUL };

/* How the reply is read; an entry of Sherlock's may name several of the first three. */
enum {
    RULE_BY_MARK = 1,     /* strings of the body (`message`) */
    RULE_BY_CODE = 2,     /* the status (`status_code`) */
    RULE_BY_REDIRECT = 4, /* whether it sends away (`response_url`) */
    RULE_TWO_SIDED = 8    /* codes and strings for either side */
};

enum {
    RULE_IGNORES_403 = 1 << 0, /* 403 is a reply like others */
    RULE_SIMILAR = 1 << 1,     /* a hit means that similar names exist */
    RULE_LABEL_NAME = 1 << 2,  /* the name stands in the host: only an LDH label can be asked */
    RULE_PLAIN_NAME = 1 << 3,  /* it stands between quotes inside another language */
    RULE_CASELESS = 1 << 4     /* the site's names do not tell A from a */
};

struct rule_pair {
    const char *name;
    const char *value;
};

/* What a JSON value must be. */
enum {
    CONDITION_TEXT,    /* this text */
    CONDITION_SUBJECT, /* the name that was asked for */
    CONDITION_TRUE,
    CONDITION_FALSE,
    CONDITION_NUMBER,
    CONDITION_COUNT, /* a list or an object of so many */
    CONDITION_THERE  /* a text that is not empty, or a number */
};

struct rule_condition {
    uint8_t kind;
    const char *path;
    const char *text;
    int32_t number;
};

struct rule_error {
    uint8_t reason; /* ROLLCALL_BLOCKED … */
    const char *text;
};

/** What says that the account is there, or that it is not. */
struct rule_side {
    const char *marks[RULE_MARKS_MAX];
    size_t mark_count;
    int32_t codes[RULE_CODES_MAX];
    size_t code_count;
    struct rule_condition conditions[RULE_CONDITIONS_MAX];
    size_t condition_count;
    const char *whole; /* the body is exactly this; or NULL */
};

struct rule {
    uint8_t dialect;
    uint8_t reading;
    uint8_t kinds;
    uint8_t method; /* ROLLCALL_GET … */
    uint8_t follow; /* redirects */
    uint8_t flags;
    const char *host;    /* that is asked, without a name in front of it */
    const char *url;     /* the host's template, as are profile, headers and body */
    const char *profile; /* the page for people, or NULL */
    struct rule_pair headers[ROLLCALL_REQUEST_HEADERS_MAX];
    size_t header_count;
    const char *content_type; /* of the body; NULL: there is none */
    const char *body;
    const char *strip;    /* characters that are taken out of the name first, or NULL */
    const char *pattern;  /* PCRE2: a name that does not match is not asked for; or NULL */
    const char *encoding; /* the body's, whatever its header says; or NULL */
    struct rule_side present;
    struct rule_side absent;
    struct rule_error errors[RULE_ERRORS_MAX]; /* texts of pages that say nothing about anybody */
    size_t error_count;
};

/** Into `out` of ROLLCALL_DATA_BYTES; the length, or 0 when it does not fit. */
size_t rule_encode(const struct rule *rule, uint8_t *out);

/** Its texts point into `bytes`. False: they are not what rule_encode() makes. */
bool rule_decode(const void *bytes, size_t len, struct rule *out_rule);

/** Whether the entry itself names this code: then it may be a mark, whatever it means elsewhere. */
bool rule_names_code(const struct rule *rule, int32_t status);

/** What the verdicts rest on: ROLLCALL_EXACT, ROLLCALL_INFERRED or ROLLCALL_SIMILAR. */
int32_t rule_evidence(const struct rule *rule);

/** What the host must know of it: ROLLCALL_CODES_ARE_MARKS, ROLLCALL_CASELESS, and
 *  ROLLCALL_UNGUARDED where verdicts are another tool's. */
uint32_t rule_checker_flags(const struct rule *rule);

/** 401, 403, 407, 429 and 5xx: what says nothing about anybody unless an entry names it. */
bool is_refusing_code(int32_t status);

#endif
