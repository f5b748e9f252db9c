/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The example of daemon/exec/README.md, compiled and run: three are asked, they take 5, 1 and 3
 * seconds, the answer is there after 1. The clock is held still and moved on by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/completion.h"
#include "daemon/exec/loop.h"

static struct loop *loop;

/* tests/gates/guarantees.sh compares what stands between the two marks with the README. */
/* [example] */
struct ask {
    struct future future;
    struct loop_timer reply; /* stands for a transfer that takes its time */
    int seconds;
    bool has_account;
};

static void
reply_came(struct loop_timer *timer)
{
    struct ask *ask = CONTAINER_OF(timer, struct ask, reply);
    future_finish(&ask->future, ask->has_account ? ask : NULL);
}

static void
hang_up(struct future *future)
{
    loop_timer_disarm(loop, &CONTAINER_OF(future, struct ask, future)->reply);
}

static bool
is_yes(const struct future *member, void *context)
{
    (void)context;
    return member->result != NULL;
}

static const struct future_ops ask_ops = { .name = "ask", .cancel = hang_up };

/* Ask all at once. Ends with the first that says yes as its result; the others are cancelled. */
static struct future *
ask_all(struct ask *asks, size_t count, struct completion *race)
{
    for (size_t i = 0; i < count; i++) {
        future_init(&asks[i].future, &ask_ops);
        completion_add(race, &asks[i].future);
        if (future_start(&asks[i].future)) {
            asks[i].reply.fn = reply_came;
            loop_timer_arm(loop, &asks[i].reply,
                           clock_deadline_us(asks[i].seconds * CLOCK_US_PER_S));
        }
    }
    return completion_first_of(race, is_yes, NULL);
}
/* [/example] */

static void
pass_second(void)
{
    clock_advance(CLOCK_US_PER_S);
    loop_turn(loop, 0);
}

static void
the_first_yes_ends_the_race(void **state)
{
    (void)state;
    struct ask facebook = { .seconds = 5, .has_account = true };
    struct ask asks[] = { facebook, { .seconds = 1, .has_account = true }, { .seconds = 3 } };
    struct completion *race = NULL;
    assert_int_equal(completion_new(3, &race), ERROR_OK);
    struct future *first = ask_all(asks, 3, race);
    loop_turn(loop, 0);
    assert_false(future_is_done(first));
    pass_second();
    assert_int_equal(future_state(first), FUTURE_FINISHED);
    assert_ptr_equal(first->result, &asks[1].future); /* github */
    assert_int_equal(future_state(&asks[0].future), FUTURE_CANCELLED);
    assert_int_equal(future_state(&asks[2].future), FUTURE_CANCELLED);
    assert_false(asks[0].reply.armed); /* nothing of the losers is left to come */
    assert_false(asks[2].reply.armed);
    completion_free(&race);
}

static void
without_a_yes_it_takes_as_long_as_the_slowest(void **state)
{
    (void)state;
    struct ask asks[] = { { .seconds = 5 }, { .seconds = 1 }, { .seconds = 3 } };
    struct completion *race = NULL;
    assert_int_equal(completion_new(3, &race), ERROR_OK);
    struct future *first = ask_all(asks, 3, race);
    for (int second = 0; second < 5; second++) {
        assert_false(future_is_done(first));
        pass_second();
    }
    assert_int_equal(future_state(first), FUTURE_FINISHED);
    assert_null(first->result);
    completion_free(&race);
}

static int
set_up(void **state)
{
    (void)state;
    clock_freeze(1000);
    return loop_new(&loop);
}

static int
tear_down(void **state)
{
    (void)state;
    loop_free(&loop);
    clock_thaw();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_yes_ends_the_race, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_yes_it_takes_as_long_as_the_slowest, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
