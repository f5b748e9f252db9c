/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A wrong script, a wrong case or a wrong option ends the world at once with a sentence that names
 * the file, the platform and the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/child.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define PROGRAM TEST_BUILD_DIR "/bin/rollcall-world"
#define CASES TEST_SOURCE_DIR "/tests/world/testdata"

static const struct {
    const char *script;
    const char *said;
} bad_scripts[] = {
    { "", "script.json: " },
    { "{", "script.json: " },
    { "[]", "\"platforms\": wants an object, found nothing" },
    { "{\"platforms\":[]}", "\"platforms\": wants an object, found an array" },
    { "{\"platforms\":{},\"x\":1}", "unknown key \"x\"; wants platforms" },
    { "{\"catalog\":[]}", "\"catalog\": wants an object, found an array" },
    { "{\"catalog\":{\"x\":1}}", "catalog: unknown key \"x\"" },
    { "{\"catalog\":{\"present\":\"alice\"}}", "\"present\": wants an array of strings" },
    { "{\"catalog\":{\"positive\":0}}", "\"positive\": wants a whole number, 1 or more" },
    { "{\"catalog\":{\"latency_ms\":[20,10]}}", "\"latency_ms\": wants milliseconds" },
    { "{\"catalog\":{\"latency_ms\":[1,2,3]}}", "\"latency_ms\": wants milliseconds" },
    { "{\"catalog\":{\"hostile\":{\"every\":3}}}", "\"hostile\": wants both every and faults" },
    { "{\"catalog\":{\"hostile\":{\"every\":3,\"faults\":[]}}}", "\"faults\": wants an array" },
    { "{\"catalog\":{\"hostile\":{\"every\":3,\"faults\":[\"moody\"]}}}",
      "wants none, reset, hang, close" },
    { "{\"platforms\":{\"plain\":1}}", "platform \"plain\": wants an object, found a number" },
    { "{\"platforms\":{\"a/b\":{}}}", "platform \"a/b\": its name is one segment of a path" },
    { "{\"platforms\":{\"plain\":{\"latency\":1}}}",
      "platform \"plain\": unknown key \"latency\"; wants registered, latency_ms" },
    { "{\"platforms\":{\"plain\":{\"latency_ms\":\"1s\"}}}",
      "\"latency_ms\": wants milliseconds, 0 to a day, found a string 1s" },
    { "{\"platforms\":{\"plain\":{\"latency_ms\":-1}}}", "\"latency_ms\": wants milliseconds" },
    { "{\"platforms\":{\"plain\":{\"latencies_ms\":[]}}}",
      "\"latencies_ms\": wants an array of milliseconds" },
    { "{\"platforms\":{\"plain\":{\"registered\":\"alice\"}}}",
      "\"registered\": wants an array of strings, found a string alice" },
    { "{\"platforms\":{\"plain\":{\"registered\":[1]}}}", "wants an array of strings" },
    { "{\"platforms\":{\"plain\":{\"fault\":\"explode\"}}}",
      "platform \"plain\": \"fault\": wants none, reset, hang, close, truncate" },
    { "{\"platforms\":{\"plain\":{\"fault\":\"status\"}}}", "\"fault\": wants none" },
    { "{\"platforms\":{\"plain\":{\"fault\":\"status:42\"}}}", "found a string status:42" },
    { "{\"platforms\":{\"plain\":{\"fault\":\"status:2x0\"}}}", "found a string status:2x0" },
    { "{\"platforms\":{\"plain\":{\"fault\":\"reset:503\"}}}", "found a string reset:503" },
    { "{\"platforms\":{\"plain\":{\"fault\":3}}}", "found a number" },
    { "{\"platforms\":{\"plain\":{\"headers\":{\"A\":1}}}}", "\"A\": wants a header's value" },
    { "{\"platforms\":{\"plain\":{\"case\":\"no-such\"}}}",
      "\"case\": " CASES "/plain/cases has no no-such.json with exchanges" },
    { "{\"platforms\":{\"plain\":{\"case\":\"email-refused\"}}}",
      "has no email-refused.json with exchanges" },
    { "{\"platforms\":{},\"dns\":[]}", "\"dns\": wants an object, found an array" },
    { "{\"platforms\":{},\"dns\":{\"x\":1}}", "dns \"x\": wants an object" },
    { "{\"platforms\":{},\"dns\":{\"x\":{\"a\":[\"::1\"]}}}", "dns \"x\": \"a\": wants an array" },
    { "{\"platforms\":{},\"dns\":{\"x\":{\"srv\":[\"1 2 x\"]}}}",
      "\"srv\": wants at most 4 texts" },
    { "{\"platforms\":{},\"dns\":{\"x\":{\"ttl\":-1}}}", "\"ttl\": wants seconds" },
    { "{\"platforms\":{},\"dns\":{\"x\":{\"fault\":\"late\"}}}", "wants none, servfail" },
    { "{\"platforms\":{},\"dns\":{\"x\":{\"mx\":[]}}}", "unknown key \"mx\"" },
    { "{\"platforms\":{},\"dns\":{\"x\":{\"then\":[{\"then\":[]}]}}}", "unknown key \"then\"" },
    { "{\"platforms\":{\"nowhere\":{}}}",
      "platform \"nowhere\": " CASES "/nowhere/cases: No such" },
};

/* Run the world until it refuses; gives what it said. */
static char *
run_refused(const char *const *argv, int wanted_status, size_t row)
{
    char *said = NULL;
    int status = child_run(&(struct child_options){ .argv = argv }, NULL, &said);
    if (status != wanted_status) {
        support_fail("row %zu: exit status %d, wants %d: %s", row, status, wanted_status, said);
    }
    return said;
}

static void
test_bad_scripts(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    for (size_t i = 0; i < ARRAY_LEN(bad_scripts); i++) {
        char *path = tmpdir_write(dir, "script.json", bad_scripts[i].script);
        const char *argv[] = { PROGRAM, "--script", path, "--cases", CASES, NULL };
        char *said = run_refused(argv, 1, i);
        if (strstr(said, path) == NULL || strstr(said, bad_scripts[i].said) == NULL) {
            support_fail("row %zu: wants \"%s\", found \"%s\"", i, bad_scripts[i].said, said);
        }
        free(said);
        free(path);
    }
    tmpdir_free(&dir);
}

#define CASE_HEAD                                                                                  \
    "{\"platform\":\"p\",\"kind\":\"email\",\"subject\":\"a@b.c\",\"verdict\":\"registered\","
#define EXCHANGE(reply)                                                                            \
    "\"exchanges\":[{\"request\":{\"method\":\"GET\",\"url\":\"{base}/x\"},\"reply\":{" reply "}}" \
    "]}"

static const struct {
    const char *text;
    const char *said;
} bad_cases[] = {
    { "[", "one.json: " },
    { "{}", "one.json: \"platform\": wants a string, found nothing" },
    { "{\"platform\":\"p\",\"kind\":\"phone\"}", "\"kind\": \"phone\" is not a word for it" },
    { CASE_HEAD "\"exchanges\":{}}", "\"exchanges\": wants an array" },
    { CASE_HEAD "\"exchanges\":[{}]}", "\"method\": wants a string" },
    { CASE_HEAD EXCHANGE(""), "\"status\": wants 100 to 599" },
    { CASE_HEAD EXCHANGE("\"status\":99"), "\"status\": wants 100 to 599" },
    { CASE_HEAD EXCHANGE("\"status\":200,\"body\":1"), "\"body\": wants a string" },
    { CASE_HEAD EXCHANGE("\"status\":200,\"body\":\"\",\"json\":1"), "both \"body\" and \"json\"" },
    { CASE_HEAD EXCHANGE("\"status\":200,\"headers\":[]"), "\"headers\": wants an object" },
    { CASE_HEAD EXCHANGE("\"status\":200,\"headers\":{\"A\":1}"), "header \"A\": wants a string" },
};

static void
test_bad_cases(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *script = tmpdir_write(dir, "script.json", "{\"platforms\":{\"p\":{}}}");
    for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
        char *path = tmpdir_write(dir, "p/cases/one.json", bad_cases[i].text);
        const char *argv[] = { PROGRAM, "--script", script, "--cases", tmpdir_path(dir), NULL };
        char *said = run_refused(argv, 1, i);
        if (strstr(said, path) == NULL || strstr(said, bad_cases[i].said) == NULL) {
            support_fail("row %zu: wants \"%s\", found \"%s\"", i, bad_cases[i].said, said);
        }
        free(said);
        free(path);
    }
    free(script);
    tmpdir_free(&dir);
}

/* A registered name wants a case that says so; an unlimited fault wants none at all. */
static void
test_registered_without_case(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *script =
        tmpdir_write(dir, "script.json", "{\"platforms\":{\"p\":{\"registered\":[\"alice\"]}}}");
    free(tmpdir_write(dir, "p/cases/one.json", CASE_HEAD EXCHANGE("\"status\":200")));
    const char *argv[] = { PROGRAM, "--script", script, "--cases", tmpdir_path(dir), NULL };
    char *said = run_refused(argv, 1, 0);
    assert_non_null(strstr(said, "\"alice\", but no case of kind username"));
    free(said);
    free(script);
    tmpdir_free(&dir);
}

static void
test_options(void **state)
{
    static const struct {
        const char *argv[5];
        int status;
        const char *said;
    } rows[] = {
        { { PROGRAM, "--scale", "fast" }, 64, "--scale: found \"fast\", wants a number" },
        { { PROGRAM, "--scale", "-1" }, 64, "--scale: found \"-1\"" },
        { { PROGRAM, "--what" }, 64, "--help" },
        { { PROGRAM, "--catalog", "/nonexistent.json" }, 1, "/nonexistent.json: No such file" },
        { { PROGRAM, "--catalog", CASES "/../seed.json", "--print-catalog" }, 0, "" },
        { { PROGRAM, "word" }, 64, "unknown word \"word\"" },
        { { PROGRAM, "--script", "/nonexistent.json" }, 1, "/nonexistent.json: No such file" },
        { { PROGRAM, "--dir", "/nonexistent" }, 1, "/nonexistent/ca.pem: No such file" },
        { { PROGRAM, "--log", "/nonexistent/log" }, 1, "/nonexistent/log: No such file" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *said = run_refused(rows[i].argv, rows[i].status, i);
        if (strstr(said, rows[i].said) == NULL) {
            support_fail("row %zu: wants \"%s\", found \"%s\"", i, rows[i].said, said);
        }
        free(said);
    }
}

static void
test_help(void **state)
{
    (void)state;
    const char *argv[] = { PROGRAM, "--help", NULL };
    char *said = NULL;
    assert_int_equal(child_run(&(struct child_options){ .argv = argv }, &said, NULL), 0);
    assert_non_null(strstr(said, "--script FILE"));
    free(said);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_scripts),
        cmocka_unit_test(test_bad_cases),
        cmocka_unit_test(test_registered_without_case),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
