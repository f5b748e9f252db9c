/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Filling templates: looks each field up, encodes it for its place. For request.c, which knows the
 * places. */
#ifndef ROLLCALL_QUERY_FILL_H
#define ROLLCALL_QUERY_FILL_H

#include <stdbool.h>

#include "daemon/base/buf.h"
#include "daemon/query/encode.h"
#include "daemon/query/request.h"
#include "daemon/query/template.h"

/* One filling: what came out so far and what it was made of. On the stack of request.c. */
struct filling {
    const struct request_source *source;
    struct arena *arena; /* where finished texts go */
    struct buf out;
    struct error_text *why;
    bool used_subject;
    bool used_secret;
    bool lacks_secret; /* a secret was named that is not set */
    bool for_people;   /* a profile's URL: nothing that is ours alone may stand in it */
};

void filling_init(struct filling *filling, const struct request_source *source, struct arena *arena,
                  struct error_text *why);
void filling_fini(struct filling *filling);

/** Append one field, encoded. Errors: INVALID, UNACCEPTABLE, NOT_FOUND, DENIED, UNSUPPORTED. */
MUST_CHECK int
fill_field(struct filling *filling, const struct template_part *part, enum place place);

/** Append a template's literals, written for `literals`, and its fields, encoded for `place`. */
MUST_CHECK int
fill_text(struct filling *filling, const char *text, enum place place, enum place literals);

/** Begin a new text. */
void fill_reset(struct filling *filling);

/** The text so far, copied into the arena. Errors: INVALID (over-long), NOMEM. */
MUST_CHECK int fill_take(struct filling *filling, const char **out_text, size_t *out_len);

#endif
