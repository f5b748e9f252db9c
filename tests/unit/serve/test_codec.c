/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Structs to JSON, to the letter: the shapes are a contract with clients. */
#include "tests/unit/serve/serve_fixture.h"

#include "daemon/base/json_print.h"
#include "daemon/serve/codec.h"

static void
expect_text(struct json *json, const char *text)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(json_print(json, &out), ERROR_OK);
    assert_string_equal(buf_str(&out), text);
    buf_fini(&out);
    json_free(&json);
}

static void
test_check(void **state)
{
    (void)state;
    expect_text(codec_check(&(struct check_view){ .platform = "github",
                                                  .source = "github.so",
                                                  .evidence = "public",
                                                  .state = FUTURE_FINISHED,
                                                  .finding = finding_sure(VERDICT_REGISTERED),
                                                  .url = "https://github.com/alice",
                                                  .began_us = 5000100,
                                                  .ended_us = 6002849 },
                            5000000),
                "{\"platform\":\"github\",\"verdict\":\"registered\",\"evidence\":\"public\","
                "\"state\":\"finished\",\"source\":\"github.so\",\"started_ms\":0.1,"
                "\"elapsed_ms\":1002.8,\"cached\":false,\"url\":\"https://github.com/alice\"}");
    expect_text(codec_check(&(struct check_view){ .platform = "twitter",
                                                  .source = "twitter.so",
                                                  .state = FUTURE_CANCELLED,
                                                  .finding = finding_unknown(REASON_CANCELLED),
                                                  .why = "lazy: the next one",
                                                  .began_us = -1,
                                                  .ended_us = 5003000 },
                            5000000),
                "{\"platform\":\"twitter\",\"verdict\":\"unknown\",\"reason\":\"cancelled\","
                "\"state\":\"cancelled\",\"source\":\"twitter.so\",\"started_ms\":null,"
                "\"elapsed_ms\":3,\"cached\":false,\"why\":\"lazy: the next one\"}");
    expect_text(codec_check(&(struct check_view){ .platform = "x",
                                                  .source = "x.so",
                                                  .state = FUTURE_FINISHED,
                                                  .finding = finding_rate_limited(60000),
                                                  .began_us = 0,
                                                  .ended_us = 0,
                                                  .cached = true },
                            0),
                "{\"platform\":\"x\",\"verdict\":\"unknown\",\"reason\":\"rate_limited\","
                "\"retry_after_ms\":60000,\"state\":\"finished\",\"source\":\"x.so\","
                "\"started_ms\":0,\"elapsed_ms\":0,\"cached\":true}");
}

static void
test_answer(void **state)
{
    const struct subject subject = { .kind = ROLLCALL_EMAIL, .value = "alice@example.com" };
    struct answer answer = {
        .query = "q7f3a",
        .subject = &subject,
        .verdict = VERDICT_REGISTERED,
        .platform = "github",
        .elapsed_us = 1003151,
        .strategy = "race",
        .asked = 2,
        .cancelled = 1,
    };
    (void)state;
    expect_text(codec_answer(&answer),
                "{\"query\":\"q7f3a\",\"subject\":{\"kind\":\"email\",\"value\":"
                "\"alice@example.com\"},\"verdict\":\"registered\",\"platform\":\"github\","
                "\"elapsed_ms\":1003.2,\"strategy\":\"race\",\"asked\":2,\"cancelled\":1,"
                "\"checks\":[]}");
    answer.verdict = VERDICT_UNKNOWN;
    answer.platform = NULL;
    answer.tally.reasons[REASON_TIMEOUT] = 2;
    answer.tally.reasons[REASON_NOT_PUBLIC] = 1;
    expect_text(codec_answer(&answer),
                "{\"query\":\"q7f3a\",\"subject\":{\"kind\":\"email\",\"value\":"
                "\"alice@example.com\"},\"verdict\":\"unknown\",\"elapsed_ms\":1003.2,"
                "\"strategy\":\"race\",\"asked\":2,\"cancelled\":1,"
                "\"reasons\":{\"timeout\":2,\"not_public\":1},\"checks\":[]}");
    answer.reason = REASON_UNSUPPORTED;
    answer.tally = (struct tally){ 0 };
    expect_text(codec_answer(&answer),
                "{\"query\":\"q7f3a\",\"subject\":{\"kind\":\"email\",\"value\":"
                "\"alice@example.com\"},\"verdict\":\"unknown\",\"reason\":\"unsupported\","
                "\"elapsed_ms\":1003.2,\"strategy\":\"race\",\"asked\":2,\"cancelled\":1,"
                "\"reasons\":{},\"checks\":[]}");
}

#define CHECKER(rate)                                                                              \
    "[{\"kind\":\"username\",\"method\":\"documented\",\"evidence\":\"exact\",\"rate\":" rate      \
    ",\"health\":\"ok\",\"latency_ms\":null,\"hit_rate\":null,\"samples\":0}]"

static void
test_platforms(void **state)
{
    struct fixture *fixture = fixture_new(1);
    (void)state;
    expect_text(
        codec_platforms(fixture->registry, ROLLCALL_USERNAME, "quick"),
        "{\"platforms\":["
        "{\"id\":\"no\",\"title\":\"No\",\"home\":\"https://no.test/\",\"tags\":[\"quick\"],"
        "\"source\":\"fixture.so\",\"adult\":false,\"checkers\":" CHECKER(
            "null") "},"
                    "{\"id\":\"yes\",\"title\":\"Yes\",\"home\":\"https://yes.test/\","
                    "\"tags\":[\"quick\"],\"source\":\"fixture.so\",\"adult\":false,"
                    "\"checkers\":" CHECKER("null") "}]}");
    expect_text(codec_platforms(fixture->registry, ROLLCALL_EMAIL, NULL), "{\"platforms\":[]}");
    expect_text(codec_platforms(fixture->registry, 0, "nothing"), "{\"platforms\":[]}");
    fixture_free(fixture);
}

static void
test_rates(void **state)
{
    static const struct {
        uint32_t count;
        uint32_t seconds;
        const char *text;
    } rows[] = {
        { 10, 60, "\"10/min\"" }, { 1, 1, "\"1/s\"" },    { 60, 3600, "\"60/h\"" },
        { 5, 86400, "\"5/d\"" },  { 7, 10, "\"7/10s\"" }, { 0, 60, "null" },
    };
    struct fixture *fixture = fixture_new(1);
    struct checker *checker = registry_find(fixture->registry, "hold", ROLLCALL_USERNAME);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;
        char *wanted = support_text("\"rate\":%s,", rows[i].text);
        checker->rate_count = rows[i].count;
        checker->rate_seconds = rows[i].seconds;
        struct json *json = codec_platforms(fixture->registry, 0, NULL);
        buf_init(&out, 1 << 20);
        assert_int_equal(json_print(json, &out), ERROR_OK);
        if (strstr(buf_str(&out), wanted) == NULL) {
            fail_msg("row %zu: %s", i, buf_str(&out));
        }
        buf_fini(&out);
        json_free(&json);
        free(wanted);
    }
    fixture_free(fixture);
}

static void
test_plugins(void **state)
{
    struct fixture *fixture = fixture_new(1);
    const struct error_text why = { "bad.so: wants ABI 9.0" };
    (void)state;
    assert_int_equal(registry_add_refused(fixture->registry, "bad.so", &why), ERROR_OK);
    struct json *json = codec_plugins(fixture->registry);
    const struct json *plugins = json_get(json, "plugins");
    assert_int_equal(json_count(plugins), 2);
    for (const struct json *plugin = json_first(plugins); plugin != NULL;
         plugin = json_next(plugin)) {
        bool is_bad = strcmp(json_string(json_get(plugin, "file"), ""), "bad.so") == 0;
        assert_string_equal(json_string(json_get(plugin, "state"), ""),
                            is_bad ? "refused" : "ready");
        assert_string_equal(json_string(json_get(plugin, "version"), ""), is_bad ? "" : "1.0");
        assert_string_equal(json_string(json_get(plugin, "last_error"), ""),
                            is_bad ? why.text : "");
    }
    json_free(&json);
    fixture_free(fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),     cmocka_unit_test(test_answer),
        cmocka_unit_test(test_platforms), cmocka_unit_test(test_rates),
        cmocka_unit_test(test_plugins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
