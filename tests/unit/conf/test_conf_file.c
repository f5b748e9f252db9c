/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Files by name: what is read, what is refused, and that secrets are not told. */
#include "daemon/conf/conf_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/tmpdir.h"

struct fixture {
    struct tmpdir *dir;
    struct tmpdir *credentials;
    struct arena *arena;
};

static int
set_up(void **state)
{
    static struct fixture fixture;
    fixture.dir = tmpdir_new();
    fixture.credentials = tmpdir_new();
    fixture.arena = arena_new(1 << 20);
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    tmpdir_free(&fixture->dir);
    tmpdir_free(&fixture->credentials);
    arena_free(&fixture->arena);
    return 0;
}

static void
bounded_files_are_read(void **state)
{
    struct fixture *fixture = *state;
    char *path = tmpdir_write(fixture->dir, "x", "12345");
    char *bytes = NULL;
    size_t len = 0;
    struct error_text why;
    assert_int_equal(conf_file_read(path, 5, &bytes, &len, &why), ERROR_OK);
    assert_int_equal(len, 5);
    assert_string_equal(bytes, "12345");
    free(bytes);
    bytes = NULL;
    assert_int_equal(conf_file_read(path, 4, &bytes, &len, &why), ERROR_TOO_BIG);
    assert_string_equal(why.text, "has more than 4 bytes");
    assert_null(bytes);
    assert_int_equal(conf_file_probe(path, &why), ERROR_OK);
    free(path);
}

static void
what_is_no_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error_text why;
    char *fifo = tmpdir_join(fixture->dir, "fifo");
    char *none = tmpdir_join(fixture->dir, "none");
    char *file = tmpdir_write(fixture->dir, "file", "");
    char *below = tmpdir_join(fixture->dir, "file/below");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const struct {
        const char *path;
        int error;
        const char *said;
    } cases[] = {
        { fifo, ERROR_IO, "not a regular file" },
        { tmpdir_path(fixture->dir), ERROR_IO, "not a regular file" },
        { "/dev/zero", ERROR_IO, "not a regular file" },
        { none, ERROR_NOT_FOUND, "no such file" },
        { below, ERROR_NOT_FOUND, "no such file" },
        { "", ERROR_NOT_FOUND, "no such file" },
        { file, ERROR_OK, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(conf_file_probe(cases[i].path, &why), cases[i].error);
        if (cases[i].said != NULL) {
            assert_string_equal(why.text, cases[i].said);
        }
    }
    free(fifo);
    free(none);
    free(file);
    free(below);
}

static void
what_may_not_be_read_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct error_text why;
    char *path = tmpdir_write(fixture->dir, "x", "x");
    assert_int_equal(chmod(path, 0), 0);
    if (geteuid() == 0) {
        free(path);
        skip(); /* root may read anything */
    }
    assert_int_equal(conf_file_probe(path, &why), ERROR_IO);
    assert_string_equal(why.text, "cannot be read: Permission denied");
    free(path);
}

static void
names_are_relative_to_the_folder(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = fixture->arena;
    assert_string_equal(conf_file_folder(arena, "/etc/rollcall/x.conf"), "/etc/rollcall");
    assert_string_equal(conf_file_folder(arena, "/x.conf"), "/");
    assert_string_equal(conf_file_folder(arena, "x.conf"), ".");
    assert_string_equal(conf_file_folder(arena, "a/x.conf"), "a");
    assert_string_equal(conf_file_resolve(arena, "/etc", "x"), "/etc/x");
    assert_string_equal(conf_file_resolve(arena, "/etc", "a/x"), "/etc/a/x");
    assert_string_equal(conf_file_resolve(arena, "/etc", "/x"), "/x");
}

static int
secret(struct fixture *fixture, const char *name, const char **out_secret, struct error_text *why)
{
    return conf_file_secret(fixture->arena, tmpdir_path(fixture->dir), name, out_secret, why);
}

static void
a_secret_is_one_line(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        const char *secret;
        int error;
        const char *said;
    } cases[] = {
        { "token", "token", ERROR_OK, "" },
        { "token\n", "token", ERROR_OK, "" },
        { "to ken~!\n", "to ken~!", ERROR_OK, "" },
        { "", NULL, ERROR_INVALID, "is empty" },
        { "\n", NULL, ERROR_INVALID, "is empty" },
        { "token\n\n", NULL, ERROR_INVALID, "is not one line of printable ASCII" },
        { "token\r\n", NULL, ERROR_INVALID, "is not one line of printable ASCII" },
        { "to\nken\n", NULL, ERROR_INVALID, "is not one line of printable ASCII" },
        { "\x7f", NULL, ERROR_INVALID, "is not one line of printable ASCII" },
        { "caf\xc3\xa9", NULL, ERROR_INVALID, "is not one line of printable ASCII" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *read = NULL;
        struct error_text why = { "" };
        free(tmpdir_write(fixture->dir, "s", cases[i].text));
        int error = secret(fixture, "s", &read, &why);
        if (error != cases[i].error || (error && strcmp(why.text, cases[i].said) != 0) ||
            (!error && strcmp(read, cases[i].secret) != 0)) {
            fail_msg("case %zu: %s: %s", i, error_name(error), why.text);
        }
    }
}

static void
a_secret_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    char text[CONF_SECRET_BYTES_MAX + 2];
    const char *read = NULL;
    struct error_text why;
    memset(text, 'x', sizeof text);
    text[CONF_SECRET_BYTES_MAX] = '\0';
    free(tmpdir_write(fixture->dir, "s", text));
    assert_int_equal(secret(fixture, "s", &read, &why), ERROR_OK);
    assert_int_equal(strlen(read), CONF_SECRET_BYTES_MAX);
    text[CONF_SECRET_BYTES_MAX] = 'x';
    text[CONF_SECRET_BYTES_MAX + 1] = '\0';
    free(tmpdir_write(fixture->dir, "s", text));
    assert_int_equal(secret(fixture, "s", &read, &why), ERROR_TOO_BIG);
}

static void
credentials_come_first(void **state)
{
    struct fixture *fixture = *state;
    const char *read = NULL;
    struct error_text why;
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", tmpdir_path(fixture->credentials), 1), 0);
    assert_int_equal(secret(fixture, "s", &read, &why), ERROR_NOT_FOUND);
    free(tmpdir_write(fixture->dir, "s", "ours"));
    assert_int_equal(secret(fixture, "s", &read, &why), ERROR_OK);
    assert_string_equal(read, "ours");
    free(tmpdir_write(fixture->credentials, "s", "systemd's"));
    assert_int_equal(secret(fixture, "s", &read, &why), ERROR_OK);
    assert_string_equal(read, "systemd's");
    /* A name with a folder in it is no credential's. */
    free(tmpdir_write(fixture->credentials, "a/s", "systemd's"));
    free(tmpdir_write(fixture->dir, "a/s", "ours"));
    assert_int_equal(secret(fixture, "a/s", &read, &why), ERROR_OK);
    assert_string_equal(read, "ours");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bounded_files_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_read_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_relative_to_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_secret_is_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_secret_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(credentials_come_first, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
