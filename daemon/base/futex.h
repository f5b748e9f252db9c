/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Sleeping on a word of memory until somebody changes it and says so. Thread: any. */
#ifndef ROLLCALL_BASE_FUTEX_H
#define ROLLCALL_BASE_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

#define FUTEX_ALL INT32_MAX

/** Sleep while the word is `value`, until a wake-up or `deadline_us` (monotonic; CLOCK_NEVER waits
 *  for good). May return for no reason: look again. */
void futex_sleep(_Atomic uint32_t *word, uint32_t value, int64_t deadline_us);

/** Wake at most `count` sleepers. Only the address counts: the memory may be gone by now. */
void futex_wake(_Atomic uint32_t *word, int count);

#endif
