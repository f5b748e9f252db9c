/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The pool: workers are held on semaphores, so every state is exact and nothing sleeps. What must
 * abort runs in a forked child. */

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
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

/* ---- More of who runs what ----------------------------------------------------------- */

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

/* ---- Whose memory -------------------------------------------------------------------- */

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

/* ---- Full queues --------------------------------------------------------------------- */

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

/* ---- Map ----------------------------------------------------------------------------- */

#define MAPPED 40
#define LOOK_AHEAD 3

struct map {
    struct pool *pool;
    struct mapped {
        struct job job;
        struct future_callback ended;
        struct map *map;
        int value;
    } items[MAPPED];
    size_t next;
    atomic_int in_hand;
    int in_hand_most;
    struct future all;
};

static int
square(struct job *job)
{
    struct mapped *mapped = CONTAINER_OF(job, struct mapped, job);
    int in_hand = atomic_load(&mapped->map->in_hand);
    mapped->map->in_hand_most =
        in_hand > mapped->map->in_hand_most ? in_hand : mapped->map->in_hand_most;
    mapped->value *= mapped->value;
    job->result = mapped;
    return mapped->value == 49 * 49 ? ERROR_RANGE : ERROR_OK;
}

static void
map_next(struct map *map)
{
    if (map->next < MAPPED) {
        atomic_fetch_add(&map->in_hand, 1);
        assert_int_equal(pool_submit(map->pool, &map->items[map->next++].job), ERROR_OK);
    }
}

/* One has ended: the next may begin. On the pool's one thread. */
static void
mapped_ended(struct future *future, void *context)
{
    struct map *map = context;
    (void)future;
    map_next(map);
    if (atomic_fetch_sub(&map->in_hand, 1) == 1) {
        (void)future_finish(&map->all, map);
    }
}

static void
map_begin(struct map *map, size_t look_ahead)
{
    memset(map, 0, sizeof(*map));
    map->pool = new_pool(1, MAPPED);
    future_init(&map->all, &plain);
    for (size_t i = 0; i < MAPPED; i++) {
        struct mapped *mapped = &map->items[i];
        job_init(&mapped->job, &plain, square);
        mapped->value = (int)(look_ahead == 0 ? i + 10 : i + 50);
        mapped->map = map;
        mapped->ended = (struct future_callback){ .fn = mapped_ended, .context = map };
        if (look_ahead > 0) {
            future_on_done(&mapped->job.future, &mapped->ended);
        }
    }
}

static void
map_gives_results_in_the_order_of_its_input(void **state)
{
    (void)state;
    static struct map map;
    map_begin(&map, 0);
    for (size_t i = 0; i < MAPPED; i++) {
        map_next(&map); /* all are submitted before any result is asked for */
    }
    for (int i = 0; i < MAPPED; i++) {
        struct future *future = &map.items[i].job.future;
        assert_int_equal(future_wait(future, CLOCK_NEVER), ERROR_OK);
        assert_int_equal(map.items[i].value, (i + 10) * (i + 10));
        assert_int_equal(future->error, i + 10 == 49 ? ERROR_RANGE : ERROR_OK);
    }
    end_pool(&map.pool);
}

static void
map_with_a_look_ahead_is_a_callback(void **state)
{
    (void)state;
    static struct map map;
    struct held first;
    map_begin(&map, LOOK_AHEAD);
    held_init(&first, JOB_QUICK);
    assert_int_equal(pool_submit(map.pool, &first.job), ERROR_OK);
    sem_wait(&first.began);
    for (size_t i = 0; i < LOOK_AHEAD; i++) {
        map_next(&map);
    }
    sem_post(&first.go);
    assert_int_equal(future_wait(&map.all, CLOCK_NEVER), ERROR_OK);
    end_pool(&map.pool);
    assert_int_equal(map.next, MAPPED);
    assert_int_equal(map.in_hand_most, LOOK_AHEAD);
}

/* ---- The end of a pool --------------------------------------------------------------- */

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
        pool_stop(pool, POOL_CANCEL_QUEUED);
        assert_int_equal(future_is_done(&job.future), is_used);
        pool_stop(pool, POOL_DRAIN);
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
        pool_stop(pool, round % 2 == 0 ? POOL_DRAIN : POOL_CANCEL_QUEUED);
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

/* ---- What would hang aborts ---------------------------------------------------------- */

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

static int
stop_own_pool(struct job *job)
{
    (void)job;
    pool_stop(nested_pool, POOL_DRAIN);
    return ERROR_OK;
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
a_job_that_waits_for_a_job_aborts(void **state)
{
    (void)state;
    support_expect_abort(wait_in_a_job, "a thread of a pool would block in a wait");
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
        cmocka_unit_test(there_are_never_more_threads_than_allowed),
        cmocka_unit_test(threads_bear_the_pool_s_name),
        cmocka_unit_test(an_error_after_a_cancel_leaves_nothing_to_drop),
        cmocka_unit_test(the_last_reference_frees_the_job),
        cmocka_unit_test(a_job_that_was_not_taken_in_stays_the_caller_s),
        cmocka_unit_test(a_cancelled_job_with_a_home_is_let_go_of_there),
        cmocka_unit_test(cancelled_jobs_do_not_fill_the_queue),
        cmocka_unit_test(map_gives_results_in_the_order_of_its_input),
        cmocka_unit_test(map_with_a_look_ahead_is_a_callback),
        cmocka_unit_test(a_job_may_close_its_pool),
        cmocka_unit_test(a_pool_may_be_stopped_twice_and_unused),
        cmocka_unit_test(what_is_cancelled_before_the_stop_does_not_hang_it),
#if !defined(ROLLCALL_SANITIZED)
        cmocka_unit_test(without_a_first_thread_nothing_is_taken_in),
#endif
        cmocka_unit_test(close_does_not_wait_and_what_was_submitted_runs),
        cmocka_unit_test(stopping_posts_cancelled_jobs_to_their_home),
        cmocka_unit_test(submitting_races_with_stopping),
        cmocka_unit_test(slow_places_are_not_lost_between_threads),
        cmocka_unit_test(a_job_that_waits_for_a_job_aborts),
        cmocka_unit_test(a_job_that_stops_its_pool_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
