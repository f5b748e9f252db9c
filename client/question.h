/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A question as the wire wants it. */
#ifndef ROLLCALL_CLIENT_QUESTION_H
#define ROLLCALL_CLIENT_QUESTION_H

#include <rollcall/client.h>

#include "client/json.h"
#include "client/why.h"

/**
 * The params of `check` and `submit`.
 * Owner:  *out_params is the caller's: json_free().
 * Errors: INVALID: no subject, a text that is not UTF-8, a negative time; NOMEM.
 */
int question_params(const rollcall_question *question, struct json **out_params, struct why *why);

#endif
