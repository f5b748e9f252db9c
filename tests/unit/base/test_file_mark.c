/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Marks of files that are looked at twice: untouched, written into, replaced, removed. */
#include "daemon/base/file_mark.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "tests/support/tmpdir.h"

static struct tmpdir *folder;
static char *path;

static int
setup(void **state)
{
    (void)state;
    folder = tmpdir_new();
    path = tmpdir_write(folder, "x", "one");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    free(path);
    tmpdir_free(&folder);
    return 0;
}

static void
leave_alone(void)
{
}

/* Read, linked, made readable for others: it is the same file. */
static void
touch_the_rest(void)
{
    char *other = tmpdir_join(folder, "link");
    assert_int_equal(link(path, other), 0);
    assert_int_equal(chmod(path, 0644), 0);
    free(other);
}

static void
grow(void)
{
    free(tmpdir_write(folder, "x", "three"));
}

/* Of the same length, at another time. */
static void
write_later(void)
{
    const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1, .tv_nsec = 1 } };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A copy with the same length and time. */
static void
replace(void)
{
    struct stat info;
    char *copy = tmpdir_write(folder, "y", "one");
    assert_int_equal(stat(path, &info), 0);
    const struct timespec times[] = { info.st_atim, info.st_mtim };
    assert_int_equal(utimensat(AT_FDCWD, copy, times, 0), 0);
    assert_int_equal(rename(copy, path), 0);
    free(copy);
}

static void
take_away(void)
{
    assert_int_equal(unlink(path), 0);
}

static void
a_mark_tells_files_apart(void **state)
{
    (void)state;
    static const struct {
        void (*act)(void);
        bool is_same;
    } rows[] = {
        { leave_alone, true },  { touch_the_rest, true }, { grow, false },
        { write_later, false }, { replace, false },       { take_away, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        free(tmpdir_write(folder, "x", "one"));
        struct file_mark before = file_mark_take(path);
        rows[i].act();
        struct file_mark after = file_mark_take(path);
        if (file_mark_is_same(&before, &after) != rows[i].is_same) {
            fail_msg("row %zu", i);
        }
    }
}

static void
nothing_is_the_same_as_nothing(void **state)
{
    (void)state;
    take_away();
    struct file_mark before = file_mark_take(path);
    struct file_mark after = file_mark_take(path);
    assert_false(before.is_there);
    assert_true(file_mark_is_same(&before, &after));
    free(tmpdir_write(folder, "x", ""));
    after = file_mark_take(path);
    assert_false(file_mark_is_same(&before, &after));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mark_tells_files_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_the_same_as_nothing, setup, teardown),
    };
    return cmocka_run_group_tests_name("file mark", tests, NULL, NULL);
}
