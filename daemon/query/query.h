/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One subject against many platforms: fan out, early return, deadline; and the table of open
 * queries. Nothing here blocks and no thread is parked for a query: state lives on the loop.
 *
 * A query holds its checks in a completion: its race is completion_first_of(), the `next` of the
 * wire reads completion_at(). The query itself is a future that ends when there is an answer. */
#ifndef ROLLCALL_QUERY_QUERY_H
#define ROLLCALL_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/exec/completion.h"
#include "daemon/exec/exec.h"
#include "daemon/plugin/crew.h"
#include "daemon/query/check.h"
#include "daemon/query/subject.h"

#define QUERY_ID_BYTES 24 /* "q" and hex digits, NUL included */
#define QUERY_KEY_BYTES_MAX 64
#define QUERY_KEY_LIFE_US (INT64_C(120) * 1000 * 1000)

enum query_until { QUERY_UNTIL_FIRST, QUERY_UNTIL_ALL };

/* What a client asked for. Borrowed by query_open(), which copies what it keeps. */
struct query_request {
    struct subject subject;
    const char *const *platforms; /* ids or tags; NULL: the default set */
    size_t platform_count;
    const char *const *exclude; /* ids or tags */
    size_t exclude_count;
    const char *catalog; /* or NULL */
    bool adult;
    enum query_until until;
    const char *strategy; /* NULL: the configuration's */
    int64_t timeout_us;   /* 0: the configuration's deadline; capped by deadline_max */
    bool fresh;
    bool explain;
    const char *key; /* or NULL */
    uint64_t
        fingerprint; /* of the params, without the key: same key, other fingerprint is refused */
};

struct queries;
struct query;

struct queries_options {
    struct exec *exec;
    struct crew *crew;
    struct registry *registry; /* referenced */
    const struct conf *conf;   /* must stay until queries_set() or queries_free() */
};

MUST_CHECK int queries_new(const struct queries_options *options, struct queries **out_queries);
/** From now on new queries see this registry and configuration; open ones keep their registry, so
 *  what that was built from (registry_new()'s conf) stays until it is gone. Errors: NOMEM: then
 *  both are as before. [loop] */
MUST_CHECK int
queries_set(struct queries *queries, struct registry *registry, const struct conf *conf);
/** Refuse new queries (CLOSED); open ones go on. [loop] */
void queries_close(struct queries *queries);
/** Cancel all open queries. [loop] */
void queries_cancel_all(struct queries *queries);
size_t queries_open_count(const struct queries *queries);
void queries_free(struct queries **queries);

struct registry *queries_registry(struct queries *queries);
const struct conf *queries_conf(struct queries *queries);

/**
 * Open a query, or join the one that the key names.
 * Owner:  *out_query is one reference, the caller's: query_unref(). The table keeps one of its own
 * until the query ended and `query_ttl` passed without anybody asking (query_hold()). Thread:
 * [loop]. Errors: INVALID (unknown platform, strategy, key with other params; `why` names it and
 * what is allowed), BUSY (max_queries or max_checks), CLOSED, NOMEM.
 */
MUST_CHECK int query_open(struct queries *queries, const struct query_request *request,
                          struct query **out_query, struct error_text *why);

/** By id; NULL when there is none (any more). Borrowed; take query_ref() to keep it. [loop] */
struct query *query_find(struct queries *queries, const char *id);

struct query *query_ref(struct query *query);
void query_unref(struct query **query);

/** Somebody asks about it: its time to live does not run while it is held, and begins anew when the
 *  last one releases it. One that has its answer by then, has no key and was never asked for by its
 *  id goes at once: whoever opened it has waited for it, and nobody else can ask. */
void query_hold(struct query *query);
void query_release(struct query *query);

const char *query_id(const struct query *query);

/** Ends (finished) when there is an answer; cancelled queries have one too, and finish. [loop] */
struct future *query_future(struct query *query);

/** The checks, in the order of their end: for `next`. Borrowed. */
struct completion *query_checks(struct query *query);

/** Cancel every check that has not ended; the query ends at once. False when it had ended. [loop]
 */
bool query_cancel(struct query *query);
/** Also forget its key, so that the same key asks anew: for clients that are gone. */
void query_forget_key(struct query *query);

/* The answer; complete once query_future() is done. Borrowed, lives as long as the query. */
struct answer {
    const char *query;
    const struct subject *subject;
    enum verdict verdict;
    enum reason reason; /* `unsupported` when no checker was left, else REASON_NONE */
    struct tally tally;
    const char *platform; /* the one that said yes first, or NULL */
    int64_t started_us;   /* monotonic */
    int64_t elapsed_us;
    const char *strategy; /* the one that was used: "race" */
    enum query_until until;
    bool explain;
    size_t asked;
    size_t cancelled;
    struct check *const *checks; /* in the order of their end; those that never began last */
    size_t check_count;
};

const struct answer *query_answer(const struct query *query);

struct queries_stats {
    size_t open;
    size_t checks_in_flight;
    uint64_t queries;
    uint64_t checks;
    uint64_t registered;
    uint64_t unregistered;
    uint64_t unknown;
    uint64_t cancelled;
    uint64_t joined; /* checks that shared a flight */
};
void queries_stats(const struct queries *queries, struct queries_stats *out_stats);

#endif
