/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Templates to a request: fills what a plugin named, encoding each part for its place, so that a
 * name can never change where a request goes.
 *
 * A URL template begins with {base}, http:// or https://. In its host a subject is one whole label
 * with a dot behind it, or, with ROLLCALL_DOMAIN_HOST, {domain} is the end of the host. A header
 * that names a secret which is not set is left out; anything else that names one cannot be filled.
 * A request that carries a secret goes to the origin (scheme, host, port) of base_url only, and
 * follows no redirects. A header may begin with {base}: then it is filled like a URL. */
#ifndef ROLLCALL_QUERY_REQUEST_H
#define ROLLCALL_QUERY_REQUEST_H

#include <stdbool.h>

#include "daemon/base/arena.h"
#include "daemon/base/error.h"
#include "daemon/exec/fetch.h"
#include "daemon/plugin/call.h"
#include "daemon/query/subject.h"

/* All texts of one filled request: URL, headers, body, each at most ROLLCALL_TEMPLATE_BYTES. */
#define REQUEST_ARENA_BYTES                                                                        \
    ((2 * ROLLCALL_REQUEST_HEADERS_MAX + 8) * (ROLLCALL_TEMPLATE_BYTES + 64))

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
 * Fill an answer's request (outcome CALL_REQUEST). After filling, the URL is read again and must
 * have the scheme, host and port that were written into it on purpose.
 *
 * Owner:  all texts of *out_request live in `arena`, but for stop_at, which is the answer's.
 * Cookies, body_max and timeout_us are the caller's to set. Errors: INVALID (the template is wrong:
 * plugin_failed), UNACCEPTABLE (the subject does not fit the place: not_a_valid_name), NOT_FOUND
 * (no such key, value or shared value; `why` names it), DENIED (a secret for another host than
 * base_url's), NOMEM. `why` never holds the subject. Thread: any.
 */
MUST_CHECK int
request_fill(const struct call_answer *answer, const struct request_source *source,
             struct arena *arena, struct fetch_request *out_request, struct error_text *why);

/** Whether a filled request is a look-up of SRV records: then its `url` is the name of the service,
 *  which begins as no URL does, and nothing else in it counts. */
bool request_is_srv(const struct fetch_request *request);

/** A profile URL template for people, filled as above, from {base}, {value:…} and what comes of the
 *  subject only. Errors: as above. */
MUST_CHECK int request_fill_profile(const char *url_template, const struct request_source *source,
                                    struct arena *arena, const char **out_url);

/** The names of the shared values that an answer's templates use, one by one: false when no more.
 *  *cursor is 0 at first. */
bool request_next_shared(const struct call_answer *answer, size_t *cursor, char *out_name,
                         size_t name_bytes);

#endif
