/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The queue of the pool: order, bounds, closing; and that nothing is lost or doubled when many
 * push, pop and close at once. */

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/exec/ring.h"

#define ROOM 3
#define THREADS 4
#define ITEMS 20000

static int items[ROOM + 2];

static void
gives_what_was_put_in_its_order(void **state)
{
    (void)state;
    struct ring ring;
    assert_int_equal(ring_init(&ring, ROOM), ERROR_OK);
    assert_null(ring_pop(&ring));
    for (int lap = 0; lap < 10; lap++) {
        for (int i = 0; i < ROOM; i++) {
            assert_int_equal(ring_push(&ring, &items[i]), ERROR_OK);
        }
        assert_int_equal(ring_count(&ring), ROOM);
        for (int i = 0; i < ROOM; i++) {
            assert_ptr_equal(ring_pop(&ring), &items[i]);
        }
        assert_int_equal(ring_popped(&ring), (lap + 1) * ROOM);
        assert_null(ring_pop(&ring));
        assert_int_equal(ring_count(&ring), 0);
    }
    ring_fini(&ring);
}

static void
full_is_an_answer(void **state)
{
    (void)state;
    struct ring ring;
    assert_int_equal(ring_init(&ring, ROOM), ERROR_OK);
    for (int i = 0; i < ROOM; i++) {
        assert_int_equal(ring_push(&ring, &items[i]), ERROR_OK);
    }
    assert_int_equal(ring_push(&ring, &items[ROOM]), ERROR_BUSY);
    assert_ptr_equal(ring_pop(&ring), &items[0]);
    assert_int_equal(ring_push(&ring, &items[ROOM]), ERROR_OK);
    assert_int_equal(ring_push(&ring, &items[0]), ERROR_BUSY);
    ring_fini(&ring);
}

static void
what_is_put_back_finds_a_place(void **state)
{
    (void)state;
    struct ring ring;
    assert_int_equal(ring_init(&ring, ROOM), ERROR_OK);
    for (int i = 0; i < ROOM; i++) {
        assert_int_equal(ring_push(&ring, &items[i]), ERROR_OK);
    }
    void *first = ring_pop(&ring);
    assert_int_equal(ring_push(&ring, &items[ROOM]), ERROR_OK); /* somebody takes its place */
    ring_return(&ring, first);
    for (int i = 1; i <= ROOM; i++) {
        assert_ptr_equal(ring_pop(&ring), &items[i]);
    }
    assert_ptr_equal(ring_pop(&ring), first);
    ring_fini(&ring);
}

static void
closed_takes_nothing_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct ring ring;
    assert_int_equal(ring_init(&ring, ROOM), ERROR_OK);
    assert_int_equal(ring_push(&ring, &items[0]), ERROR_OK);
    assert_int_equal(ring_push(&ring, &items[1]), ERROR_OK);
    ring_close(&ring);
    ring_close(&ring);
    assert_int_equal(ring_push(&ring, &items[2]), ERROR_CLOSED);
    assert_int_equal(ring_count(&ring), 2);
    void *first = ring_pop(&ring);
    assert_ptr_equal(first, &items[0]);
    ring_return(&ring, first); /* what was in may be put back */
    assert_ptr_equal(ring_pop(&ring), &items[1]);
    assert_ptr_equal(ring_pop(&ring), &items[0]);
    assert_null(ring_pop(&ring));
    ring_fini(&ring);
}

/* Full and closed: closed is what does not change any more. */
static void
closed_comes_before_full(void **state)
{
    (void)state;
    struct ring ring;
    assert_int_equal(ring_init(&ring, 1), ERROR_OK);
    assert_int_equal(ring_push(&ring, &items[0]), ERROR_OK);
    ring_close(&ring);
    assert_int_equal(ring_push(&ring, &items[1]), ERROR_CLOSED);
    ring_fini(&ring);
}

/* ---- Many at once */

static struct ring shared;
static atomic_int times[THREADS * ITEMS]; /* how often each was taken */
static atomic_size_t taken;
static atomic_size_t pushed;
static atomic_bool are_pushers_done;

static void *
push_items(void *argument)
{
    atomic_int *first = argument;
    for (size_t i = 0; i < ITEMS; i++) {
        int error = ring_push(&shared, &first[i]);
        while (error == ERROR_BUSY) {
            sched_yield();
            error = ring_push(&shared, &first[i]);
        }
        if (error == ERROR_CLOSED) {
            break;
        }
        atomic_fetch_add(&pushed, 1);
    }
    return NULL;
}

static void *
pop_items(void *argument)
{
    (void)argument;
    for (;;) {
        bool is_last_look = atomic_load(&are_pushers_done);
        atomic_int *item = ring_pop(&shared);
        if (item != NULL) {
            atomic_fetch_add(item, 1);
            atomic_fetch_add(&taken, 1);
        } else if (is_last_look && ring_count(&shared) == 0) {
            return NULL;
        } else {
            sched_yield();
        }
    }
}

static void
run_crowd(size_t close_after)
{
    pthread_t pushers[THREADS];
    pthread_t poppers[THREADS];
    assert_int_equal(ring_init(&shared, 16), ERROR_OK);
    atomic_store(&are_pushers_done, false);
    atomic_store(&taken, 0);
    atomic_store(&pushed, 0);
    for (size_t i = 0; i < THREADS * ITEMS; i++) {
        atomic_store(&times[i], 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&pushers[i], NULL, push_items, &times[i * ITEMS]), 0);
        assert_int_equal(pthread_create(&poppers[i], NULL, pop_items, NULL), 0);
    }
    while (close_after > 0 && atomic_load(&taken) < close_after) {
        sched_yield();
    }
    if (close_after > 0) {
        ring_close(&shared);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(pushers[i], NULL), 0);
    }
    atomic_store(&are_pushers_done, true);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(poppers[i], NULL), 0);
    }
    for (size_t i = 0; i < THREADS * ITEMS; i++) {
        assert_in_range(atomic_load(&times[i]), 0, 1);
    }
    assert_int_equal(atomic_load(&taken), atomic_load(&pushed));
    ring_fini(&shared);
}

static void
many_threads_lose_and_double_nothing(void **state)
{
    (void)state;
    run_crowd(0);
    assert_int_equal(atomic_load(&taken), THREADS * ITEMS);
}

static void
closing_loses_nothing_that_was_taken_in(void **state)
{
    (void)state;
    run_crowd(ITEMS / 2);
    assert_true(atomic_load(&taken) >= ITEMS / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_was_put_in_its_order),
        cmocka_unit_test(full_is_an_answer),
        cmocka_unit_test(what_is_put_back_finds_a_place),
        cmocka_unit_test(closed_takes_nothing_and_keeps_what_it_has),
        cmocka_unit_test(closed_comes_before_full),
        cmocka_unit_test(many_threads_lose_and_double_nothing),
        cmocka_unit_test(closing_loses_nothing_that_was_taken_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
