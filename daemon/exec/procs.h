/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The process pool: a group of worker processes that serve one kind of call, one call at a time
 * each. Spawns them (exec'd, never a bare fork), feeds them, times them out, kills them, replaces
 * them with back-off, keeps a spare ready, and puts the whole group aside when it keeps failing. A
 * worker that dies fails only the call in hand. What a worker says is a stranger's bytes: frames
 * are checked here, payloads by whoever asked. Knows no plugin. Owner of all: [loop]. */
#ifndef ROLLCALL_EXEC_PROCS_H
#define ROLLCALL_EXEC_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/error.h"
#include "daemon/exec/future.h"
#include "daemon/exec/loop.h"

struct procs;

/* A group that fails so often in PROCS_WINDOW_US is put aside, for PROCS_ASIDE_US at first. */
#define PROCS_FAILURES_MAX 5
#define PROCS_WINDOW_US (INT64_C(60) * 1000 * 1000)
#define PROCS_ASIDE_US (INT64_C(60) * 1000 * 1000)
#define PROCS_ASIDE_MAX_US (INT64_C(15) * 60 * 1000 * 1000)

enum procs_state { PROCS_STARTING, PROCS_READY, PROCS_REFUSED, PROCS_ASIDE, PROCS_CLOSED };

struct procs_options {
    struct loop *loop;
    const char *program;     /* the worker's path */
    const char *const *argv; /* its arguments, NULL at the end; copied */
    const void *config;      /* payload of CONFIG; copied */
    size_t config_len;
    unsigned workers_max;  /* beside the spare */
    size_t queue_max;      /* calls that wait for a worker; one more is BUSY */
    int64_t call_limit_us; /* a call that takes longer is a loop: its worker is killed */
    size_t answer_max;     /* bytes of one answer */
    /* [loop] The state changed, or a worker ended badly: `sentence` says how ("killed by signal
     * 11"). */
    void (*told)(void *context, enum procs_state state, const char *sentence);
    void *context;
};

/** Errors: NOMEM. The first worker is started at once. Thread: [loop] or before it runs. */
MUST_CHECK int procs_new(const struct procs_options *options, struct procs **out_procs);

/** What HELLO carried; NULL before it came. Lives as long as the group. */
const void *procs_hello(const struct procs *procs, size_t *out_len);

/* The result of a call's future; borrowed, lives as long as the future. */
struct procs_answer {
    const void *bytes;
    size_t len;
};

/**
 * One call.
 * Owner:  `bytes` are copied. *out_future is the caller's reference; its result is a const struct
 *         procs_answer *. Cancelling a running call lets its worker finish it and drops the answer.
 * Errors: at once: BUSY, CLOSED, NOMEM, PLUGIN (put aside or refused). Through the future: PLUGIN
 * (the worker died or spoke nonsense), TIMEOUT (it was killed at its limit), CANCELLED. Thread:
 * [loop]; ends on the loop.
 */
MUST_CHECK int
procs_call(struct procs *procs, const void *bytes, size_t len, struct future **out_future);

/** Fail what waits, let running calls end, then let the workers leave (close their sockets); those
 * that do not within a second are killed. */
void procs_close(struct procs *procs);
/** Whether all workers are gone. */
bool procs_is_gone(const struct procs *procs);
/** Kill and reap whatever is left, free all. Thread: [loop], or when it no longer runs. */
void procs_free(struct procs **procs);

struct procs_stats {
    unsigned workers; /* alive, the spare included */
    unsigned busy;
    size_t queued;
    uint64_t calls;
    uint64_t deaths;
    enum procs_state state;
    char last_error[128]; /* "" when none */
};
void procs_stats(const struct procs *procs, struct procs_stats *out_stats);

#endif
