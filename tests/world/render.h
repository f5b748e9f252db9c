/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Replies as bytes: a case's with its subject replaced by who was asked for, and those of faults.
 * Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_RENDER_H
#define ROLLCALL_TESTS_WORLD_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/buf.h"
#include "tests/world/stage.h"

#define RENDER_BYTES_MAX (16u * 1024 * 1024)
/* Of an endless body, over and over: one chunk. */
#define RENDER_CHUNK_BYTES 16384

struct render_request {
    const char *origin; /* "http://127.0.0.1:4711": what {base} in a reply begins with */
    const char *target; /* where a redirect loop leads */
    bool is_head;       /* no body */
    bool keep_alive;
};

/** Append the whole reply (of FAULT_ENDLESS its head) to `out`; check out->error. Gives its status;
 *  0 for garbage. HANG, RESET and CLOSE have none. */
int render_reply(const struct play *play, const struct render_request *request, struct buf *out);

/** A reply to a request that cannot be served at all; the connection ends with it. */
void render_refusal(int status, const char *sentence, struct buf *out);

/** One chunk of an endless body. */
const char *render_chunk(size_t *out_len);

#endif
