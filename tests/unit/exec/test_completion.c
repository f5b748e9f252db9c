/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Completions: the order of ends, first-of with its losers, all-of, watches, waiting threads. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/completion.h"

#define MEMBERS 4

static const struct future_ops plain = { .name = "member" };

struct set {
    struct future members[MEMBERS];
    struct completion *completion;
};

static int
set_up(void **state)
{
    struct set *set = calloc(1, sizeof(*set));
    assert_non_null(set);
    assert_int_equal(completion_new(MEMBERS, &set->completion), ERROR_OK);
    for (size_t i = 0; i < MEMBERS; i++) {
        future_init(&set->members[i], &plain);
        completion_add(set->completion, &set->members[i]);
    }
    *state = set;
    return 0;
}

static int
tear_down(void **state)
{
    struct set *set = *state;
    for (size_t i = 0; i < MEMBERS; i++) {
        future_cancel(
            &set->members[i]); /* each future ends: the completion lets go of its memory */
    }
    completion_free(&set->completion);
    free(set);
    return 0;
}

static bool
is_yes(const struct future *member, void *context)
{
    return member->result == context;
}

static void
keeps_the_order_of_ends(void **state)
{
    struct set *set = *state;
    struct future *all = completion_all_of(set->completion);
    const size_t order[MEMBERS] = { 2, 0, 3, 1 };
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_false(future_is_done(all));
        assert_true(future_finish(&set->members[order[i]], NULL));
        assert_int_equal(completion_ended(set->completion), i + 1);
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_ptr_equal(completion_at(set->completion, i), &set->members[order[i]]);
    }
    assert_int_equal(future_state(all), FUTURE_FINISHED);
    assert_null(all->result);
}

static void
first_of_cancels_the_losers_before_it_ends(void **state)
{
    struct set *set = *state;
    int yes = 0;
    struct future *first = completion_first_of(set->completion, is_yes, &yes);
    assert_true(future_start(&set->members[0]));
    assert_true(future_finish(&set->members[1], NULL)); /* a no */
    assert_false(future_is_done(first));
    assert_true(future_finish(&set->members[2], &yes));
    assert_int_equal(future_state(first), FUTURE_FINISHED);
    assert_ptr_equal(first->result, &set->members[2]);
    assert_int_equal(future_state(&set->members[0]), FUTURE_CANCELLED);
    assert_int_equal(future_state(&set->members[3]), FUTURE_CANCELLED);
    assert_int_equal(completion_ended(set->completion), MEMBERS);
    assert_ptr_equal(completion_at(set->completion, 1), &set->members[2]);
}

static void
first_of_without_a_yes_waits_for_all(void **state)
{
    struct set *set = *state;
    int yes = 0;
    struct future *first = completion_first_of(set->completion, is_yes, &yes);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_false(future_is_done(first));
        assert_true(i % 2 == 0 ? future_fail(&set->members[i], ERROR_IO)
                               : future_cancel(&set->members[i]));
    }
    assert_int_equal(future_state(first), FUTURE_FINISHED);
    assert_null(first->result);
}

static void
members_that_ended_before_count_in_their_order(void **state)
{
    struct set *set = *state;
    int yes = 0;
    assert_true(future_finish(&set->members[3], NULL));
    assert_true(future_finish(&set->members[1], &yes));
    struct future *first = completion_first_of(set->completion, is_yes, &yes);
    assert_ptr_equal(first->result, &set->members[1]);
    assert_ptr_equal(completion_at(set->completion, 0), &set->members[1]);
    assert_ptr_equal(completion_at(set->completion, 1), &set->members[3]);
    assert_int_equal(future_state(&set->members[0]), FUTURE_CANCELLED);
}

static void
an_empty_set_is_done(void **state)
{
    (void)state;
    struct completion *completion = NULL;
    assert_int_equal(completion_new(0, &completion), ERROR_OK);
    assert_int_equal(future_state(completion_all_of(completion)), FUTURE_FINISHED);
    struct future *member = NULL;
    assert_int_equal(completion_wait(completion, 0, 0, &member), ERROR_NOT_FOUND);
    completion_free(&completion);
    assert_null(completion);
}

static void
cancelling_the_outcome_cancels_the_members(void **state)
{
    struct set *set = *state;
    struct future *all = completion_all_of(set->completion);
    assert_true(future_finish(&set->members[0], NULL));
    assert_true(future_cancel(all));
    assert_int_equal(future_state(all), FUTURE_CANCELLED);
    assert_int_equal(future_state(&set->members[0]), FUTURE_FINISHED);
    for (size_t i = 1; i < MEMBERS; i++) {
        assert_int_equal(future_state(&set->members[i]), FUTURE_CANCELLED);
    }
}

static void
the_same_future_twice_is_two_members(void **state)
{
    (void)state;
    struct completion *completion = NULL;
    struct future future;
    future_init(&future, &plain);
    assert_int_equal(completion_new(2, &completion), ERROR_OK);
    completion_add(completion, &future);
    completion_add(completion, &future);
    struct future *all = completion_all_of(completion);
    assert_true(future_finish(&future, NULL));
    assert_int_equal(completion_ended(completion), 2);
    assert_int_equal(future_state(all), FUTURE_FINISHED);
    completion_free(&completion);
}

static void
free_drop(struct future *future, void *context)
{
    (void)future;
    completion_free(context);
}

static void
the_outcome_s_callback_may_free_the_set(void **state)
{
    struct set *set = *state;
    int yes = 0;
    struct future_callback callback = { .fn = free_drop, .context = &set->completion };
    struct future *first = completion_first_of(set->completion, is_yes, &yes);
    future_on_done(first, &callback);
    assert_true(future_finish(&set->members[2], &yes));
    assert_null(set->completion);
}

static int fired;

static void
count_fired(struct completion_watch *watch)
{
    (void)watch;
    fired++;
}

static void
a_watch_fires_once_past_its_place(void **state)
{
    struct set *set = *state;
    struct completion_watch second = { .after = 1, .fn = count_fired };
    struct completion_watch beyond = { .after = 99, .fn = count_fired };
    struct completion_watch dropped = { .after = 0, .fn = count_fired };
    fired = 0;
    completion_all_of(set->completion);
    completion_watch(set->completion, &second);
    completion_watch(set->completion, &beyond);
    completion_watch(set->completion, &dropped);
    completion_unwatch(&dropped);
    assert_true(future_finish(&set->members[0], NULL));
    assert_int_equal(fired, 0);
    assert_true(future_finish(&set->members[1], NULL));
    assert_int_equal(fired, 1);
    assert_true(future_finish(&set->members[2], NULL));
    assert_int_equal(fired, 1);
    assert_true(
        future_finish(&set->members[3], NULL)); /* all have ended: who waits for more is told */
    assert_int_equal(fired, 2);
    completion_watch(set->completion, &second); /* it is so already: at once */
    assert_int_equal(fired, 3);
}

static void
wait_gives_members_as_completed(void **state)
{
    struct set *set = *state;
    struct future *member = NULL;
    completion_all_of(set->completion);
    assert_int_equal(completion_wait(set->completion, 0, 0, &member), ERROR_TIMEOUT);
    assert_int_equal(completion_wait(set->completion, 0, 500, &member), ERROR_TIMEOUT);
    assert_true(future_finish(&set->members[3], NULL));
    assert_int_equal(completion_wait(set->completion, 0, 0, &member), ERROR_OK);
    assert_ptr_equal(member, &set->members[3]);
    assert_int_equal(completion_wait(set->completion, 1, 0, &member), ERROR_TIMEOUT);
}

#define CROWD 4000

static struct future crowd[CROWD];

static void *
end_half(void *argument)
{
    for (size_t i = (size_t)(uintptr_t)argument; i < CROWD; i += 2) {
        future_finish(&crowd[i], NULL);
    }
    return NULL;
}

/* Two threads end members at once; a third takes each exactly once, in the one order. */
static void
many_threads_end_members(void **state)
{
    (void)state;
    struct completion *completion = NULL;
    pthread_t threads[2];
    assert_int_equal(completion_new(CROWD, &completion), ERROR_OK);
    for (size_t i = 0; i < CROWD; i++) {
        future_init(&crowd[i], &plain);
        completion_add(completion, &crowd[i]);
    }
    struct future *all = completion_all_of(completion);
    for (uintptr_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, end_half, (void *)i), 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        struct future *member = NULL;
        assert_int_equal(completion_wait(completion, i, CLOCK_NEVER, &member), ERROR_OK);
        assert_null(member->result);
        member->result = completion; /* seen: a second time would show above */
        assert_ptr_equal(completion_at(completion, i), member);
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(future_wait(all, 0), ERROR_OK);
    completion_free(&completion);
}

static void
nothing_ended_yet_is_a_time_out_each_time(void **state)
{
    struct set *set = *state;
    struct future *member = NULL;
    completion_all_of(set->completion);
    assert_true(future_finish(&set->members[1], NULL));
    assert_true(future_finish(&set->members[0], NULL));
    /* What has ended is given even with no time at all; then it is over; then it goes on. */
    assert_int_equal(completion_wait(set->completion, 0, 0, &member), ERROR_OK);
    assert_int_equal(completion_wait(set->completion, 1, 0, &member), ERROR_OK);
    assert_ptr_equal(member, &set->members[0]);
    assert_int_equal(completion_wait(set->completion, 2, 0, &member), ERROR_TIMEOUT);
    assert_ptr_equal(member, &set->members[0]); /* untouched */
    assert_int_equal(completion_wait(set->completion, 2, 1, &member), ERROR_TIMEOUT);
    assert_true(future_cancel(&set->members[3]));
    assert_int_equal(completion_wait(set->completion, 2, 0, &member), ERROR_OK);
    assert_ptr_equal(member, &set->members[3]);
    assert_int_equal(completion_wait(set->completion, MEMBERS, 0, &member), ERROR_NOT_FOUND);
}

static void
all_that_ended_before_is_done_at_once(void **state)
{
    struct set *set = *state;
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_true(i == 1   ? future_fail(&set->members[i], ERROR_IO)
                    : i == 2 ? future_cancel(&set->members[i])
                             : future_finish(&set->members[i], NULL));
    }
    struct future *all = completion_all_of(set->completion);
    assert_int_equal(future_wait(all, 0), ERROR_OK);
    assert_int_equal(all->error, ERROR_OK); /* of the waiting, not of the members */
    assert_int_equal(completion_ended(set->completion), MEMBERS);
}

/* The first that failed, as a thread waits for it: as completed, until one has an error. */
static struct future *
wait_first_failed(struct completion *completion)
{
    struct future *member = NULL;
    for (size_t i = 0; completion_wait(completion, i, 0, &member) == ERROR_OK; i++) {
        if (future_state(member) == FUTURE_FINISHED && member->error != ERROR_OK) {
            return member;
        }
    }
    return NULL;
}

static void
the_first_failed_is_read_as_completed(void **state)
{
    struct set *set = *state;
    completion_all_of(set->completion);
    assert_true(future_finish(&set->members[3], NULL));
    assert_true(future_cancel(&set->members[1])); /* a cancel is no failure */
    assert_null(wait_first_failed(set->completion));
    assert_true(future_fail(&set->members[2], ERROR_IO));
    assert_ptr_equal(wait_first_failed(set->completion), &set->members[2]);
    assert_int_equal(future_state(&set->members[0]), FUTURE_PENDING); /* and nobody else suffers */
}

static bool
has_failed(const struct future *member, void *context)
{
    (void)context;
    return member->error != ERROR_OK;
}

static void
a_first_failed_may_cancel_the_others(void **state)
{
    struct set *set = *state;
    assert_true(future_finish(&set->members[0], NULL));
    assert_true(future_fail(&set->members[1], ERROR_IO)); /* before the waiting began */
    struct future *first = completion_first_of(set->completion, has_failed, NULL);
    assert_int_equal(future_wait(first, 0), ERROR_OK);
    assert_ptr_equal(first->result, &set->members[1]);
    assert_int_equal(future_state(&set->members[2]), FUTURE_CANCELLED);
    assert_int_equal(future_state(&set->members[3]), FUTURE_CANCELLED);
}

/* Results and cancels are no failures: without one it takes as long as the last of them. */
static void
without_a_failure_the_first_failed_waits_for_all(void **state)
{
    struct set *set = *state;
    struct future *first = completion_first_of(set->completion, has_failed, NULL);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_false(future_is_done(first));
        assert_true(i % 2 == 0 ? future_finish(&set->members[i], NULL)
                               : future_cancel(&set->members[i]));
    }
    assert_int_equal(future_state(first), FUTURE_FINISHED);
    assert_null(first->result);
}

static bool
is_any(const struct future *member, void *context)
{
    (void)member;
    (void)context;
    return true;
}

static void
the_first_completed_may_have_ended_before(void **state)
{
    struct set *set = *state;
    assert_true(future_cancel(&set->members[0])); /* a cancelled one is not asked about */
    assert_true(future_finish(&set->members[2], NULL));
    struct future *first = completion_first_of(set->completion, is_any, NULL);
    assert_int_equal(future_wait(first, 0), ERROR_OK);
    assert_ptr_equal(first->result, &set->members[2]);
}

static void
the_set_lets_go_of_its_members(void **state)
{
    struct set *set = *state;
    completion_all_of(set->completion);
    completion_free(&set->completion);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(atomic_load(&set->members[i].references), 2); /* until all have ended */
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_true(future_finish(&set->members[i], NULL));
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(atomic_load(&set->members[i].references), 1);
    }
}

static void
a_set_that_was_never_closed_is_free_at_once(void **state)
{
    struct set *set = *state;
    completion_free(&set->completion);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(atomic_load(&set->members[i].references), 1);
    }
}

static void
a_reference_to_the_outcome_keeps_the_set(void **state)
{
    struct set *set = *state;
    int yes = 0;
    struct future *first = future_ref(completion_first_of(set->completion, is_yes, &yes));
    completion_free(&set->completion);
    assert_true(future_finish(&set->members[2], &yes));
    assert_int_equal(future_state(first), FUTURE_FINISHED);
    assert_ptr_equal(first->result, &set->members[2]);
    future_unref(&first);
}

static void
a_cancelled_outcome_s_callback_may_free_the_set(void **state)
{
    struct set *set = *state;
    struct future_callback callback = { .fn = free_drop, .context = &set->completion };
    struct future_callback after = { .fn = free_drop, .context = &set->completion };
    struct future *all = completion_all_of(set->completion);
    future_on_done(all, &callback);
    future_on_done(all, &after); /* the memory is still there for the second one */
    assert_true(future_cancel(all));
    assert_null(set->completion);
}

struct watcher {
    struct completion_watch watch;
    struct completion *completion;
};

static void
free_set(struct completion_watch *watch)
{
    completion_free(&CONTAINER_OF(watch, struct watcher, watch)->completion);
}

static void
a_watch_may_free_the_set(void **state)
{
    struct set *set = *state;
    struct watcher watcher = { .watch = { .after = 0, .fn = free_set } };
    completion_all_of(set->completion);
    completion_watch(set->completion, &watcher.watch);
    watcher.completion = set->completion;
    set->completion = NULL;
    assert_true(future_finish(&set->members[0], NULL));
    assert_null(watcher.completion);
}

/* The yes is recorded first and judged last: a no that ends in between must not end the race. */
struct race {
    struct future members[2]; /* the yes, the no */
    atomic_bool judging;
    atomic_bool said_no;
};

static void *
say_no_meanwhile(void *argument)
{
    struct race *race = argument;
    while (!atomic_load(&race->judging)) {
    }
    (void)future_finish(&race->members[1], NULL);
    atomic_store(&race->said_no, true);
    return NULL;
}

static bool
judge_slowly(const struct future *member, void *context)
{
    struct race *race = context;
    if (member != &race->members[0]) {
        return false;
    }
    atomic_store(&race->judging, true);
    while (!atomic_load(&race->said_no)) {
    }
    return true;
}

static void
a_yes_is_not_lost_to_a_no_that_is_judged_first(void **state)
{
    (void)state;
    struct race race;
    struct completion *completion = NULL;
    pthread_t thread;
    atomic_init(&race.judging, false);
    atomic_init(&race.said_no, false);
    assert_int_equal(completion_new(2, &completion), ERROR_OK);
    for (size_t i = 0; i < 2; i++) {
        future_init(&race.members[i], &plain);
        completion_add(completion, &race.members[i]);
    }
    struct future *first = completion_first_of(completion, judge_slowly, &race);
    assert_int_equal(pthread_create(&thread, NULL, say_no_meanwhile, &race), 0);
    assert_true(future_finish(&race.members[0], &race));
    assert_int_equal(future_wait(first, 0), ERROR_OK);
    assert_ptr_equal(first->result, &race.members[0]);
    pthread_join(thread, NULL);
    completion_free(&completion);
}

/* Two threads wait for different places of one set: a ring for the one is not lost on the other. */
static struct completion *shared_set;

static void *
wait_for_each(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < CROWD; i++) {
        struct future *member = NULL;
        if (completion_wait(shared_set, i, CLOCK_NEVER, &member) != ERROR_OK) {
            return NULL;
        }
    }
    return shared_set;
}

static void
two_threads_wait_on_one_set(void **state)
{
    (void)state;
    pthread_t threads[2];
    assert_int_equal(completion_new(CROWD, &shared_set), ERROR_OK);
    for (size_t i = 0; i < CROWD; i++) {
        future_init(&crowd[i], &plain);
        completion_add(shared_set, &crowd[i]);
    }
    completion_all_of(shared_set);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_each, NULL), 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_true(future_finish(&crowd[i], NULL));
    }
    for (size_t i = 0; i < 2; i++) {
        void *seen_all = NULL;
        pthread_join(threads[i], &seen_all);
        assert_ptr_equal(seen_all, shared_set);
    }
    completion_free(&shared_set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_the_order_of_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(first_of_cancels_the_losers_before_it_ends, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(first_of_without_a_yes_waits_for_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_that_ended_before_count_in_their_order, set_up,
                                        tear_down),
        cmocka_unit_test(an_empty_set_is_done),
        cmocka_unit_test_setup_teardown(cancelling_the_outcome_cancels_the_members, set_up,
                                        tear_down),
        cmocka_unit_test(the_same_future_twice_is_two_members),
        cmocka_unit_test_setup_teardown(the_outcome_s_callback_may_free_the_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watch_fires_once_past_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wait_gives_members_as_completed, set_up, tear_down),
        cmocka_unit_test(many_threads_end_members),
        cmocka_unit_test_setup_teardown(nothing_ended_yet_is_a_time_out_each_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_that_ended_before_is_done_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_failed_is_read_as_completed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_first_failed_may_cancel_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_failure_the_first_failed_waits_for_all, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_first_completed_may_have_ended_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_set_lets_go_of_its_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_set_that_was_never_closed_is_free_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_reference_to_the_outcome_keeps_the_set, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_outcome_s_callback_may_free_the_set, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_watch_may_free_the_set, set_up, tear_down),
        cmocka_unit_test(a_yes_is_not_lost_to_a_no_that_is_judged_first),
        cmocka_unit_test(two_threads_wait_on_one_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
