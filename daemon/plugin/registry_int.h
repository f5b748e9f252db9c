/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the registry's files share: registry.c fills it, registry_index.c finds things in it. */
#ifndef ROLLCALL_PLUGIN_REGISTRY_INT_H
#define ROLLCALL_PLUGIN_REGISTRY_INT_H

#include "daemon/plugin/registry.h"
#include "daemon/plugin/tag_list.h"

struct registry {
    size_t references;
    const struct conf *conf;
    struct arena *arena;
    struct plugin **plugins;
    size_t plugin_count;
    struct checker **checkers;
    size_t checker_count;
    size_t checker_max;
    struct checker **own; /* those that are not from data */
    size_t own_count;
    struct tag_list tags;
};

/** After checkers were added: sort them, leave out what is shadowed, number what stays. Errors:
 *  NOMEM. */
MUST_CHECK int registry_settle(struct registry *registry);

#endif
