/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The helpers of tests/support themselves: what other tests lean on must hold. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/child.h"
#include "tests/support/common.h"
#include "tests/support/proc.h"
#include "tests/support/tmpdir.h"

static struct child *
start_shell(const char *script, const char *input, const char *const *env)
{
    const char *argv[] = { "sh", "-c", script, NULL };
    return child_start(&(struct child_options){ .argv = argv, .input = input, .env = env });
}

static void
test_tmpdir(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *file = tmpdir_write(dir, "a/b/c.txt", "text");
    char *folder = support_text("%s", tmpdir_path(dir));
    size_t len = 0;
    char *text = support_read_file(file, &len);
    struct stat status;
    assert_string_equal(text, "text");
    assert_int_equal(len, 4);
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    tmpdir_free(&dir);
    assert_null(dir);
    assert_int_not_equal(stat(folder, &status), 0);
    free(text);
    free(folder);
    free(file);
}

static void
test_lines_and_status(void **state)
{
    (void)state;
    const char *env[] = { "NEW=value", "HOME", NULL };
    struct child *child =
        start_shell("cat; echo \"$NEW${HOME-none}\"; echo err >&2; exit 3", "one\n\ntwo\n", env);
    static const char *const wanted[] = { "one", "", "two", "valuenone" };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        char *line = child_read_line(child, CHILD_WAIT_MS);
        assert_non_null(line);
        assert_string_equal(line, wanted[i]);
        free(line);
    }
    int status = 0;
    assert_null(child_read_line(child, CHILD_WAIT_MS)); /* its end, not the deadline */
    assert_true(child_wait(child, CHILD_WAIT_MS, &status));
    assert_int_equal(status, 3);
    assert_true(child_wait(child, 0, &status));
    char *err = child_output(child, CHILD_STDERR);
    assert_string_equal(err, "err\n");
    free(err);
    child_free(&child);
}

/* What somebody else holds open is not waited for. */
static void
test_end_with_pipes_held_open(void **state)
{
    (void)state;
    struct child *child = start_shell("sleep 60 & echo $!; exit 0", NULL, NULL);
    int status = -1;
    assert_true(child_wait(child, CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    char *pid = child_read_line(child, CHILD_WAIT_MS);
    assert_non_null(pid);
    assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
    free(pid);
    child_free(&child);
}

/* A program that was only just started has its libraries open for a moment. */
static void
expect_fds(pid_t pid, size_t wanted)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (proc_fds(pid) != wanted) {
        if (support_now_us() > deadline_us) {
            support_fail("%zu descriptors, not %zu", proc_fds(pid), wanted);
        }
    }
}

static void
test_deadlines_and_signals(void **state)
{
    (void)state;
    struct child *child = start_shell("echo up; exec sleep 60", NULL, NULL);
    assert_true(child_wait_text(child, CHILD_STDOUT, "up", CHILD_WAIT_MS));
    assert_false(child_wait_text(child, CHILD_STDERR, "up", 1));
    int status = 0;
    assert_false(child_wait(child, 1, &status));
    assert_true(proc_threads(child_pid(child)) == 1);
    expect_fds(child_pid(child), 3); /* nothing of ours leaks into children */
    assert_true(proc_memory(child_pid(child)).rss_bytes > 0);
    assert_true(proc_cpu_us(child_pid(child)) >= 0);
    child_signal(child, SIGTERM);
    assert_true(child_wait(child, CHILD_WAIT_MS, &status));
    assert_int_equal(status, -SIGTERM);
    child_free(&child);
}

static void
test_free_kills(void **state)
{
    (void)state;
    struct child *child = start_shell("exec sleep 60", NULL, NULL);
    pid_t pid = child_pid(child);
    child_free(&child);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void
test_chatty_child(void **state)
{
    (void)state;
    struct child *child =
        start_shell("head -c 40000000 /dev/zero | tr '\\0' x; echo end >&2", NULL, NULL);
    int status = -1;
    assert_true(child_wait(child, CHILD_WAIT_MS, &status));
    assert_int_equal(status, 0);
    char *out = child_output(child, CHILD_STDOUT);
    assert_int_equal(strlen(out), CHILD_OUTPUT_MAX);
    free(out);
    child_free(&child);
}

static void
test_no_such_program(void **state)
{
    (void)state;
    const char *argv[] = { "/nonexistent/program", NULL };
    char *said = NULL;
    assert_int_equal(child_run(&(struct child_options){ .argv = argv }, NULL, &said), 127);
    assert_string_equal(said, "/nonexistent/program: cannot be executed\n");
    free(said);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tmpdir),
        cmocka_unit_test(test_lines_and_status),
        cmocka_unit_test(test_end_with_pipes_held_open),
        cmocka_unit_test(test_deadlines_and_signals),
        cmocka_unit_test(test_free_kills),
        cmocka_unit_test(test_chatty_child),
        cmocka_unit_test(test_no_such_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
