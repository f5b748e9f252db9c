/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Legal names: Python's regular expressions on PCRE2. Its .c is the only file that knows PCRE2.
 * Every compilation and every match is bounded; a pattern that would run away is given up. */
#ifndef ROLLCALL_SITES_PATTERN_H
#define ROLLCALL_SITES_PATTERN_H

#include <stdbool.h>

#include "plugins/sites/pool.h"

#define PATTERN_BYTES 1024

enum pattern_answer {
    PATTERN_MATCHES,
    PATTERN_REFUSES,
    PATTERN_GIVES_UP /* it needs more steps or memory than allowed, or is no pattern */
};

/** The same in PCRE2's words: \Z is \z there, {,n} is {0,n}. NULL: the pool is full. */
const char *pattern_from_python(struct pool *pool, const char *text);

/** A pattern, compiled. */
struct pattern;

/** The caller's, free with pattern_free(). NULL and a sentence, PCRE2's own with the place. */
struct pattern *pattern_new(const char *text, struct why *why);
void pattern_free(struct pattern **pattern);
/** Whether it is found anywhere in the name, as re.search() looks. */
enum pattern_answer pattern_find(const struct pattern *pattern, const char *name);

/** Compiled for one name only. */
enum pattern_answer pattern_match(const char *text, const char *name);

#endif
