/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The platforms as they are played: which reply a request gets, from the script and the recorded
 * cases. Knows nothing of sockets. All lives in one arena. Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_STAGE_H
#define ROLLCALL_TESTS_WORLD_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "tests/world/pattern.h"
#include "tests/world/script.h"

struct stage;

struct stage_options {
    const char *script;
    const char *cases; /* the folder that holds <platform>/cases/ */
    double scale;      /* multiplies latencies */
    const char *const *catalogs;
    size_t catalog_count;
};

/** Read script, cases and catalogues. Owner: free with stage_free(). Errors: as script_read(),
 *  case_read() and catalog_read(); INVALID when a platform lacks the cases that its script needs.
 */
MUST_CHECK int
stage_new(const struct stage_options *options, struct stage **out_stage, struct error_text *why);
void stage_free(struct stage **stage);

/** The names of the script. Borrowed. */
const struct script_dns *stage_dns(const struct stage *stage);

/* How one request is answered. */
struct play {
    char platform[SCRIPT_NAME_BYTES_MAX + 1]; /* the first segment, cut; as the client wrote it */
    const struct script_platform *script;     /* NULL: there is no such platform */
    const struct case_file *source;           /* NULL: no case knows this request */
    const struct case_reply *reply;           /* of that case; NULL likewise */
    char subject[SUBJECT_BYTES_MAX]; /* who was asked for; "" when the request does not say */
    enum fault fault;                /* FAULT_NONE when it is not for this subject */
    int64_t delay_us;                /* before the reply or the fault */
    bool is_padded;                  /* a cut reply, forced: more has to follow */
};

/** Decide. `target` is the whole of it, "/github/users/octocat"; `body` may be NULL. */
void stage_play(const struct stage *stage, const char *method, const char *target, const char *body,
                struct play *out_play);

/** What is true of the catalogues' sites, as JSON. Errors: NOMEM, TOO_BIG. */
MUST_CHECK int stage_print_catalog(const struct stage *stage, struct buf *out);

#endif
