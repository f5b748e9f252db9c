/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Workers whose sandbox holds on to files that are no longer where they were: they leave, and who
 * comes in their place sees the new ones. */

#include "tests/support/tmpdir.h"
#include "tests/unit/exec/procs_fixture.h"

/* The idle one at once, the busy one when it has answered; both are replaced. */
static void
who_holds_what_is_gone_leaves(void **state)
{
    struct bench *bench = *state;
    struct tmpdir *folder = tmpdir_new();
    char *path = tmpdir_write(folder, "servers", "old");
    const char *const paths[] = { "/nonexistent", path, NULL };
    const char *argv[] = { "worker", "", NULL };
    const struct procs_options options = { .loop = bench->loop,
                                           .program = PROGRAM,
                                           .argv = argv,
                                           .queue_max = QUEUE_MAX,
                                           .told = told,
                                           .held_paths = paths,
                                           .context = bench };
    assert_int_equal(procs_new(&options, &bench->procs), ERROR_OK);
    assert_int_equal(procs_configure(bench->procs, "", 0, 2), ERROR_OK);
    pid_t busy = get_spare(bench);
    struct future *held = begin(bench, "hold");
    pid_t idle = ask_pid(bench);
    assert_int_equal(ask_pid(bench), idle);
    char *next = tmpdir_write(folder, "next", "new");
    assert_int_equal(rename(next, path), 0);
    pid_t fresh = ask_pid(bench);
    assert_true(fresh != idle && fresh != busy);
    assert_int_equal(kill(busy, SIGUSR1), 0);
    assert_int_equal(end(bench, held, NULL, 0), ERROR_OK);
    assert_int_not_equal(ask_pid(bench), busy); /* which was busy last, and would be the next */
    while (kill(busy, 0) == 0 || kill(idle, 0) == 0) {
        turn(bench);
    }
    assert_int_equal(bench->deaths, 0);
    procs_free(&bench->procs); /* which borrowed the paths */
    free(next);
    free(path);
    tmpdir_free(&folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROCS_TEST(who_holds_what_is_gone_leaves),
    };
    return cmocka_run_group_tests_name("procs renew", tests, NULL, NULL);
}
