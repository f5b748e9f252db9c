/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the files of the thread pool share: pool.c has the jobs, the threads and the pool's life,
 * pool_idle.c what a thread does that finds no job. */
#ifndef ROLLCALL_EXEC_POOL_INT_H
#define ROLLCALL_EXEC_POOL_INT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "daemon/base/lock.h"
#include "daemon/exec/pool.h"
#include "daemon/exec/ring.h"

#define THREADS_MAX 256

struct pool {
    struct ring quick;
    struct ring slow;
    unsigned threads_max;
    unsigned slow_max;
    char name[12];
    /* How sleepers and wakers meet: see pool_idle.c. */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t epoch; /* the word that idle threads sleep on */
    atomic_uint sleepers;
    atomic_bool look_out; /* a thread is about to look for work: no need to wake another */
    atomic_bool watching; /* a thread watches the others run the queue dry */
    atomic_bool ending;   /* closed: threads leave once the queues are empty */
    atomic_uint slow_running;
    atomic_uint threads;
    _Atomic uint32_t alive; /* those of them that have not come to their end: a futex */
    /* Seldom touched. */
    _Alignas(CACHE_LINE_BYTES) atomic_flag sweeping; /* somebody is in sweep() */
    int64_t sweep_due_us;                            /* whoever is in sweep() */
    struct lock lock;                                /* the starting of threads */
    pthread_t handles[THREADS_MAX];
};

/** Whether a thread that looks now finds something to take, or will in a moment. */
bool pool_has_work(const struct pool *pool);
/** Whether it ends and there is nothing left: slow work that nobody may take yet is still
 *  something. */
bool pool_is_over(const struct pool *pool);

/** Whether waking or starting a thread would help: nobody is about to look. */
bool pool_wants_hands(const struct pool *pool);
/** Wake one sleeping thread, unless one is about to look anyway. False: none sleeps. */
bool pool_wake_one(struct pool *pool);
/** Wake one sleeping thread, though another may be about to look. False: none sleeps. */
bool pool_wake_another(struct pool *pool);
void pool_wake_all(struct pool *pool);
/** For a thread that found nothing: look out, sleep, return when there may be work, or the end. */
void pool_idle(struct pool *pool);

#endif
