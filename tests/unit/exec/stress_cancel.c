/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Cancels at random points, from every side at once: drivers that race sets of jobs on one pool
 * cancel their own jobs before, while and after they are queued, run and end, cancel the outcomes,
 * and put references where the others' cancels find them; jobs cancel themselves; callbacks cancel
 * strangers. Half the jobs end on a loop of its own thread.
 *
 * What must hold: each future ends once and tells its callback once, whoever got there first; each
 * result is freed once, by whom it was meant for; each job's memory goes once, after its end; each
 * outcome is told once; nothing hangs. Under ASan nothing leaks and under TSan nothing races.
 * Usage: stress_cancel [CANCELS [SEED]] */

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/attr.h"
#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/completion.h"
#include "daemon/exec/loop.h"
#include "daemon/exec/pool.h"

#define CANCELS_DEFAULT 200000
#define DRIVERS 3
#define THREADS 4
#define QUEUE 12 /* small: BUSY is part of the test */
#define MEMBERS_MAX 6
#define TARGETS 32
#define SPINS_MAX 300

static struct pool *pool;
static struct loop *loop;
static uint64_t cancels_wanted = CANCELS_DEFAULT;
static uint64_t seed_base = 1;

/* Futures within everybody's reach, each with a reference. */
static _Atomic(struct future *) targets[TARGETS];

/* What has happened, in all. */
static struct {
    _Atomic uint64_t cancels, cancelled, finished, failed, busy;
    _Atomic uint64_t made, told, freed;
    _Atomic uint64_t results_made, results_freed;
    _Atomic uint64_t races, races_told, races_won;
} tally;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "stress_cancel: %s:%d: %s (seed %" PRIu64 ")\n", __FILE__, __LINE__,   \
                    #condition, seed_base);                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static uint64_t
one_more(_Atomic uint64_t *counter)
{
    return atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint32_t
draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % below;
}

static void
cancel(struct future *future)
{
    one_more(&tally.cancels);
    bool is_cancelled = future_cancel(future);
    CHECK(is_cancelled == future_is_cancelled(future));
}

/* Put a reference within reach, and cancel what was there. */
static void
swap_target(struct future *future, uint32_t place)
{
    /* Acquire and release: the future comes with all that was done to it. */
    struct future *old = atomic_exchange_explicit(
        &targets[place], future == NULL ? NULL : future_ref(future), memory_order_acq_rel);
    if (old != NULL) {
        cancel(old);
        future_unref(&old);
    }
}

/* ---- One task ------------------------------------------------------------------------ */

enum deed { RETURN_AT_ONCE, FAIL, SPIN, CANCEL_ITSELF, CANCEL_ANOTHER, DEEDS };

struct task {
    struct job job;
    struct future_callback on_done;
    atomic_int ends;
    atomic_int runs;
    enum deed deed;
    bool tells_on; /* its callback cancels a stranger */
    uint32_t place;
    uint32_t spins;
};

static struct task *
task_of(struct future *future)
{
    return CONTAINER_OF(future, struct task, job.future);
}

static void
free_result(void *result)
{
    CHECK(result != NULL);
    free(result);
    one_more(&tally.results_freed);
}

static void
free_task(struct future *future)
{
    struct task *task = task_of(future);
    CHECK(atomic_load(&task->ends) == 1);
    CHECK(atomic_load(&task->runs) <= 1);
    if (future_state(future) == FUTURE_FINISHED && future->error == ERROR_OK) {
        free_result(future->result);
    }
    free(task);
    one_more(&tally.freed);
}

static const struct future_ops task_ops = { .name = "task", .free = free_task };

static int
run_task(struct job *job)
{
    struct task *task = CONTAINER_OF(job, struct task, job);
    CHECK(atomic_fetch_add(&task->runs, 1) == 0);
    for (uint32_t i = 0; i < task->spins && !job_is_cancelled(job); i++) {
    }
    if (task->deed == FAIL) {
        return ERROR_IO;
    }
    if (task->deed == CANCEL_ITSELF) {
        cancel(&job->future);
    } else if (task->deed == CANCEL_ANOTHER) {
        swap_target(NULL, task->place);
    }
    job->result = malloc(1);
    CHECK(job->result != NULL);
    one_more(&tally.results_made);
    return ERROR_OK;
}

static void
drop_result(struct job *job)
{
    CHECK(future_is_cancelled(&job->future));
    free_result(job->result);
}

static void
task_ended(struct future *future, void *context)
{
    struct task *task = context;
    CHECK(future == &task->job.future);
    CHECK(atomic_fetch_add(&task->ends, 1) == 0);
    enum future_state state = future_state(future);
    CHECK(state == FUTURE_FINISHED || state == FUTURE_CANCELLED);
    one_more(state == FUTURE_CANCELLED   ? &tally.cancelled
             : future->error == ERROR_OK ? &tally.finished
                                         : &tally.failed);
    one_more(&tally.told);
    if (task->tells_on) {
        swap_target(NULL, task->place);
    }
}

static struct task *
new_task(uint64_t *seed)
{
    struct task *task = calloc(1, sizeof(*task));
    CHECK(task != NULL);
    job_init(&task->job, &task_ops, run_task);
    task->job.drop = drop_result;
    task->job.kind = draw(seed, 3) == 0 ? JOB_SLOW : JOB_QUICK;
    task->job.home = draw(seed, 2) == 0 ? loop : NULL;
    task->on_done = (struct future_callback){ .fn = task_ended, .context = task };
    task->deed = (enum deed)draw(seed, DEEDS);
    task->tells_on = draw(seed, 8) == 0;
    task->place = draw(seed, TARGETS);
    task->spins = draw(seed, 3) == 0 ? draw(seed, SPINS_MAX) : 0;
    future_on_done(&task->job.future, &task->on_done);
    one_more(&tally.made);
    return task;
}

/* ---- One race ------------------------------------------------------------------------ */

struct race {
    struct completion *completion;
    struct future *outcome;
    struct future_callback on_done;
    struct task *tasks[MEMBERS_MAX];
    size_t count;
    bool is_first_of;
    atomic_int told;
};

static bool
is_accepted(const struct future *member, void *context)
{
    (void)context;
    return member->error == ERROR_OK;
}

static void
race_ended(struct future *future, void *context)
{
    struct race *race = context;
    CHECK(future_is_done(future));
    one_more(&tally.races_told);
    CHECK(atomic_fetch_add(&race->told, 1) == 0); /* last: the race may be gone after it */
}

/* Give it to the pool and do something unkind to it. */
static void
let_run(struct task *task, uint64_t *seed)
{
    struct future *future = &task->job.future;
    uint32_t luck = draw(seed, 10);
    if (luck == 0) {
        cancel(future); /* before it is queued */
    }
    if (luck == 1) {
        swap_target(future, draw(seed, TARGETS));
    }
    int error = pool_submit(pool, &task->job);
    if (error != ERROR_OK) {
        CHECK(error == ERROR_BUSY);
        one_more(&tally.busy);
        cancel(future);
    }
    if (luck == 2 || luck == 3) {
        cancel(future); /* queued, running or ended */
    }
    if (luck == 4 || luck == 5) {
        swap_target(future, draw(seed, TARGETS));
    }
    if (luck == 6) {
        sched_yield();
    }
}

static void
begin_race(struct race *race, uint64_t *seed)
{
    race->count = 1 + draw(seed, MEMBERS_MAX);
    atomic_init(&race->told, 0);
    race->is_first_of = draw(seed, 2) == 0;
    CHECK(completion_new(race->count, &race->completion) == ERROR_OK);
    size_t early = draw(seed, 4) == 0 ? draw(seed, (uint32_t)race->count + 1) : 0;
    for (size_t i = 0; i < race->count; i++) {
        race->tasks[i] = new_task(seed);
        completion_add(race->completion, &race->tasks[i]->job.future);
    }
    for (size_t i = 0; i < early; i++) {
        let_run(race->tasks[i], seed); /* may end before the set is closed, or while */
    }
    race->outcome = race->is_first_of ? completion_first_of(race->completion, is_accepted, NULL)
                                      : completion_all_of(race->completion);
    race->on_done = (struct future_callback){ .fn = race_ended, .context = race };
    future_on_done(race->outcome, &race->on_done);
    for (size_t i = early; i < race->count; i++) {
        let_run(race->tasks[i], seed);
    }
}

static void
read_as_completed(struct race *race)
{
    for (size_t i = 0; i < race->count; i++) {
        struct future *member = NULL;
        CHECK(completion_wait(race->completion, i, CLOCK_NEVER, &member) == ERROR_OK);
        CHECK(future_is_done(member));
        CHECK(completion_at(race->completion, i) == member);
    }
}

static void
check_outcome(struct race *race)
{
    struct future *winner = race->outcome->result;
    if (future_state(race->outcome) == FUTURE_FINISHED && winner != NULL) {
        CHECK(race->is_first_of);
        CHECK(future_state(winner) == FUTURE_FINISHED && winner->error == ERROR_OK);
        one_more(&tally.races_won);
        return;
    }
    /* Nobody won: then a first-of had no member to accept. */
    for (size_t i = 0; i < race->count; i++) {
        struct future *member = &race->tasks[i]->job.future;
        bool was_accepted = future_state(member) == FUTURE_FINISHED && member->error == ERROR_OK;
        CHECK(!race->is_first_of || !was_accepted ||
              future_state(race->outcome) == FUTURE_CANCELLED);
    }
}

static void
run_race(uint64_t *seed)
{
    struct race race;
    begin_race(&race, seed);
    uint32_t luck = draw(seed, 6);
    if (luck == 0) {
        cancel(race.outcome);
    } else if (luck == 1) {
        cancel(&race.tasks[draw(seed, (uint32_t)race.count)]->job.future);
    } else if (luck == 2) {
        read_as_completed(&race);
    }
    CHECK(future_wait(race.outcome, CLOCK_NEVER) == ERROR_OK);
    check_outcome(&race);
    while (atomic_load(&race.told) == 0) {
        sched_yield(); /* a waiter can be a moment earlier than the callbacks */
    }
    if (luck == 3) {
        read_as_completed(&race); /* else the set goes while members may still run */
    }
    completion_free(&race.completion);
    for (size_t i = 0; i < race.count; i++) {
        struct future *future = &race.tasks[i]->job.future;
        future_unref(&future);
    }
    one_more(&tally.races);
}

/* ---- All of it ----------------------------------------------------------------------- */

static void *
drive(void *argument)
{
    uint64_t seed = seed_base * DRIVERS + (uint64_t)(uintptr_t)argument;
    while (atomic_load_explicit(&tally.cancels, memory_order_relaxed) < cancels_wanted) {
        run_race(&seed);
    }
    return NULL;
}

static void *
run_loop(void *argument)
{
    loop_run(argument);
    return NULL;
}

static void
check_tally(void)
{
    CHECK(tally.made == tally.told);
    CHECK(tally.made == tally.freed);
    CHECK(tally.made == tally.cancelled + tally.finished + tally.failed);
    CHECK(tally.results_made == tally.results_freed);
    CHECK(tally.races == tally.races_told);
    CHECK(tally.cancelled > 0 && tally.finished > 0 && tally.failed > 0);
    CHECK(tally.races_won > 0);
}

static void
run_all(void)
{
    pthread_t loop_thread;
    pthread_t drivers[DRIVERS];
    const struct pool_options options = { .threads = THREADS,
                                          .queue_max = QUEUE,
                                          .name = "stress" };
    CHECK(loop_new(&loop) == ERROR_OK);
    CHECK(pool_start(&options, &pool) == ERROR_OK);
    CHECK(pthread_create(&loop_thread, NULL, run_loop, loop) == 0);
    for (uintptr_t i = 0; i < DRIVERS; i++) {
        CHECK(pthread_create(&drivers[i], NULL, drive, (void *)i) == 0);
    }
    for (size_t i = 0; i < DRIVERS; i++) {
        pthread_join(drivers[i], NULL);
    }
    enum pool_stop how = seed_base % 2 == 0 ? POOL_DRAIN : POOL_CANCEL_QUEUED;
    CHECK(pool_stop(pool, how, CLOCK_NEVER) == ERROR_OK);
    loop_stop(loop);
    pthread_join(loop_thread, NULL);
    for (uint32_t i = 0; i < TARGETS; i++) {
        swap_target(NULL, i);
    }
    pool_free(&pool);
    loop_free(&loop);
}

int
main(int argc, char **argv)
{
    cancels_wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : CANCELS_DEFAULT;
    seed_base = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (cancels_wanted == 0) {
        fprintf(stderr, "usage: stress_cancel [CANCELS [SEED]]\n");
        return 64;
    }
    int64_t began_us = clock_now_us();
    run_all();
    check_tally();
    printf("stress_cancel: %" PRIu64 " cancels of %" PRIu64 " futures in %" PRIu64
           " races: %" PRIu64 " cancelled, %" PRIu64 " finished, %" PRIu64 " failed, %" PRIu64
           " refused as busy, each "
           "told once and freed once; %.1f s\n",
           tally.cancels, tally.made, tally.races, tally.cancelled, tally.finished, tally.failed,
           tally.busy, (double)(clock_now_us() - began_us) / (double)CLOCK_US_PER_S);
    return 0;
}
