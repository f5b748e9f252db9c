/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The common ground of one registry's checks: made, looked up, taken apart. Decides nothing. */
#include "daemon/query/epoch.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/query/shared.h"

int
epoch_new(struct exec *exec, struct crew *crew, struct registry *registry, int64_t timeout_us,
          struct epoch **out_epoch)
{
    struct epoch *epoch = calloc(1, sizeof *epoch);
    if (epoch == NULL) {
        return ERROR_NOMEM;
    }
    epoch->exec = exec;
    epoch->crew = crew;
    epoch->registry = registry_ref(registry);
    epoch->timeout_us = timeout_us;
    epoch->references = 1;
    list_init(&epoch->node);
    list_init(&epoch->shared_values);
    for (size_t i = 0; i < EPOCH_FLIGHT_BUCKETS; i++) {
        list_init(&epoch->flights[i]);
    }
    *out_epoch = epoch;
    return ERROR_OK;
}

static void
free_pacing(struct checker *checker)
{
    struct pacing *pacing = checker->runtime;
    if (pacing != NULL) {
        pacing_fini(pacing);
        free(pacing);
        checker->runtime = NULL;
    }
}

void
epoch_free(struct epoch **epoch)
{
    struct epoch *dropped = *epoch;
    if (dropped == NULL) {
        return;
    }
    *epoch = NULL;
    for (size_t i = 0; i < EPOCH_FLIGHT_BUCKETS; i++) {
        assert(list_is_empty(&dropped->flights[i]));
    }
    shared_free_all(dropped);
    for (size_t i = 0; i < registry_checker_count(dropped->registry); i++) {
        free_pacing(registry_checker(dropped->registry, i));
    }
    list_remove(&dropped->node);
    registry_unref(&dropped->registry);
    free(dropped);
}

struct pacing *
epoch_pacing(struct epoch *epoch, struct checker *checker)
{
    if (checker->runtime == NULL) {
        struct pacing *pacing = malloc(sizeof *pacing);
        if (pacing == NULL) {
            return NULL;
        }
        struct pacing_limits limits = { checker->rate_count, checker->rate_seconds,
                                        checker->concurrency };
        pacing_init(pacing, exec_loop(epoch->exec), &limits);
        checker->runtime = pacing;
    }
    return checker->runtime;
}

/* FNV-1a. Clients could choose names that collide; the walk is then bounded by max_checks. */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

struct list *
epoch_flights(struct epoch *epoch, const struct checker *checker, const struct subject *subject)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (checker->number * 2654435761U);
    return &epoch->flights[hash_text(hash, subject->value) % EPOCH_FLIGHT_BUCKETS];
}
