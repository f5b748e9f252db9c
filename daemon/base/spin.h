/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Looking again and again for a moment before sleeping: being woken costs more than that (some 20
 * to 50 us between two processors), and what is waited for is often near. Thread: any. */
#ifndef ROLLCALL_BASE_SPIN_H
#define ROLLCALL_BASE_SPIN_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/attr.h"

/* Some 25 us in all, where nobody else wants the processor. */
#define SPIN_ROUNDS 16

/** Let others run for about a microsecond: between two looks, so that what is looked at is not torn
 *  to and fro between two processors all the time. */
void spin_pause(void);

/** As spin_pause(), and counts. False: it has been long enough, sleep. `*rounds` begins with 0. */
MUST_CHECK bool spin_on(unsigned *rounds);

#endif
