/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the tests of the thread pool share: jobs that say when they begin and wait to be let go, so
 * that every state is exact and nothing sleeps, and jobs that just end. Included by one test
 * program each, hence static. */
#ifndef ROLLCALL_TESTS_UNIT_EXEC_POOL_FIXTURE_H
#define ROLLCALL_TESTS_UNIT_EXEC_POOL_FIXTURE_H

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/loop.h"
#include "daemon/exec/pool.h"
#include "tests/support/common.h"

static const struct future_ops plain = { .name = "job" };

/* A job that says when it begins and waits to be let go. */
struct held {
    struct job job;
    sem_t began;
    sem_t go;
    int drops;
    bool saw_cancel;
};

static int
run_held(struct job *job)
{
    struct held *held = CONTAINER_OF(job, struct held, job);
    sem_post(&held->began);
    sem_wait(&held->go);
    held->saw_cancel = job_is_cancelled(job);
    job->result = held;
    return ERROR_OK;
}

static void
drop_held(struct job *job)
{
    CONTAINER_OF(job, struct held, job)->drops++;
}

static void
held_init(struct held *held, enum job_kind kind)
{
    memset(held, 0, sizeof(*held));
    job_init(&held->job, &plain, run_held);
    held->job.kind = kind;
    held->job.drop = drop_held;
    sem_init(&held->began, 0, 0);
    sem_init(&held->go, 0, 0);
}

static struct pool *
new_pool(unsigned threads, size_t queue_max)
{
    struct pool *pool = NULL;
    const struct pool_options options = { .threads = threads,
                                          .queue_max = queue_max,
                                          .name = "test" };
    assert_int_equal(pool_start(&options, &pool), ERROR_OK);
    return pool;
}

static void
end_pool(struct pool **pool)
{
    assert_int_equal(pool_stop(*pool, POOL_DRAIN, CLOCK_NEVER), ERROR_OK);
    pool_free(pool);
    assert_null(*pool);
}

MAYBE_UNUSED static int
give_itself(struct job *job)
{
    job->result = job;
    return ERROR_OK;
}

MAYBE_UNUSED static int
give_error(struct job *job)
{
    (void)job;
    return ERROR_IO;
}

/* The thread that a future ended on, and an end for the loop that waits for it. */
MAYBE_UNUSED static pthread_t ended_on;

MAYBE_UNUSED static void
note_thread(struct future *future, void *context)
{
    (void)future;
    ended_on = pthread_self();
    loop_stop(context);
}

#endif
