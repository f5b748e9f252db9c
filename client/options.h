/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The command line, read against one table that also prints the help. */
#ifndef ROLLCALL_CLIENT_OPTIONS_H
#define ROLLCALL_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses; check's own three are as grep's. */
enum status {
    STATUS_YES = 0,
    STATUS_NO = 1,
    STATUS_UNKNOWN = 2,
    STATUS_USAGE = 64,
    STATUS_UNREACHABLE = 69,
    STATUS_BROKEN = 70, /* out of memory, or what came back makes no sense */
    STATUS_WRITE = 74,  /* standard output could not be written */
    STATUS_INTERRUPTED = 130
};

/* The verbs, as bits: which of them takes an option. */
enum verb_bit {
    VERB_CHECK = 1 << 0,
    VERB_PLATFORMS = 1 << 1,
    VERB_PLUGINS = 1 << 2,
    VERB_STATUS = 1 << 3,
    VERB_CANCEL = 1 << 4,
    VERB_VERSION = 1 << 5,
    VERB_ALL = (1 << 6) - 1
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV };

/* Bits of --only. */
enum only { ONLY_REGISTERED = 1, ONLY_UNREGISTERED = 2, ONLY_UNKNOWN = 4 };

struct options {
    bool wants_help;
    enum format format;
    unsigned only; /* 0: all */
    bool all;
    bool adult;
    bool fresh;
    bool explain;
    bool timeline;
    int64_t timeout_ms; /* 0: the daemon's */
    int64_t wait_ms;    /* 0: the library's */
    const char *url;
    const char *kind;
    const char *tag; /* the last one */
    const char *catalog;
    const char *strategy;
    const char **platforms; /* ids and tags, NULL-terminated */
    const char **exclude;
    const char *const *words; /* what is no option; borrowed from argv */
    size_t word_count;
};

/**
 * Read argv[1…] (argv[0] is the verb) as `verb`'s. Texts stay argv's; argv is reordered.
 * Owner:  *options is the caller's: options_fini(), also after an error.
 * Errors: STATUS_USAGE or STATUS_BROKEN, said on standard error.
 */
int options_read(struct options *options, unsigned verb, int argc, char **argv);
void options_fini(struct options *options);

/** One line an option, for the verbs in `verbs`. */
void options_print(FILE *out, unsigned verbs);

#endif
