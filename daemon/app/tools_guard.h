/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* test-plugin runs a plugin's code in its own process, where a debugger and a sanitizer see it.
 * When that code crashes, loops or ends the process, this names what was in hand. [main] */
#ifndef ROLLCALL_APP_TOOLS_GUARD_H
#define ROLLCALL_APP_TOOLS_GUARD_H

/* A case takes microseconds: one that uses so much of the processor is a loop, one that takes so
 * long waits for what never comes. */
#define GUARD_CPU_SECONDS 5
#define GUARD_SECONDS 60

/** Take the signals that a plugin's faults end in. Once. */
void guard_start(void);

/** From now on this is in hand: "email-hit". Printed so far is what was printed before. */
void guard_begin(const char *what);
/** Nothing of the plugin's runs any more. */
void guard_end(void);

#endif
