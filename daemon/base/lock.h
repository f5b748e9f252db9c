/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Mutexes with a rank. Every lock of the program is named in this one table; a lock that is not in
 * it does not exist. A thread takes locks in rising rank only: taking a lower or equal rank aborts
 * in debug builds (CMAKE_BUILD_TYPE=Debug), so an order that could deadlock fails the first test
 * that runs it. Under a lock: no callback, no log, no foreign call, no allocation. */
#ifndef ROLLCALL_BASE_LOCK_H
#define ROLLCALL_BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/attr.h"

/* name, rank, what it guards */
#define LOCK_TABLE(X)                                                                              \
    X(SERVER, 10, "serve/server: the state of a context between nng's thread and the loop")        \
    X(POOL, 20, "exec/pool: the starting of threads")                                              \
    X(CREW, 30, "plugin/crew: the instances of a plugin that runs on threads")

enum lock_rank {
#define X(name, rank, guards) LOCK_##name = (rank),
    LOCK_TABLE(X)
#undef X
};

struct CAPABILITY("mutex") lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

struct cond {
    pthread_cond_t cond; /* on CLOCK_MONOTONIC */
};

/** Thread: any, before the lock is shared. Aborts when the system has no mutex to give. */
void lock_init(struct lock *lock, enum lock_rank rank);
void lock_fini(struct lock *lock);

/** Thread: any that holds only locks of lower rank. */
void lock_take(struct lock *lock) ACQUIRES(lock);
void lock_release(struct lock *lock) RELEASES(lock);

void cond_init(struct cond *cond);
void cond_fini(struct cond *cond);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);

/** Wait with `lock` held; it is held again on return. Wakes without cause are possible. */
void cond_wait_locked(struct cond *cond, struct lock *lock) REQUIRES(lock);

/** As cond_wait_locked(), until `deadline_us` (of clock_now_us(), CLOCK_NEVER included). False when
 * that has passed. */
bool
cond_wait_until_locked(struct cond *cond, struct lock *lock, int64_t deadline_us) REQUIRES(lock);

#endif
