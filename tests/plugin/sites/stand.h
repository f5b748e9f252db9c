/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The sites plugin on a stand: catalogues from memory, calls through the real host and the same
 * bytes that the daemon sends, requests filled and verdicts guarded as the daemon does it. Failures
 * fail the test. */
#ifndef ROLLCALL_TESTS_PLUGIN_SITES_STAND_H
#define ROLLCALL_TESTS_PLUGIN_SITES_STAND_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/plugin/call.h"
#include "daemon/query/verdict.h"

#define STAND_FILES_MAX 4

/** A catalogue: its file name and its text. */
struct stand_file {
    const char *name;
    const char *text;
    size_t len; /* 0: up to the NUL */
};

/** A plugin that has read its catalogues. */
struct stand;

struct stand_options {
    struct stand_file files[STAND_FILES_MAX]; /* up to the first without a name */
    const char *reading;                      /* NULL: not configured */
    const char *base_url;                     /* NULL: not configured */
};

struct stand *stand_open(const struct stand_options *options);
void stand_close(struct stand **stand);

/** What enumerate came to; lives with the stand. */
const struct call_answer *stand_offer(const struct stand *stand);
/** The checker with that id, or NULL. */
const struct manifest_checker *stand_find(const struct stand *stand, const char *id);
/** Whether a note has this text in it. */
bool stand_notes(const struct stand *stand, const char *text);

/** What a name gets: a request, filled, or a verdict without one. Lives until the next ask. */
struct stand_request {
    bool is_verdict;
    struct finding finding;
    int method; /* ROLLCALL_GET … */
    const char *url;
    const char *body; /* NULL: none */
    unsigned redirects;
    const char *const *headers; /* "Name: value", NULL-terminated */
};
const struct stand_request *stand_ask(struct stand *stand, const char *id, const char *name);

/** What a reply comes to. `headers` is "Name: value" lines, or NULL. */
struct stand_reply {
    int status;
    const char *body;
    const char *headers;
    const char *url; /* NULL: the URL that was asked for */
    bool truncated;
    size_t body_len; /* 0: up to the NUL */
};
struct finding
stand_judge(struct stand *stand, const char *id, const char *name, const struct stand_reply *reply);

#endif
