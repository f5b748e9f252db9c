/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The command line: every option in both spellings, and each mistake named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/app/options.h"

#define ARGS_MAX 8

static int
parse(const char *const *args, struct options *options, struct error_text *why)
{
    char *argv[ARGS_MAX + 2] = { (char *)(uintptr_t) "rollcalld" };
    int argc = 1;
    while (args[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
        argc++;
    }
    return options_parse(argc, argv, options, why);
}

static void
test_none(void **state)
{
    struct options options;
    struct error_text why = { "" };
    (void)state;
    assert_int_equal(parse((const char *const[]){ NULL }, &options, &why), ERROR_OK);
    assert_null(options.config);
    assert_int_equal(options.override_count, 0);
    assert_false(options.only_checks || options.wants_help || options.wants_version);
}

static void
test_all(void **state)
{
    struct options options;
    struct error_text why = { "" };
    (void)state;
    assert_int_equal(parse((const char *const[]){ "--config", "a.conf", "-o", "timeout=1s",
                                                  "--log-level", "debug", "--check-config", NULL },
                           &options, &why),
                     ERROR_OK);
    assert_string_equal(options.config, "a.conf");
    assert_int_equal(options.override_count, 2);
    assert_string_equal(options.overrides[0], "timeout=1s");
    assert_string_equal(options.overrides[1], "log_level=debug");
    assert_true(options.only_checks);
    assert_int_equal(parse((const char *const[]){ "--config=b.conf", "-o=x=y", "--log-level=info",
                                                  "--help", "--version", NULL },
                           &options, &why),
                     ERROR_OK);
    assert_string_equal(options.config, "b.conf");
    assert_string_equal(options.overrides[0], "x=y");
    assert_string_equal(options.overrides[1], "log_level=info");
    assert_true(options.wants_help && options.wants_version);
}

static void
test_mistakes(void **state)
{
    static const struct {
        const char *args[4];
        const char *says;
    } rows[] = {
        { { "--nonsense" }, "\"--nonsense\": no such option" },
        { { "nonsense" }, "\"nonsense\": no such option or command" },
        { { "" }, "\"\": no such option" },
        { { "--configure" }, "\"--configure\": no such option" },
        { { "--config" }, "--config: wants a value: FILE" },
        { { "--config=" }, "--config: wants a value: FILE" },
        { { "--config", "" }, "--config: wants a value: FILE" },
        { { "--config=a", "--config=b" }, "--config: given twice" },
        { { "-o" }, "-o: wants a value: KEY=VALUE" },
        { { "--check-config=yes" }, "--check-config: takes no value" },
        { { "--help=x" }, "--help: takes no value" },
        { { "--log-level=a", "--log-level=b" }, "--log-level: given twice" },
        { { "--log-level=abcdefghijklmnopqrstuvwxyz" }, "wants error, warning, info or debug" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options options;
        struct error_text why = { "" };
        int error = parse(rows[i].args, &options, &why);
        if (error != ERROR_INVALID || strstr(why.text, rows[i].says) == NULL) {
            fail_msg("row %zu: %d %s", i, error, why.text);
        }
    }
}

static void
test_too_many(void **state)
{
    static char *argv[2 * OPTIONS_OVERRIDES_MAX + 3];
    struct options options;
    struct error_text why = { "" };
    (void)state;
    for (int i = 0; i < 2 * OPTIONS_OVERRIDES_MAX + 2; i += 2) {
        argv[i + 1] = (char *)(uintptr_t) "-o";
        argv[i + 2] = (char *)(uintptr_t) "timeout=1s";
    }
    assert_int_equal(options_parse(2 * OPTIONS_OVERRIDES_MAX + 1, argv, &options, &why), ERROR_OK);
    assert_int_equal(options_parse(2 * OPTIONS_OVERRIDES_MAX + 3, argv, &options, &why),
                     ERROR_TOO_BIG);
}

static void
test_help(void **state)
{
    static const char *const parts[] = { "--check-config",
                                         "-o KEY=VALUE",
                                         "check-plugin",
                                         "test-plugin",
                                         "max_calls",
                                         "stop_timeout",
                                         "By default admin.sock",
                                         "\n  plugin.NAME.concurrency an integer",
                                         "\n  plugin.NAME.rate        a rate" };
    char *text = NULL;
    size_t len = 0;
    (void)state;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    options_print_help(out);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strstr(text, parts[i]) == NULL) {
            fail_msg("%s is not in the help", parts[i]);
        }
    }
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),     cmocka_unit_test(test_all),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
