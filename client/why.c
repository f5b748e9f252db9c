/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Sentences for error codes. */
#include "client/why.h"

#include <stdarg.h>
#include <stdio.h>

#include <rollcall/client.h>

int
why_say(struct why *why, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    return code;
}

int
why_nomem(struct why *why)
{
    return why_say(why, ROLLCALL_E_NOMEM, "out of memory");
}
