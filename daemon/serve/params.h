/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The params of a call, judged against a table: names, types, ranges. What has been judged is read
 * without further checks. Pure. */
#ifndef ROLLCALL_SERVE_PARAMS_H
#define ROLLCALL_SERVE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/error.h"
#include "daemon/base/json.h"
#include "daemon/query/query.h"

/* A list of platforms names each at most once or twice; the whole of a large catalogue fits. */
#define PARAMS_TEXTS_MAX 4096
#define PARAMS_TEXT_BYTES_MAX 256

/* Bounds what one call's lists may cost. */
#define PARAMS_ARENA_BYTES ((size_t)2 * 1024 * 1024)

enum param_type { PARAM_STRING, PARAM_TEXTS, PARAM_BOOL, PARAM_INTEGER, PARAM_SUBJECT };

struct param {
    const char *name;
    enum param_type type;
    bool is_required;
    int64_t min; /* INTEGER: least and most; STRING: most bytes in `max`, 0 for the default */
    int64_t max;
    const char *const *choices; /* STRING: the words allowed, NULL-terminated; NULL: any */
};

/** Judge `params` (NULL: none were given). Errors: INVALID; `why` names the parameter, what was
 *  found and what is allowed. */
MUST_CHECK int params_judge(const struct json *params, const struct param *table, size_t count,
                            struct error_text *why);

/** Read the judged params of `check` and `submit`.
 *  Owner:  *out_request points into `params` and `arena`.
 *  Errors: INVALID (the subject, and `why` never holds it), NOMEM. */
MUST_CHECK int params_read_query(const struct json *params, struct arena *arena,
                                 struct query_request *out_request, struct error_text *why);

#endif
