/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Signals as something to wait for. [main] */
#ifndef ROLLCALL_APP_SIGNALS_H
#define ROLLCALL_APP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/attr.h"

/* Comes from signals_wake(), as often as that was called, and after all others that are pending: a
 * stop does not wait for what is to be done. */
#define SIGNALS_WAKE SIGRTMIN

/** Block SIGTERM, SIGINT, SIGHUP and SIGNALS_WAKE, ignore SIGPIPE: before any thread is started, so
 * that all inherit it. */
void signals_block(void);

/** Wait for one of the blocked signals for at most `timeout_us` (0: only look). Its number, or 0
 *  when the time is over. A stop comes before all others that are pending. */
MUST_CHECK int signals_wait(int64_t timeout_us);

/** Whether SIGTERM or SIGINT has come and was not waited for yet. */
bool signals_is_stop_pending(void);

/** Whether one was asked for by this number: SIGTERM or SIGINT. */
bool signals_is_stop(int number);

/** Wake main, now or when it waits next. Thread: any. */
void signals_wake(void);

#endif
