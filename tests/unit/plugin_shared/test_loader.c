/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Opening real files and scanning folders. The sentences of refusals are asserted through
 * check-plugin in tests/plugin/test_refusals.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/plugin/loader.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define FIXTURES TEST_BUILD_DIR "/tests/plugins"

static void
test_open(void **state)
{
    (void)state;
    struct image *image = NULL;
    struct error_text why = { "" };
    assert_int_equal(loader_open(FIXTURES "/steps.so", &image, &why), ERROR_OK);
    assert_string_equal(image->file, "steps.so");
    assert_string_equal(image->manifest->name, "steps");
    assert_int_equal(image->entry_size, sizeof(rollcall_plugin));
    struct image *again = NULL;
    assert_int_equal(loader_open(FIXTURES "/../plugins/steps.so", &again, &why), ERROR_OK);
    assert_ptr_equal(image, again); /* the linker has one copy of it, so have we */
}

/* A name without a slash is this folder's file, never one of the linker's search path. */
static void
test_open_here(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *old = getcwd(NULL, 0);
    assert_int_equal(chdir(tmpdir_path(dir)), 0);
    struct image *image = NULL;
    struct error_text why = { "" };
    assert_int_equal(loader_open("libc.so.6", &image, &why), ERROR_NOT_FOUND);
    assert_string_equal(why.text, "libc.so.6: cannot be read: No such file or directory");
    assert_int_equal(symlink(FIXTURES "/shared.so", "linked.so"), 0);
    assert_int_equal(loader_open("linked.so", &image, &why), ERROR_OK);
    assert_string_equal(image->manifest->name, "shared");
    assert_int_equal(chdir(old), 0);
    free(old);
    tmpdir_free(&dir);
}

static void
test_codes(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        int error;
    } table[] = {
        { "magic.so", ERROR_INVALID },        { "major.so", ERROR_UNSUPPORTED },
        { "head_large.so", ERROR_TOO_BIG },   { "entry_missing.so", ERROR_INVALID },
        { "flags.so", ERROR_UNSUPPORTED },    { "undefined_symbol.so", ERROR_INVALID },
        { "version_long.so", ERROR_TOO_BIG },
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char *path = support_text(TEST_BUILD_DIR "/tests/broken/%s", table[i].file);
        struct image *image = NULL;
        int error = loader_open(path, &image, NULL);
        if (error != table[i].error || image != NULL) {
            fail_msg("%s: %d, wants %d", table[i].file, error, table[i].error);
        }
        free(path);
    }
}

static void
test_scan(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    static const char *const files[] = { "one/b.so",    "one/a.so", "one/readme.txt", "two/a.so",
                                         "two/.hid.so", "two/c.so", "two/.so" };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        free(tmpdir_write(dir, files[i], ""));
    }
    char *one = tmpdir_join(dir, "one");
    char *two = tmpdir_join(dir, "two");
    const char *const folders[] = { one, two };
    struct loader_list list;
    struct error_text why = { "" };
    assert_int_equal(loader_scan(folders, 2, &list, &why), ERROR_OK);
    assert_int_equal(list.count, 3);
    char *first = tmpdir_join(dir, "one/a.so");
    assert_string_equal(list.paths[0], first); /* the earlier folder wins */
    assert_string_equal(loader_file_name(list.paths[1]), "b.so");
    assert_string_equal(loader_file_name(list.paths[2]), "c.so");
    loader_list_fini(&list);
    char *missing = tmpdir_join(dir, "three");
    const char *const bad[] = { one, missing };
    assert_int_equal(loader_scan(bad, 2, &list, &why), ERROR_NOT_FOUND);
    char *wanted = support_text("%s: cannot be read: No such file or directory", missing);
    assert_string_equal(why.text, wanted);
    assert_int_equal(loader_scan(NULL, 0, &list, &why), ERROR_OK);
    assert_int_equal(list.count, 0);
    loader_list_fini(&list);
    free(wanted);
    free(missing);
    free(first);
    free(two);
    free(one);
    tmpdir_free(&dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_open_here),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
