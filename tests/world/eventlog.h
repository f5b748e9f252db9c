/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The world's log, JSON lines: what happened to which connection, and when. Lines are gathered and
 * written once a turn of the loop; their times are those of the events. */
#ifndef ROLLCALL_TESTS_WORLD_EVENTLOG_H
#define ROLLCALL_TESTS_WORLD_EVENTLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

struct eventlog;

struct eventlog_entry {
    int64_t t_us; /* CLOCK_MONOTONIC */
    const char *event;
    const char *platform;
    uint64_t connection;
    const char *method; /* "" before the first request */
    const char *target;
    int status;       /* of a reply; 0: none */
    const char *by;   /* who closed; NULL: left out */
    const char *file; /* the case that replied; NULL: left out */
};

/** Open a file to append to; "-" is stdout; NULL: nothing is kept. Errors: IO, NOMEM. */
MUST_CHECK int eventlog_open(const char *path, struct eventlog **out_log, struct error_text *why);
/** Flush and close. Accepts NULL. */
void eventlog_close(struct eventlog **log);

void eventlog_add(struct eventlog *log, const struct eventlog_entry *entry);
void eventlog_flush(struct eventlog *log);

/** CLOCK_MONOTONIC in microseconds. */
int64_t eventlog_now_us(void);

#endif
