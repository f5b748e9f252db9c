/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* rollcalld check-catalog: what a plugin that reads catalogues makes of some, without a daemon. The
 * plugin runs in a worker of its own, as it would in service: a file that is too much for it costs
 * that worker. */
#ifndef ROLLCALL_APP_TOOLS_CATALOG_H
#define ROLLCALL_APP_TOOLS_CATALOG_H

#define TOOLS_CATALOG_USAGE "check-catalog [--plugin FILE.so] FILE..."

/** Thread: [main]. Prints to standard output and error. Returns 0, 1 (an entry is broken, a file
 * was refused), 64 (usage). */
int tools_check_catalog(int argc, char **argv);

#endif
