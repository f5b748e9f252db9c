/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A world that plays catalogues and a daemon whose plugin `sites` has read the same files, and
 * nothing else: what sweeps are tested and measured with. */
#ifndef ROLLCALL_TESTS_SUPPORT_SWEEP_H
#define ROLLCALL_TESTS_SUPPORT_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/support/daemon.h"
#include "tests/support/world.h"

#define SWEEP_CATALOGS_MAX 8

struct sweep_options {
    const char *const *catalogs; /* files; a NULL at the end */
    const char *part;            /* the members of the script's "catalog"; "" is a part too */
    const char *lines;           /* the daemon's settings on top; NULL: none */
    const char *plugin_lines;    /* the plugin's; NULL: none */
    bool https;                  /* instead of http */
};

struct sweep {
    struct world *world;
    struct daemon *daemon;
    char *truth; /* of --print-catalog */
    struct tmpdir *plugins;
};

/** Start both. Owner: end with sweep_stop() or, in teardowns, sweep_free(). Fails the test. */
void sweep_start(const struct sweep_options *options, struct sweep *out_sweep);
/** Stop both, and assert that they end well. */
void sweep_stop(struct sweep *sweep);
/** Kill what still runs. May be called on a sweep that never started, or was stopped. */
void sweep_free(struct sweep *sweep);

/** The files of a list like $ROLLCALL_CATALOGS, "a.json:b.json", and a NULL behind them; free()
 *  `*out_text` after use. Gives how many; 0 when `list` is NULL or empty. */
size_t
sweep_split(const char *list, char **out_text, const char *out_paths[SWEEP_CATALOGS_MAX + 1]);

#endif
