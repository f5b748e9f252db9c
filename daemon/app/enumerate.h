/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Checkers from data: every plugin that has an enumerate is asked for them once, before its
 * registry is used. [main] */
#ifndef ROLLCALL_APP_ENUMERATE_H
#define ROLLCALL_APP_ENUMERATE_H

#include "daemon/app/ground.h"
#include "daemon/plugin/crew.h"
#include "daemon/plugin/registry.h"

/* What all of them may take together, beginning at the same time: longer than it takes until a
 * worker is there and then killed for it, so that this is what is said. */
#define ENUMERATE_US (PROCS_START_US + GROUP_ENUMERATE_US + GROUP_GRACE_US)

/**
 * Ask all of them at once, add what they yield, drop what their files held. The registry is not in
 * use yet. `before` is what is in use, NULL at the start. A plugin whose data cannot be read costs
 * only itself, and the log and its last error say why, unless it is a loss (loss.h).
 * Errors: INVALID: a loss; NOMEM; CLOSED: a stop is asked for; `why`.
 */
MUST_CHECK int enumerate_all(struct ground *ground, struct crew *crew, struct registry *registry,
                             const struct registry *before, struct error_text *why);

#endif
