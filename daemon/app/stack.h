/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The running daemon: executor, crew, queries and server, built bottom up and taken down top down.
 * [main] */
#ifndef ROLLCALL_APP_STACK_H
#define ROLLCALL_APP_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/app/setup.h"
#include "daemon/query/query.h"
#include "daemon/serve/order.h"

/* Until the sockets answer the daemon's own first call. */
#define STACK_READY_US (INT64_C(10) * 1000 * 1000)

/* How long threads have to come back from what they run, when all ends. */
#define STACK_STOP_US (INT64_C(2) * 1000 * 1000)

struct stack;

struct stack_options {
    struct ground *ground;
    struct setup *setup;
    struct order_taker taker; /* of what is asked on the admin socket */
};

/**
 * Build all on this ground, start the threads, listen, and wait until the sockets answer.
 * Owner:  `setup` must stay until stack_use() has replaced it and setup_is_used() says no, or
 *         stack_free(). *out_stack is the caller's.
 * Errors: as exec_new(), enumerate_all(), server_new(); TIMEOUT; `why` is one sentence. When
 *         something does not end that was started, ground->exec stays and nothing may be freed.
 */
MUST_CHECK int
stack_start(const struct stack_options *options, struct stack **out_stack, struct error_text *why);

/** Ask the plugins of a setup that is not in use yet for their checkers from data. Errors: as
 *  enumerate_all(); `why`. */
MUST_CHECK int stack_enumerate(struct stack *stack, struct setup *setup, struct error_text *why);

/** New queries see this setup from now on. Errors: NOMEM: then they see the one before. */
MUST_CHECK int stack_use(struct stack *stack, struct setup *setup);

/** Free those of a list of setups that no query uses any more. */
void stack_reap(struct stack *stack, struct list *setups);

/* What is seen from outside. */
struct stack_view {
    size_t open; /* queries */
    uint64_t queries;
    size_t plugins;
    size_t checkers;
    const char *url; /* the first listener's */
    bool is_alive;   /* the loop turned since the last look, and the sockets answer */
};
void stack_look(struct stack *stack, struct stack_view *out_view);

/** The URLs listened on: i-th or NULL. */
const char *stack_url(const struct stack *stack, size_t index);

/** No new connections, no new queries. */
void stack_close(struct stack *stack);
/** Cancel what is still open, let the replies leave, end all threads. Errors: as server_stop() and
 * exec_stop(), `why` in words: then nothing may be freed. */
MUST_CHECK int stack_stop(struct stack *stack, struct error_text *why);
/** Accepts NULL. */
void stack_free(struct stack **stack);

#endif
