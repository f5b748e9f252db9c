/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads the recorded cases of a plugin (plugins/<name>/cases/): one file, one chain of exchanges
 * and the verdict that it must give. Judges their form, not their content. All that comes out lives
 * in the caller's arena. Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_CASES_H
#define ROLLCALL_TESTS_WORLD_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/error.h"

#define CASE_FILE_BYTES_MAX (4u * 1024 * 1024)
#define CASE_EXCHANGES_MAX 16
#define CASE_HEADERS_MAX 64

struct case_header {
    const char *name;
    const char *value;
};

struct case_request {
    const char *method;
    const char *url;  /* as written: "{base}/users/octocat" */
    const char *body; /* NULL: none */
};

struct case_reply {
    int status;
    const struct case_header *headers; /* a name given a list of values comes once for each */
    size_t header_count;
    const char *body; /* a "json" body as compact text; a NUL behind it */
    size_t body_len;
    bool truncated; /* the host cut it there */
};

struct case_exchange {
    struct case_request request;
    struct case_reply reply;
};

struct case_file {
    const char *stem; /* the file's name without ".json" */
    const char *path;
    const char *title; /* "" when it has none */
    const char *platform;
    const char *kind; /* "email" or "username" */
    const char *subject;
    const char *verdict; /* "registered", "unregistered" or "unknown" */
    const char *reason;  /* "" but with unknown */
    const char *url;     /* "" when none is expected */
    int64_t retry_after_ms;
    const struct case_exchange *exchanges; /* none for a name that costs no request */
    size_t exchange_count;
};

struct case_set {
    const struct case_file *cases; /* in the order of their stems */
    size_t count;
};

/** Read one file. Errors: NOT_FOUND, IO, TOO_BIG, PARSE, UNACCEPTABLE, INVALID, NOMEM; `why` names
 *  file, member and what is wrong. */
MUST_CHECK int case_read(const char *path, struct arena *arena, struct case_file *out_case,
                         struct error_text *why);

/** Read all *.json of a folder. Errors: as above; NOT_FOUND when there is no such folder. */
MUST_CHECK int case_read_folder(const char *folder, struct arena *arena, struct case_set *out_set,
                                struct error_text *why);

#endif
