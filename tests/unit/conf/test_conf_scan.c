/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What is caught before libconfig reads: each with its line and its sentence. */
#include "daemon/conf/conf_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/tmpdir.h"

static int
scan(const char *text, struct error_text *why)
{
    return conf_scan("x.conf", "/nowhere", text, strlen(text), why);
}

static void
ordinary_texts_pass(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "# a comment",
        "// another\n/* and\none more */\n",
        "a = 1; b = -1; c = +1; d = 2147483647; e = -2147483648;",
        "a = 5000000000L; b = -9223372036854775808L; c = 0x7fffffff; d = 0xffffffffffL; e = 1LL;",
        "a = 1.5; b = .5; c = 1e400; d = 99999999999.5; e = 1.; f = .99999999999;",
        "a = 99999999999e1;",
        "s = \"# 99999999999 \\\" /* @include \\\\\"; t = \"\";",
        "key99999999999 = 1; a-99999999999 = 2; *x = 3;",
        "/* 99999999999 \" @include \"x\" */ a = 1;",
        "# 99999999999 \" /* @include \"x\"\n",
        "a = ((((((((((((((((1))))))))))))))));",
        "} ) ] stray closing brackets are libconfig's to refuse",
        "a = @include \"x\"", /* not at the start of its line: libconfig refuses it */
        "caf\xc3\xa9 \xff = 1;",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct error_text why = { "" };
        if (scan(good[i], &why) != ERROR_OK) {
            fail_msg("good[%zu]: %s", i, why.text);
        }
    }
}

static void
silent_mistakes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
        const char *said;
    } cases[] = {
        { "a = 99999999999;", ERROR_RANGE,
          "x.conf:1: the integer here does not fit 32 bits; write it with an L: 5000000000L" },
        { "\n\na = -2147483649;", ERROR_RANGE,
          "x.conf:3: the integer here does not fit 32 bits; write it with an L: 5000000000L" },
        { "a = [1, 2,\n2147483648];", ERROR_RANGE,
          "x.conf:2: the integer here does not fit 32 bits; write it with an L: 5000000000L" },
        { "a = 0xffffffff;", ERROR_RANGE,
          "x.conf:1: the integer here does not fit 32 bits; write it with an L: 5000000000L" },
        { "a = 9223372036854775808L;", ERROR_RANGE,
          "x.conf:1: the integer here does not fit 64 bits" },
        { "a = 1;\n/* b = 2;\n", ERROR_PARSE,
          "x.conf:2: the comment that starts here does not end" },
        { "a = /*/ 1;", ERROR_PARSE, "x.conf:1: the comment that starts here does not end" },
        { "a = 1;\nb = \"x;\n", ERROR_PARSE,
          "x.conf:2: the text that starts here does not end on its line" },
        { "b = \"x\\\"", ERROR_PARSE,
          "x.conf:1: the text that starts here does not end on its line" },
        { "b = \"x\\", ERROR_PARSE,
          "x.conf:1: the text that starts here does not end on its line" },
        { "b = \"x\ny\";", ERROR_PARSE,
          "x.conf:1: the text that starts here does not end on its line" },
        { "a = (((((((((((((((((1", ERROR_TOO_BIG,
          "x.conf:1: groups and lists are nested too deep" },
        { "@include x", ERROR_PARSE, "x.conf:1: @include: wants a file's name in quotes" },
        { "@include", ERROR_PARSE, "x.conf:1: @include: wants a file's name in quotes" },
        { "@include \"x", ERROR_PARSE, "x.conf:1: @include: wants a file's name in quotes" },
        { "@include \"x\n\"", ERROR_PARSE, "x.conf:1: @include: wants a file's name in quotes" },
        { "@include \"x\\\"\"", ERROR_PARSE, "x.conf:1: @include: wants a file's name in quotes" },
        { "\n \t@include \"/etc/x\"", ERROR_PARSE,
          "x.conf:2: @include: wants a name relative to the configuration's folder" },
        { "@include \"x\"", ERROR_NOT_FOUND, "x.conf:1: @include: /nowhere/x: no such file" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error_text why = { "" };
        int error = scan(cases[i].text, &why);
        if (error != cases[i].error || strcmp(why.text, cases[i].said) != 0) {
            fail_msg("case %zu: %s: %s", i, error_name(error), why.text);
        }
    }
}

static void
a_nul_is_told_with_its_line(void **state)
{
    (void)state;
    static const char text[] = "a = 1;\n\0b = 2;";
    struct error_text why;
    assert_int_equal(conf_scan("x.conf", ".", text, sizeof text - 1, &why), ERROR_PARSE);
    assert_string_equal(why.text, "x.conf:2: a NUL byte; wants a text file");
}

static void
settings_are_counted(void **state)
{
    (void)state;
    char *text = malloc(CONF_SETTINGS_MAX * 8 + 64);
    struct error_text why;
    size_t len = 0;
    assert_non_null(text);
    for (int i = 0; i < CONF_SETTINGS_MAX; i++) {
        len += (size_t)sprintf(text + len, "a%d=1\n", i % 10);
    }
    assert_int_equal(scan(text, &why), ERROR_OK);
    (void)sprintf(text + len, "b:1");
    assert_int_equal(scan(text, &why), ERROR_TOO_BIG);
    assert_string_equal(why.text, "x.conf:4097: more settings than a configuration may have");
    free(text);
}

/* Scan a text that includes from the folder. */
static int
scan_in(const struct tmpdir *dir, const char *text, struct error_text *why)
{
    return conf_scan("x.conf", tmpdir_path(dir), text, strlen(text), why);
}

static void
included_files_are_scanned_too(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } files[] = {
        { "good.conf", "a = 1;\n" },
        { "empty.conf", "" },
        { "wide.conf", "\n\na = 99999999999;\n" },
        { "outer.conf", "@include \"good.conf\"\n@include \"wide.conf\"\n" },
        { "self.conf", "@include \"self.conf\"\n" },
        { "cut.conf", "a = 1; # the end" },
        { "twice.conf", "@include \"good.conf\"\n@include \"good.conf\"\n" },
        { "many.conf",
          "@include \"twice.conf\"\n@include \"twice.conf\"\n@include \"twice.conf\"\n" },
    };
    static const struct {
        const char *text;
        int error;
        const char *said; /* behind the folder */
    } cases[] = {
        { "@include \"good.conf\"\n@include \"empty.conf\"", ERROR_OK, "" },
        { "@include \"wide.conf\"", ERROR_RANGE, "/wide.conf:3: the integer here does not fit 32" },
        { "@include \"outer.conf\"", ERROR_RANGE,
          "/wide.conf:3: the integer here does not fit 32" },
        { "@include \"self.conf\"", ERROR_TOO_BIG,
          "/self.conf:1: @include: files include each other too often" },
        { "@include \"cut.conf\"", ERROR_PARSE, "/cut.conf: an included file ends with a newline" },
        { "@include \"many.conf\"\n@include \"many.conf\"\n@include \"many.conf\"\n"
          "@include \"many.conf\"\n@include \"many.conf\"\n@include \"many.conf\"\n",
          ERROR_OK, "" },
        { "@include \"many.conf\"\n@include \"many.conf\"\n@include \"many.conf\"\n"
          "@include \"many.conf\"\n@include \"many.conf\"\n@include \"many.conf\"\n"
          "@include \"many.conf\"\n",
          ERROR_TOO_BIG, "files include each other too often" },
        { "@include \"chain2.conf\"", ERROR_OK, "" },
        { "@include \"chain1.conf\"", ERROR_TOO_BIG,
          "/chain8.conf:1: @include: files include each other too often" },
        { "@include \".\"", ERROR_IO, "/.: not a regular file" },
    };
    struct tmpdir *dir = tmpdir_new();
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        free(tmpdir_write(dir, files[i].name, files[i].text));
    }
    for (int i = 1; i <= 9; i++) {
        char name[32];
        char text[64];
        (void)snprintf(name, sizeof name, "chain%d.conf", i);
        (void)snprintf(text, sizeof text, i < 9 ? "@include \"chain%d.conf\"\n" : "a%d = 1;\n",
                       i + 1);
        free(tmpdir_write(dir, name, text));
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error_text why = { "" };
        int error = scan_in(dir, cases[i].text, &why);
        if (error != cases[i].error || strstr(why.text, cases[i].said) == NULL) {
            fail_msg("case %zu: %s: %s", i, error_name(error), why.text);
        }
    }
    tmpdir_free(&dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_texts_pass),
        cmocka_unit_test(silent_mistakes_are_told),
        cmocka_unit_test(a_nul_is_told_with_its_line),
        cmocka_unit_test(settings_are_counted),
        cmocka_unit_test(included_files_are_scanned_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
