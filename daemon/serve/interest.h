/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Who cares about an open query: the calls that wait for its end, and whether somebody has its id.
 * One interest a query, from its opening to its end; when a `check` was dropped with its client and
 * nobody else cares, the query is cancelled after a grace. [loop] throughout. */
#ifndef ROLLCALL_SERVE_INTEREST_H
#define ROLLCALL_SERVE_INTEREST_H

#include <stdbool.h>

#include "daemon/base/list.h"
#include "daemon/exec/loop.h"
#include "daemon/query/query.h"

struct interests;
struct interest;

MUST_CHECK int interests_new(struct loop *loop, struct interests **out_interests);
/** When no query is open any more. */
void interests_free(struct interests **interests);

/** The interest in a query that has not ended, made when there is none yet. Errors: NOMEM. */
MUST_CHECK int
interest_in(struct interests *interests, struct query *query, struct interest **out_interest);

/** Somebody was told the query's id, so it no longer depends on a waiting call. */
void interest_keep(struct interest *interest);

/** Put a call's node in the list of those that wait; call_resume() takes it out at the end. */
void interest_wait(struct interest *interest, struct list *node);

/** A call of a client that is gone has left: unless somebody cares within `grace_us`, the query is
 *  cancelled and its key forgotten. */
void interest_left(struct interests *interests, struct query *query, int64_t grace_us);

#endif
