/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The daemon's life, from its command line to its exit status. */
#ifndef ROLLCALL_APP_APP_H
#define ROLLCALL_APP_APP_H

/** Run the daemon until it is told to stop. Returns the process's exit status: 0, 64 (usage), 78
 *  (configuration), 1 (anything else). Thread: [main], before any other thread runs. */
int app_run(int argc, char **argv);

#endif
