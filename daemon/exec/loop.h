/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The one event loop: epoll, timers, posting. Whatever the daemon owns while it runs (queries,
 * checks, transfers, pacing) is owned by the thread inside loop_run(); everyone else posts. */
#ifndef ROLLCALL_EXEC_LOOP_H
#define ROLLCALL_EXEC_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/attr.h"

struct loop;

/** Errors: NOMEM, IO (no descriptors). Free with loop_free(), which wants an ended loop_run(). */
MUST_CHECK int loop_new(struct loop **out_loop);
void loop_free(struct loop **loop);

/** Run until loop_stop(). What was posted before the stop is still run. Thread: becomes [loop]. */
void loop_run(struct loop *loop);

/** Thread: any. May be called twice. */
void loop_stop(struct loop *loop);

/** One turn: what is due now; waits at most `wait_us` for something. For tests and tools that
 *  drive a loop themselves. Thread: [loop]. */
void loop_turn(struct loop *loop, int64_t wait_us);

/** Whether the caller is the thread that runs the loop (for assertions). */
bool loop_is_mine(const struct loop *loop);

/** Turns so far: a watchdog sees from it that the loop is alive. Thread: any. */
uint64_t loop_turns(const struct loop *loop);

/* Work for the loop from anywhere: embedded in what it is about, so posting cannot fail. A post
 * may be used again once its fn has been called. fn runs exactly once per loop_post(), in order. */
struct loop_post {
    void (*fn)(struct loop_post *post);
    struct loop_post *next;
};

/** Thread: any, the loop too (then it runs in the next turn, after what is at hand). */
void loop_post(struct loop *loop, struct loop_post *post);

/* A timer, embedded; arming cannot fail. Zeroed memory with fn set is a timer at rest. */
struct loop_timer {
    void (*fn)(struct loop_timer *timer);
    int64_t due_us;
    struct loop_timer *child; /* a pairing heap's links: loop.c's own */
    struct loop_timer *next;
    struct loop_timer *prev;
    bool armed;
};

/** Run timer->fn once, not before `due_us` (monotonic; CLOCK_NEVER only disarms). Arming again
 *  moves it. Thread: [loop], or before loop_run(). */
void loop_timer_arm(struct loop *loop, struct loop_timer *timer, int64_t due_us);
void loop_timer_disarm(struct loop *loop, struct loop_timer *timer);

/* A descriptor, embedded. */
struct loop_watch {
    int fd;
    uint32_t events; /* EPOLLIN | EPOLLOUT, level-triggered */
    void (*fn)(struct loop_watch *watch, uint32_t events);
};

/** Watch watch->fd for watch->events, or change them. Errors: IO, NOMEM. Thread: [loop]. */
MUST_CHECK int loop_watch_add(struct loop *loop, struct loop_watch *watch);
MUST_CHECK int loop_watch_change(struct loop *loop, struct loop_watch *watch);
/** After it watch->fn is not called again, not even for an event of this very turn. */
void loop_watch_remove(struct loop *loop, struct loop_watch *watch);

#endif
