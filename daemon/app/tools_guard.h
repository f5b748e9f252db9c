/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* test-plugin runs a plugin's code in its own process, where a debugger and a sanitizer see it.
 * When that code crashes, loops or ends the process, this names what was in hand. [main] */
#ifndef ROLLCALL_APP_TOOLS_GUARD_H
#define ROLLCALL_APP_TOOLS_GUARD_H

/* A case takes microseconds: one that takes this long is a loop. */
#define GUARD_SECONDS 10

/** Take the signals that a plugin's faults end in. Once. */
void guard_start(void);

/** From now on this is in hand: "email-hit". Printed so far is what was printed before. */
void guard_begin(const char *what);
/** Nothing of the plugin's runs any more. */
void guard_end(void);

#endif
