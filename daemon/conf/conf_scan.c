/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The scanner knows tokens, not grammar: strings, comments, names, numbers, brackets. Whether they
 * make sense together is libconfig's to say. */
#include "daemon/conf/conf_scan.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf_file.h"

/* An included file's whole name. */
#define PATH_BYTES 1024

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What the bounds are counted in, over all files. */
struct totals {
    const char *folder;
    size_t settings;
    size_t includes;
};

struct scan {
    struct totals *totals;
    const char *name;
    const char *at;
    const char *end;
    size_t line;
    size_t nesting;
    size_t depth; /* of included files */
    bool at_line_start;
    struct error_text *why;
};

static int scan_text(struct totals *totals, const char *name, const char *text, size_t len,
                     size_t depth, struct error_text *why);

static int
refuse(const struct scan *scan, int error, const char *what)
{
    return error_say(scan->why, error, "%s:%zu: %s", scan->name, scan->line, what);
}

/* Move on, counting lines. */
static void
pass(struct scan *scan, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        scan->line += scan->at[i] == '\n';
    }
    scan->at += len;
}

static int
pass_comment(struct scan *scan)
{
    const char *end = strstr(scan->at + 2, "*/");
    if (end == NULL) {
        return refuse(scan, ERROR_PARSE, "the comment that starts here does not end");
    }
    pass(scan, (size_t)(end - scan->at) + 2);
    return ERROR_OK;
}

static int
pass_string(struct scan *scan)
{
    const char *at = scan->at + 1;
    while (*at != '\0' && *at != '"' && *at != '\n') {
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    if (*at != '"') {
        return refuse(scan, ERROR_PARSE, "the text that starts here does not end on its line");
    }
    pass(scan, (size_t)(at - scan->at) + 1);
    return ERROR_OK;
}

/* An integer must fit what libconfig reads it into: 32 bits, or 64 with an L behind it. */
static int
pass_number(struct scan *scan)
{
    char *digits_end = NULL;
    size_t sign = strspn(scan->at, "+-");
    bool is_hex = strncmp(scan->at + sign, "0x", 2) == 0 || strncmp(scan->at + sign, "0X", 2) == 0;
    size_t len = strspn(scan->at, "+-." DIGITS "eE");
    errno = 0;
    long long value = strtoll(scan->at, &digits_end, is_hex ? 16 : 10);
    bool is_integer = is_hex || (size_t)(digits_end - scan->at) == len;
    bool is_long = *digits_end == 'L';
    bool fits = errno != ERANGE && (is_long || (value >= INT_MIN && value <= INT_MAX));
    if (is_integer && !fits) {
        return refuse(
            scan, ERROR_RANGE,
            is_long ? "the integer here does not fit 64 bits"
                    : "the integer here does not fit 32 bits; write it with an L: 5000000000L");
    }
    pass(scan, is_integer ? (size_t)(digits_end - scan->at) + is_long : len);
    return ERROR_OK;
}

static int
scan_included(struct scan *scan, const char *name)
{
    char path[PATH_BYTES];
    int written = snprintf(path, sizeof path, "%s/%s", scan->totals->folder, name);
    if (written < 0 || (size_t)written >= sizeof path) {
        return refuse(scan, ERROR_TOO_BIG, "@include: the name is too long");
    }
    char *text = NULL;
    size_t len = 0;
    struct error_text reason;
    int error = conf_file_read(path, CONF_FILE_BYTES_MAX, &text, &len, &reason);
    if (error) {
        return error_say(scan->why, error, "%s:%zu: @include: %s: %s", scan->name, scan->line, path,
                         reason.text);
    }
    error =
        len == 0 || text[len - 1] == '\n'
            ? scan_text(scan->totals, path, text, len, scan->depth + 1, scan->why)
            : error_say(scan->why, ERROR_PARSE, "%s: an included file ends with a newline", path);
    free(text);
    return error;
}

/* @include "name" at the start of a line. */
static int
pass_include(struct scan *scan)
{
    const char *open = scan->at + strlen("@include");
    open += strspn(open, " \t");
    const char *close = *open == '"' ? strpbrk(open + 1, "\"\\\n") : NULL;
    if (close == NULL || *close != '"') {
        return refuse(scan, ERROR_PARSE, "@include: wants a file's name in quotes");
    }
    char name[PATH_BYTES];
    int written = snprintf(name, sizeof name, "%.*s", (int)(close - open - 1), open + 1);
    if (written < 0 || (size_t)written >= sizeof name) {
        return refuse(scan, ERROR_TOO_BIG, "@include: the name is too long");
    }
    if (name[0] == '/') {
        return refuse(scan, ERROR_PARSE,
                      "@include: wants a name relative to the configuration's folder");
    }
    scan->totals->includes++;
    if (scan->depth == CONF_INCLUDE_DEPTH_MAX || scan->totals->includes > CONF_INCLUDES_MAX) {
        return refuse(scan, ERROR_TOO_BIG, "@include: files include each other too often");
    }
    int error = scan_included(scan, name);
    pass(scan, (size_t)(close - scan->at) + 1);
    return error;
}

static int
pass_mark(struct scan *scan)
{
    char mark = *scan->at;
    if (mark == '=' || mark == ':') {
        scan->totals->settings++;
    } else if (mark == '{' || mark == '[' || mark == '(') {
        scan->nesting++;
    } else if ((mark == '}' || mark == ']' || mark == ')') && scan->nesting > 0) {
        scan->nesting--;
    }
    if (scan->totals->settings > CONF_SETTINGS_MAX) {
        return refuse(scan, ERROR_TOO_BIG, "more settings than a configuration may have");
    }
    if (scan->nesting > CONF_NESTING_MAX) {
        return refuse(scan, ERROR_TOO_BIG, "groups and lists are nested too deep");
    }
    pass(scan, 1);
    return ERROR_OK;
}

static bool
is_number_start(const char *at)
{
    at += strspn(at, "+-") > 0;
    at += *at == '.';
    return *at >= '0' && *at <= '9';
}

static int
pass_token(struct scan *scan)
{
    if (*scan->at == '#' || strncmp(scan->at, "//", 2) == 0) {
        pass(scan, strcspn(scan->at, "\n"));
        return ERROR_OK;
    }
    if (strncmp(scan->at, "/*", 2) == 0) {
        return pass_comment(scan);
    }
    if (*scan->at == '"') {
        return pass_string(scan);
    }
    if (scan->at_line_start && strncmp(scan->at, "@include", 8) == 0) {
        return pass_include(scan);
    }
    if (is_number_start(scan->at)) {
        return pass_number(scan);
    }
    if (strchr(LETTERS "*", *scan->at) != NULL) {
        pass(scan, strspn(scan->at, LETTERS DIGITS "-_*"));
        return ERROR_OK;
    }
    return pass_mark(scan);
}

static int
scan_text(struct totals *totals, const char *name, const char *text, size_t len, size_t depth,
          struct error_text *why)
{
    struct scan scan = { .totals = totals,
                         .name = name,
                         .at = text,
                         .end = text + len,
                         .line = 1,
                         .depth = depth,
                         .at_line_start = true,
                         .why = why };
    const char *nul = memchr(text, '\0', len);
    if (nul != NULL) {
        pass(&scan, (size_t)(nul - text));
        return refuse(&scan, ERROR_PARSE, "a NUL byte; wants a text file");
    }
    while (scan.at < scan.end) {
        if (strchr(" \t\r\n\f", *scan.at) != NULL) {
            scan.at_line_start = scan.at_line_start || *scan.at == '\n';
            pass(&scan, 1);
            continue;
        }
        int error = pass_token(&scan);
        if (error) {
            return error;
        }
        scan.at_line_start = false;
    }
    return ERROR_OK;
}

int
conf_scan(const char *name, const char *folder, const char *text, size_t len,
          struct error_text *why)
{
    struct totals totals = { .folder = folder };
    return scan_text(&totals, name, text, len, 0, why);
}
