/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Mutexes with a rank. Every lock of the program is named in this one table; a lock that is not in
 * it does not exist. A thread takes locks in rising rank only: taking a lower or equal rank aborts
 * in debug builds (CMAKE_BUILD_TYPE=Debug), so an order that could deadlock fails the first test
 * that runs it. Under a lock: no callback, no log, no foreign call, no allocation. */
#ifndef ROLLCALL_BASE_LOCK_H
#define ROLLCALL_BASE_LOCK_H

#include <pthread.h>

#include "daemon/base/attr.h"

/* name, rank, what it guards */
#define LOCK_TABLE(X)                                                                              \
    X(SERVER, 10, "serve/server: the state of a context between nng's thread and the loop")        \
    X(POOL, 20, "exec/pool: the starting of threads")

enum lock_rank {
#define X(name, rank, guards) LOCK_##name = (rank),
    LOCK_TABLE(X)
#undef X
};

struct CAPABILITY("mutex") lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

/** Thread: any, before the lock is shared. Aborts when the system has no mutex to give. */
void lock_init(struct lock *lock, enum lock_rank rank);
void lock_fini(struct lock *lock);

/** Thread: any that holds only locks of lower rank. */
void lock_take(struct lock *lock) ACQUIRES(lock);
void lock_release(struct lock *lock) RELEASES(lock);

#endif
