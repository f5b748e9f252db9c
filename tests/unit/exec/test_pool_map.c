/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* What others call map, made of submits: results in the order of the input, and a look-ahead that
 * is a callback. */

#include "tests/unit/exec/pool_fixture.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_gives_results_in_the_order_of_its_input),
        cmocka_unit_test(map_with_a_look_ahead_is_a_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
