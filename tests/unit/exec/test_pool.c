/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The pool: workers are held on semaphores, so every state is exact and nothing sleeps. */

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/pool.h"

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
    pool_stop(*pool, POOL_DRAIN);
    pool_free(pool);
    assert_null(*pool);
}

static int
give_itself(struct job *job)
{
    job->result = job;
    return ERROR_OK;
}

static int
give_error(struct job *job)
{
    (void)job;
    return ERROR_IO;
}

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
a_queued_job_that_is_cancelled_never_runs(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct held first;
    struct held second;
    held_init(&first, JOB_QUICK);
    held_init(&second, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &first.job), ERROR_OK);
    sem_wait(&first.began);
    assert_int_equal(pool_submit(pool, &second.job), ERROR_OK);
    assert_true(future_cancel(&second.job.future));
    sem_post(&first.go);
    end_pool(&pool);
    assert_int_equal(sem_trywait(&second.began), -1);
    assert_int_equal(second.drops, 0);
    assert_int_equal(atomic_load(&second.job.future.references), 1);
}

static void
a_running_job_that_is_cancelled_is_told_and_dropped(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct held held;
    held_init(&held, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &held.job), ERROR_OK);
    sem_wait(&held.began);
    assert_true(future_cancel(&held.job.future));
    assert_int_equal(future_wait(&held.job.future, 0), ERROR_OK); /* ended at once */
    sem_post(&held.go);
    end_pool(&pool);
    assert_true(held.saw_cancel);
    assert_int_equal(held.drops, 1);
}

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
    pool_stop(argument, POOL_CANCEL_QUEUED);
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

static pthread_t ended_on;

static void
note_thread(struct future *future, void *context)
{
    (void)future;
    ended_on = pthread_self();
    loop_stop(context);
}

static void
a_job_with_a_home_ends_on_its_loop(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct loop *loop = NULL;
    struct job job;
    assert_int_equal(loop_new(&loop), ERROR_OK);
    struct future_callback callback = { .fn = note_thread, .context = loop };
    job_init(&job, &plain, give_itself);
    job.home = loop;
    future_on_done(&job.future, &callback);
    assert_int_equal(pool_submit(pool, &job), ERROR_OK);
    loop_run(loop);
    assert_true(pthread_equal(ended_on, pthread_self()));
    assert_ptr_equal(job.future.result, &job);
    end_pool(&pool);
    loop_free(&loop);
}

static struct pool *nested_pool;
static struct job nested;

static int
submit_another(struct job *job)
{
    (void)job;
    return pool_submit(nested_pool, &nested);
}

static void
a_job_may_submit_a_job(void **state)
{
    (void)state;
    struct job outer;
    nested_pool = new_pool(1, 8);
    job_init(&nested, &plain, give_itself);
    job_init(&outer, &plain, submit_another);
    assert_int_equal(pool_submit(nested_pool, &outer), ERROR_OK);
    assert_int_equal(future_wait(&nested.future, CLOCK_NEVER), ERROR_OK);
    end_pool(&nested_pool);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_and_gives_result_or_error),
        cmocka_unit_test(a_full_queue_is_an_answer),
        cmocka_unit_test(an_idle_thread_is_used_before_a_new_one),
        cmocka_unit_test(slow_work_leaves_threads_for_quick_work),
        cmocka_unit_test(a_queued_job_that_is_cancelled_never_runs),
        cmocka_unit_test(a_running_job_that_is_cancelled_is_told_and_dropped),
        cmocka_unit_test(after_close_there_is_no_new_work),
        cmocka_unit_test(stopping_can_cancel_what_is_queued),
        cmocka_unit_test(a_job_with_a_home_ends_on_its_loop),
        cmocka_unit_test(a_job_may_submit_a_job),
        cmocka_unit_test(draining_runs_everything_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
