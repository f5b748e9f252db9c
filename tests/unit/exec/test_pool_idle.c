/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Threads that sleep, are woken, watch and join in: whatever the others do, a job that waits gets a
 * thread as long as one is free. A wake-up that is lost hangs the test. */

#include <malloc.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/unit/exec/pool_fixture.h"

#define THREADS 3
#define TINY 4000
#define QUEUE_MAX (TINY + 8)
#define ROUNDS 200

/* Until the pool has let go of it too. */
static void
await(struct job *job)
{
    assert_int_equal(future_wait(&job->future, CLOCK_NEVER), ERROR_OK);
    while (atomic_load(&job->future.references) > 1) {
        sched_yield();
    }
}

/* Until all its threads sleep. */
static void
await_rest(struct pool *pool)
{
    struct pool_stats stats;
    do {
        sched_yield();
        pool_stats(pool, &stats);
    } while (stats.idle < stats.threads);
}

static void
submit_tiny(struct pool *pool, struct job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        job_init(&jobs[i], &plain, give_itself);
        assert_int_equal(pool_submit(pool, &jobs[i]), ERROR_OK);
    }
}

/* While the jobs are tiny one thread does them all and another one watches; the one that blocks
 * takes the first, and the rest must still be done. */
static void
jobs_behind_one_that_blocks_are_run(void **state)
{
    (void)state;
    struct pool *pool = new_pool(2, QUEUE_MAX);
    struct job *tiny = calloc(TINY, sizeof(*tiny));
    for (int round = 0; round < 20; round++) {
        struct held held;
        held_init(&held, JOB_QUICK);
        submit_tiny(pool, tiny, TINY / 2);
        assert_int_equal(pool_submit(pool, &held.job), ERROR_OK);
        submit_tiny(pool, tiny + TINY / 2, TINY / 2);
        for (size_t i = 0; i < TINY; i++) {
            await(&tiny[i]);
        }
        assert_false(future_is_done(&held.job.future));
        sem_post(&held.go);
        await(&held.job);
    }
    end_pool(&pool);
    free(tiny);
}

/* As many that block as there are threads, after tiny ones and after a rest: each gets a thread. */
static void
each_that_blocks_gets_a_thread(void **state)
{
    (void)state;
    struct pool *pool = new_pool(THREADS, QUEUE_MAX);
    struct job *tiny = calloc(TINY, sizeof(*tiny));
    for (int round = 0; round < ROUNDS; round++) {
        struct held held[THREADS];
        size_t count = round % 2 == 0 ? 0 : (size_t)round * 5;
        submit_tiny(pool, tiny, count);
        for (size_t i = 0; i < THREADS; i++) {
            held_init(&held[i], JOB_QUICK);
            assert_int_equal(pool_submit(pool, &held[i].job), ERROR_OK);
        }
        for (size_t i = 0; i < THREADS; i++) {
            sem_wait(&held[i].began);
        }
        for (size_t i = 0; i < THREADS; i++) {
            sem_post(&held[i].go);
            await(&held[i].job);
        }
        for (size_t i = 0; i < count; i++) {
            await(&tiny[i]);
        }
    }
    end_pool(&pool);
    free(tiny);
}

/* Slow work does not wait for a stream of tiny jobs to end. */
static void
slow_work_joins_a_stream_of_tiny_jobs(void **state)
{
    (void)state;
    struct pool *pool = new_pool(2, QUEUE_MAX);
    struct job *tiny = calloc(TINY, sizeof(*tiny));
    submit_tiny(pool, tiny, TINY);
    struct held slow;
    held_init(&slow, JOB_SLOW);
    assert_int_equal(pool_submit(pool, &slow.job), ERROR_OK);
    size_t next = 0;
    while (sem_trywait(&slow.began) != 0) { /* the stream goes on until it has begun */
        await(&tiny[next]);
        submit_tiny(pool, &tiny[next], 1);
        next = (next + 1) % TINY;
    }
    sem_post(&slow.go);
    await(&slow.job);
    end_pool(&pool);
    free(tiny);
}

/* Where slow jobs take all the threads that there are, the next one is started, however the others
 * were woken. Each round a pool of its own: it is about one that has not started all. */
static void
a_thread_is_started_beside_slow_ones(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct pool *pool = new_pool(2 * THREADS, QUEUE_MAX);
        struct held slow[THREADS];
        for (int again = 0; again < 2; again++) { /* by new threads, then by those that slept */
            for (size_t i = 0; i < THREADS; i++) {
                held_init(&slow[i], JOB_SLOW);
                assert_int_equal(pool_submit(pool, &slow[i].job), ERROR_OK);
            }
            for (size_t i = 0; i < THREADS; i++) {
                sem_wait(&slow[i].began);
            }
            if (again == 1) {
                struct held quick;
                held_init(&quick, JOB_QUICK);
                assert_int_equal(pool_submit(pool, &quick.job), ERROR_OK);
                sem_wait(&quick.began);
                sem_post(&quick.go);
                await(&quick.job);
            }
            for (size_t i = 0; i < THREADS; i++) {
                sem_post(&slow[i].go);
                await(&slow[i].job);
            }
            await_rest(pool);
        }
        end_pool(&pool);
    }
}

/* The pool, the future and the callback: what a submit needs is embedded in the job. Sanitizers
 * have an allocator of their own, which counts nothing here. */
static void
submitting_allocates_nothing(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, QUEUE_MAX);
    struct job *tiny = calloc(TINY, sizeof(*tiny));
    struct held held;
    held_init(&held, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &held.job), ERROR_OK);
    sem_wait(&held.began); /* the pool has its thread */
    struct mallinfo2 before = mallinfo2();
    submit_tiny(pool, tiny, TINY);
    struct mallinfo2 after = mallinfo2();
    assert_int_equal(after.uordblks, before.uordblks);
    assert_int_equal(after.hblkhd, before.hblkhd);
    sem_post(&held.go);
    end_pool(&pool);
    free(tiny);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_behind_one_that_blocks_are_run),
        cmocka_unit_test(each_that_blocks_gets_a_thread),
        cmocka_unit_test(slow_work_joins_a_stream_of_tiny_jobs),
        cmocka_unit_test(a_thread_is_started_beside_slow_ones),
        cmocka_unit_test(submitting_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
