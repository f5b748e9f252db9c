/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Ranked mutexes over pthread's. In debug builds each thread keeps a short stack of the ranks that
 * it holds; an order that could deadlock prints both names and aborts, also when this run would
 * have got through. Release builds carry none of that. */
#include "daemon/base/lock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/base/clock.h"

/* How long a wait under a frozen clock sleeps before it looks at that clock again. */
#define FROZEN_SLICE_US CLOCK_US_PER_MS

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

/* While a thread sleeps on a condition it keeps every other lock, so it may hold none above. */
static void
note_waiting(enum lock_rank rank)
{
    if (held_count == 0) {
        abort_unheld("waits with", rank);
    }
    if (held[held_count - 1] != rank) {
        abort_over("waits with", rank, held[held_count - 1]);
    }
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

static void
note_waiting(enum lock_rank rank)
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

void
cond_init(struct cond *cond)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr));
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
    must(pthread_cond_init(&cond->cond, &attr));
    must(pthread_condattr_destroy(&attr));
}

void
cond_fini(struct cond *cond)
{
    must(pthread_cond_destroy(&cond->cond));
}

void
cond_signal(struct cond *cond)
{
    must(pthread_cond_signal(&cond->cond));
}

void
cond_broadcast(struct cond *cond)
{
    must(pthread_cond_broadcast(&cond->cond));
}

NO_LOCK_ANALYSIS void
cond_wait_locked(struct cond *cond, struct lock *lock)
{
    note_waiting(lock->rank);
    must(pthread_cond_wait(&cond->cond, &lock->mutex));
}

static struct timespec
timespec_of(int64_t at_us)
{
    return (struct timespec){
        .tv_sec = at_us / CLOCK_US_PER_S,
        .tv_nsec = at_us % CLOCK_US_PER_S * 1000,
    };
}

/* A frozen clock cannot wake anybody, so look at it again and again: a wake without cause. */
static bool
wait_while_frozen(struct cond *cond, struct lock *lock, int64_t deadline_us)
{
    struct timespec now;
    must(clock_gettime(CLOCK_MONOTONIC, &now));
    int64_t now_us = now.tv_sec * CLOCK_US_PER_S + now.tv_nsec / 1000;
    struct timespec until = timespec_of(now_us + FROZEN_SLICE_US);
    int result = pthread_cond_timedwait(&cond->cond, &lock->mutex, &until);
    must(result == ETIMEDOUT ? 0 : result);
    return result == 0 || clock_now_us() < deadline_us;
}

NO_LOCK_ANALYSIS bool
cond_wait_until_locked(struct cond *cond, struct lock *lock, int64_t deadline_us)
{
    if (deadline_us == CLOCK_NEVER) {
        cond_wait_locked(cond, lock);
        return true;
    }
    note_waiting(lock->rank);
    if (clock_is_frozen()) {
        return wait_while_frozen(cond, lock, deadline_us);
    }
    struct timespec until = timespec_of(deadline_us > 0 ? deadline_us : 0);
    int result = pthread_cond_timedwait(&cond->cond, &lock->mutex, &until);
    must(result == ETIMEDOUT ? 0 : result);
    return result == 0;
}
