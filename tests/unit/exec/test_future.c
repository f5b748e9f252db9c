/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Futures: ended exactly once, callbacks in order and after the end too, waits, references. */

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
#include "daemon/exec/future.h"

static int cancels;
static int frees;

static void
count_cancel(struct future *future)
{
    (void)future;
    cancels++;
}

static void
count_free(struct future *future)
{
    (void)future;
    frees++;
}

static const struct future_ops counting = { "test", count_cancel, count_free };

static int
reset(void **state)
{
    (void)state;
    cancels = 0;
    frees = 0;
    return 0;
}

static void
finishes_once(void **state)
{
    (void)state;
    struct future future;
    int result = 0;
    future_init(&future, &counting);
    assert_int_equal(future_state(&future), FUTURE_PENDING);
    assert_true(future_start(&future));
    assert_false(future_start(&future));
    assert_int_equal(future_state(&future), FUTURE_RUNNING);
    assert_true(future_finish(&future, &result));
    assert_false(future_finish(&future, NULL));
    assert_false(future_fail(&future, ERROR_IO));
    assert_false(future_cancel(&future));
    assert_ptr_equal(future.result, &result);
    assert_int_equal(future.error, ERROR_OK);
    assert_int_equal(cancels, 0);
}

static void
fails_with_its_error(void **state)
{
    (void)state;
    struct future future;
    future_init(&future, &counting);
    assert_true(future_fail(&future, ERROR_TIMEOUT));
    assert_int_equal(future_state(&future), FUTURE_FINISHED);
    assert_int_equal(future.error, ERROR_TIMEOUT);
    assert_null(future.result);
}

static void
cancel_of_pending_does_not_touch_the_work(void **state)
{
    (void)state;
    struct future future;
    future_init(&future, &counting);
    assert_true(future_cancel(&future));
    assert_true(future_cancel(&future));
    assert_false(future_start(&future));
    assert_false(future_finish(&future, NULL));
    assert_int_equal(cancels, 0);
    assert_int_equal(future.error, ERROR_CANCELLED);
}

static void
cancel_of_running_stops_the_work_once(void **state)
{
    (void)state;
    struct future future;
    future_init(&future, &counting);
    assert_true(future_start(&future));
    assert_true(future_cancel(&future));
    assert_true(future_cancel(&future));
    assert_int_equal(cancels, 1);
    assert_int_equal(future_state(&future), FUTURE_CANCELLED);
}

static void
frees_with_the_last_reference(void **state)
{
    (void)state;
    struct future future;
    future_init(&future, &counting);
    struct future *first = &future;
    struct future *second = future_ref(&future);
    future_unref(&first);
    assert_null(first);
    assert_int_equal(frees, 0);
    future_unref(&second);
    assert_int_equal(frees, 1);
    future_unref(&second); /* NULL is fine */
    assert_int_equal(frees, 1);
}

static char told[8];
static size_t told_len;

static void
tell(struct future *future, void *context)
{
    assert_true(future_is_done(future));
    told[told_len++] = *(const char *)context;
}

static void
callbacks_run_in_the_order_of_adding(void **state)
{
    (void)state;
    struct future future;
    struct future_callback callbacks[4];
    told_len = 0;
    future_init(&future, &counting);
    for (size_t i = 0; i < 3; i++) {
        callbacks[i] = (struct future_callback){ .fn = tell, .context = (void *)&"abcd"[i] };
        future_on_done(&future, &callbacks[i]);
    }
    assert_int_equal(told_len, 0);
    assert_true(future_finish(&future, NULL));
    assert_int_equal(told_len, 3);
    callbacks[3] = (struct future_callback){ .fn = tell, .context = (void *)&"abcd"[3] };
    future_on_done(&future, &callbacks[3]); /* after the end: at once */
    assert_int_equal(told_len, 4);
    assert_memory_equal(told, "abcd", 4);
}

static void
drop_reference(struct future *future, void *context)
{
    (void)future;
    future_unref(context);
}

static void
a_callback_may_drop_the_last_reference(void **state)
{
    (void)state;
    struct future future;
    struct future *mine = &future;
    struct future_callback drop = { .fn = drop_reference, .context = &mine };
    struct future_callback after = { .fn = tell, .context = (void *)"x" };
    told_len = 0;
    future_init(&future, &counting);
    future_on_done(&future, &drop);
    future_on_done(&future, &after);
    assert_true(future_finish(&future, NULL));
    assert_int_equal(told_len, 1);
    assert_int_equal(frees, 1);
}

static void
wait_times_out_and_looks(void **state)
{
    (void)state;
    struct future future;
    future_init(&future, &counting);
    assert_int_equal(future_wait(&future, 0), ERROR_TIMEOUT);
    assert_int_equal(future_wait(&future, 1000), ERROR_TIMEOUT);
    assert_true(future_cancel(&future));
    assert_int_equal(future_wait(&future, 0), ERROR_OK);
    assert_int_equal(future_state(&future), FUTURE_CANCELLED);
}

static void *
wait_for_good(void *argument)
{
    struct future *future = argument;
    int error = future_wait(future, CLOCK_NEVER);
    return error == ERROR_OK ? future->result : NULL;
}

static void
wakes_every_waiting_thread(void **state)
{
    (void)state;
    struct future future;
    int result = 0;
    pthread_t threads[4];
    future_init(&future, &counting);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_good, &future), 0);
    }
    assert_true(future_finish(&future, &result));
    for (size_t i = 0; i < 4; i++) {
        void *seen = NULL;
        pthread_join(threads[i], &seen);
        assert_ptr_equal(seen, &result);
    }
}

#define RACE_ROUNDS 20000

struct duel {
    struct future future;
    atomic_int told;
    atomic_int wins;
    atomic_uint round;
    atomic_uint arrived;
};

static void
count_told(struct future *future, void *context)
{
    (void)future;
    atomic_fetch_add(&((struct duel *)context)->told, 1);
}

/* Both threads try to end the same future at the same moment, round after round. */
static void *
finish_each_round(void *argument)
{
    struct duel *duel = argument;
    for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
        while (atomic_load(&duel->round) < round) {
        }
        if (future_finish(&duel->future, duel)) {
            atomic_fetch_add(&duel->wins, 1);
        }
        atomic_fetch_add(&duel->arrived, 1);
    }
    return NULL;
}

static void
finish_and_cancel_race_for_one_end(void **state)
{
    (void)state;
    struct duel duel;
    memset(&duel, 0, sizeof(duel));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, finish_each_round, &duel), 0);
    for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
        struct future_callback callback = { .fn = count_told, .context = &duel };
        future_init(&duel.future, &counting);
        future_on_done(&duel.future, &callback);
        atomic_store(&duel.wins, 0);
        atomic_store(&duel.told, 0);
        atomic_store(&duel.round, round);
        bool cancelled = future_cancel(&duel.future);
        while (atomic_load(&duel.arrived) < round) {
        }
        bool finished = atomic_load(&duel.wins) == 1;
        assert_true(finished != (future_state(&duel.future) == FUTURE_CANCELLED));
        assert_true(!cancelled || !finished);
        assert_int_equal(atomic_load(&duel.told), 1);
    }
    pthread_join(thread, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(finishes_once, reset),
        cmocka_unit_test_setup(fails_with_its_error, reset),
        cmocka_unit_test_setup(cancel_of_pending_does_not_touch_the_work, reset),
        cmocka_unit_test_setup(cancel_of_running_stops_the_work_once, reset),
        cmocka_unit_test_setup(frees_with_the_last_reference, reset),
        cmocka_unit_test_setup(callbacks_run_in_the_order_of_adding, reset),
        cmocka_unit_test_setup(a_callback_may_drop_the_last_reference, reset),
        cmocka_unit_test_setup(wait_times_out_and_looks, reset),
        cmocka_unit_test_setup(wakes_every_waiting_thread, reset),
        cmocka_unit_test_setup(finish_and_cancel_race_for_one_end, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
