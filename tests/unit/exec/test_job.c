/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* One job: cancelled before and while it runs, ended where its home is, freed with the last
 * reference, and what it may do to the pool that it runs in. */

#include <sched.h>
#include <stdlib.h>

#include "tests/unit/exec/pool_fixture.h"

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

/* For jobs that reach their own pool. */
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

static int drops_of_failing;

static void
count_drop(struct job *job)
{
    (void)job;
    drops_of_failing++;
}

static int
fail_when_let_go(struct job *job)
{
    struct held *held = CONTAINER_OF(job, struct held, job);
    sem_post(&held->began);
    sem_wait(&held->go);
    return ERROR_IO;
}

static void
an_error_after_a_cancel_leaves_nothing_to_drop(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct held held;
    held_init(&held, JOB_QUICK);
    held.job.run = fail_when_let_go;
    held.job.drop = count_drop;
    drops_of_failing = 0;
    assert_int_equal(pool_submit(pool, &held.job), ERROR_OK);
    sem_wait(&held.began);
    assert_true(future_cancel(&held.job.future));
    sem_post(&held.go);
    end_pool(&pool);
    assert_int_equal(drops_of_failing, 0);
    assert_int_equal(held.job.future.error, ERROR_CANCELLED);
}

struct owned {
    struct job job;
    atomic_int *freed;
};

static void
free_owned(struct future *future)
{
    struct owned *owned = CONTAINER_OF(future, struct owned, job.future);
    atomic_fetch_add(owned->freed, 1);
    free(owned);
}

static const struct future_ops owned_ops = { .name = "owned", .free = free_owned };

static struct owned *
new_owned(int (*run)(struct job *job), atomic_int *freed)
{
    struct owned *owned = malloc(sizeof(*owned));
    assert_non_null(owned);
    job_init(&owned->job, &owned_ops, run);
    owned->freed = freed;
    return owned;
}

static void
the_last_reference_frees_the_job(void **state)
{
    (void)state;
    struct pool *pool = new_pool(2, 64);
    atomic_int freed = 0;
    for (int i = 0; i < 50; i++) {
        struct owned *owned = new_owned(i % 2 == 0 ? give_itself : give_error, &freed);
        struct future *mine = &owned->job.future;
        assert_int_equal(pool_submit(pool, &owned->job), ERROR_OK);
        if (i % 3 == 0) {
            (void)future_cancel(mine);
        }
        future_unref(&mine); /* nobody waits: the pool frees it */
    }
    end_pool(&pool);
    assert_int_equal(atomic_load(&freed), 50);
}

static void
a_job_that_was_not_taken_in_stays_the_caller_s(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    atomic_int freed = 0;
    struct owned *owned = new_owned(give_itself, &freed);
    struct future *mine = &owned->job.future;
    pool_close(pool);
    assert_int_equal(pool_submit(pool, &owned->job), ERROR_CLOSED);
    assert_int_equal(future_state(mine), FUTURE_PENDING);
    assert_int_equal(atomic_load(&mine->references), 1);
    future_unref(&mine);
    assert_int_equal(atomic_load(&freed), 1);
    end_pool(&pool);
}

static void
a_cancelled_job_with_a_home_is_let_go_of_there(void **state)
{
    (void)state;
    struct pool *pool = new_pool(1, 8);
    struct loop *loop = NULL;
    struct held running;
    atomic_int freed = 0;
    assert_int_equal(loop_new(&loop), ERROR_OK);
    held_init(&running, JOB_QUICK);
    assert_int_equal(pool_submit(pool, &running.job), ERROR_OK);
    sem_wait(&running.began);
    struct owned *owned = new_owned(give_itself, &freed);
    struct future *mine = &owned->job.future;
    owned->job.home = loop;
    assert_int_equal(pool_submit(pool, &owned->job), ERROR_OK);
    assert_true(future_cancel(mine));
    future_unref(&mine);
    sem_post(&running.go);
    end_pool(&pool);
    assert_int_equal(atomic_load(&freed), 0); /* no thread of the pool touched it */
    loop_turn(loop, 0);
    assert_int_equal(atomic_load(&freed), 1);
    loop_free(&loop);
}

static int
wait_for_nested(struct job *job)
{
    (void)job;
    return future_wait(&nested.future, CLOCK_NEVER);
}

static void
wait_in_a_job(void)
{
    struct job outer;
    nested_pool = new_pool(1, 8); /* full: `nested` could never begin */
    job_init(&nested, &plain, give_itself);
    job_init(&outer, &plain, wait_for_nested);
    (void)!pool_submit(nested_pool, &nested);
    (void)!future_wait(&nested.future, CLOCK_NEVER);
    while (atomic_load(&nested.future.references) > 1) {
        sched_yield();
    }
    job_init(&nested, &plain, give_itself);
    (void)!pool_submit(nested_pool, &outer);
    (void)!future_wait(&outer.future, CLOCK_NEVER);
}

static void
a_job_that_waits_for_a_job_aborts(void **state)
{
    (void)state;
    support_expect_abort(wait_in_a_job, "a thread of a pool would block in a wait");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queued_job_that_is_cancelled_never_runs),
        cmocka_unit_test(a_running_job_that_is_cancelled_is_told_and_dropped),
        cmocka_unit_test(a_job_with_a_home_ends_on_its_loop),
        cmocka_unit_test(a_job_may_submit_a_job),
        cmocka_unit_test(an_error_after_a_cancel_leaves_nothing_to_drop),
        cmocka_unit_test(the_last_reference_frees_the_job),
        cmocka_unit_test(a_job_that_was_not_taken_in_stays_the_caller_s),
        cmocka_unit_test(a_cancelled_job_with_a_home_is_let_go_of_there),
        cmocka_unit_test(a_job_that_waits_for_a_job_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
