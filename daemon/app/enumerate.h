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
 * Ask all of them at once, add what they yield, drop what their files held. A plugin whose data
 * cannot be read costs only itself: the log and its last error say why. The registry is not in use
 * yet. Errors: NOMEM; CLOSED: a stop is asked for; `why`.
 */
MUST_CHECK int enumerate_all(struct ground *ground, struct crew *crew, struct registry *registry,
                             struct error_text *why);

#endif
