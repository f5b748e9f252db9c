/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The least host that the sites plugin runs under: it takes whatever it is given, looks at every
 * byte of it, and keeps nothing. For fuzz targets. */
#ifndef ROLLCALL_TESTS_FUZZ_SITES_HOST_H
#define ROLLCALL_TESTS_FUZZ_SITES_HOST_H

#include <rollcall/plugin.h>

extern const rollcall_host sites_host;

#endif
