/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One plugin call and its answer, as structs and as bytes. The bytes are what crosses between the
 * daemon and whoever runs the plugin, a thread today or a sandboxed process; each side treats the
 * other's as a stranger's: every length, enum, text and count is checked when decoding. Bounded by
 * CALL_REQUEST_BYTES_MAX and CALL_ANSWER_BYTES_MAX. Shared by the daemon and its workers. */
#ifndef ROLLCALL_PLUGIN_CALL_H
#define ROLLCALL_PLUGIN_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "daemon/plugin/manifest.h"

#define CALL_VERSION 1
#define CALL_REQUEST_BYTES_MAX (ROLLCALL_BODY_CEILING + 128 * 1024)
#define CALL_ANSWER_BYTES_MAX (128 * 1024)
/* An answer to enumerate carries many checkers. */
#define CALL_ENUMERATION_BYTES_MAX (512 * 1024 * 1024)

/* Of a reply: header fields, and bytes of its URL after redirects. */
#define CALL_HEADERS_MAX 64
#define CALL_URL_BYTES_MAX (40 * 1024)
/* Of one request: fields of a form, and bytes of all its templates together. */
#define CALL_FORM_MAX 64
#define CALL_TEMPLATES_BYTES_MAX (64 * 1024)
/* Of one check: values that it keeps, and all that is carried from step to step. */
#define CALL_VALUES_MAX 64
#define CALL_CARRIED_BYTES_MAX (2 * ROLLCALL_STATE_BYTES + 8 * CALL_VALUES_MAX + 16)
/* Of one enumeration: checkers, and sentences about its data. */
#define CALL_CHECKERS_MAX 1000000
#define CALL_NOTES_MAX 300
/* What a retry-after may ask for: longer ones are cut. */
#define CALL_RETRY_AFTER_MS_MAX (24 * INT64_C(3600000))

enum call_kind { CALL_STEP = 1, CALL_BLOCK = 2, CALL_SHARED = 3, CALL_ENUMERATE = 4 };

struct call_pair {
    const char *name;
    const char *value;
};

/* The reply that a step is to read. */
struct call_reply {
    int32_t status;
    bool truncated;
    int32_t stop_hit; /* -1: none */
    const char *url;
    const struct call_pair *headers;
    size_t header_count;
    const char *body;
    size_t body_len;
};

struct call_request {
    enum call_kind kind;
    uint32_t index;       /* of the checker or of the shared value in the descriptor */
    bool enumerated;      /* then `data` names the checker, not `index` */
    uint32_t flags;       /* the checker's */
    uint32_t step;        /* from 0 */
    int32_t subject_kind; /* 0: none */
    const char *subject;
    const void *data;
    size_t data_len;
    const void *carried; /* state and values as the last answer gave them; NULL at first */
    size_t carried_len;
    const struct call_reply *reply; /* NULL at first */
};

enum call_outcome {
    CALL_FAILED = 0,
    CALL_REQUEST = 1,
    CALL_VERDICT = 2,
    CALL_SHARE = 3,
    CALL_STALE = 4,
    CALL_ENUMERATED = 5
};

/* All texts live in `arena`; templates are not filled yet (query/request.c does). */
struct call_answer {
    struct arena *arena;
    enum call_outcome outcome;
    const char *failure; /* CALL_FAILED: one sentence */
    /* CALL_REQUEST */
    int32_t method;
    const char *url;
    const struct call_pair *headers;
    size_t header_count;
    const struct call_pair *form;
    size_t form_count;
    const char *content_type; /* of `body`, or NULL */
    const char *body;         /* template, or NULL */
    uint32_t redirects;
    const char *const *stop_at;
    size_t stop_at_count;
    /* CALL_VERDICT */
    int32_t verdict;
    int32_t reason;
    int64_t retry_after_ms; /* -1: not told */
    const char *profile;    /* URL template, or NULL */
    /* CALL_SHARE, CALL_STALE: the value; the shared value's name */
    const char *text;
    /* to hand back with the next call of this check */
    const void *carried;
    size_t carried_len;
    /* the named values in `carried`, for templates */
    const struct call_pair *values;
    size_t value_count;
    /* CALL_ENUMERATED */
    const struct manifest_checker *checkers;
    size_t checker_count;
    const char *const
        *notes; /* what the plugin noted about its data, and why we refused a checker */
    size_t note_count;
    size_t refused; /* checkers that were yielded and refused */
};

/** Append the bytes of a request. Errors: TOO_BIG, NOMEM. */
MUST_CHECK int call_encode_request(const struct call_request *request, struct buf *out);
/** Read them back; texts are copied into `arena`; `data`, `carried` and the body (a NUL behind it)
 *  point into `bytes`. Errors: PROTOCOL (`why` names the field), NOMEM. */
MUST_CHECK int call_decode_request(const void *bytes, size_t len, struct arena *arena,
                                   struct call_request *out_request, struct error_text *why);

/** Whether a note of an enumeration tells of a fault of the data, as rollcall/plugin.h says. */
bool call_note_is_fault(const char *note);

/** Whether a request has neither header, form, body, redirects nor stop_at. */
bool call_answer_is_bare(const struct call_answer *answer);

/** Append the bytes of an answer. Errors: TOO_BIG, NOMEM. */
MUST_CHECK int call_encode_answer(const struct call_answer *answer, struct buf *out);
/** Read them back. Owner: *out_answer is the caller's, free with call_answer_free().
 *  Errors: PROTOCOL (`why` says what was wrong), NOMEM. */
MUST_CHECK int call_decode_answer(const void *bytes, size_t len, struct call_answer **out_answer,
                                  struct error_text *why);
void call_answer_free(struct call_answer **answer);

#endif
