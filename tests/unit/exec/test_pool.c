/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The thread pool at work: who runs what and when, how many threads that takes, what a full queue
 * says and what is swept out of it. A forked child runs out of memory in its stead. */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/unit/exec/pool_fixture.h"

static void
runs_and_gives_result_or_error(void **state)
{
    (void)state;
    struct pool *pool = new_pool(2, 8);
    struct job good;
    struct job bad;
    job_init(&good, &plain, give_itself);
    job_init(&bad, &plain, give_error);
    assert_int_equal(pool_submit(pool, &good), ERROR_OK);
    assert_int_equal(pool_submit(pool, &bad), ERROR_OK);
    assert_int_equal(future_wait(&good.future, CLOCK_NEVER), ERROR_OK);
    assert_int_equal(future_wait(&bad.future, CLOCK_NEVER), ERROR_OK);
    assert_ptr_equal(good.future.result, &good);
    assert_int_equal(bad.future.error, ERROR_IO);
    end_pool(&pool);
}

static void
a_full_queue_is_an_answer(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 2);
    struct held first;
    struct job queued[2];
    struct job extra;
    held_init(&first, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &first.job), ERROR_OK);
    sem_wait(&first.began);
    for (size_t i = 0; i < 2; i++) {
        job_init(&queued[i], &plain, give_itself);
        assert_int_equal(pool_submit(pool, &queued[i]), ERROR_OK);
    }
    job_init(&extra, &plain, give_itself);
    assert_int_equal(pool_submit(pool, &extra), ERROR_BUSY);
    assert_int_equal(future_state(&extra.future), FUTURE_PENDING);
    sem_post(&first.go);
    assert_int_equal(future_wait(&queued[1].future, CLOCK_NEVER), ERROR_OK);
    assert_int_equal(pool_submit(pool, &extra), ERROR_OK);
    end_pool(&pool);
    assert_true(future_is_done(&extra.future));
}

static void
an_idle_thread_is_used_before_a_new_one(void **state)
{
    (void)state;
    struct pool *pool = new_pool(4, 8);
    struct job jobs[3]; /* the pool lets go of each a moment after it ended */
    for (size_t i = 0; i < 3; i++) {
        struct pool_stats stats;
        job_init(&jobs[i], &plain, give_itself);
        assert_int_equal(pool_submit(pool, &jobs[i]), ERROR_OK);
        assert_int_equal(future_wait(&jobs[i].future, CLOCK_NEVER), ERROR_OK);
        do {
            pool_stats(pool, &stats);
        } while (stats.idle == 0);
        assert_int_equal(stats.threads, 1);
    }
    end_pool(&pool);
}

static void
slow_work_leaves_threads_for_quick_work(void **state)
{
    (void)state;
    struct pool *pool = new_pool(4, 8);
    struct held slow[4];
    struct job quick;
    for (size_t i = 0; i < 4; i++) {
        held_init(&slow[i], JOB_SLOW);
        assert_int_equal(pool_submit(pool, &slow[i].job), ERROR_OK);
    }
    sem_wait(&slow[0].began);
    sem_wait(&slow[1].began);
    job_init(&quick, &plain, give_itself);
    assert_int_equal(pool_submit(pool, &quick), ERROR_OK);
    assert_int_equal(future_wait(&quick.future, CLOCK_NEVER), ERROR_OK);
    assert_int_equal(future_state(&slow[2].job.future), FUTURE_PENDING);
    assert_int_equal(future_state(&slow[3].job.future), FUTURE_PENDING);
    for (size_t i = 0; i < 4; i++) {
        sem_post(&slow[i].go);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(future_wait(&slow[i].job.future, CLOCK_NEVER), ERROR_OK);
    }
    end_pool(&pool);
}

static void
there_are_never_more_threads_than_allowed(void **state)
{
    (void)state;
    struct pool *pool = new_pool(2, 8);
    struct held held[5];
    struct pool_stats stats;
    for (size_t i = 0; i < 5; i++) {
        held_init(&held[i], JOB_QUICK);
        assert_int_equal(pool_submit(pool, &held[i].job), ERROR_OK);
    }
    sem_wait(&held[0].began);
    sem_wait(&held[1].began);
    pool_stats(pool, &stats);
    assert_int_equal(stats.threads, 2);
    assert_int_equal(stats.queued, 3);
    for (size_t i = 2; i < 5; i++) {
        assert_int_equal(future_state(&held[i].job.future), FUTURE_PENDING);
    }
    for (size_t i = 0; i < 5; i++) {
        sem_post(&held[i].go);
    }
    end_pool(&pool);
    assert_int_equal(future_state(&held[4].job.future), FUTURE_FINISHED);
}

static char seen_name[16];

static int
note_name(struct job *job)
{
    (void)job;
    return pthread_getname_np(pthread_self(), seen_name, sizeof(seen_name));
}

static void
threads_bear_the_pool_s_name(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct held held; /* the name is given right after the thread was started: let it come */
    struct job job;
    held_init(&held, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &held.job), ERROR_OK);
    sem_wait(&held.began);
    job_init(&job, &plain, note_name);
    assert_int_equal(pool_submit(pool, &job), ERROR_OK);
    sem_post(&held.go);
    end_pool(&pool);
    assert_string_equal(seen_name, "test-0");
}

#define PLACES 16

static size_t run_order[PLACES * 4];
static atomic_size_t run_count;

struct numbered {
    struct job job;
    size_t number;
};

static int
note_order(struct job *job)
{
    run_order[atomic_fetch_add(&run_count, 1)] = CONTAINER_OF(job, struct numbered, job)->number;
    return ERROR_OK;
}

static void
cancelled_jobs_do_not_fill_the_queue(void **state)
{
    (void)state;
    clock_freeze(1000);
    for (int kind = JOB_QUICK; kind <= JOB_SLOW; kind++) {
        struct pool *pool = new_pool(1, PLACES);
        struct held first;
        struct numbered jobs[3 * PLACES];
        atomic_store(&run_count, 0);
        held_init(&first, JOB_SLOW);
        assert_int_equal(pool_submit(pool, &first.job), ERROR_OK);
        sem_wait(&first.began);
        for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
            job_init(&jobs[i].job, &plain, note_order);
            jobs[i].job.kind = (enum job_kind)kind;
            jobs[i].number = i;
        }
        size_t next = 0;
        while (next < PLACES) {
            assert_int_equal(pool_submit(pool, &jobs[next++].job), ERROR_OK);
        }
        for (size_t i = 0; i < PLACES; i += 2) {
            assert_true(future_cancel(&jobs[i].job.future));
        }
        while (next < PLACES + PLACES / 2) { /* into the places of the cancelled ones */
            assert_int_equal(pool_submit(pool, &jobs[next++].job), ERROR_OK);
        }
        assert_int_equal(pool_submit(pool, &jobs[next].job), ERROR_BUSY); /* full of living ones */
        assert_true(future_cancel(&jobs[1].job.future));
        assert_int_equal(pool_submit(pool, &jobs[next].job), ERROR_BUSY); /* it just looked */
        clock_advance(POOL_SWEEP_US);
        assert_int_equal(pool_submit(pool, &jobs[next].job), ERROR_OK);
        sem_post(&first.go);
        end_pool(&pool);
        /* The living ran in the order in which they came; the pool let go of all. */
        assert_int_equal(atomic_load(&run_count), PLACES);
        for (size_t i = 1; i < PLACES; i++) {
            assert_true(run_order[i - 1] < run_order[i]);
        }
        for (size_t i = 0; i <= next; i++) {
            assert_int_equal(atomic_load(&jobs[i].job.future.references), 1);
        }
        clock_advance(POOL_SWEEP_US);
    }
    clock_thaw();
}

#if !defined(ROLLCALL_SANITIZED) /* which cannot do with so little address space */
/* In a process that has no room for a thread's stack. */
static void
submit_without_room(void)
{
    struct pool *pool = new_pool(1, 8);
    struct job job;
    pthread_attr_t large; /* the stacks that the C library keeps are too small for it */
    job_init(&job, &plain, give_itself);
    (void)pthread_attr_init(&large);
    (void)pthread_attr_setstacksize(&large, (size_t)64 * 1024 * 1024);
    (void)pthread_setattr_default_np(&large);
    (void)setrlimit(RLIMIT_AS, &(struct rlimit){ 1, RLIM_INFINITY });
    bool is_refused = pool_submit(pool, &job) == ERROR_NOMEM;
    bool is_callers =
        future_state(&job.future) == FUTURE_PENDING && atomic_load(&job.future.references) == 1;
    (void)setrlimit(RLIMIT_AS, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
    if (is_refused && is_callers && pool_submit(pool, &job) == ERROR_OK &&
        future_wait(&job.future, CLOCK_NEVER) == ERROR_OK) {
        fputs("refused, then taken in", stderr);
        abort();
    }
}

static void
without_a_first_thread_nothing_is_taken_in(void **state)
{
    (void)state;
    support_expect_abort(submit_without_room, "refused, then taken in");
}
#endif

/* Idle threads sleep and slow places are given back at the same moment, again and again: nobody
 * sleeps beside a job that might run, else this test does not end. */
#define SLOW_ROUNDS 3000

static void
slow_places_are_not_lost_between_threads(void **state)
{
    (void)state;
    struct pool *pool = new_pool(3, 8); /* one of them may do slow work */
    static struct job jobs[5];
    for (int round = 0; round < SLOW_ROUNDS; round++) {
        for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
            while (round > 0 && atomic_load(&jobs[i].future.references) > 1) {
                sched_yield(); /* the pool is about to let go of its last use */
            }
            job_init(&jobs[i], &plain, give_itself);
            jobs[i].kind = i == 2 ? JOB_QUICK : JOB_SLOW;
            assert_int_equal(pool_submit(pool, &jobs[i]), ERROR_OK);
        }
        for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
            assert_int_equal(future_wait(&jobs[i].future, CLOCK_NEVER), ERROR_OK);
        }
    }
    end_pool(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_and_gives_result_or_error),
        cmocka_unit_test(a_full_queue_is_an_answer),
        cmocka_unit_test(an_idle_thread_is_used_before_a_new_one),
        cmocka_unit_test(slow_work_leaves_threads_for_quick_work),
        cmocka_unit_test(there_are_never_more_threads_than_allowed),
        cmocka_unit_test(threads_bear_the_pool_s_name),
        cmocka_unit_test(cancelled_jobs_do_not_fill_the_queue),
#if !defined(ROLLCALL_SANITIZED)
        cmocka_unit_test(without_a_first_thread_nothing_is_taken_in),
#endif
        cmocka_unit_test(slow_places_are_not_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
