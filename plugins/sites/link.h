/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Where a redirect leads, as far as it can be told from the address. Pure. */
#ifndef ROLLCALL_SITES_LINK_H
#define ROLLCALL_SITES_LINK_H

#include <stdbool.h>

/** Whether an address, whole or relative, is that of a login, consent or challenge page. A part
 * that is the name itself says nothing, nor one that stands in `asked`, the address that was asked
 *  for. */
bool link_is_gate(const char *address, const char *asked, const char *subject);

/** Whether `location`, found at `url`, is the same place in another spelling: scheme, "www.",
 * letter case, a slash at the end. */
bool link_is_same_place(const char *location, const char *url);

#endif
