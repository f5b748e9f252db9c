/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What any reply tells, whatever the platform: that a limit is spent and until when, that a bot
 * wall stands in the way, that the server failed. Pure. Shared by the daemon and its workers. */
#ifndef ROLLCALL_PLUGIN_REPLY_H
#define ROLLCALL_PLUGIN_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/plugin/call.h"

/** Value of the first header called `name` (any case), or NULL. */
const char *reply_header(const struct call_reply *reply, const char *name);

/** Whether this is the page of a bot wall: a challenge or a refusal in the platform's place. Knows
 *  few marks, each of which stands on such pages only; what it does not know it does not guess. */
bool reply_is_wall(const struct call_reply *reply);

/** The reason (ROLLCALL_RATE_LIMITED …) why a reply that says neither yes nor no says neither. */
int32_t reply_reason(const struct call_reply *reply);

/** When to come back, in milliseconds from the reply on; -1: it does not say. At most
 *  CALL_RETRY_AFTER_MS_MAX. Reads Retry-After, else the reset of a spent limit. */
int64_t reply_retry_after_ms(const struct call_reply *reply);

#endif
