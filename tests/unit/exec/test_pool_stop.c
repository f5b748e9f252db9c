/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The end of a pool: closing refuses and never blocks, stopping drains or cancels, and whoever
 * submits meanwhile is refused or served. What would hang aborts, in a forked child. */

#include <stdlib.h>

#include "tests/unit/exec/pool_fixture.h"

static void
after_close_there_is_no_new_work(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct job job;
    job_init(&job, &plain, give_itself);
    pool_close(pool);
    pool_close(pool);
    assert_int_equal(pool_submit(pool, &job), ERROR_CLOSED);
    end_pool(&pool);
}

static void *
stop_by_cancelling(void *argument)
{
    if (pool_stop(argument, POOL_CANCEL_QUEUED, CLOCK_NEVER) != ERROR_OK) {
        abort(); /* no thread for assertions */
    }
    return NULL;
}

static void
stopping_can_cancel_what_is_queued(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct held running;
    struct job queued;
    pthread_t thread;
    held_init(&running, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &running.job), ERROR_OK);
    sem_wait(&running.began);
    job_init(&queued, &plain, give_itself);
    assert_int_equal(pool_submit(pool, &queued), ERROR_OK);
    assert_int_equal(pthread_create(&thread, NULL, stop_by_cancelling, pool), 0);
    assert_int_equal(future_wait(&queued.future, CLOCK_NEVER), ERROR_OK);
    assert_int_equal(future_state(&queued.future), FUTURE_CANCELLED);
    sem_post(&running.go);
    pthread_join(thread, NULL);
    assert_int_equal(future_state(&running.job.future), FUTURE_FINISHED);
    pool_free(&pool);
}

static void
a_stop_waits_until_its_deadline(void **state)
{
    (void)state;
    struct pool *pool = new_pool(2, 8);
    struct held running;
    held_init(&running, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &running.job), ERROR_OK);
    sem_wait(&running.began);
    assert_int_equal(pool_stop(pool, POOL_DRAIN, clock_now_us()), ERROR_TIMEOUT);
    assert_int_equal(future_state(&running.job.future), FUTURE_RUNNING);
    sem_post(&running.go);
    end_pool(&pool);
    assert_int_equal(future_state(&running.job.future), FUTURE_FINISHED);
}

#define CROWD 3000
static struct job crowd[CROWD];
static atomic_int crowd_ran;

static int
count_run(struct job *job)
{
    (void)job;
    atomic_fetch_add(&crowd_ran, 1);
    return ERROR_OK;
}

static void
draining_runs_everything_once(void **state)
{
    (void)state;
    struct pool *pool = new_pool(4, CROWD);
    atomic_store(&crowd_ran, 0);
    for (size_t i = 0; i < CROWD; i++) {
        job_init(&crowd[i], &plain, count_run);
        crowd[i].kind = i % 3 == 0 ? JOB_SLOW : JOB_QUICK;
        assert_int_equal(pool_submit(pool, &crowd[i]), ERROR_OK);
    }
    end_pool(&pool);
    assert_int_equal(atomic_load(&crowd_ran), CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(atomic_load(&crowd[i].future.references), 1);
    }
}

/* For jobs that reach their own pool. */
static struct pool *nested_pool;
static struct job nested;

static int
submit_what_is_closed(struct job *job)
{
    (void)job;
    pool_close(nested_pool); /* from inside a job: fine, it never blocks */
    return pool_submit(nested_pool, &nested);
}

static void
a_job_may_close_its_pool(void **state)
{
    (void)state;
    struct job outer;
    nested_pool = new_pool(1, 8);
    job_init(&nested, &plain, give_itself);
    job_init(&outer, &plain, submit_what_is_closed);
    assert_int_equal(pool_submit(nested_pool, &outer), ERROR_OK);
    assert_int_equal(future_wait(&outer.future, CLOCK_NEVER), ERROR_OK);
    assert_int_equal(outer.future.error, ERROR_CLOSED);
    end_pool(&nested_pool);
}

static void
a_pool_may_be_stopped_twice_and_unused(void **state)
{
    (void)state;
    for (int is_used = 0; is_used < 2; is_used++) {
        struct pool *pool = new_pool(4, 8);
        struct job job;
        job_init(&job, &plain, give_itself);
        assert_int_equal(is_used ? pool_submit(pool, &job) : ERROR_OK, ERROR_OK);
        assert_int_equal(pool_stop(pool, POOL_CANCEL_QUEUED, CLOCK_NEVER), ERROR_OK);
        assert_int_equal(future_is_done(&job.future), is_used);
        assert_int_equal(pool_stop(pool, POOL_DRAIN, CLOCK_NEVER), ERROR_OK);
        pool_free(&pool);
        pool_free(&pool);
        assert_null(pool);
    }
}

static void
what_is_cancelled_before_the_stop_does_not_hang_it(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct held running;
    struct held queued;
    held_init(&running, JOB_QUICK);
    held_init(&queued, JOB_QUICK); /* nobody would let it go */
    assert_int_equal(pool_submit(pool, &running.job), ERROR_OK);
    sem_wait(&running.began);
    assert_int_equal(pool_submit(pool, &queued.job), ERROR_OK);
    assert_true(future_cancel(&queued.job.future));
    sem_post(&running.go);
    end_pool(&pool);
    assert_int_equal(sem_trywait(&queued.began), -1);
    assert_int_equal(future_state(&queued.job.future), FUTURE_CANCELLED);
}

static void
close_does_not_wait_and_what_was_submitted_runs(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct held running;
    struct job queued;
    held_init(&running, JOB_QUICK);
    job_init(&queued, &plain, give_itself);
    assert_int_equal(pool_submit(pool, &running.job), ERROR_OK);
    sem_wait(&running.began);
    assert_int_equal(pool_submit(pool, &queued), ERROR_OK);
    pool_close(pool); /* returns although a job runs and another waits */
    assert_int_equal(future_state(&running.job.future), FUTURE_RUNNING);
    sem_post(&running.go);
    assert_int_equal(future_wait(&queued.future, CLOCK_NEVER), ERROR_OK);
    assert_int_equal(future_state(&queued.future), FUTURE_FINISHED);
    end_pool(&pool);
}

static void
stopping_posts_cancelled_jobs_to_their_home(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct loop *loop = NULL;
    struct held running;
    struct job queued;
    pthread_t thread;
    assert_int_equal(loop_new(&loop), ERROR_OK);
    held_init(&running, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &running.job), ERROR_OK);
    sem_wait(&running.began);
    job_init(&queued, &plain, give_itself);
    queued.home = loop;
    struct future_callback callback = { .fn = note_thread, .context = loop };
    future_on_done(&queued.future, &callback);
    assert_int_equal(pool_submit(pool, &queued), ERROR_OK);
    assert_int_equal(pthread_create(&thread, NULL, stop_by_cancelling, pool), 0);
    loop_run(loop); /* ended by the callback, which runs here */
    assert_true(pthread_equal(ended_on, pthread_self()));
    assert_int_equal(future_state(&queued.future), FUTURE_CANCELLED);
    sem_post(&running.go);
    pthread_join(thread, NULL);
    pool_free(&pool);
    loop_free(&loop);
}

/* Threads submit while the pool is stopped: each job is either refused or runs, none is lost. */
#define STOP_ROUNDS 200
#define SUBMITTERS 2
#define EACH 40

struct submitter {
    struct pool *pool;
    struct job jobs[EACH];
    bool taken[EACH];
    sem_t *begin;
};

static void *
submit_all(void *argument)
{
    struct submitter *submitter = argument;
    sem_wait(submitter->begin);
    for (size_t i = 0; i < EACH; i++) {
        submitter->taken[i] = pool_submit(submitter->pool, &submitter->jobs[i]) == ERROR_OK;
    }
    return NULL;
}

static void
submitting_races_with_stopping(void **state)
{
    (void)state;
    static struct submitter submitters[SUBMITTERS];
    for (int round = 0; round < STOP_ROUNDS; round++) {
        struct pool *pool = new_pool(3, 16);
        pthread_t threads[SUBMITTERS];
        sem_t begin;
        sem_init(&begin, 0, 0);
        for (size_t t = 0; t < SUBMITTERS; t++) {
            submitters[t].pool = pool;
            submitters[t].begin = &begin;
            for (size_t i = 0; i < EACH; i++) {
                job_init(&submitters[t].jobs[i], &plain, give_itself);
                submitters[t].jobs[i].kind = i % 4 == 0 ? JOB_SLOW : JOB_QUICK;
            }
            assert_int_equal(pthread_create(&threads[t], NULL, submit_all, &submitters[t]), 0);
        }
        sem_post(&begin);
        sem_post(&begin);
        enum pool_stop how = round % 2 == 0 ? POOL_DRAIN : POOL_CANCEL_QUEUED;
        assert_int_equal(pool_stop(pool, how, CLOCK_NEVER), ERROR_OK);
        for (size_t t = 0; t < SUBMITTERS; t++) {
            pthread_join(threads[t], NULL);
            for (size_t i = 0; i < EACH; i++) {
                struct job *job = &submitters[t].jobs[i];
                assert_true(future_is_done(&job->future) == submitters[t].taken[i]);
                assert_int_equal(atomic_load(&job->future.references), 1);
            }
        }
        pool_free(&pool);
    }
}

static int
stop_own_pool(struct job *job)
{
    (void)job;
    return pool_stop(nested_pool, POOL_DRAIN, CLOCK_NEVER);
}

static void
stop_in_a_job(void)
{
    struct job outer;
    nested_pool = new_pool(1, 8);
    job_init(&outer, &plain, stop_own_pool);
    (void)!pool_submit(nested_pool, &outer);
    (void)!future_wait(&outer.future, CLOCK_NEVER);
}

static void
a_job_that_stops_its_pool_aborts(void **state)
{
    (void)state;
    support_expect_abort(stop_in_a_job, "mine != pool");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_close_there_is_no_new_work),
        cmocka_unit_test(stopping_can_cancel_what_is_queued),
        cmocka_unit_test(a_stop_waits_until_its_deadline),
        cmocka_unit_test(draining_runs_everything_once),
        cmocka_unit_test(a_job_may_close_its_pool),
        cmocka_unit_test(a_pool_may_be_stopped_twice_and_unused),
        cmocka_unit_test(what_is_cancelled_before_the_stop_does_not_hang_it),
        cmocka_unit_test(close_does_not_wait_and_what_was_submitted_runs),
        cmocka_unit_test(stopping_posts_cancelled_jobs_to_their_home),
        cmocka_unit_test(submitting_races_with_stopping),
        cmocka_unit_test(a_job_that_stops_its_pool_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
