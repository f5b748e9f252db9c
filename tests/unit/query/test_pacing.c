/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Manners, on a clock that only the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/query/pacing.h"
#include "tests/support/common.h"

#define START_US (1000 * CLOCK_US_PER_S)
#define SECOND CLOCK_US_PER_S

struct guest {
    struct pacing_turn turn;
    char name;
    bool leaves; /* when it is told to wait */
};

static struct loop *loop;
static struct pacing pacing;
static char went[64]; /* the names of those whose turn came, in order */
static char told[64];

static int
set_up(void **state)
{
    (void)state;
    clock_freeze(START_US);
    went[0] = '\0';
    told[0] = '\0';
    return loop_new(&loop) == ERROR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    while (pacing.active > 0) {
        pacing_done(&pacing);
    }
    pacing_fini(&pacing);
    loop_free(&loop);
    clock_thaw();
    return 0;
}

static void
limit(uint32_t count, uint32_t seconds, uint32_t concurrency)
{
    struct pacing_limits limits = { count, seconds, concurrency };
    pacing_init(&pacing, loop, &limits);
}

static void
add_char(char *text, char c)
{
    size_t len = strlen(text);
    text[len] = c;
    text[len + 1] = '\0';
}

static void
go(struct pacing_turn *turn)
{
    add_char(went, CONTAINER_OF(turn, struct guest, turn)->name);
}

static void
moved(struct pacing_turn *turn)
{
    struct guest *guest = CONTAINER_OF(turn, struct guest, turn);
    add_char(told, guest->name);
    if (guest->leaves) {
        pacing_leave(&pacing, turn);
    }
}

static void
init_guest(struct guest *guest, char name)
{
    *guest = (struct guest){ .turn = { .go = go, .moved = moved }, .name = name };
    list_init(&guest->turn.node);
}

static void
enter(struct guest *guest, char name)
{
    init_guest(guest, name);
    pacing_enter(&pacing, &guest->turn, false);
}

/* Time goes by, and the loop does what is due then. */
static void
pass(int64_t span_us)
{
    clock_advance(span_us);
    for (int i = 0; i < 4; i++) {
        loop_turn(loop, 0);
    }
}

static void
test_no_limits_no_waiting(void **state)
{
    (void)state;
    limit(0, 0, 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(pacing_try(&pacing));
    }
}

static void
test_a_burst_then_the_rate(void **state)
{
    (void)state;
    limit(6, 60, 0); /* six at once, then one in ten seconds */
    for (int i = 0; i < 6; i++) {
        assert_true(pacing_try(&pacing));
    }
    assert_false(pacing_try(&pacing));
    struct guest a;
    struct guest b;
    enter(&a, 'a');
    enter(&b, 'b');
    pass(10 * SECOND - 1);
    assert_string_equal(went, "");
    pass(1);
    assert_string_equal(went, "a");
    pass(10 * SECOND);
    assert_string_equal(went, "ab");
}

static void
test_a_burst_is_bounded(void **state)
{
    (void)state;
    limit(1000, 1000, 0);
    for (int i = 0; i < PACING_BURST_MAX; i++) {
        assert_true(pacing_try(&pacing));
    }
    assert_false(pacing_try(&pacing));
}

/* In any window of `rate_seconds` no more than a burst and the rate. */
static void
test_the_rate_holds_over_time(void **state)
{
    (void)state;
    limit(10, 60, 0);
    int passed = 0;
    for (int i = 0; i < 60 * 10; i++) {
        passed += pacing_try(&pacing);
        clock_advance(SECOND / 10);
    }
    assert_in_range(passed, 19, 20);
}

static void
test_so_many_at_a_time(void **state)
{
    (void)state;
    limit(0, 0, 2);
    struct guest a;
    struct guest b;
    assert_true(pacing_try(&pacing));
    assert_true(pacing_try(&pacing));
    assert_false(pacing_try(&pacing));
    enter(&a, 'a');
    enter(&b, 'b');
    pass(3600 * SECOND);
    assert_string_equal(went, "");
    pacing_done(&pacing);
    pass(0);
    assert_string_equal(went, "a");
    pacing_done(&pacing);
    pacing_done(&pacing);
    pass(0);
    assert_string_equal(went, "ab");
}

static void
test_nobody_overtakes_the_line(void **state)
{
    (void)state;
    limit(0, 0, 1);
    struct guest a;
    assert_true(pacing_try(&pacing));
    enter(&a, 'a');
    pacing_done(&pacing);
    assert_false(pacing_try(&pacing)); /* a was here first */
    pass(0);
    assert_string_equal(went, "a");
}

static void
test_who_has_begun_goes_first(void **state)
{
    (void)state;
    limit(0, 0, 1);
    struct guest a;
    struct guest b;
    assert_true(pacing_try(&pacing));
    enter(&a, 'a');
    init_guest(&b, 'b');
    pacing_enter(&pacing, &b.turn, true);
    pacing_done(&pacing);
    pass(0);
    pacing_done(&pacing);
    pass(0);
    assert_string_equal(went, "ba");
}

static void
test_leaving_the_line(void **state)
{
    (void)state;
    limit(1, 10, 0);
    struct guest a;
    struct guest b;
    assert_true(pacing_try(&pacing));
    enter(&a, 'a');
    enter(&b, 'b');
    pacing_leave(&pacing, &a.turn);
    pacing_leave(&pacing, &a.turn); /* twice is fine */
    pass(10 * SECOND);
    assert_string_equal(went, "b");
}

static void
test_when_one_could_go(void **state)
{
    (void)state;
    limit(2, 20, 0);
    assert_int_equal(pacing_eta_us(&pacing, 0), START_US);
    assert_int_equal(pacing_eta_us(&pacing, 1), START_US);
    assert_int_equal(pacing_eta_us(&pacing, 2), START_US + 10 * SECOND);
    assert_true(pacing_try(&pacing));
    assert_true(pacing_try(&pacing));
    assert_int_equal(pacing_eta_us(&pacing, 0), START_US + 10 * SECOND);
    assert_int_equal(pacing_eta_us(&pacing, 3), START_US + 40 * SECOND);
    clock_advance(5 * SECOND);
    assert_int_equal(pacing_eta_us(&pacing, 0), START_US + 10 * SECOND);
}

static void
test_a_hold_holds_everybody(void **state)
{
    (void)state;
    limit(0, 0, 0);
    struct guest a;
    struct guest b;
    pacing_hold(&pacing, 30 * SECOND);
    assert_false(pacing_try(&pacing));
    assert_int_equal(pacing_eta_us(&pacing, 0), START_US + 30 * SECOND);
    enter(&a, 'a');
    enter(&b, 'b');
    pass(29 * SECOND);
    assert_string_equal(went, "");
    pass(SECOND);
    assert_string_equal(went, "ab");
}

static void
test_a_hold_is_bounded_and_never_shortened(void **state)
{
    (void)state;
    limit(0, 0, 0);
    pacing_hold(&pacing, INT64_MAX);
    assert_int_equal(pacing_eta_us(&pacing, 0), START_US + PACING_HOLD_US_MAX);
    pacing_hold(&pacing, SECOND);
    assert_int_equal(pacing_eta_us(&pacing, 0), START_US + PACING_HOLD_US_MAX);
}

static void
test_the_line_hears_of_a_hold(void **state)
{
    (void)state;
    limit(0, 0, 1);
    struct guest a;
    struct guest b;
    struct guest c;
    assert_true(pacing_try(&pacing));
    enter(&a, 'a');
    enter(&b, 'b');
    b.leaves = true;
    enter(&c, 'c');
    pacing_hold(&pacing, 10 * SECOND);
    assert_string_equal(told, ""); /* not from inside the call */
    pass(0);
    assert_string_equal(told, "abc");
    pacing_done(&pacing);
    pass(10 * SECOND);
    pacing_done(&pacing);
    pass(0);
    assert_string_equal(went, "ac");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_limits_no_waiting),
        TEST(test_a_burst_then_the_rate),
        TEST(test_a_burst_is_bounded),
        TEST(test_the_rate_holds_over_time),
        TEST(test_so_many_at_a_time),
        TEST(test_nobody_overtakes_the_line),
        TEST(test_who_has_begun_goes_first),
        TEST(test_leaving_the_line),
        TEST(test_when_one_could_go),
        TEST(test_a_hold_holds_everybody),
        TEST(test_a_hold_is_bounded_and_never_shortened),
        TEST(test_the_line_hears_of_a_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
