/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Log lines to standard error: "<level>subsystem: text", with sd-daemon's level prefixes when
 * standard error is the journal, and a time stamp when it is not. The floor that decides logs,
 * once; lower floors return errors. Subjects are personal data and never stand in a line: name the
 * query's id instead. */
#ifndef ROLLCALL_BASE_LOG_H
#define ROLLCALL_BASE_LOG_H

#include "daemon/base/attr.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** Set once in main and on reload. Thread: [main]. */
void log_set_level(enum log_level level);

/** "error", "warning", "info", "debug" to a level; ERROR_INVALID for other words. */
MUST_CHECK int log_level_parse(const char *word, enum log_level *out_level);

/** `subsystem` is a token such as "serve" or "plugin.github". Control characters in the text are
 * escaped, the line is cut at 1 KiB. errno stays. Thread: any, holding no lock. */
void
log_line(enum log_level level, const char *subsystem, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
