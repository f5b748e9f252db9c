/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One child process as the system sees it: spawn it with a socket of its own, kill it, bury it.
 * Knows no loop and no conversation. */
#ifndef ROLLCALL_EXEC_PROC_H
#define ROLLCALL_EXEC_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/error.h"

/* Where the child finds its end of the socket. */
#define PROC_CHILD_FD 3

#define PROC_SENTENCE_BYTES 128

struct proc {
    pid_t pid;
    int pidfd; /* readable when it has ended */
    int fd;    /* our end, SOCK_SEQPACKET, non-blocking; -1 when closed */
};

/**
 * Spawn `program` with PROC_CHILD_FD, no other descriptor but 0 to 2 on /dev/null (standard error
 * stays in sanitizer builds), no signal blocked or ignored, no environment, a process group of its
 * own.
 * Owner:  *out_proc is the caller's: proc_bury() it, then proc_fini().
 * Errors: IO, NOMEM; `why` says what the system said. Thread: one that outlives the child, which
 * may die with it.
 */
MUST_CHECK int
proc_spawn(const char *program, char *const *argv, struct proc *out_proc, struct error_text *why);

/** SIGKILL; it stays to be buried. */
void proc_kill(const struct proc *proc);

/** The processor time that it has used, with all its threads; 0 when nobody knows. */
int64_t proc_cpu_time_us(const struct proc *proc);

/** Close our end of the socket; may be called twice. */
void proc_hang_up(struct proc *proc);

/* How one ended. */
struct proc_end {
    int signal;   /* that killed it; 0: none did */
    bool is_fair; /* it ended by itself, with status 0 */
    char sentence[PROC_SENTENCE_BYTES];
};

/** Take its exit status and say it in words: "exited with status 3". False: it has not ended yet;
 *  with `wait` this waits for that. */
MUST_CHECK bool proc_bury(const struct proc *proc, bool wait, struct proc_end *out_end);

/** After it was buried. */
void proc_fini(struct proc *proc);

#endif
