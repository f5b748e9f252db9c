/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Verdicts, their reasons, and three-valued any. Pure. */
#ifndef ROLLCALL_QUERY_VERDICT_H
#define ROLLCALL_QUERY_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict { VERDICT_UNKNOWN, VERDICT_REGISTERED, VERDICT_UNREGISTERED };

/* The closed list of reasons; REASON_NONE goes with the two sure verdicts. */
#define REASON_TABLE(X)                                                                            \
    X(TIMEOUT, "timeout")                                                                          \
    X(RATE_LIMITED, "rate_limited")                                                                \
    X(BLOCKED, "blocked")                                                                          \
    X(UNREACHABLE, "unreachable")                                                                  \
    X(SERVER_ERROR, "server_error")                                                                \
    X(UNEXPECTED_REPLY, "unexpected_reply")                                                        \
    X(NOT_PUBLIC, "not_public")                                                                    \
    X(SIMILAR_ONLY, "similar_only")                                                                \
    X(UNSUPPORTED, "unsupported")                                                                  \
    X(NOT_A_VALID_NAME, "not_a_valid_name")                                                        \
    X(OVERLOADED, "overloaded")                                                                    \
    X(PLUGIN_FAILED, "plugin_failed")                                                              \
    X(QUARANTINED, "quarantined")                                                                  \
    X(CANCELLED, "cancelled")

enum reason {
    REASON_NONE,
#define X(name, word) REASON_##name,
    REASON_TABLE(X)
#undef X
        REASON_COUNT
};

const char *verdict_name(enum verdict verdict);
const char *reason_name(enum reason reason); /* NULL for REASON_NONE */

/** The reason that a plugin gave (ROLLCALL_BLOCKED …); PLUGIN_FAILED for a number out of range. */
enum reason reason_of_plugin(int32_t reason);

/** What an HTTP status says by itself: 429, 401, 403, 407, 5xx; else REASON_NONE. */
enum reason reason_of_status(int status);

/** "exact", "public", "inferred", "similar"; NULL for another number. */
const char *evidence_name(int32_t evidence);

/* What one check came to. */
struct finding {
    enum verdict verdict;
    enum reason reason;
    int64_t retry_after_ms; /* with RATE_LIMITED; -1: not told */
};

struct finding finding_sure(enum verdict verdict);
struct finding finding_unknown(enum reason reason);
struct finding finding_rate_limited(int64_t retry_after_ms);

/* Three-valued any over the checks of a query. */
struct tally {
    size_t registered;
    size_t unregistered;
    size_t unknown;
    size_t reasons[REASON_COUNT];
};

void tally_add(struct tally *tally, const struct finding *finding);
/** Registered if one is; unregistered if all are and there is one; else unknown. */
enum verdict tally_verdict(const struct tally *tally);

/* What a verdict drawn from a reply is worth: the rules that no plugin can break. */
struct evidence {
    int32_t evidence; /* ROLLCALL_EXACT … */
    uint32_t flags;   /* the checker's */
    int status;       /* of the last reply; 0: there was none */
    bool truncated;
};

/** `registered` and `unregistered` become unknown where the reply cannot carry them: 401, 403, 407,
 *  429 and 5xx without ROLLCALL_CODES_ARE_MARKS; either one of `similar` evidence; `unregistered`
 *  from a truncated body or of `public` evidence. With ROLLCALL_UNGUARDED only `similar` does. */
struct finding verdict_guard(struct finding finding, const struct evidence *evidence);

#endif
