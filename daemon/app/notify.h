/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the service manager is told. The daemon's only door to libsystemd; without a manager
 * ($NOTIFY_SOCKET is not set) each of these does nothing. [main] */
#ifndef ROLLCALL_APP_NOTIFY_H
#define ROLLCALL_APP_NOTIFY_H

#include <stdint.h>

#include "daemon/base/attr.h"

/* `format` makes one line for people: STATUS=. */
void notify_ready(const char *format, ...) PRINTF_LIKE(1, 2);
void notify_status(const char *format, ...) PRINTF_LIKE(1, 2);
void notify_reloading(void);
void notify_stopping(void);
/** The daemon did real work just now. */
void notify_watchdog(void);

/** How long the manager waits for a sign of life; 0: it does not. */
int64_t notify_watchdog_us(void);

#endif
