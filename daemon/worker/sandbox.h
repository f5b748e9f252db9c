/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a worker gives up, in two strides: sandbox->enter() before its plugin is opened, so that the
 * plugin's constructors already run confined, and sandbox->seal() once it is open and nothing more
 * has to be loaded. Nothing that was given up comes back: each stride only takes away. Where a
 * kernel lacks a layer (Landlock) the others stand; where one that must be there cannot be had, the
 * worker does not run. Thread: [worker], its only one. */
#ifndef ROLLCALL_WORKER_SANDBOX_H
#define ROLLCALL_WORKER_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/base/error.h"

/* The worker's end of the conversation. It, the three below it and up to two that the worker put
 * behind it are all that stays open. */
#define SANDBOX_CHANNEL 3
#define SANDBOX_LAST 5

struct sandbox_options {
    const char *plugin; /* the file that will be opened */
    pid_t parent;       /* the process that started us */
    bool network;       /* it may open connections of its own, and look up names */
    bool enumerates;    /* it reads catalogues, which takes memory */
};

struct sandbox {
    const char *name;
    /** Errors: DENIED (the parent is gone), IO; `why` names the call that failed. */
    int (*enter)(const struct sandbox_options *options, struct error_text *why);
    int (*seal)(const struct sandbox_options *options, struct error_text *why);
};

/** All layers. */
extern const struct sandbox sandbox_full;
/** None: for looking at a worker with a debugger. No daemon asks for it. */
extern const struct sandbox sandbox_none;

#endif
