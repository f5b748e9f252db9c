/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One holder at a time, and the socket's own path is never touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/serve/lockfile.h"
#include "tests/support/tmpdir.h"

static void
test_one_holder(void **state)
{
    struct tmpdir *dir = tmpdir_new();
    char *path = tmpdir_join(dir, "s.sock");
    struct error_text why = { "" };
    int first = -1;
    int second = -1;
    (void)state;
    assert_int_equal(lockfile_take(path, &first, &why), ERROR_OK);
    assert_int_equal(lockfile_take(path, &second, &why), ERROR_EXISTS);
    assert_int_equal(second, -1);
    assert_non_null(strstr(why.text, "another rollcalld serves this socket"));
    assert_non_null(strstr(why.text, "s.sock.lock is held"));
    lockfile_release(&first);
    assert_int_equal(first, -1);
    lockfile_release(&first);
    assert_int_equal(lockfile_take(path, &second, &why), ERROR_OK);
    lockfile_release(&second);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
    tmpdir_free(&dir);
}

static void
test_no_folder(void **state)
{
    struct error_text why = { "" };
    int fd = -1;
    (void)state;
    assert_int_equal(lockfile_take("/nowhere/at/all/s.sock", &fd, &why), ERROR_IO);
    assert_non_null(strstr(why.text, "/nowhere/at/all/s.sock.lock"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_holder),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
