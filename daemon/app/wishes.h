/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What orders on the admin socket changed about which plugins there are, on top of every reading of
 * the configuration, until the daemon ends. [main] */
#ifndef ROLLCALL_APP_WISHES_H
#define ROLLCALL_APP_WISHES_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/error.h"

/* More names or files than a daemon has plugins. */
#define WISHES_MAX 1024

struct names {
    char **list;
    size_t count;
};

struct wishes {
    struct names unloaded; /* plugins by name: known, and not used */
    struct names files;    /* paths beyond those in plugin_dirs */
};

/** Nothing happens when it is there already. Errors: NOMEM, TOO_BIG (WISHES_MAX). */
MUST_CHECK int names_add(struct names *names, const char *name);
/** Whether it was there. */
bool names_remove(struct names *names, const char *name);
bool names_has(const struct names *names, const char *name);

void wishes_fini(struct wishes *wishes);

#endif
