/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The life of a check, for its query (query.c). */
#ifndef ROLLCALL_QUERY_CHECK_INT_H
#define ROLLCALL_QUERY_CHECK_INT_H

#include "daemon/query/check.h"
#include "daemon/query/flight.h"
#include "daemon/query/subject.h"

/* Embedded by the query, in an array of all its checks. */
struct check {
    struct future future;
    struct checker *checker; /* NULL: nobody here can answer for this platform and kind */
    const char *platform;    /* the registry's text */
    char *why;
    struct finding finding;
    char *url;
    int64_t began_us;
    int64_t ended_us;
    struct flight_seat seat;
    struct future_callback stamp;    /* the first callback: when it ended, and as what */
    struct future_callback followup; /* the query's: what to start next */
};

/** A check at rest. */
void check_init(struct check *check, const char *platform, struct checker *checker);
void check_fini(struct check *check);

/** Begin: judge the name, board a flight. May end before it returns. */
void check_start(struct check *check, struct epoch *epoch, const struct subject *subject,
                 int64_t deadline_us);

/** End one that has not ended: cut off by the deadline when it has begun, else cancelled. */
void check_cut_off(struct check *check);

#endif
