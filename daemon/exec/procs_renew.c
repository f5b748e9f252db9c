/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Workers whose sandbox holds on to files that are no longer where they were: a name server that is
 * written to a new file and renamed into place is not seen by them. Looked for when a call is about
 * to be handed over, for until then nobody misses anything. */
#include "daemon/exec/procs_int.h"

#include <stdlib.h>

int
procs_hold_paths(struct procs *procs, const char *const *paths)
{
    size_t count = 0;
    while (paths[count] != NULL) {
        count++;
    }
    procs->held = calloc(count + 1, sizeof(*procs->held));
    if (procs->held == NULL) {
        return ERROR_NOMEM;
    }
    procs->held_paths = paths;
    for (size_t i = 0; i < count; i++) {
        procs->held[i] = file_mark_take(paths[i]);
    }
    return ERROR_OK;
}

/* Looks again; whether any is another. */
static bool
look_again(struct procs *procs)
{
    bool has_changed = false;
    for (size_t i = 0; procs->held_paths[i] != NULL; i++) {
        struct file_mark now = file_mark_take(procs->held_paths[i]);
        has_changed = has_changed || !file_mark_is_same(&now, &procs->held[i]);
        procs->held[i] = now;
    }
    return has_changed;
}

void
procs_renew(struct procs *procs)
{
    /* Of an outdated group nobody could take their places. */
    if (procs->held_paths == NULL || procs->phase == PHASE_OUTDATED || !look_again(procs)) {
        return;
    }
    LIST_FOR_EACH (node, &procs->workers) {
        LIST_ENTRY(node, struct worker, node)->is_old = true;
    }
    procs_dismiss(procs);
}
