/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Another program, run by a test: started with its output captured, waited for with a deadline,
 * never left behind. A thread of its own drains both outputs, so a chatty child never blocks.
 * When the test's program dies the child is killed with it: start children from the main thread,
 * whose end is the program's. All times are multiplied by SUPPORT_SLOWDOWN in here. */
#ifndef ROLLCALL_TESTS_SUPPORT_CHILD_H
#define ROLLCALL_TESTS_SUPPORT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/base/attr.h"

/* Bytes kept of each output; what comes after is read and dropped. */
#define CHILD_OUTPUT_MAX (16u * 1024 * 1024)
#define CHILD_ARGS_MAX 64
/* Milliseconds before a deadline stretches under sanitizers. */
#define CHILD_WAIT_MS 20000

enum child_stream { CHILD_STDOUT, CHILD_STDERR };

struct child_options {
    const char *const *argv;    /* [0] is a path, or a name to look for in PATH; NULL at the end */
    const char *const *env;     /* "NAME=value" on top of ours, "NAME" takes one away; or NULL */
    const char *input;          /* what it reads on stdin; NULL: nothing */
    const char *const *wrapper; /* a program and arguments in front of argv (valgrind); or NULL */
};

struct child;

/** Start a program. Owner: free with child_free(). Fails the test when it cannot be started. */
struct child *child_start(const struct child_options *options);

/** Kill it unless it has ended, reap it, free all. Accepts NULL. */
void child_free(struct child **child);

pid_t child_pid(const struct child *child);

/** Readable once the child has ended; the child's own. */
int child_pidfd(const struct child *child);

/** The next line of stdout, without its newline; free() it. NULL: the deadline, or its end. */
char *child_read_line(struct child *child, int timeout_ms);

/** Wait until `text` stands in what was written so far. False: the deadline, or its end without. */
MUST_CHECK bool
child_wait_text(struct child *child, enum child_stream stream, const char *text, int timeout_ms);

/** A copy of all that it wrote so far; free() it. After child_wait() that is all it ever wrote. */
char *child_output(struct child *child, enum child_stream stream);

void child_signal(struct child *child, int signal_number);

/** Wait for its end. *out_status: its exit status, or minus the signal that ended it. May be called
 *  again. False: the deadline. */
MUST_CHECK bool child_wait(struct child *child, int timeout_ms, int *out_status);

/** Run a program to its end and hand back its status (as above); the outputs are the caller's,
 *  either may be NULL. Fails the test, with its stderr, when it does not end within CHILD_WAIT_MS.
 */
int child_run(const struct child_options *options, char **out_stdout, char **out_stderr);

#endif
