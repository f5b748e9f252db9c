/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Where a redirect leads, as far as it can be told from the address. Pure. */
#ifndef ROLLCALL_SITES_LINK_H
#define ROLLCALL_SITES_LINK_H

#include <stdbool.h>

/** What was asked for: parts of it say nothing about where it led. */
struct link_asked {
    const char *url; /* or a template */
    const char *host;
    const char *subject;
};

/** Whether an address, whole or relative, is that of a login, consent or challenge page. */
bool link_is_gate(const char *address, const struct link_asked *asked);

/** Whether `location`, found at `url`, is the same place in another spelling: scheme, "www.",
 * letter case, a slash at the end. */
bool link_is_same_place(const char *location, const char *url);

#endif
