/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Futures: ended exactly once, callbacks in order and after the end too, waits, references. What
 * must abort runs in a forked child. */

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/future.h"
#include "tests/support/common.h"

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

/* ops->cancel of a future that is asked again while it is being cancelled. */
static bool cancelled_again;
static bool token_was_set;

static void
cancel_again(struct future *future)
{
    assert_int_equal(future_state(future), FUTURE_RUNNING);
    token_was_set = future_is_cancelled(future);
    cancelled_again = future_cancel(future);
    cancels++;
}

static const struct future_ops stubborn = { .name = "stubborn", .cancel = cancel_again };

static void
a_cancel_within_a_cancel_is_true(void **state)
{
    (void)state;
    struct future future;
    cancelled_again = false;
    token_was_set = false;
    future_init(&future, &stubborn);
    assert_true(future_start(&future));
    assert_false(future_is_cancelled(&future));
    assert_true(future_cancel(&future));
    assert_true(token_was_set);
    assert_true(cancelled_again);
    assert_true(future_is_cancelled(&future));
    assert_int_equal(cancels, 1);
}

/* Bring a future into the state with this letter: p, r, f(inished), e(rror), c(ancelled). */
static void
bring_to(struct future *future, char letter)
{
    future_init(future, &counting);
    switch (letter) {
    case 'r':
        assert_true(future_start(future));
        break;
    case 'f':
        assert_true(future_finish(future, future));
        break;
    case 'e':
        assert_true(future_fail(future, ERROR_IO));
        break;
    case 'c':
        assert_true(future_cancel(future));
        break;
    default:
        break;
    }
}

static void
each_state_takes_only_its_own_transitions(void **state)
{
    (void)state;
    static const struct {
        char letter;
        enum future_state state;
        bool starts, finishes, fails, cancels, is_done, is_cancelled;
    } rows[] = {
        { 'p', FUTURE_PENDING, true, true, true, true, false, false },
        { 'r', FUTURE_RUNNING, false, true, true, true, false, false },
        { 'f', FUTURE_FINISHED, false, false, false, false, true, false },
        { 'e', FUTURE_FINISHED, false, false, false, false, true, false },
        { 'c', FUTURE_CANCELLED, false, false, false, true, true, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct future future;
        bring_to(&future, rows[i].letter);
        bool right = future_state(&future) == rows[i].state &&
                     future_is_done(&future) == rows[i].is_done &&
                     future_is_cancelled(&future) == rows[i].is_cancelled;
        right = right && future_start(&future) == rows[i].starts;
        bring_to(&future, rows[i].letter);
        right = right && future_finish(&future, &future) == rows[i].finishes;
        bring_to(&future, rows[i].letter);
        right = right && future_fail(&future, ERROR_IO) == rows[i].fails;
        bring_to(&future, rows[i].letter);
        right = right && future_cancel(&future) == rows[i].cancels;
        if (!right) {
            fail_msg("row %zu: a future in state %c took another's transition", i, rows[i].letter);
        }
    }
}

static void
no_result_is_a_result(void **state)
{
    (void)state;
    struct future future;
    future_init(&future, &counting);
    assert_true(future_finish(&future, NULL));
    assert_int_equal(future_state(&future), FUTURE_FINISHED);
    assert_int_equal(future.error, ERROR_OK);
    assert_int_equal(future_wait(&future, 0), ERROR_OK);
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

/* Told of an end: what it was, as a letter of bring_to(). */
static char end_seen;

static void
see_end(struct future *future, void *context)
{
    (void)context;
    end_seen = future_state(future) == FUTURE_CANCELLED ? 'c'
               : future->error != ERROR_OK              ? 'e'
               : future->result == future               ? 'f'
                                                        : '?';
}

static void
callbacks_are_told_of_every_kind_of_end(void **state)
{
    (void)state;
    for (const char *end = "fec"; *end != '\0'; end++) {
        struct future future;
        struct future_callback callback = { .fn = see_end };
        end_seen = 0;
        future_init(&future, &counting);
        future_on_done(&future, &callback); /* before its end */
        (void)(*end == 'f'   ? future_finish(&future, &future)
               : *end == 'e' ? future_fail(&future, ERROR_IO)
                             : future_cancel(&future));
        assert_int_equal(end_seen, *end);
        end_seen = 0;
        bring_to(&future, *end);
        future_on_done(&future, &callback); /* after it: at once */
        assert_int_equal(end_seen, *end);
    }
}

static struct future_callback late;

static void
add_another(struct future *future, void *context)
{
    tell(future, context);
    late = (struct future_callback){ .fn = tell, .context = (void *)"l" };
    future_on_done(future, &late);
}

static void
a_callback_may_add_one_that_runs_at_once(void **state)
{
    (void)state;
    struct future future;
    struct future_callback adds = { .fn = add_another, .context = (void *)"a" };
    struct future_callback after = { .fn = tell, .context = (void *)"z" };
    told_len = 0;
    future_init(&future, &counting);
    future_on_done(&future, &adds);
    future_on_done(&future, &after);
    assert_true(future_finish(&future, NULL));
    assert_int_equal(told_len, 3);
    assert_memory_equal(told, "alz", 3);
}

/* Then: the end of one future begins or ends the next, on the thread that ended the first. */
static void
pass_on(struct future *future, void *context)
{
    struct future *next = context;
    if (future_state(future) == FUTURE_CANCELLED) {
        (void)future_cancel(next);
    } else if (future->error != ERROR_OK) {
        (void)future_fail(next, future->error);
    } else {
        (void)future_finish(next, future->result);
    }
}

static void
a_chain_needs_no_thread(void **state)
{
    (void)state;
    for (const char *end = "fec"; *end != '\0'; end++) {
        struct future steps[3];
        struct future_callback then[2];
        for (size_t i = 0; i < 3; i++) {
            future_init(&steps[i], &counting);
        }
        for (size_t i = 0; i < 2; i++) {
            then[i] = (struct future_callback){ .fn = pass_on, .context = &steps[i + 1] };
            future_on_done(&steps[i], &then[i]);
        }
        (void)(*end == 'f'   ? future_finish(&steps[0], &steps[2])
               : *end == 'e' ? future_fail(&steps[0], ERROR_IO)
                             : future_cancel(&steps[0]));
        end_seen = 0;
        see_end(&steps[2], NULL);
        assert_int_equal(end_seen, *end);
    }
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

static void
waiting_for_what_has_ended_does_not_block(void **state)
{
    (void)state;
    for (const char *end = "fec"; *end != '\0'; end++) {
        struct future future;
        bring_to(&future, *end);
        assert_int_equal(future_wait(&future, 0), ERROR_OK);
        assert_int_equal(future_wait(&future, CLOCK_NEVER), ERROR_OK);
        assert_int_equal(future.error, *end == 'f'   ? ERROR_OK
                                       : *end == 'e' ? ERROR_IO
                                                     : ERROR_CANCELLED);
    }
}

/* A thread that waits for a future, and what it saw. */
struct waiter {
    struct future *future;
    pthread_t thread;
    _Atomic pid_t tid;
    int error;
    void *result;
};

static void *
wait_for_good(void *argument)
{
    struct waiter *waiter = argument;
    atomic_store(&waiter->tid, gettid());
    if (future_wait(waiter->future, CLOCK_NEVER) == ERROR_OK) {
        waiter->error = waiter->future->error;
        waiter->result = waiter->future->result;
    }
    return NULL;
}

/* Returns when it sleeps: from then on only a wake-up helps. */
static void
begin_to_wait(struct waiter *waiter, struct future *future)
{
    *waiter = (struct waiter){ .future = future, .error = ERROR_TIMEOUT };
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_for_good, waiter), 0);
    while (atomic_load(&waiter->tid) == 0) {
        sched_yield();
    }
    support_await_sleep(atomic_load(&waiter->tid));
}

static void
a_waiting_thread_learns_of_errors_and_cancels(void **state)
{
    (void)state;
    for (const char *end = "ec"; *end != '\0'; end++) {
        struct future future;
        struct waiter waiter;
        future_init(&future, &counting);
        begin_to_wait(&waiter, &future);
        assert_true(future_start(&future)); /* a change of state while it sleeps is not the end */
        (void)(*end == 'e' ? future_fail(&future, ERROR_IO) : future_cancel(&future));
        pthread_join(waiter.thread, NULL);
        assert_int_equal(waiter.error, *end == 'e' ? ERROR_IO : ERROR_CANCELLED);
    }
}

static void
block_where_forbidden(void)
{
    struct future future;
    future_init(&future, &counting);
    future_forbid_wait("the test");
    (void)!future_wait(&future, CLOCK_NEVER);
}

static void
blocking_where_it_is_forbidden_aborts(void **state)
{
    (void)state;
    struct future future;
    support_expect_abort(block_where_forbidden, "the test would block in a wait");

    future_init(&future, &counting);
    future_forbid_wait("the test");
    assert_int_equal(future_wait(&future, 0), ERROR_TIMEOUT); /* a look is fine */
    assert_true(future_finish(&future, NULL));
    assert_int_equal(future_wait(&future, CLOCK_NEVER), ERROR_OK); /* so is what has ended */
    future_forbid_wait(NULL);
    future_init(&future, &counting);
    assert_int_equal(future_wait(&future, 1), ERROR_TIMEOUT);
}

static void
wakes_every_waiting_thread(void **state)
{
    (void)state;
    struct future future;
    int result = 0;
    struct waiter waiters[4];
    future_init(&future, &counting);
    for (size_t i = 0; i < 4; i++) {
        begin_to_wait(&waiters[i], &future);
    }
    assert_true(future_finish(&future, &result));
    for (size_t i = 0; i < 4; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_ptr_equal(waiters[i].result, &result);
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
            sched_yield();
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
            sched_yield();
        }
        bool finished = atomic_load(&duel.wins) == 1;
        assert_true(finished != (future_state(&duel.future) == FUTURE_CANCELLED));
        assert_true(!cancelled || !finished);
        assert_int_equal(atomic_load(&duel.told), 1);
    }
    pthread_join(thread, NULL);
}

/* Both cancel the same future at the same moment: both are right that it is cancelled, one did it.
 */
static void *
cancel_each_round(void *argument)
{
    struct duel *duel = argument;
    for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
        while (atomic_load(&duel->round) < round) {
            sched_yield();
        }
        if (future_cancel(&duel->future)) {
            atomic_fetch_add(&duel->wins, 1);
        }
        atomic_fetch_add(&duel->arrived, 1);
    }
    return NULL;
}

static void
two_cancels_at_once_are_both_true(void **state)
{
    (void)state;
    struct duel duel;
    memset(&duel, 0, sizeof(duel));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_each_round, &duel), 0);
    for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
        struct future_callback callback = { .fn = count_told, .context = &duel };
        future_init(&duel.future, &counting);
        future_on_done(&duel.future, &callback);
        atomic_store(&duel.wins, 0);
        atomic_store(&duel.told, 0);
        atomic_store(&duel.round, round);
        assert_true(future_cancel(&duel.future));
        while (atomic_load(&duel.arrived) < round) {
            sched_yield();
        }
        assert_int_equal(atomic_load(&duel.wins), 1);
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
        cmocka_unit_test_setup(a_cancel_within_a_cancel_is_true, reset),
        cmocka_unit_test_setup(each_state_takes_only_its_own_transitions, reset),
        cmocka_unit_test_setup(no_result_is_a_result, reset),
        cmocka_unit_test_setup(frees_with_the_last_reference, reset),
        cmocka_unit_test_setup(callbacks_run_in_the_order_of_adding, reset),
        cmocka_unit_test_setup(callbacks_are_told_of_every_kind_of_end, reset),
        cmocka_unit_test_setup(a_callback_may_add_one_that_runs_at_once, reset),
        cmocka_unit_test_setup(a_chain_needs_no_thread, reset),
        cmocka_unit_test_setup(a_callback_may_drop_the_last_reference, reset),
        cmocka_unit_test_setup(wait_times_out_and_looks, reset),
        cmocka_unit_test_setup(waiting_for_what_has_ended_does_not_block, reset),
        cmocka_unit_test_setup(a_waiting_thread_learns_of_errors_and_cancels, reset),
        cmocka_unit_test_setup(blocking_where_it_is_forbidden_aborts, reset),
        cmocka_unit_test_setup(wakes_every_waiting_thread, reset),
        cmocka_unit_test_setup(finish_and_cancel_race_for_one_end, reset),
        cmocka_unit_test_setup(two_cancels_at_once_are_both_true, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
