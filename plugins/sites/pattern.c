/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. A step compiles it anew for each name: a worker keeps nothing, and a pattern of
 * the usual size takes some microseconds. */
#include "plugins/sites/pattern.h"

#include <stdint.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A name has at most some hundred characters: an honest pattern needs a few steps for each. */
#define MATCH_STEPS_MAX 10000
#define MATCH_DEPTH_MAX 1000
#define MATCH_HEAP_KIB 1024
#define PARENS_MAX 50
#define MESSAGE_BYTES 128

/* ---- Python's spelling -------------------------------------------------- */

/* The length of "{,12}" at `at`; 0: something else. */
static size_t
open_count_len(const char *at)
{
    if (at[0] != '{' || at[1] != ',') {
        return 0;
    }
    size_t digits = strspn(at + 2, "0123456789");
    return digits > 0 && at[2 + digits] == '}' ? digits + 3 : 0;
}

const char *
pattern_from_python(struct pool *pool, const char *text)
{
    bool in_class = false;
    pool_begin(pool);
    for (const char *at = text; *at != '\0'; at++) {
        if (at[0] == '\\' && at[1] != '\0') {
            pool_byte(pool, '\\');
            pool_byte(pool, at[1] == 'Z' && !in_class ? 'z' : at[1]);
            at++;
            continue;
        }
        if (!in_class && open_count_len(at) > 0) {
            pool_puts(pool, "{0");
            continue;
        }
        bool opens = *at == '[' && !in_class;
        in_class = opens || (in_class && *at != ']');
        pool_byte(pool, *at);
        if (opens && at[1] == '^') {
            pool_byte(pool, *++at);
        }
        if (opens && at[1] == ']') { /* first in a class it is itself */
            pool_byte(pool, *++at);
        }
    }
    return pool_end(pool, NULL);
}

/* ---- PCRE2 -------------------------------------------------------------- */

static pcre2_code *
compile(const char *pattern, struct why *why)
{
    int error = 0;
    PCRE2_SIZE place = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL) {
        (void)say(why, "finds no memory");
        return NULL;
    }
    pcre2_set_max_pattern_length(context, PATTERN_BYTES);
    pcre2_set_parens_nest_limit(context, PARENS_MAX);
    pcre2_code *code = pcre2_compile(
        (PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
        PCRE2_UTF | PCRE2_UCP | PCRE2_ALT_BSUX | PCRE2_NEVER_BACKSLASH_C, &error, &place, context);
    pcre2_compile_context_free(context);
    if (code == NULL) {
        char message[MESSAGE_BYTES];
        pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message));
        (void)say(why, "is no pattern: %s at character %zu", message, (size_t)place);
    }
    return code;
}

struct pattern *
pattern_new(const char *text, struct why *why)
{
    return (struct pattern *)compile(text, why);
}

void
pattern_free(struct pattern **pattern)
{
    pcre2_code_free((pcre2_code *)*pattern);
    *pattern = NULL;
}

static int
search(const pcre2_code *code, const char *name)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    int result = PCRE2_ERROR_NOMEMORY;
    if (context != NULL && found != NULL) {
        pcre2_set_match_limit(context, MATCH_STEPS_MAX);
        pcre2_set_depth_limit(context, MATCH_DEPTH_MAX);
        pcre2_set_heap_limit(context, MATCH_HEAP_KIB);
        result = pcre2_match(code, (PCRE2_SPTR)name, strlen(name), 0, 0, found, context);
    }
    pcre2_match_data_free(found);
    pcre2_match_context_free(context);
    return result;
}

enum pattern_answer
pattern_find(const struct pattern *pattern, const char *name)
{
    int result = search((const pcre2_code *)pattern, name);
    if (result >= 0) {
        return PATTERN_MATCHES;
    }
    return result == PCRE2_ERROR_NOMATCH ? PATTERN_REFUSES : PATTERN_GIVES_UP;
}

enum pattern_answer
pattern_match(const char *text, const char *name)
{
    struct pattern *pattern = pattern_new(text, NULL);
    if (pattern == NULL) {
        return PATTERN_GIVES_UP;
    }
    enum pattern_answer answer = pattern_find(pattern, name);
    pattern_free(&pattern);
    return answer;
}
