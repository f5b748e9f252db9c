/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The plugin files of one reading of the configuration, from a path to what runs them. Each is
 * opened in a worker of its own, all at the same time, which says what it is; that worker then
 * serves the plugin, or leaves when the configuration wants its code on threads. Where all code
 * runs on threads nothing is started. [main] */
#ifndef ROLLCALL_APP_RECRUITS_H
#define ROLLCALL_APP_RECRUITS_H

#include "daemon/app/ground.h"
#include "daemon/app/shelf.h"
#include "daemon/app/wishes.h"
#include "daemon/conf/conf.h"
#include "daemon/plugin/registry.h"

struct recruit {
    char *path;
    struct group *group;       /* NULL: none, or handed back */
    struct manifest *manifest; /* what a worker said; ours */
    struct image learned;      /* for the registry: that manifest, and no code */
    struct image *image;       /* that one, or the shelf's; NULL: refused */
    struct error_text refusal;
    bool is_gone;     /* refused because there is no such file */
    bool is_left_out; /* an order unloaded it: known, and not used */
};

struct recruits {
    struct recruit *list;
    size_t count;
};

/** Which files there are: those of plugin_dirs, then others. Errors: NOMEM; `why`. */
MUST_CHECK int recruits_find(struct recruits *recruits, const struct loader_list *paths,
                             const struct names *others, struct error_text *why);

/** Open every one. Takes as long as the slowest file, at most PROCS_START_US or so. A file that
 *  is refused has a refusal, which is logged. Errors: NOMEM; CLOSED: a stop is asked for; `why`. */
MUST_CHECK int recruits_open(struct recruits *recruits, bool in_processes, struct ground *ground,
                             struct shelf *shelf, struct error_text *why);

/** Leave out those whose plugins these are. */
void recruits_leave_out(struct recruits *recruits, const struct names *names);

/** Those whose code the configuration wants on threads are opened here as well; the workers of
 * those that are left out go. */
void recruits_settle(struct recruits *recruits, const struct conf *conf, struct ground *ground,
                     struct shelf *shelf);

/** Give each plugin of the registry its group. Errors: NOMEM, TOO_BIG; `why`. */
MUST_CHECK int
recruits_serve(struct recruits *recruits, const struct conf *conf, struct registry *registry,
               struct ground *ground, struct error_text *why);

/** Let all groups go, free all. The registry built from it must be gone. Thread: [loop], or [main]
 *  while no loop runs. */
void recruits_fini(struct recruits *recruits);

#endif
