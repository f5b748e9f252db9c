/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the daemon says, read: the public struct's making. Reading it is in <rollcall/client.h>. */
#ifndef ROLLCALL_CLIENT_ANSWER_H
#define ROLLCALL_CLIENT_ANSWER_H

#include <rollcall/client.h>

#include "client/json.h"
#include "client/why.h"

/**
 * An answer, or what `next` gives: an object with `checks`.
 * Owner:  takes *root over and NULLs it, also on failure; `body` is in it. *out_answer is the
 *         caller's: rollcall_answer_free().
 * Errors: PROTOCOL: a check without platform, verdict or state; NOMEM.
 */
int answer_new(struct json **root, const struct json *body, rollcall_answer **out_answer,
               struct why *why);

#endif
