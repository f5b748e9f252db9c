/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* test-plugin must be able to fail: a case for each way in which a plugin and a record can differ,
 * and each way in which a record can be wrong, with the line that its author reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "tests/support/child.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define DAEMON TEST_BUILD_DIR "/bin/rollcalld"
#define PLUGINS TEST_BUILD_DIR "/tests/plugins/"

/* The parts of a case; the plugin is `shared`, whose first request is for a token. */
#define HEAD "{\"title\":\"t\",\"platform\":\"shared\",\"kind\":\"username\",\"subject\":\"alice\","
#define SOURCE "\"source\":{\"kind\":\"assumed\",\"where\":\"here\"},"
#define GUEST                                                                                      \
    "{\"request\":{\"method\":\"POST\",\"url\":\"{base}/guest\"},"                                 \
    "\"reply\":{\"status\":200,\"json\":{\"guest\":\"g\"}}}"
#define LOOK_UP                                                                                    \
    "{\"request\":{\"method\":\"GET\",\"url\":\"{base}/users/alice\"},"                            \
    "\"reply\":{\"status\":200,\"json\":{\"name\":\"alice\"}}}"
#define BOTH "\"exchanges\":[" GUEST "," LOOK_UP "],"
#define YES "\"verdict\":\"registered\"}"
/* A case of `frail`, which does what the subject says. */
#define FRAIL                                                                                      \
    "{\"title\":\"t\",\"platform\":\"frail\",\"kind\":\"username\",\"subject\":\"%s\"," SOURCE     \
    "\"exchanges\":[],\"verdict\":\"unknown\",\"reason\":\"not_public\"}"

static const struct {
    const char *text;
    const char *line; /* behind the name; NULL: it passes */
} table[] = {
    { HEAD SOURCE BOTH YES, NULL },
    { HEAD SOURCE BOTH "\"url\":\"https://shared.example/alice\"," YES, NULL },
    { HEAD SOURCE BOTH "\"url\":\"https://shared.example/bob\"," YES,
      "gives the URL https://shared.example/alice, wants https://shared.example/bob" },
    { HEAD SOURCE BOTH "\"verdict\":\"unregistered\"}", "says registered, wants unregistered" },
    { HEAD SOURCE BOTH "\"verdict\":\"unknown\",\"reason\":\"blocked\"}",
      "says registered, wants unknown, blocked" },
    { HEAD SOURCE "\"exchanges\":[" GUEST "]," YES,
      "asks for https://shared.example/users/alice, the record ends before that" },
    { HEAD SOURCE "\"exchanges\":[" GUEST "," LOOK_UP "," LOOK_UP "]," YES,
      "played 2 of 3 exchanges" },
    { HEAD SOURCE "\"exchanges\":[" LOOK_UP "]," YES,
      "asks for POST https://shared.example/guest, the record has GET "
      "https://shared.example/users/alice" },
    { HEAD SOURCE "\"exchanges\":[{\"request\":{\"method\":\"POST\",\"url\":\"{base}/guest\","
                  "\"body\":\"{}\"},\"reply\":{\"status\":200}}]," YES,
      "sends the body \"{\"client\":\"rollcall\"}\", the record has \"{}\"" },
    { HEAD SOURCE "\"exchanges\":[{\"request\":{\"method\":\"POST\",\"url\":\"{base}/guest\"},"
                  "\"reply\":{\"status\":200,\"json\":{\"guest\":\"a\\nb\"}}}]," YES,
      "says unknown, plugin_failed: its shared value is not 1 to 4096 printable bytes, wants "
      "registered" },
    { HEAD SOURCE "\"exchanges\":[{\"request\":{\"method\":\"POST\",\"url\":\"{base}/guest\"},"
                  "\"reply\":{\"status\":429,\"headers\":{\"Retry-After\":\"9\"}}}],"
                  "\"retry_after_ms\":8000,\"verdict\":\"unknown\",\"reason\":\"rate_limited\"}",
      "says retry after 9000 ms, wants 8000 ms" },
    /* records that are wrong in themselves */
    { "{", "byte 1: the text ends, wants a key in quotes" },
    { "[]", "the case is not an object" },
    { HEAD BOTH YES, "source is not an object" },
    { HEAD "\"source\":{\"kind\":\"heard\",\"where\":\"x\"}," BOTH YES,
      "source.kind is neither documentation, captured nor assumed" },
    { HEAD SOURCE YES, "exchanges is not a list of at most 32" },
    { HEAD SOURCE BOTH "\"verdikt\":\"registered\"}", "verdikt is a field that nobody knows" },
    { HEAD SOURCE BOTH "\"verdict\":\"yes\"}",
      "verdict is neither registered, unregistered nor unknown" },
    { HEAD SOURCE BOTH "\"verdict\":\"unknown\"}",
      "reason goes with the verdict unknown, and only with it" },
    { HEAD SOURCE BOTH "\"verdict\":\"unknown\",\"reason\":\"tired\"}",
      "reason is not one of the closed list" },
    { HEAD SOURCE BOTH "\"retry_after_ms\":\"1\"," YES, "retry_after_ms is not a whole number" },
    { HEAD SOURCE
      "\"exchanges\":[{\"request\":{\"method\":\"GET\"},\"reply\":{\"status\":200}}]," YES,
      "url is not there" },
    { HEAD SOURCE "\"exchanges\":[{\"request\":{\"method\":\"GET\",\"url\":\"x\"},"
                  "\"reply\":{}}]," YES,
      "status is not a number from 100 to 999" },
    { HEAD SOURCE "\"exchanges\":[{\"request\":{\"method\":\"GET\",\"url\":\"x\"},"
                  "\"reply\":{\"status\":200,\"body\":\"\",\"json\":{}}}]," YES,
      "body and json are both there" },
    { "{\"title\":\"t\",\"platform\":\"shared\",\"kind\":\"phone\",\"subject\":\"1\"," SOURCE BOTH
          YES,
      "kind is neither email nor username" },
    { "{\"title\":\"t\",\"platform\":\"other\",\"kind\":\"username\",\"subject\":\"a\"," SOURCE BOTH
          YES,
      "is for other/username, which the plugin does not have" },
};

static int
run(const char *const *arguments, char **out_stdout, char **out_stderr)
{
    const char *argv[8] = { DAEMON, "test-plugin" };
    for (size_t i = 0; arguments[i] != NULL; i++) {
        argv[i + 2] = arguments[i];
    }
    const struct child_options options = { .argv = argv };
    return child_run(&options, out_stdout, out_stderr);
}

static void
test_each_difference(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct tmpdir *dir = tmpdir_new();
        free(tmpdir_write(dir, "it.json", table[i].text));
        const char *const arguments[] = { PLUGINS "shared.so", tmpdir_path(dir), NULL };
        char *out = NULL;
        char *err = NULL;
        int status = run(arguments, &out, &err);
        char *wanted = table[i].line == NULL
                           ? support_text("ok it\n1 passed, 0 failed\n")
                           : support_text("FAILED it: %s\n0 passed, 1 failed\n", table[i].line);
        if (status != (table[i].line != NULL) || strcmp(out, wanted) != 0 || err[0] != '\0') {
            fail_msg("row %zu: status %d, said \"%s%s\", wants \"%s\"", i, status, out, err,
                     wanted);
        }
        free(wanted);
        free(out);
        free(err);
        tmpdir_free(&dir);
    }
}

static void
test_several(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    free(tmpdir_write(dir, "b.json", table[0].text));
    free(tmpdir_write(dir, "a.json", table[3].text));
    free(tmpdir_write(dir, "notes.txt", "no case"));
    const char *const arguments[] = { PLUGINS "shared.so", tmpdir_path(dir), NULL };
    char *out = NULL;
    assert_int_equal(run(arguments, &out, NULL), 1);
    assert_string_equal(out, "FAILED a: says registered, wants unregistered\nok b\n"
                             "1 passed, 1 failed\n");
    free(out);
    tmpdir_free(&dir);
}

/* Whatever a plugin does to the process that replays its cases, the case in hand is named, what was
 * said before stands, and nobody takes it for a pass. */
static void
test_a_plugin_that_takes_the_process_down(void **state)
{
    static const struct {
        const char *subject;
        const char *line;
    } rows[] = {
        { "crash", "FAILED b: the plugin crashed: SIGSEGV\n" },
        { "deep", "FAILED b: the plugin crashed: SIGSEGV\n" },
        { "abort", "FAILED b: the plugin crashed: SIGABRT\n" },
        { "exit", "FAILED b: the plugin ended the process\n" },
#if !defined(__SANITIZE_THREAD__) /* which puts off what a signal does until the code calls it */
        { "loop", "FAILED b: the plugin does not come to an end\n" },
#endif
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tmpdir *dir = tmpdir_new();
        char *good = support_text(FRAIL, "well");
        char *bad = support_text(FRAIL, rows[i].subject);
        free(tmpdir_write(dir, "a.json", good));
        free(tmpdir_write(dir, "b.json", bad));
        const char *const arguments[] = { PLUGINS "frail.so", tmpdir_path(dir), NULL };
        char *out = NULL;
        int status = run(arguments, &out, NULL);
        char *wanted = support_text("ok a\n%s", rows[i].line);
        if (status == 0 || strcmp(out, wanted) != 0) {
            fail_msg("row %zu: status %d, said \"%s\", wants \"%s\"", i, status, out, wanted);
        }
        free(wanted);
        free(out);
        free(bad);
        free(good);
        tmpdir_free(&dir);
    }
}

static void
test_no_cases(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    const char *const arguments[] = { PLUGINS "shared.so", tmpdir_path(dir), NULL };
    char *out = NULL;
    char *err = NULL;
    assert_int_equal(run(arguments, &out, &err), 1);
    assert_string_equal(out, "0 passed, 0 failed\n");
    assert_non_null(strstr(err, ": has no cases\n"));
    free(out);
    free(err);
    tmpdir_free(&dir);
}

static void
test_blocking_is_not_replayed(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    free(tmpdir_write(dir, "it.json",
                      "{\"title\":\"t\",\"platform\":\"block\",\"kind\":\"username\","
                      "\"subject\":\"yes\"," SOURCE "\"exchanges\":[]," YES));
    const char *const arguments[] = { PLUGINS "block.so", tmpdir_path(dir), NULL };
    char *out = NULL;
    assert_int_equal(run(arguments, &out, NULL), 1);
    assert_string_equal(out, "FAILED it: is for a blocking checker, which nobody can replay\n"
                             "0 passed, 1 failed\n");
    free(out);
    tmpdir_free(&dir);
}

/* The plugin's own options, as the configuration would have them. */
static void
test_options(void **state)
{
    (void)state;
    static const char *const cases = TEST_SOURCE_DIR "/tests/plugin/fixtures/sites/cases";
    static const struct {
        const char *option;
        int status;
        const char *text; /* stands in what it says */
    } options[] = {
        { "count=3", 0, "3 passed, 0 failed\n" },
        { "count=1", 1, "FAILED hit: is for site1/username, which the plugin does not have\n" },
        { "count=many", 1, "-o plugin.sites.count: " },
        { "colour=red", 1, "-o plugin.sites.colour: unknown key" },
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const char *const arguments[] = { "--config", options[i].option, PLUGINS "sites.so", cases,
                                          NULL };
        char *out = NULL;
        char *err = NULL;
        int status = run(arguments, &out, &err);
        if (status != options[i].status ||
            (strstr(out, options[i].text) == NULL && strstr(err, options[i].text) == NULL)) {
            fail_msg("row %zu: status %d, said \"%s%s\"", i, status, out, err);
        }
        free(out);
        free(err);
    }
}

static void
test_usage(void **state)
{
    (void)state;
    static const char *const arguments[][4] = {
        { NULL },
        { "one.so", NULL },
        { "one.so", "folder", "more", NULL },
        { "--config", "a=b", "one.so", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
        char *err = NULL;
        assert_int_equal(run(arguments[i], NULL, &err), 64);
        assert_string_equal(err,
                            "usage: rollcalld test-plugin [--config KEY=VALUE]... FILE.so CASES\n");
        free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_difference),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_a_plugin_that_takes_the_process_down),
        cmocka_unit_test(test_no_cases),
        cmocka_unit_test(test_blocking_is_not_replayed),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
