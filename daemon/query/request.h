/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Templates to a request: fills what a plugin named, encoding each part for its place, so that a
 * name can never change where a request goes. */
#ifndef ROLLCALL_QUERY_REQUEST_H
#define ROLLCALL_QUERY_REQUEST_H

#include "daemon/base/arena.h"
#include "daemon/base/error.h"
#include "daemon/exec/fetch.h"
#include "daemon/plugin/call.h"
#include "daemon/query/subject.h"

/* Where placeholders get their text. Look-ups give NULL for what is not there. Borrowed. */
struct request_source {
    const struct subject *subject;  /* NULL in the step of a shared value */
    const char *base_url;           /* configured; "http://127.0.0.1:8080/github" */
    uint32_t flags;                 /* the checker's */
    const struct call_pair *values; /* {value:…} */
    size_t value_count;
    const char *(*config)(void *context, const char *key);
    const char *(*secret)(void *context, const char *key);
    const char *(*shared)(void *context, const char *name);
    void *context;
};

/**
 * Fill an answer's request (outcome CALL_REQUEST). After filling, the URL is parsed again and must
 * have the scheme, host and port that the template has without a subject. Owner:  all texts of
 * *out_request live in `arena`. Errors: INVALID (the template is wrong: plugin_failed),
 * UNACCEPTABLE (the subject does not fit the place: not_a_valid_name), NOT_FOUND (no such key,
 * value or shared value; `why` names it), DENIED (a secret for another host than base_url's),
 * NOMEM. `why` never holds the subject. Thread: [loop].
 */
MUST_CHECK int
request_fill(const struct call_answer *answer, const struct request_source *source,
             struct arena *arena, struct fetch_request *out_request, struct error_text *why);

/** A profile URL template for people, filled as above; only {subject}, {base} and {value:…}. */
MUST_CHECK int request_fill_profile(const char *url_template, const struct request_source *source,
                                    struct arena *arena, const char **out_url);

/** The names of the shared values that an answer's templates use, one by one: false when no more.
 */
bool request_next_shared(const struct call_answer *answer, size_t *cursor, char *out_name,
                         size_t name_bytes);

#endif
