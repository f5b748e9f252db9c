/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the checks of one registry have in common, from one reload to the next: its checkers'
 * pacing, the flights in the air, the shared values. A query keeps the epoch that it began with, so
 * a reload changes nothing under its feet. Thread: [loop], all of it. */
#ifndef ROLLCALL_QUERY_EPOCH_H
#define ROLLCALL_QUERY_EPOCH_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/list.h"
#include "daemon/exec/exec.h"
#include "daemon/plugin/crew.h"
#include "daemon/plugin/registry.h"
#include "daemon/query/pacing.h"
#include "daemon/query/subject.h"

#define EPOCH_FLIGHT_BUCKETS 1024

struct epoch {
    struct exec *exec;
    struct crew *crew;
    struct registry *registry;
    int64_t timeout_us;        /* of fetching a shared value */
    size_t references;         /* queries, and the table while it is the present one */
    struct list node;          /* the table's: all epochs that are not freed yet */
    struct list shared_values; /* shared.c's */
    uint64_t shared_count;     /* values fetched so far: a clock by which old ones are told */
    uint64_t flights_joined;
    struct list flights[EPOCH_FLIGHT_BUCKETS]; /* flight.c's */
};

/** Errors: NOMEM. Takes a reference of the registry; one reference of the epoch is the caller's. */
MUST_CHECK int epoch_new(struct exec *exec, struct crew *crew, struct registry *registry,
                         int64_t timeout_us, struct epoch **out_epoch);

/** When nobody holds it any more: no flight is in the air then. */
void epoch_free(struct epoch **epoch);

/** The pacing of a checker, made when first asked for; NULL out of memory. */
struct pacing *epoch_pacing(struct epoch *epoch, struct checker *checker);

/** Where flights of this checker for this subject are kept. */
struct list *
epoch_flights(struct epoch *epoch, const struct checker *checker, const struct subject *subject);

#endif
