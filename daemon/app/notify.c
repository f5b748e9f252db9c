/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See sd_notify(3) and sd_watchdog_enabled(3). */
#include "daemon/app/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <systemd/sd-daemon.h>

#include "daemon/base/clock.h"

#define STATUS_BYTES 512

static void
notify_text(const char *prefix, const char *format, va_list args)
{
    char status[STATUS_BYTES];
    (void)vsnprintf(status, sizeof(status), format, args);
    (void)sd_notifyf(0, "%sSTATUS=%s", prefix, status);
}

void
notify_ready(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    notify_text("READY=1\n", format, args);
    va_end(args);
}

void
notify_status(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    notify_text("", format, args);
    va_end(args);
}

void
notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=Reading the configuration",
                     clock_now_us());
}

void
notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
}

void
notify_watchdog(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

int64_t
notify_watchdog_us(void)
{
    uint64_t span_us = 0;
    return sd_watchdog_enabled(0, &span_us) > 0 && span_us < INT64_MAX ? (int64_t)span_us : 0;
}
