/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The loop: posts in order and from threads, timers on a frozen clock, descriptors. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/loop.h"

static struct loop *loop;

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

static char trace[64];
static size_t trace_len;

struct note {
    struct loop_post post;
    struct loop_timer timer;
    char mark;
};

static void
note_post(struct loop_post *post)
{
    trace[trace_len++] = CONTAINER_OF(post, struct note, post)->mark;
}

static void
note_timer(struct loop_timer *timer)
{
    trace[trace_len++] = CONTAINER_OF(timer, struct note, timer)->mark;
}

static void
expect_trace(const char *wanted)
{
    trace[trace_len] = '\0';
    assert_string_equal(trace, wanted);
    trace_len = 0;
}

static void
posts_run_in_order_and_may_be_used_again(void **state)
{
    (void)state;
    struct note notes[3] = { { .mark = 'a' }, { .mark = 'b' }, { .mark = 'c' } };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            notes[i].post.fn = note_post;
            loop_post(loop, &notes[i].post);
        }
        loop_turn(loop, 0);
        expect_trace("abc");
    }
    assert_int_equal(loop_turns(loop), 2);
}

static void
post_again(struct loop_post *post)
{
    note_post(post);
    if (trace_len < 3) {
        loop_post(loop, post);
    }
}

static void
a_post_from_the_loop_runs_in_the_next_turn(void **state)
{
    (void)state;
    struct note note = { .mark = 'x', .post.fn = post_again };
    loop_post(loop, &note.post);
    loop_turn(loop, 0);
    expect_trace("x");
    loop_turn(loop, 0);
    loop_turn(loop, CLOCK_NEVER); /* does not sleep: a post is there */
    expect_trace("xx");
}

static void
timers_run_in_the_order_of_their_time(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    struct note notes[COUNT] = { 0 };
    for (size_t i = 0; i < COUNT; i++) {
        size_t place = (i * 7) % COUNT; /* a permutation: 7 and 20 have no common divisor */
        notes[i] = (struct note){ .mark = (char)('a' + (int)place), .timer.fn = note_timer };
        loop_timer_arm(loop, &notes[i].timer, 2000 + (int64_t)place);
    }
    loop_turn(loop, 0);
    expect_trace("");
    clock_advance(1004);
    loop_turn(loop, 0);
    expect_trace("abcde");
    loop_timer_disarm(loop, &notes[1].timer); /* place 7: 'h' */
    loop_timer_disarm(loop, &notes[1].timer);
    loop_timer_arm(loop, &notes[0].timer, 2006); /* 'a', which has run, once more */
    clock_advance(4);
    loop_turn(loop, 0);
    expect_trace("fgai");
    clock_advance(1000);
    loop_turn(loop, 0);
    expect_trace("jklmnopqrst");
}

static void
rearm_for_now(struct loop_timer *timer)
{
    note_timer(timer);
    loop_timer_arm(loop, timer, 0);
}

static void
a_timer_that_rearms_for_now_cannot_hold_the_loop(void **state)
{
    (void)state;
    struct note note = { .mark = 'r', .timer.fn = rearm_for_now };
    loop_timer_arm(loop, &note.timer, 0);
    loop_turn(loop, 0);
    expect_trace("r");
    clock_advance(1);
    loop_turn(loop, 0);
    expect_trace("r");
    loop_timer_disarm(loop, &note.timer);
}

#define RANDOM_TIMERS 500
static struct note many[RANDOM_TIMERS];
static int64_t last_due;
static size_t ran;

static void
check_order(struct loop_timer *timer)
{
    assert_true(timer->due_us >= last_due);
    last_due = timer->due_us;
    ran++;
}

/* Arm, move and disarm at random; what is left runs in order, each once. */
static void
a_crowd_of_timers_stays_in_order(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    size_t armed = 0;
    for (size_t i = 0; i < RANDOM_TIMERS; i++) {
        many[i] = (struct note){ .timer.fn = check_order };
    }
    for (size_t step = 0; step < 20000; step++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        struct loop_timer *timer = &many[(seed >> 33) % RANDOM_TIMERS].timer;
        armed -= timer->armed ? 1 : 0;
        if ((seed >> 20) % 3 == 0) {
            loop_timer_disarm(loop, timer);
        } else {
            loop_timer_arm(loop, timer, 2000 + (int64_t)((seed >> 40) % 10000));
            armed++;
        }
    }
    last_due = 0;
    ran = 0;
    clock_advance(1000000);
    loop_turn(loop, 0);
    assert_int_equal(ran, armed);
}

struct pipe_watch {
    struct loop_watch watch;
    struct pipe_watch *other;
    int events;
};

static void
on_pipe(struct loop_watch *watch, uint32_t events)
{
    struct pipe_watch *mine = CONTAINER_OF(watch, struct pipe_watch, watch);
    assert_true((events & EPOLLIN) != 0);
    mine->events++;
    if (mine->other != NULL) {
        loop_watch_remove(loop, &mine->other->watch);
    }
}

static void
a_removed_watch_is_not_called_in_the_same_turn(void **state)
{
    (void)state;
    int pipes[2][2];
    struct pipe_watch watches[2] = { 0 };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        watches[i].watch = (struct loop_watch){ pipes[i][0], EPOLLIN, on_pipe };
        watches[i].other = &watches[1 - i];
        assert_int_equal(loop_watch_add(loop, &watches[i].watch), ERROR_OK);
        assert_int_equal(write(pipes[i][1], "x", 1), 1);
    }
    loop_turn(loop, 0);
    assert_int_equal(watches[0].events + watches[1].events, 1);
    loop_turn(loop, 0);
    assert_int_equal(watches[0].events + watches[1].events, 2); /* level-triggered: still there */
    for (size_t i = 0; i < 2; i++) {
        loop_watch_remove(loop, &watches[i].watch);
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
}

static void
a_bad_descriptor_is_an_error(void **state)
{
    (void)state;
    struct loop_watch watch = { .fd = -1, .events = EPOLLIN, .fn = NULL };
    assert_int_equal(loop_watch_add(loop, &watch), ERROR_IO);
}

#define POSTS_PER_THREAD 5000
struct flood {
    struct loop_post posts[POSTS_PER_THREAD];
};
static struct flood floods[3];
static size_t arrived;

static void
arrive(struct loop_post *post)
{
    (void)post;
    assert_true(loop_is_mine(loop));
    if (++arrived == 3 * POSTS_PER_THREAD) {
        loop_stop(loop);
    }
}

static void *
post_flood(void *argument)
{
    struct flood *flood = argument;
    for (size_t i = 0; i < POSTS_PER_THREAD; i++) {
        flood->posts[i].fn = arrive;
        loop_post(loop, &flood->posts[i]);
    }
    return NULL;
}

/* No post is lost and none wakes a sleeping loop too late: else this test never ends. */
static void
threads_post_to_a_running_loop(void **state)
{
    (void)state;
    pthread_t threads[3];
    arrived = 0;
    assert_false(loop_is_mine(loop));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, post_flood, &floods[i]), 0);
    }
    loop_run(loop);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(arrived, 3 * POSTS_PER_THREAD);
}

static void
what_was_posted_before_the_stop_still_runs(void **state)
{
    (void)state;
    struct note note = { .mark = 's', .post.fn = note_post };
    loop_stop(loop);
    loop_stop(loop);
    loop_post(loop, &note.post);
    loop_run(loop);
    expect_trace("s");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(posts_run_in_order_and_may_be_used_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_post_from_the_loop_runs_in_the_next_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(timers_run_in_the_order_of_their_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_that_rearms_for_now_cannot_hold_the_loop, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_of_timers_stays_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removed_watch_is_not_called_in_the_same_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_bad_descriptor_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_post_to_a_running_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_posted_before_the_stop_still_runs, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
