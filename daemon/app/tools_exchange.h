/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One recorded exchange in the place of the network. */
#ifndef ROLLCALL_APP_TOOLS_EXCHANGE_H
#define ROLLCALL_APP_TOOLS_EXCHANGE_H

#include "daemon/app/tools_case.h"
#include "daemon/exec/fetch.h"

/* Where an exchange is played: what {base} is, and how much of a body would have been read. */
struct exchange_place {
    const char *base_url;
    size_t body_max;
    struct arena *arena;
};

/**
 * Hold a request against the recorded one and give the recorded reply, cut where a transfer would
 * have ended. Owner: the reply lives in the arena and in the record.
 * Errors: INVALID (they differ: `why` says in what), NOMEM. Thread: any.
 */
MUST_CHECK int
exchange_play(const struct case_exchange *recorded, const struct fetch_request *request,
              const struct exchange_place *place, const struct call_reply **out_reply,
              struct error_text *why);

#endif
