/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
#include "daemon/base/spin.h"

#include <sched.h>

/* 22 to 45 ns each. */
#define RELAXATIONS 32

void
spin_pause(void)
{
    sched_yield(); /* on one processor the others must run to bring what is waited for */
    for (int i = 0; i < RELAXATIONS; i++) {
#if defined(__x86_64__)
        __asm__ volatile("pause");
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#else
        __asm__ volatile("" ::: "memory");
#endif
    }
}

bool
spin_on(unsigned *rounds)
{
    if (*rounds == SPIN_ROUNDS) {
        return false;
    }
    ++*rounds;
    spin_pause();
    return true;
}
