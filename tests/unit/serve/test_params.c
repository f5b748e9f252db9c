/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Params against a table: each kind of mistake is named, and a proper call is read in full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/serve/params.h"

static const char *const words[] = { "first", "all", NULL };

static const struct param table[] = {
    { .name = "subject", .type = PARAM_SUBJECT, .is_required = true },
    { .name = "platforms", .type = PARAM_TEXTS },
    { .name = "until", .type = PARAM_STRING, .choices = words },
    { .name = "timeout_ms", .type = PARAM_INTEGER, .min = 1, .max = 1000 },
    { .name = "fresh", .type = PARAM_BOOL },
    { .name = "key", .type = PARAM_STRING, .max = 4 },
};

static struct json *
read(const char *text)
{
    struct json *json = NULL;
    struct error_text why = { "" };
    if (json_parse(text, strlen(text), &json, &why) != ERROR_OK) {
        fail_msg("%s: %s", text, why.text);
    }
    return json;
}

static void
test_mistakes(void **state)
{
    static const struct {
        const char *params;
        const char *says; /* NULL: accepted */
    } rows[] = {
        { "{\"subject\":\"a\"}", NULL },
        { "{\"subject\":{\"kind\":\"email\",\"value\":\"a@b.c\"}}", NULL },
        { "{\"subject\":{\"value\":\"a\"}}", NULL },
        { "{\"subject\":\"a\",\"platforms\":[\"x\"],\"until\":\"all\",\"timeout_ms\":1,"
          "\"fresh\":false,\"key\":\"1234\"}",
          NULL },
        { "{}", "subject: missing" },
        { "[]", "by position" },
        { "[\"a\"]", "by position" },
        { "{\"subject\":1}", "subject: found a number, wants a string" },
        { "{\"subject\":null}", "subject: found null" },
        { "{\"subject\":[\"a\"]}", "subject: found an array" },
        { "{\"subject\":{}}", "subject.value: found nothing" },
        { "{\"subject\":{\"value\":1}}", "subject.value: found a number" },
        { "{\"subject\":{\"value\":\"a\",\"kind\":\"phone\"}}",
          "subject.kind: found \"phone\", wants \"email\" or \"username\"" },
        { "{\"subject\":{\"value\":\"a\",\"sort\":1}}", "no such member: \"sort\"" },
        { "{\"subject\":\"a\",\"platfroms\":[]}",
          "\"platfroms\": no such parameter; there are subject, platforms, until" },
        { "{\"subject\":\"a\",\"platforms\":\"x\"}", "platforms: found a string, wants an array" },
        { "{\"subject\":\"a\",\"platforms\":[]}", "platforms: found 0 entries" },
        { "{\"subject\":\"a\",\"platforms\":[\"x\",1]}", "platforms: found a number" },
        { "{\"subject\":\"a\",\"platforms\":[\"\"]}", "platforms: found 0 bytes" },
        { "{\"subject\":\"a\",\"until\":\"last\"}",
          "until: found \"last\", wants \"first\" or \"all\"" },
        { "{\"subject\":\"a\",\"until\":true}", "until: found true or false" },
        { "{\"subject\":\"a\",\"timeout_ms\":0}", "timeout_ms: found 0, wants an integer from 1" },
        { "{\"subject\":\"a\",\"timeout_ms\":1001}", "timeout_ms: found 1001" },
        { "{\"subject\":\"a\",\"timeout_ms\":1.5}", "timeout_ms: found 1.5" },
        { "{\"subject\":\"a\",\"timeout_ms\":\"1\"}", "timeout_ms: found a string" },
        { "{\"subject\":\"a\",\"timeout_ms\":1e99}", "timeout_ms: found 1" },
        { "{\"subject\":\"a\",\"fresh\":1}", "fresh: found a number, wants true or false" },
        { "{\"subject\":\"a\",\"key\":\"12345\"}", "key: found 5 bytes, wants 1 to 4" },
        { "{\"subject\":\"a\",\"key\":\"\"}", "key: found 0 bytes" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json *params = read(rows[i].params);
        struct error_text why = { "" };
        int error = params_judge(params, table, sizeof(table) / sizeof(table[0]), &why);
        bool is_right = rows[i].says == NULL
                            ? error == ERROR_OK
                            : error == ERROR_INVALID && strstr(why.text, rows[i].says) != NULL;
        if (!is_right) {
            fail_msg("row %zu: %d %s", i, error, why.text);
        }
        json_free(&params);
    }
}

static void
test_none(void **state)
{
    struct json *params = read("{\"x\":1}");
    struct error_text why = { "" };
    (void)state;
    assert_int_equal(params_judge(NULL, NULL, 0, &why), ERROR_OK);
    assert_int_equal(params_judge(params, NULL, 0, &why), ERROR_INVALID);
    assert_non_null(strstr(why.text, "takes none"));
    json_free(&params);
}

static uint64_t
read_query(const char *text, struct query_request *out_request, struct arena *arena)
{
    struct json *params = read(text);
    struct error_text why = { "" };
    if (params_read_query(params, arena, out_request, &why) != ERROR_OK) {
        fail_msg("%s: %s", text, why.text);
    }
    json_free(&params);
    return out_request->fingerprint;
}

static void
test_request(void **state)
{
    static const char text[] =
        "{\"subject\":\"Alice@Example.COM\",\"platforms\":[\"github\",\"social\"],"
        "\"exclude\":[\"x\"],\"catalog\":\"c\",\"adult\":true,\"until\":\"all\","
        "\"strategy\":\"lazy\",\"timeout_ms\":1500,\"fresh\":true,\"explain\":true,\"key\":\"k\"}";
    struct arena *arena = arena_new(PARAMS_ARENA_BYTES);
    struct json *params = read(text);
    struct query_request request;
    (void)state;
    assert_int_equal(params_read_query(params, arena, &request, NULL), ERROR_OK);
    assert_int_equal(request.subject.kind, ROLLCALL_EMAIL);
    assert_string_equal(request.subject.value, "Alice@example.com");
    assert_int_equal(request.platform_count, 2);
    assert_string_equal(request.platforms[1], "social");
    assert_int_equal(request.exclude_count, 1);
    assert_string_equal(request.exclude[0], "x");
    assert_string_equal(request.catalog, "c");
    assert_string_equal(request.strategy, "lazy");
    assert_string_equal(request.key, "k");
    assert_int_equal(request.timeout_us, 1500000);
    assert_int_equal(request.until, QUERY_UNTIL_ALL);
    assert_true(request.adult && request.fresh && request.explain);
    json_free(&params);
    arena_free(&arena);
}

/* The same question has the same fingerprint, whatever its key and spelling; another has not. */
static void
test_fingerprint(void **state)
{
    static const char *const same[] = {
        "{\"subject\":\"alice@example.com\",\"until\":\"first\",\"key\":\"1\"}",
        "{\"key\":\"2\",\"subject\":\"alice@example.com\"}",
        "{\"subject\":{\"value\":\"alice@EXAMPLE.com\"},\"adult\":false}",
    };
    static const char *const other[] = {
        "{\"subject\":\"alice@example.com\",\"until\":\"all\"}",
        "{\"subject\":\"bob@example.com\"}",
        "{\"subject\":{\"kind\":\"username\",\"value\":\"alice\"}}",
        "{\"subject\":\"alice@example.com\",\"platforms\":[\"a\"]}",
        "{\"subject\":\"alice@example.com\",\"exclude\":[\"a\"]}",
        "{\"subject\":\"alice@example.com\",\"platforms\":[\"a\",\"b\"]}",
        "{\"subject\":\"alice@example.com\",\"platforms\":[\"ab\"]}",
        "{\"subject\":\"alice@example.com\",\"catalog\":\"a\"}",
        "{\"subject\":\"alice@example.com\",\"strategy\":\"a\"}",
        "{\"subject\":\"alice@example.com\",\"timeout_ms\":5}",
        "{\"subject\":\"alice@example.com\",\"fresh\":true}",
        "{\"subject\":\"alice@example.com\",\"explain\":true}",
        "{\"subject\":\"alice@example.com\",\"adult\":true}",
    };
    uint64_t seen[sizeof(other) / sizeof(other[0]) + 1];
    struct arena *arena = arena_new(PARAMS_ARENA_BYTES);
    struct query_request request;
    (void)state;
    seen[0] = read_query(same[0], &request, arena);
    for (size_t i = 1; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_true(read_query(same[i], &request, arena) == seen[0]);
    }
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        seen[i + 1] = read_query(other[i], &request, arena);
        for (size_t j = 0; j <= i; j++) {
            if (seen[j] == seen[i + 1]) {
                fail_msg("rows %zu and %zu", j, i + 1);
            }
        }
    }
    arena_free(&arena);
}

/* What is wrong with a subject is said without the subject. */
static void
test_subject_stays_out(void **state)
{
    struct json *params = read("{\"subject\":\"secretname@bad domain\"}");
    struct arena *arena = arena_new(PARAMS_ARENA_BYTES);
    struct query_request request;
    struct error_text why = { "" };
    (void)state;
    assert_int_equal(params_read_query(params, arena, &request, &why), ERROR_INVALID);
    assert_int_equal(strncmp(why.text, "subject: ", 9), 0);
    assert_null(strstr(why.text, "secretname"));
    json_free(&params);
    arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),          cmocka_unit_test(test_none),
        cmocka_unit_test(test_request),           cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_subject_stays_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
