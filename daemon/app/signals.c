/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* No handlers: blocked signals stay pending until the main thread takes them, between two things
 * and never in the middle of one. */
#include "daemon/app/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"

static void
fill(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGNALS_WAKE);
}

void
signals_block(void)
{
    sigset_t set;
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    fill(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

bool
signals_is_stop(int number)
{
    return number == SIGTERM || number == SIGINT;
}

bool
signals_is_stop_pending(void)
{
    sigset_t pending;
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

int
signals_wait(int64_t timeout_us)
{
    sigset_t set;
    const struct timespec span = {
        .tv_sec = (time_t)(timeout_us / CLOCK_US_PER_S),
        .tv_nsec = (long)(timeout_us % CLOCK_US_PER_S) * 1000,
    };
    fill(&set);
    if (signals_is_stop_pending()) { /* the kernel hands out the lowest number first: SIGHUP */
        (void)sigdelset(&set, SIGHUP);
        (void)sigdelset(&set, SIGNALS_WAKE);
    }
    int number = sigtimedwait(&set, NULL, timeout_us == CLOCK_NEVER ? NULL : &span);
    return number > 0 ? number : 0; /* EAGAIN: the time is over; EINTR: a debugger */
}

void
signals_wake(void)
{
    (void)kill(getpid(), SIGNALS_WAKE);
}
