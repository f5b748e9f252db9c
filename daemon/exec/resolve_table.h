/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What is asked for and what is known, by name: the resolver's memory, within bounds. A lookup is
 * in the table from the moment it is asked for until it is known no longer, so that all who ask
 * meanwhile share it. What it has learned never changes: a new one takes its place. Counted: who
 * holds one sees it as it was, forgotten or not. Thread: [loop]. */
#ifndef ROLLCALL_EXEC_RESOLVE_TABLE_H
#define ROLLCALL_EXEC_RESOLVE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/list.h"
#include "daemon/exec/resolve.h"

#define RESOLVE_BUCKETS 4096

struct resolve_table {
    struct list known; /* asked for longest ago first */
    size_t known_count;
    struct list buckets[RESOLVE_BUCKETS];
};

enum lookup_state { LOOKUP_WAITING, LOOKUP_OUT, LOOKUP_KNOWN };

struct lookup {
    struct resolve_table *table; /* NULL once it is forgotten */
    struct list bucket_node;
    struct list node; /* the resolver's lists, then `known` */
    struct list asks; /* the resolver's */
    size_t references;
    enum lookup_state state;
    int64_t time_us; /* out: since when; known: until when */
    int error;
    struct resolve_answer answer;
    struct resolve_address *addresses;
    char name[];
};

void resolve_table_init(struct resolve_table *table);

/** The one for this name that is under way or fresh, or NULL. A known one counts as asked for. */
struct lookup *resolve_table_find(struct resolve_table *table, const char *name);

/** One that waits; the table's reference. NULL: out of memory. */
struct lookup *resolve_table_add(struct resolve_table *table, const char *name);

/** Write down what was found and how long that holds. */
void resolve_table_learn(struct lookup *lookup, const struct resolve_finding *finding);
/** It has learned: it is known from now on, and the oldest of too many are not. */
void resolve_table_keep(struct lookup *lookup);

/** Out of the table and of `node`'s list; lets go of the table's reference. */
void resolve_table_forget(struct lookup *lookup);

void lookup_hold(struct lookup *lookup);
void lookup_drop(struct lookup *lookup);

#endif
