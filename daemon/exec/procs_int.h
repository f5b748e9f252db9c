/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the files of the process pool share: procs.c has its life from new to free, procs_call.c the
 * calls and their queue, procs_ahead.c those that a busy worker is sent ahead, procs_worker.c one
 * worker, procs_hear.c what it says, procs_idle.c those that have nothing to do, procs_life.c how
 * many there are and what their deaths mean. */
#ifndef ROLLCALL_EXEC_PROCS_INT_H
#define ROLLCALL_EXEC_PROCS_INT_H

#include "daemon/base/file_mark.h"
#include "daemon/base/frame.h"
#include "daemon/base/list.h"
#include "daemon/exec/proc.h"
#include "daemon/exec/procs.h"

/* A group's state. What is told and counted outside shows PROBING as ASIDE: nobody there does
 * anything else for it. */
enum procs_phase {
    PHASE_STARTING,
    PHASE_READY,
    PHASE_OUTDATED,
    PHASE_REFUSED,
    PHASE_ASIDE,   /* nobody is started: the starter is armed for its end */
    PHASE_PROBING, /* put aside, and one worker may try again */
    PHASE_CLOSED
};

/* One worker's life. It goes down this list, and to and fro between IDLE and BUSY. */
enum worker_state {
    WORKER_STARTING, /* spawned: HELLO is awaited */
    WORKER_GREETED,  /* HELLO came, what to configure it with is not known yet */
    WORKER_IDLE,
    WORKER_BUSY,
    WORKER_LEAVING, /* hung up: it ends by itself, or is killed at its limit */
    WORKER_DYING    /* killed, or it hung up: to be buried */
};

struct procs_call;

struct worker {
    struct procs *procs;
    struct list node; /* in procs->workers: who was busy last stands first */
    enum worker_state state;
    struct proc proc;
    struct loop_watch frames;
    struct loop_watch exit;
    struct loop_timer limit; /* of its start, its call, its leaving */
    unsigned held_up;        /* so often the loop was too late for its start's or call's limit */
    int64_t started_us;
    int64_t idle_since_us;
    int64_t cpu_us;  /* its processor time when it was last looked at */
    int64_t busy_us; /* since then: how long it had calls in hand, and how many it answered */
    int64_t answers;
    int64_t taken_us;        /* when it took the call in hand */
    struct procs_call *call; /* BUSY, and what died with it */
    struct list ahead;       /* calls that it was sent and has not come to yet */
    size_t ahead_count;
    size_t ahead_bytes;
    bool is_old;                       /* it leaves when it has answered */
    bool was_expected;                 /* its end is no death */
    bool has_hung_up;                  /* by itself: its status says how, unless it is ours */
    int error;                         /* what the call in hand ends with; 0: PLUGIN */
    char reason[PROCS_SENTENCE_BYTES]; /* why we killed it; "" when we did not */
};

struct procs_call {
    struct future future; /* first: what the caller holds */
    struct procs *procs;  /* until it has ended */
    struct list node;     /* in procs->first or procs->queue */
    struct list follower; /* in worker->ahead */
    struct future_callback ended;
    const void *bytes;
    void *copy; /* of `bytes` and of `config`, once it had to wait */
    size_t len;
    const void *config; /* NULL: none of its own */
    size_t config_len;
    size_t answer_max;
    int64_t limit_us;
    bool then_leaves;
    bool goes_first;
    bool may_follow;
    bool is_begun; /* its future is: it was sent to a worker, maybe to one that died since */
    uint64_t id;
    struct frame frame; /* the answer's */
    bool has_frame;
    struct procs_answer answer;
};

struct procs {
    struct loop *loop;
    char *program;
    char **argv;
    size_t queue_max;
    void (*told)(void *context, enum procs_state state, const char *sentence);
    bool (*is_current)(void *context);
    void *context;
    const char *const *held_paths;
    struct file_mark *held; /* what was there when it was last looked */

    enum procs_phase phase;
    bool was_told_gone;
    void *hello;
    size_t hello_len;
    bool is_configured;
    void *config;
    size_t config_len;
    unsigned workers_max;

    struct list workers;
    struct worker *answering; /* whose answer is being handed over; NULL: nobody's, or it was
                                 rejected */
    struct list first;        /* calls that go before those in `queue` */
    struct list queue;
    size_t queued; /* in both */
    size_t queued_bytes;
    size_t ahead; /* of all workers */
    uint64_t next_id;
    uint64_t calls;

    struct loop_timer starter; /* the next worker's start */
    struct loop_timer trimmer; /* the next look at who has been idle for long */
    struct loop_timer watcher; /* the next look at what the idle ones do */

    /* What deaths mean. */
    uint64_t deaths;
    unsigned deaths_in_row;
    uint64_t window_deaths; /* since it was last put aside */
    int64_t last_death_us;
    int64_t not_before_us;                 /* no new worker until then */
    int64_t deaths_us[PROCS_FAILURES_MAX]; /* of the latest, as a ring */
    int64_t aside_us;                      /* how long it is put aside */
    int64_t admitted_us;                   /* when it last came back */
    char last_error[PROCS_SENTENCE_BYTES];
};

/* procs.c */
/** What every worker must say. Errors: NOMEM. */
MUST_CHECK int procs_keep_hello(struct procs *procs, const void *hello, size_t len);

/* procs_call.c */
/** Whether calls are taken in, and workers kept for them. */
bool procs_takes_calls(const struct procs *procs);
/** What a call that is not taken in ends with. */
int procs_refusal(const struct procs *procs);
/** Hand queued calls to idle workers; start and retire workers as the calls demand. */
void procs_balance(struct procs *procs);
/** The call that a worker had in hand ends: with its answer's frame (which becomes the call's), or
 *  with an error. */
void procs_end_call(struct procs_call *call, struct frame *frame);
void procs_fail_call(struct procs_call *call, int error);
void procs_fail_queue(struct procs *procs, int error);
/** Put back what was never begun, as the next in line. */
void procs_put_back(struct procs_call *call);
/** A copy of its bytes, which the caller of procs_call() keeps only until that returns. Errors:
 *  NOMEM. */
MUST_CHECK int procs_keep_bytes(struct procs_call *call);
void procs_drop_bytes(struct procs_call *call);

/* procs_ahead.c */
/** A busy worker that this call may be sent to ahead; NULL: none. */
struct worker *procs_find_ahead(struct procs *procs, const struct procs_call *call);
/** Send it there. False: the worker takes no more just now, and the call is in the queue again. */
bool procs_feed_ahead(struct worker *worker, struct procs_call *call);
/** The next call of those that a worker was sent ahead, NULL: none. Its reference is the caller's.
 */
struct procs_call *procs_next_ahead(struct worker *worker);
/** A worker is gone: what it was sent ahead goes back to the queue. */
void procs_take_back(struct worker *worker);

/* procs_worker.c */
/** Errors: NOMEM, IO; `why` in words. */
MUST_CHECK int procs_worker_start(struct procs *procs, struct error_text *why);
/** Send CONFIG to one that has greeted. */
void procs_worker_configure(struct worker *worker);
/** Send a call to an idle one. The reference to `call` is the worker's from now on. */
void procs_worker_feed(struct worker *worker, struct procs_call *call);
/** Tell a busy one that nobody waits for its call any more. */
void procs_worker_cancel(struct worker *worker);
/** The call in hand was answered: the next that it was sent ahead is in hand now, or it is idle. */
void procs_worker_answered(struct worker *worker);
void procs_worker_leave(struct worker *worker);
/** The first reason counts, and the error that the call in hand ends with. */
void procs_worker_kill(struct worker *worker, int error, const char *format, ...) PRINTF_LIKE(3, 4);
/** It closed its end: it died or is about to, and how, only its status says. */
void procs_worker_hung_up(struct worker *worker);
/** Kill and bury at once, free. */
void procs_worker_free(struct worker *worker);
/** On its way to HELLO, waiting for a call or with one in hand: not on its way out. */
bool procs_worker_is_usable(const struct worker *worker);
/** Something is awaited from it. */
bool procs_worker_may_speak(const struct worker *worker);

/* procs_hear.c */
/** Whatever it has said so far; the first frame in whatever state, since it may be out of turn. */
void procs_hear(struct worker *worker);
void procs_frames_ready(struct loop_watch *watch, uint32_t events);

/* procs_life.c */
/** The first HELLO came. */
void procs_greeted(struct procs *procs);
/** Whether what workers are made of is what the first was made of. */
bool procs_is_current(const struct procs *procs);
/** It is not: no worker is started any more. */
void procs_outdate(struct procs *procs);
/** A worker could not be started, or ended and was not expected to. */
void procs_note_death(struct procs *procs, const char *sentence);
/** The first worker said or showed that there is nothing to be had. */
void procs_refuse(struct procs *procs, const char *sentence);
/** A call was answered. */
void procs_note_answer(struct procs *procs);
/** All but the busy ones leave. */
void procs_dismiss(struct procs *procs);
/** A worker is gone, whatever it was. */
void procs_note_gone(struct procs *procs);
void procs_starter_due(struct loop_timer *timer);
/** Arm or disarm the timers by what the calls demand. */
void procs_plan(struct procs *procs);
enum procs_state procs_shown_state(const struct procs *procs);
unsigned procs_count(const struct procs *procs, enum worker_state state);

/* procs_renew.c */
/** Remember what the workers will find. Errors: NOMEM. */
MUST_CHECK int procs_hold_paths(struct procs *procs, const char *const *paths);
/** If that is another by now, let all leave that may have found what was there before. */
void procs_renew(struct procs *procs);

/* procs_idle.c */
void procs_trimmer_due(struct loop_timer *timer);
void procs_watcher_due(struct loop_timer *timer);
void procs_plan_idle(struct procs *procs);
/** From now on what it uses counts. */
void procs_begin_account(struct worker *worker);

#endif
