/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The command line of rollcalld. */
#ifndef ROLLCALL_APP_OPTIONS_H
#define ROLLCALL_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

/* `-o` and the options that stand for one. */
#define OPTIONS_OVERRIDES_MAX 256
#define OPTIONS_LOG_BYTES 32

struct options {
    const char *config; /* --config; NULL: none was named */
    bool wants_help;
    bool wants_version;
    bool only_checks; /* --check-config */
    const char *overrides[OPTIONS_OVERRIDES_MAX];
    size_t override_count;
    char log_level[OPTIONS_LOG_BYTES]; /* --log-level as an override */
};

/**
 * Read the command line. Texts point into argv, the override of --log-level into *out_options, so
 * that must not move. Errors: INVALID, TOO_BIG; `why` is one sentence. Thread: [main].
 */
MUST_CHECK int
options_parse(int argc, char **argv, struct options *out_options, struct error_text *why);

/** Print what there is, the table of configuration keys included. */
void options_print_help(FILE *out);

#endif
