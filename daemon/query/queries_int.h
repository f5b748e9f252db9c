/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The table of queries as its two files see it: queries.c keeps it, queries_open.c lets queries in.
 */
#ifndef ROLLCALL_QUERY_QUERIES_INT_H
#define ROLLCALL_QUERY_QUERIES_INT_H

#include "daemon/query/query_int.h"

#define QUERIES_BUCKETS 1024

struct queries {
    struct exec *exec;
    struct crew *crew;
    const struct conf *conf;
    struct epoch *epoch; /* the present one */
    struct list epochs;  /* all that are not freed yet */
    bool closed;
    struct list open; /* the oldest first */
    struct list kept; /* have an answer; in the order of their end */
    struct list dead; /* nobody holds them any more */
    size_t open_count;
    size_t kept_count;
    struct loop_timer reaper;
    struct list by_id[QUERIES_BUCKETS];
    struct list by_key[QUERIES_BUCKETS];
    uint64_t joined_before; /* of epochs that are gone */
    struct queries_stats stats;
};

/** Where queries with this id, or this key, are kept. */
struct list *queries_bucket(struct list *buckets, const char *text);

/** Take a query in that is to begin; the table's reference is the one it was born with. */
void queries_enter(struct queries *queries, struct query *query);

#endif
