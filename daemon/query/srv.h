/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A look-up of SRV records as a step sees it: like a request whose reply is a JSON array. */
#ifndef ROLLCALL_QUERY_SRV_H
#define ROLLCALL_QUERY_SRV_H

#include "daemon/exec/exec.h"

/**
 * Ask for the SRV records of `name`, which is copied.
 * Owner:  *out_future is the caller's reference; its result is a const struct fetch_reply *, as
 *         rollcall_srv() promises it: status 200 or 404, and the records.
 * Units:  `timeout_us` is from now on.
 * Thread: [loop].
 * Errors: as resolver_ask_srv(), at once and through the future; TIMEOUT through it.
 */
MUST_CHECK int
srv_start(struct exec *exec, const char *name, int64_t timeout_us, struct future **out_future);

#endif
