/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The line that says how far a query is. It stands on a terminal below what has been written, and
 * is wiped before anything else is written there. */
#ifndef ROLLCALL_CLIENT_PROGRESS_H
#define ROLLCALL_CLIENT_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "client/writer.h"

/* How far a query is. */
struct progress {
    size_t done;
    size_t found;
    size_t unknown;
    size_t total; /* 0: nobody said */
    int64_t elapsed_ms;
};

/** Show it, in place of the one before; nothing without a terminal for it. Cut to its width. */
void progress_show(struct writer *writer, const struct progress *progress);

/** Something is to be written where it stands. */
void progress_wipe(struct writer *writer);

#endif
