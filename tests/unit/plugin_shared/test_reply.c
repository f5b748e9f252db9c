/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Limits, walls and failures, by table: the reason of a reply and when to come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/plugin/reply.h"

#define HEADERS 3
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT" /* 784111777 */

struct row {
    int32_t status;
    struct call_pair headers[HEADERS];
    const char *body;
    int32_t reason;
};

static struct call_reply
reply_of(const struct row *row)
{
    struct call_reply reply = { .status = row->status,
                                .stop_hit = -1,
                                .url = "",
                                .headers = row->headers,
                                .body = row->body != NULL ? row->body : "",
                                .body_len = row->body != NULL ? strlen(row->body) : 0 };
    while (reply.header_count < HEADERS && row->headers[reply.header_count].name != NULL) {
        reply.header_count++;
    }
    return reply;
}

#define HTML                                                                                       \
    {                                                                                              \
        "Content-Type", "text/html; charset=utf-8"                                                 \
    }
#define JSON                                                                                       \
    {                                                                                              \
        "Content-Type", "application/json"                                                         \
    }

static const struct row reasons[] = {
    { 200, { { 0 } }, "", ROLLCALL_UNEXPECTED_REPLY },
    { 204, { { 0 } }, "", ROLLCALL_UNEXPECTED_REPLY },
    { 302, { { "Location", "/login" } }, "", ROLLCALL_UNEXPECTED_REPLY },
    { 404, { { 0 } }, "", ROLLCALL_UNEXPECTED_REPLY },
    { 418, { { 0 } }, "", ROLLCALL_UNEXPECTED_REPLY },
    { 401, { { 0 } }, "", ROLLCALL_BLOCKED },
    { 403, { { 0 } }, "", ROLLCALL_BLOCKED },
    { 407, { { 0 } }, "", ROLLCALL_BLOCKED },
    { 429, { { 0 } }, "", ROLLCALL_RATE_LIMITED },
    { 429, { HTML }, "<title>Just a moment...</title>", ROLLCALL_RATE_LIMITED },
    { 403, { { "X-RateLimit-Remaining", "0" } }, "", ROLLCALL_RATE_LIMITED },
    { 403, { { "x-rate-limit-remaining", "0" } }, "", ROLLCALL_RATE_LIMITED },
    { 403, { { "ratelimit-remaining", "0" } }, "", ROLLCALL_RATE_LIMITED },
    { 403, { { "X-RateLimit-Remaining", "10" } }, "", ROLLCALL_BLOCKED },
    { 403, { { "Retry-After", "7" } }, "", ROLLCALL_RATE_LIMITED },
    { 401, { { "Retry-After", "7" } }, "", ROLLCALL_BLOCKED },
    { 500, { { 0 } }, "", ROLLCALL_SERVER_ERROR },
    { 503, { { "Retry-After", "7" } }, "", ROLLCALL_SERVER_ERROR },
    { 599, { { 0 } }, "", ROLLCALL_SERVER_ERROR },
    { 600, { { 0 } }, "", ROLLCALL_UNEXPECTED_REPLY },
    /* walls, by header */
    { 403, { { "cf-mitigated", "challenge" } }, "", ROLLCALL_BLOCKED },
    { 200, { { "CF-Mitigated", "Challenge" }, JSON }, "{}", ROLLCALL_BLOCKED },
    { 202, { { "x-amzn-waf-action", "challenge" } }, "", ROLLCALL_BLOCKED },
    { 405, { { "x-amzn-waf-action", "captcha" } }, "", ROLLCALL_BLOCKED },
    { 200, { { "cf-mitigated", "none" } }, "", ROLLCALL_UNEXPECTED_REPLY },
    /* walls, by page */
    { 503, { HTML }, "<title>Just a moment...</title>", ROLLCALL_BLOCKED },
    { 200, { { 0 } }, "x<title>Attention Required! | Cloudflare</title>", ROLLCALL_BLOCKED },
    { 200, { HTML }, "<script>window._cf_chl_opt={}", ROLLCALL_BLOCKED },
    { 200, { HTML }, "src=\"https://geo.captcha-delivery.com/captcha/\"", ROLLCALL_BLOCKED },
    { 200, { HTML }, "<div id=\"px-captcha\">", ROLLCALL_BLOCKED },
    { 202, { HTML }, "<script>window.gokuProps = {", ROLLCALL_BLOCKED },
    { 200, { HTML }, "Request unsuccessful. Incapsula incident ID: 1-2", ROLLCALL_BLOCKED },
    { 200, { HTML }, "<title>DDoS-Guard</title>", ROLLCALL_BLOCKED },
    /* an ordinary page behind the same provider, and the words in an API's reply */
    { 200,
      { HTML },
      "<script src=\"/cdn-cgi/challenge-platform/scripts/jsd/main.js\">",
      ROLLCALL_UNEXPECTED_REPLY },
    { 200, { JSON }, "{\"bio\":\"<title>Just a moment...</title>\"}", ROLLCALL_UNEXPECTED_REPLY },
    { 504, { HTML }, "<title>Just a moment...</title>", ROLLCALL_SERVER_ERROR },
};

static void
test_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        struct call_reply reply = reply_of(&reasons[i]);
        int32_t found = reply_reason(&reply);
        if (found != reasons[i].reason) {
            fail_msg("row %zu (%d): %d, wants %d", i, reasons[i].status, found, reasons[i].reason);
        }
    }
}

static void
test_wall_is_at_the_top(void **state)
{
    (void)state;
    static char page[64 * 1024];
    memset(page, ' ', sizeof(page));
    static const char mark[] = "<title>Just a moment...</title>";
    const struct call_reply reply = { .status = 200, .body = page, .body_len = sizeof(page) };
    memcpy(page + 1000, mark, strlen(mark));
    assert_true(reply_is_wall(&reply));
    memset(page, ' ', 2000);
    memcpy(page + 40000, mark, strlen(mark));
    assert_false(reply_is_wall(&reply));
}

static const struct {
    struct call_pair headers[HEADERS];
    int64_t ms;
} waits[] = {
    { { { 0 } }, -1 },
    { { { "Retry-After", "0" } }, 0 },
    { { { "retry-after", "120" } }, 120000 },
    { { { "Retry-After", "86400" } }, 86400000 },
    { { { "Retry-After", "86401" } }, 86400000 },
    { { { "Retry-After", "99999999999999999999" } }, 86400000 },
    { { { "X-RateLimit-Reset", "9999999999999999999" }, { "Date", DATE } }, 86400000 },
    { { { "Retry-After", "-5" } }, -1 },
    { { { "Retry-After", "soon" } }, -1 },
    { { { "Retry-After", "" } }, -1 },
    { { { "Retry-After", "1.5" } }, 1000 },
    { { { "Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT" }, { "Date", DATE } }, 60000 },
    { { { "Retry-After", "Sun, 06 Nov 1994 08:48:37 GMT" }, { "Date", DATE } }, 0 },
    { { { "Retry-After", "Sun, 06 Nov 2094 08:48:37 GMT" }, { "Date", DATE } }, 86400000 },
    { { { "Retry-After", "Sun, 06 Foo 1994 08:48:37 GMT" }, { "Date", DATE } }, -1 },
    { { { "Retry-After", "Sun, 06 anF 1994 08:48:37 GMT" }, { "Date", DATE } }, -1 },
    { { { "X-RateLimit-Reset", "784111837" }, { "Date", DATE } }, 86400000 }, /* seconds, capped */
    { { { "X-RateLimit-Reset", "45" } }, 45000 },
    { { { "X-Rate-Limit-Reset", "1700000030" }, { "Date", "Tue, 14 Nov 2023 22:13:20 GMT" } },
      30000 },
    { { { "ratelimit-reset", "1700000030000" }, { "Date", "Tue, 14 Nov 2023 22:13:20 GMT" } },
      30000 },
    { { { "X-RateLimit-Reset", "1600000000" }, { "Date", "Tue, 14 Nov 2023 22:13:20 GMT" } }, 0 },
    { { { "Retry-After", "5" }, { "X-RateLimit-Reset", "45" } }, 5000 },
    { { { "Retry-After", "soon" }, { "X-RateLimit-Reset", "45" } }, 45000 },
};

static void
test_retry_after(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        struct row row = { .status = 429 };
        memcpy(row.headers, waits[i].headers, sizeof(row.headers));
        struct call_reply reply = reply_of(&row);
        int64_t found = reply_retry_after_ms(&reply);
        if (found != waits[i].ms) {
            fail_msg("row %zu: %lld ms, wants %lld", i, (long long)found, (long long)waits[i].ms);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_wall_is_at_the_top),
        cmocka_unit_test(test_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
