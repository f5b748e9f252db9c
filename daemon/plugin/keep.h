/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Copies of checkers from data, made to be many: an answer to enumerate ends, its checkers stay.
 * What many of them say alike (tags, a source, a legal form) is kept once, and nothing is padded.
 * A keep is the tool that makes the copies; they live in the arena and outlive it. */
#ifndef ROLLCALL_PLUGIN_KEEP_H
#define ROLLCALL_PLUGIN_KEEP_H

#include "daemon/base/arena.h"
#include "daemon/base/error.h"
#include "daemon/plugin/manifest.h"

struct keep;

/** Owner: *out_keep is the caller's, free with keep_free(). `arena` must outlive it. Errors: NOMEM.
 *  Thread: one at a time. */
MUST_CHECK int keep_new(struct arena *arena, struct keep **out_keep);
/** Accepts NULL. The copies stay. */
void keep_free(struct keep **keep);

/** A copy of all that a checker points to, in the arena. Errors: NOMEM; *out_checker untouched. */
MUST_CHECK int keep_checker(struct keep *keep, const struct manifest_checker *checker,
                            struct manifest_checker *out_checker);

#endif
