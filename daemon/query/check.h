/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One platform, one subject: from the first step to the verdict. A check is a future; its result is
 * itself (check_of()). Equal checks in flight share one flight (flight.h): the check is one query's
 * interest in it. */
#ifndef ROLLCALL_QUERY_CHECK_H
#define ROLLCALL_QUERY_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/exec/future.h"
#include "daemon/plugin/registry.h"
#include "daemon/query/verdict.h"

struct check;

/* What can be read of a check at any time. Thread: [loop]. */
struct check_view {
    const char *platform;    /* id */
    const char *source;      /* "github.so"; "" for an unsupported one */
    const char *evidence;    /* "public", or NULL while none applies */
    enum future_state state; /* cut off by a deadline: finished, timeout */
    struct finding finding;  /* unknown, cancelled of a cancelled one */
    const char *url;         /* the profile page, or NULL */
    const char *why;         /* with explain: why it started when it did, or NULL */
    int64_t began_us;        /* monotonic; -1: work never began */
    int64_t ended_us;        /* monotonic; -1: not yet */
    bool cached;
};

void check_view(const struct check *check, struct check_view *out_view);

struct future *check_future(struct check *check);
struct check *check_of(struct future *future);
const struct check *check_of_const(const struct future *future);

#endif
