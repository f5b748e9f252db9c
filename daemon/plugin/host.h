/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The functions handed to plugins, and the one way to run a call: bytes in, bytes out. Whatever a
 * step does with them is recorded here and judged: a verdict out of range, a step value that does
 * not fit what was recorded, a bound that was broken all give CALL_FAILED with a sentence. Shared
 * by the daemon and its workers; reentrant. */
#ifndef ROLLCALL_PLUGIN_HOST_H
#define ROLLCALL_PLUGIN_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "daemon/plugin/loader.h"

/* A plugin's configuration as it is handed in: values by key, files as bytes, no secrets. */
struct host_value {
    const char *key;
    int32_t type;             /* ROLLCALL_STRING … */
    int64_t number;           /* INT, BOOL, DURATION (ms) */
    const char *const *texts; /* STRING, RATE: one; LIST: many; FILE(S): base names */
    const void *const *files; /* FILE(S): the bytes */
    const size_t *file_lens;
    size_t count; /* of texts or files */
};

struct host_config {
    const struct host_value *values;
    size_t count;
};

/* Who waits for a call: what rollcall_is_cancelled() and rollcall_cancel_fd() ask. */
struct host_caller {
    bool (*is_cancelled)(void *context);
    int (*cancel_fd)(void *context); /* -1: none to be had */
    void *context;
    bool is_deaf_to_steps; /* for what is quick there is nothing to ask: it is never cancelled */
};

/**
 * Decode a call_request from `in`, run it in this plugin, encode the call_answer into `out`.
 * Never fails for what the plugin did: that is an answer with outcome CALL_FAILED.
 * `caller` may be NULL: then nobody cancels.
 * Errors: PROTOCOL (the request), NOMEM, TOO_BIG (the answer).
 * Thread: [pool] or [worker]; may run at the same time for the same image.
 */
MUST_CHECK int
host_run(const struct image *image, const struct host_config *config,
         const struct host_caller *caller, const void *in, size_t in_len, struct buf *out);

#endif
