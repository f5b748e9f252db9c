/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The resolver's memory.
 *
 * How old what is known may get: the records' TTL, at least TTL_MIN_US (a burst asks once, also
 * where the TTL is 0) and at most TTL_MAX_US; that there is no such name NEGATIVE_US; that no
 * server said so FAILED_US. How much: KNOWN_MAX names, some 250 bytes each. */

#include "daemon/exec/resolve_table.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"

#define KNOWN_MAX 16384
#define TTL_MIN_US (1 * CLOCK_US_PER_S)
#define TTL_MAX_US (3600 * CLOCK_US_PER_S)
#define NEGATIVE_US (5 * CLOCK_US_PER_S)
#define FAILED_US (1 * CLOCK_US_PER_S)

void
resolve_table_init(struct resolve_table *table)
{
    list_init(&table->known);
    table->known_count = 0;
    for (size_t i = 0; i < RESOLVE_BUCKETS; i++) {
        list_init(&table->buckets[i]);
    }
}

void
lookup_hold(struct lookup *lookup)
{
    lookup->references++;
}

void
lookup_drop(struct lookup *lookup)
{
    if (--lookup->references == 0) {
        free(lookup->addresses);
        free(lookup);
    }
}

/* FNV-1a, 32 bits. */
static struct list *
bucket_of(struct resolve_table *table, const char *name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
    }
    return &table->buckets[hash % RESOLVE_BUCKETS];
}

struct lookup *
resolve_table_add(struct resolve_table *table, const char *name)
{
    size_t size = strlen(name) + 1;
    struct lookup *lookup = calloc(1, sizeof(*lookup) + size);
    if (lookup == NULL) {
        return NULL;
    }
    lookup->table = table;
    lookup->references = 1;
    list_init(&lookup->node);
    list_init(&lookup->asks);
    memcpy(lookup->name, name, size);
    list_push_back(bucket_of(table, name), &lookup->bucket_node);
    return lookup;
}

void
resolve_table_forget(struct lookup *lookup)
{
    list_remove(&lookup->bucket_node);
    list_remove(&lookup->node);
    lookup->table->known_count -= lookup->state == LOOKUP_KNOWN ? 1 : 0;
    lookup->table = NULL;
    lookup_drop(lookup);
}

static struct lookup *
find_any(struct resolve_table *table, const char *name)
{
    LIST_FOR_EACH (node, bucket_of(table, name)) {
        struct lookup *lookup = LIST_ENTRY(node, struct lookup, bucket_node);
        if (strcmp(lookup->name, name) == 0) {
            return lookup;
        }
    }
    return NULL;
}

struct lookup *
resolve_table_find(struct resolve_table *table, const char *name)
{
    struct lookup *lookup = find_any(table, name);
    if (lookup == NULL || lookup->state != LOOKUP_KNOWN) {
        return lookup;
    }
    if (lookup->time_us <= clock_now_us()) {
        resolve_table_forget(lookup);
        return NULL;
    }
    list_remove(&lookup->node);
    list_push_back(&table->known, &lookup->node);
    return lookup;
}

static int64_t
age_us(const struct resolve_finding *finding)
{
    switch (finding->error) {
    case ERROR_OK:
        return finding->ttl_us < TTL_MIN_US   ? TTL_MIN_US
               : finding->ttl_us > TTL_MAX_US ? TTL_MAX_US
                                              : finding->ttl_us;
    case ERROR_NOT_FOUND:
        return NEGATIVE_US;
    case ERROR_UNREACHABLE:
        return FAILED_US;
    default:
        return 0;
    }
}

void
resolve_table_learn(struct lookup *lookup, const struct resolve_finding *finding)
{
    lookup->error = finding->error == ERROR_NOT_FOUND ? ERROR_UNREACHABLE : finding->error;
    lookup->time_us = clock_deadline_us(age_us(finding));
    if (finding->error != ERROR_OK) {
        return;
    }
    lookup->addresses = calloc(finding->count, sizeof(*lookup->addresses));
    if (lookup->addresses == NULL) {
        lookup->error = ERROR_NOMEM;
        lookup->time_us = 0;
        return;
    }
    memcpy(lookup->addresses, finding->addresses, finding->count * sizeof(*lookup->addresses));
    lookup->answer =
        (struct resolve_answer){ .addresses = lookup->addresses, .count = finding->count };
}

void
resolve_table_keep(struct lookup *lookup)
{
    struct resolve_table *table = lookup->table;
    lookup->state = LOOKUP_KNOWN;
    list_push_back(&table->known, &lookup->node);
    table->known_count++;
    if (lookup->time_us <= clock_now_us()) {
        resolve_table_forget(lookup);
    }
    while (table->known_count > KNOWN_MAX) {
        resolve_table_forget(LIST_ENTRY(table->known.next, struct lookup, node));
    }
}
