/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The process pool: a group of worker processes that serve one kind of call, one call at a time
 * each. Spawns them (exec'd, never a bare fork), feeds them, times them out, kills them, replaces
 * them with back-off, keeps a spare ready, and puts the whole group aside when it keeps failing. A
 * worker that dies fails only the call in hand; what it was sent ahead another one gets. What a
 * worker says is a stranger's bytes: frames are checked here, payloads by whoever asked. Knows no
 * plugin. Owner of all: [loop]. */
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

/* From spawning to HELLO. */
#define PROCS_START_US (INT64_C(5) * 1000 * 1000)
/* From our closing of its socket to its end; then it is killed. */
#define PROCS_LEAVE_US (INT64_C(1) * 1000 * 1000)
/* The same when it closed its own: the system does that some microseconds before it says how a
 * process ended. */
#define PROCS_HUNG_UP_US (INT64_C(20) * 1000)
/* A loop that comes so much too late for a worker's limit stood still, and so may the worker have:
 * its time begins anew, so often at most. */
#define PROCS_LATE_US (INT64_C(100) * 1000)
#define PROCS_LATE_MAX 3
/* An idle worker leaves after so long, except the last PROCS_IDLE_KEPT: one and the spare. */
#define PROCS_IDLE_US (INT64_C(60) * 1000 * 1000)
#define PROCS_IDLE_KEPT 2

/* So often the idle ones are looked at. One that has used more processor time than it had calls in
 * hand, by so much and by so much for each answer (what it does before and after), is killed. */
#define PROCS_LOOK_US (INT64_C(5) * 1000 * 1000)
#define PROCS_IDLE_CPU_US (INT64_C(100) * 1000)
#define PROCS_ANSWER_CPU_US (INT64_C(1) * 1000)

/* A worker that died is replaced at once; when that one dies too, after this, and then twice that,
 * give or take a fifth. A minute without a death forgets all. */
#define PROCS_RESPAWN_US (INT64_C(100) * 1000)
#define PROCS_RESPAWN_MAX_US (INT64_C(30) * 1000 * 1000)
#define PROCS_HEALTHY_US (INT64_C(60) * 1000 * 1000)

/* A group that fails so often in PROCS_WINDOW_US is put aside, for PROCS_ASIDE_US at first. Then
 * one worker is started and one call at a time admitted: an answer ends it, a death doubles it. */
#define PROCS_FAILURES_MAX 5
#define PROCS_WINDOW_US (INT64_C(60) * 1000 * 1000)
#define PROCS_ASIDE_US (INT64_C(60) * 1000 * 1000)
#define PROCS_ASIDE_MAX_US (INT64_C(15) * 60 * 1000 * 1000)

/* Calls that a busy worker has been sent ahead, and their bytes: so that neither side sleeps
 * between two that take microseconds. Few, since they wait when the one in hand does not end. */
#define PROCS_AHEAD_MAX 8
#define PROCS_AHEAD_BYTES_MAX ((size_t)64 * 1024)

/* Of a HELLO, of a REFUSED; of all calls that wait for a worker, together. */
#define PROCS_HELLO_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define PROCS_SENTENCE_BYTES 512
#define PROCS_QUEUE_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* READY: the first worker said HELLO. OUTDATED: what the workers are made of has changed: those
 * that are left go on, and none is started any more. REFUSED: the first worker did not get so far,
 * or the last of an OUTDATED group is gone; final. */
enum procs_state {
    PROCS_STARTING,
    PROCS_READY,
    PROCS_OUTDATED,
    PROCS_REFUSED,
    PROCS_ASIDE,
    PROCS_CLOSED
};
/* What is told of an OUTDATED group, and once more when it is REFUSED. */
#define PROCS_HAS_CHANGED "its file has changed; reload the plugin"

struct procs_options {
    struct loop *loop;
    const char *program;     /* the worker's path; copied */
    const char *const *argv; /* its arguments, its name first, NULL at the end; copied */
    size_t queue_max;        /* calls that wait for a worker; one more is BUSY */
    const void *hello; /* what HELLO must carry, where that is known already; copied. The group
                          is READY at once then: no start is the first. NULL: not known */
    size_t hello_len;
    /* [loop] The state changed, or a worker ended badly: then `sentence` says how ("killed by
     * signal 11 (SIGSEGV)", "exited with status 3", "broke the protocol: …", "was killed after 2
     * s"), and comes before the failed call ends; else it is "". CLOSED: the last worker is gone.
     * Never called from within a function of this file that the owner called, but for
     * procs_reject(). The bytes of a
     * refusal are a stranger's. May call procs_close(), not procs_free(). */
    void (*told)(void *context, enum procs_state state, const char *sentence);
    /* [loop] Whether what a worker is made of is what the first one was made of: asked before each
     * other start and again at its HELLO, for in between it was read. NULL: it always is. */
    bool (*is_current)(void *context);
    /* Paths of what a worker finds only as it was when it started, since its sandbox knows files
     * and not their names; NULL at the end. Borrowed, for as long as the group. Once another file
     * is there, workers from before leave when they have no call in hand. NULL: none. */
    const char *const *held_paths;
    void *context;
};

/** Errors: NOMEM. The first worker is started in the loop's next turn, by the thread that turns it:
 *  that thread must stay as long as the workers do. Thread: [loop] or before it runs. */
MUST_CHECK int procs_new(const struct procs_options *options, struct procs **out_procs);

/** What HELLO carried; NULL before it came. Lives as long as the group. */
const void *procs_hello(const struct procs *procs, size_t *out_len);

/**
 * Say what CONFIG carries and how many workers there may be beside the spare; until then calls
 * wait. Once.
 * Owner:  `config` is copied. Errors: NOMEM. Thread: [loop] or before it runs.
 */
MUST_CHECK int
procs_configure(struct procs *procs, const void *config, size_t len, unsigned workers_max);

struct procs_request {
    const void *bytes; /* read or copied before procs_call() returns */
    size_t len;
    const void *config; /* what CONFIG carries for this call alone, instead of procs_configure()'s:
                           with then_leaves; NULL: none. Read or copied like `bytes` */
    size_t config_len;
    size_t answer_max; /* bytes of its answer */
    int64_t limit_us;  /* a call that takes longer is a loop: its worker is killed */
    bool then_leaves;  /* its worker answers nothing after it: for calls that use up memory */
    bool goes_first;   /* before all that do not: what goes on with work, before what begins some */
    bool may_follow;   /* quick: when all workers are busy with such calls it may be sent ahead, and
                          is begun when those before it are answered */
};

/* The result of a call's future; borrowed, lives as long as the future. */
struct procs_answer {
    const void *bytes;
    size_t len;
};

/**
 * One call.
 * Owner:  *out_future is the caller's reference; its result is a const struct procs_answer *.
 *         Cancelling a running call tells its worker, which may give up or finish it, within its
 *         limit; what it answers is dropped.
 * Errors: at once: BUSY, CLOSED, NOMEM, PLUGIN (put aside or refused). Through the future: PLUGIN
 * (the worker died or spoke nonsense, or the group was put aside meanwhile), TIMEOUT (the worker
 * was killed at its limit), CLOSED, CANCELLED; TOO_BIG, NOMEM, IO (it could not be sent). Thread:
 * [loop]; ends on the loop.
 */
MUST_CHECK int
procs_call(struct procs *procs, const struct procs_request *request, struct future **out_future);

/**
 * What a call was answered cannot be read: its worker broke the protocol and is killed, which is a
 * death like any other and told before this returns. `why` goes on from "broke the protocol: ".
 * Thread: [loop], from a callback of that call's future.
 */
void procs_reject(struct procs *procs, const char *why);

/** Fail what waits, let running calls end, then let the workers leave (close their sockets); those
 *  that do not within PROCS_LEAVE_US are killed. May be called twice. */
void procs_close(struct procs *procs);
/** Whether all workers are gone. */
bool procs_is_gone(const struct procs *procs);
/** Kill and reap whatever is left, free all; calls in hand fail with CLOSED. Accepts NULL.
 *  Thread: [loop], or when it no longer runs. */
void procs_free(struct procs **procs);

struct procs_stats {
    unsigned workers; /* alive, the spare included */
    unsigned busy;
    unsigned idle; /* ready for a call */
    size_t queued;
    size_t ahead; /* sent to busy workers already */
    uint64_t calls;
    uint64_t deaths;
    enum procs_state state;
    char last_error[PROCS_SENTENCE_BYTES]; /* "" when none */
};
void procs_stats(const struct procs *procs, struct procs_stats *out_stats);

#endif
