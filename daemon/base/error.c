/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Texts of the error table. The switches have no default, so a code without a text is a warning. */
#include "daemon/base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

const char *
error_sentence(int error)
{
    switch ((enum error)error) {
    case ERROR_OK:
        return "no error";
#define X(name, number, sentence)                                                                  \
    case ERROR_##name:                                                                             \
        return sentence;
        ERROR_TABLE(X)
#undef X
    }
    return "unknown error";
}

const char *
error_name(int error)
{
    switch ((enum error)error) {
    case ERROR_OK:
        return "OK";
#define X(name, number, sentence)                                                                  \
    case ERROR_##name:                                                                             \
        return #name;
        ERROR_TABLE(X)
#undef X
    }
    return "UNKNOWN";
}

int
error_say(struct error_text *why, int error, const char *format, ...)
{
    if (why == NULL) {
        return error;
    }
    va_list args;
    va_start(args, format);
    int written = vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    if (written < 0) {
        (void)snprintf(why->text, sizeof why->text, "%s", error_sentence(error));
    }
    return error;
}
