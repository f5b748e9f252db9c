/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A request taken apart, and recorded requests with holes where their subject stood. Parts are
 * decoded before they are compared, so it does not matter how a client encodes: a space as '+' or
 * %20, an '@' as it is or as %40. All lives in the caller's arena. Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_PATTERN_H
#define ROLLCALL_TESTS_WORLD_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/error.h"

#define PARTS_MAX 64
#define SUBJECT_BYTES_MAX 1024

enum part_place {
    PART_SEGMENT, /* of the path */
    PART_NAME,    /* of the query: a name and a value each */
    PART_VALUE,
    PART_FORM_NAME, /* of a body that is a form */
    PART_FORM_VALUE,
    PART_BODY /* any other body, as it is */
};

struct part {
    enum part_place place;
    const char *text; /* in a pattern with the bytes below for holes */
};

/* Bytes in a pattern's text that stand for what a request put there. */
#define HOLE_SUBJECT '\1'
#define HOLE_LOCAL '\2'
#define HOLE_DOMAIN '\3'

struct parts {
    const char *method;
    struct part items[PARTS_MAX];
    size_t count;
};

/** Take a request apart: `target` is path and query, `body` may be NULL. Errors: TOO_BIG (more than
 *  PARTS_MAX parts), NOMEM. */
MUST_CHECK int parts_split(struct arena *arena, const char *method, const char *target,
                           const char *body, struct parts *out_parts);

/** Put holes where the subject stands in a recorded request: as a whole part or inside one, in any
 *  case; of an address also its local part and its domain, where they are whole parts.
 *  Errors: NOMEM. */
MUST_CHECK int parts_make_holes(struct arena *arena, const char *subject, struct parts *parts);

bool parts_are_equal(const struct parts *one, const struct parts *other);
bool parts_have_hole(const struct parts *parts);

/** Whether a request fits a pattern. *out_subject: what stands in its holes ("" without holes; only
 *  the local part where the pattern shows no more). It is left alone when the request does not fit.
 */
bool parts_match(const struct parts *pattern, const struct parts *request,
                 char out_subject[SUBJECT_BYTES_MAX]);

#endif
