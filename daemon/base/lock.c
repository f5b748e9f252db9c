/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Ranked mutexes over pthread's. In debug builds each thread keeps a short stack of the ranks that
 * it holds; an order that could deadlock prints both names and aborts, also when this run would
 * have got through. Release builds carry none of that. */
#include "daemon/base/lock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef ROLLCALL_DEBUG

/* More locks than ranks cannot be held: ranks only rise. */
enum {
#define X(name, rank, guards) +1
    HELD_MAX = 0 LOCK_TABLE(X)
#undef X
};

static _Thread_local enum lock_rank held[HELD_MAX];
static _Thread_local size_t held_count;

static const char *
rank_name(enum lock_rank rank)
{
    switch (rank) {
#define X(name, number, guards)                                                                    \
    case LOCK_##name:                                                                              \
        return #name;
        LOCK_TABLE(X)
#undef X
    }
    return "not in the table";
}

/* Said with fprintf and not with the log: the log may be what is broken. */
NORETURN static void
abort_over(const char *what, enum lock_rank rank, enum lock_rank other)
{
    (void)fprintf(stderr, "lock: %s %s (rank %d) while holding %s (rank %d)\n", what,
                  rank_name(rank), (int)rank, rank_name(other), (int)other);
    abort();
}

static void
note_taking(enum lock_rank rank)
{
    if (held_count > 0 && held[held_count - 1] >= rank) {
        abort_over("takes", rank, held[held_count - 1]);
    }
    assert(held_count < HELD_MAX);
    held[held_count] = rank;
    held_count++;
}

NORETURN static void
abort_unheld(const char *what, enum lock_rank rank)
{
    (void)fprintf(stderr, "lock: %s %s (rank %d), which this thread does not hold\n", what,
                  rank_name(rank), (int)rank);
    abort();
}

static void
note_releasing(enum lock_rank rank)
{
    size_t i = held_count;
    while (i > 0 && held[i - 1] != rank) {
        i--;
    }
    if (i == 0) {
        abort_unheld("releases", rank);
    }
    for (; i < held_count; i++) {
        held[i - 1] = held[i];
    }
    held_count--;
}

#else

static void
note_taking(enum lock_rank rank)
{
    (void)rank;
}

static void
note_releasing(enum lock_rank rank)
{
    (void)rank;
}

#endif

/* What pthread refuses here is our bug or a machine without memory at start. */
static void
must(int failed)
{
    if (failed) {
        (void)fprintf(stderr, "lock: pthread error %d\n", failed);
        abort();
    }
}

void
lock_init(struct lock *lock, enum lock_rank rank)
{
    must(pthread_mutex_init(&lock->mutex, NULL));
    lock->rank = rank;
}

void
lock_fini(struct lock *lock)
{
    must(pthread_mutex_destroy(&lock->mutex));
}

NO_LOCK_ANALYSIS void
lock_take(struct lock *lock)
{
    note_taking(lock->rank);
    must(pthread_mutex_lock(&lock->mutex));
}

NO_LOCK_ANALYSIS void
lock_release(struct lock *lock)
{
    note_releasing(lock->rank);
    must(pthread_mutex_unlock(&lock->mutex));
}
