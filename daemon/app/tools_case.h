/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A recorded case: one file with a chain of exchanges and the verdict that they must give. */
#ifndef ROLLCALL_APP_TOOLS_CASE_H
#define ROLLCALL_APP_TOOLS_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/error.h"
#include "daemon/plugin/call.h"
#include "daemon/query/subject.h"

#define CASE_FILE_BYTES_MAX (4 * 1024 * 1024)
#define CASE_ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define CASE_EXCHANGES_MAX 32

struct case_exchange {
    const char *method;
    const char *url;  /* "{base}/…" or a whole one */
    const char *body; /* NULL: not compared */
    struct call_reply reply;
};

struct case_file {
    const char *title;
    const char *platform;
    struct subject subject;
    const struct case_exchange *exchanges;
    size_t exchange_count;
    const char *verdict; /* "registered", "unregistered", "unknown" */
    const char *reason;  /* NULL unless the verdict is unknown */
    bool has_retry_after;
    int64_t retry_after_ms;
    const char *url; /* NULL: not compared */
};

/**
 * Read one case.
 * Owner:  all lives in `arena`. Errors: IO, TOO_BIG, PARSE, INVALID, NOMEM; `why` is one sentence
 * that names the field. Thread: any.
 */
MUST_CHECK int case_read(const char *path, struct arena *arena, struct case_file *out_case,
                         struct error_text *why);

#endif
