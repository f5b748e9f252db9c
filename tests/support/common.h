/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What all test helpers share: how a helper fails a test, how long anything may take, the time.
 *
 * Helpers do not return errors that a test could forget: what cannot go on fails the running test
 * at once, with a sentence. So they belong to the test's own thread, never to a callback of
 * another. Waiting is always for an event, and SUPPORT_WAIT_MS is when hope ends, not a pause. */
#ifndef ROLLCALL_TESTS_SUPPORT_COMMON_H
#define ROLLCALL_TESTS_SUPPORT_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/attr.h"

/* Milliseconds that anything may take before the test gives up; sanitizers are slow. */
#if defined(ROLLCALL_SANITIZED)
#define SUPPORT_SLOWDOWN 4
#else
#define SUPPORT_SLOWDOWN 1
#endif
#define SUPPORT_WAIT_MS (20000 * SUPPORT_SLOWDOWN)

/** Fail the running cmocka test; outside of one, end the program with an error. */
NORETURN void support_fail(const char *format, ...) PRINTF_LIKE(1, 2);

/** CLOCK_MONOTONIC in microseconds, whatever the daemon's replaceable clock says. */
int64_t support_now_us(void);

/** Milliseconds from now to `deadline_us`, for poll(): rounded up, 0 when it has passed. */
int support_left_ms(int64_t deadline_us);

/** A printf'ed text; free() it. Never NULL. */
char *support_text(const char *format, ...) PRINTF_LIKE(1, 2);

/** Run `act` in a forked child, which must die of SIGABRT; what it wrote to standard error must
 * hold `words`. For what must abort, as long as the test has no other thread. */
void support_expect_abort(void (*act)(void), const char *words);

/** Wait until a thread of this process sleeps in the kernel. */
void support_await_sleep(pid_t tid);

/** All bytes of a file with a NUL behind them; free() them. *out_len may be NULL. Fails the test.
 */
char *support_read_file(const char *path, size_t *out_len);

#endif
