/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a worker says, and whether it may say that now: a stranger's bytes. What is out of turn or
 * cannot be read is a death as any other; a HELLO that is not the first one's, or comes from a file
 * that has changed, is the end of new workers. */

#include "tests/unit/exec/procs_fixture.h"

static void
speaking_unasked_is_a_death(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "", 1);
    assert_answer(bench, "twice", "twice"); /* the second answer is nobody's */
    turn_until_deaths(bench, 1);
    assert_string_equal(bench->sentence, "broke the protocol: it spoke out of turn, or nonsense");
    assert_answer(bench, "next", "next");
}

struct reader {
    struct bench *bench;
    struct future_callback ended;
};

static void
reject(struct future *future, void *context)
{
    struct reader *reader = context;
    assert_int_equal(future->error, ERROR_OK);
    procs_reject(reader->bench->procs, "its answer is none");
}

static void
reject_answer(struct bench *bench, struct reader *reader, const char *word)
{
    struct future *future = begin(bench, word);
    *reader = (struct reader){ .bench = bench, .ended = { .fn = reject, .context = reader } };
    future_on_done(future, &reader->ended);
    assert_int_equal(end(bench, future, NULL, 0), ERROR_OK);
}

static void
an_answer_that_cannot_be_read_is_a_death(void **state)
{
    struct bench *bench = *state;
    struct reader reader;
    open_configured(bench, "", 1);
    pid_t pid = get_spare(bench);
    reject_answer(bench, &reader, "x");
    assert_int_equal(bench->deaths, 1); /* told at once */
    assert_string_equal(bench->sentence, "broke the protocol: its answer is none");
    assert_string_equal(look(bench).last_error, bench->sentence);
    assert_int_not_equal(ask_pid(bench), pid);
    while (kill(pid, 0) == 0) { /* until it is buried */
        turn(bench);
    }
    assert_int_equal(bench->deaths, 1); /* and once */
}

/* Nor does it end what such answers began. */
static void
answers_that_cannot_be_read_put_aside(void **state)
{
    struct bench *bench = *state;
    struct reader reader;
    open_configured(bench, "", 1);
    while (look(bench).state != PROCS_ASIDE) {
        clock_advance(CLOCK_US_PER_S);
        reject_answer(bench, &reader, "x");
    }
    assert_int_equal(bench->deaths, PROCS_FAILURES_MAX);
    turn_until_workers(bench, 0);
    clock_advance(PROCS_ASIDE_US);
    turn_until_workers(bench, 1);
    reject_answer(bench, &reader, "x");
    assert_int_equal(look(bench).state, PROCS_ASIDE);
    assert_int_equal(bench->told[PROCS_READY], 1);
    turn_until_workers(bench, 0);
    clock_advance(PROCS_ASIDE_US); /* that was half of it */
    loop_turn(bench->loop, 0);
    assert_int_equal(try_call(bench), ERROR_PLUGIN);
    clock_advance(PROCS_ASIDE_US);
    turn_until_workers(bench, 1);
    assert_answer(bench, "back", "back");
    assert_int_equal(look(bench).state, PROCS_READY);
}

static void
another_hello_is_another_plugin(void **state)
{
    struct bench *bench = *state;
    open_configured(bench, "changing", 1);
    assert_int_equal(end(bench, begin(bench, "x"), NULL, 0), ERROR_OK);
    turn_until_deaths(bench, 1); /* the spare */
    assert_string_equal(bench->sentence, "its file has changed; reload the plugin");
    assert_answer(bench, "x", "x");
    assert_int_equal(look(bench).state, PROCS_OUTDATED);
    assert_int_equal(bench->told[PROCS_OUTDATED], 1);
}

/* It was read after it was looked at: who said HELLO may be made of the new one. */
static void
a_change_during_a_start_is_seen(void **state)
{
    struct bench *bench = *state;
    bench->current = 1; /* at the start of the spare; nobody asks for the first */
    open_configured(bench, "", 1);
    pid_t pid = ask_pid(bench);
    struct future *held = begin(bench, "hold");
    turn_until_state(bench, PROCS_OUTDATED);
    turn_until_workers(bench, 1);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    assert_int_equal(ask_pid(bench), pid);
    assert_int_equal(look(bench).deaths, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROCS_TEST(speaking_unasked_is_a_death),
        PROCS_TEST(an_answer_that_cannot_be_read_is_a_death),
        PROCS_TEST(answers_that_cannot_be_read_put_aside),
        PROCS_TEST(another_hello_is_another_plugin),
        PROCS_TEST(a_change_during_a_start_is_seen),
    };
    return cmocka_run_group_tests_name("procs hear", tests, NULL, NULL);
}
