/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What stands before any configuration is read, since reading it takes knowing the plugins: the
 * loop and the groups of worker processes. Main turns the loop itself until the stack has started a
 * thread for it. And how main waits for what happens there. [main] */
#ifndef ROLLCALL_APP_GROUND_H
#define ROLLCALL_APP_GROUND_H

#include "daemon/base/error.h"
#include "daemon/exec/exec.h"
#include "daemon/plugin/group.h"

struct ground {
    struct loop *loop;
    struct groups *groups;
    char *worker;      /* the path of the program that they run */
    struct exec *exec; /* runs the loop; NULL: nobody does. Set and reset by stack.c */
    /* What main does now and then while it waits; NULL: nothing. Set by app.c */
    void (*meanwhile)(void *context);
    void *context;
};

/** Errors: NOMEM, IO; `why` is one sentence. */
MUST_CHECK int ground_init(struct ground *ground, struct error_text *why);
/** Whether workers can be started. Errors: NOT_FOUND: there is no such program, or none that we may
 *  run; `why` names it. */
MUST_CHECK int ground_judge_worker(const struct ground *ground, struct error_text *why);

/** Every worker that is left is killed. After the stack is gone. */
void ground_fini(struct ground *ground);

/** Run `fn(context)` on the loop, and wait for it to return. */
void ground_run(struct ground *ground, void (*fn)(void *context), void *context);

/** Wait for a future that the loop ends, in slices: between them `meanwhile` runs, and a signal
 * that asks for a stop ends the wait and stays pending. Errors: TIMEOUT; CLOSED: a stop is asked
 * for. */
MUST_CHECK int ground_wait(struct ground *ground, struct future *future, int64_t timeout_us);

#endif
