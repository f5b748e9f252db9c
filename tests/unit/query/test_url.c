/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Origins and dot segments, read strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/query/url.h"
#include "tests/support/common.h"

static void
test_origins(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *host; /* NULL: no URL */
        unsigned port;
        size_t len;
    } rows[] = {
        { "http://a.bc", "a.bc", 80, 11 },
        { "https://a.bc/", "a.bc", 443, 12 },
        { "https://a.bc:8443/x", "a.bc", 8443, 17 },
        { "http://127.0.0.1:65535?q", "127.0.0.1", 65535, 22 },
        { "http://[::1]:80/", "[::1]", 80, 15 },
        { "http://a#b", "a", 80, 8 },
        { "", NULL, 0, 0 },
        { "ftp://a.bc", NULL, 0, 0 },
        { "HTTP://a.bc", NULL, 0, 0 },
        { "//a.bc", NULL, 0, 0 },
        { "http://", NULL, 0, 0 },
        { "http:///x", NULL, 0, 0 },
        { "http://a:0/", NULL, 0, 0 },
        { "http://a:/", NULL, 0, 0 },
        { "http://a:65536/", NULL, 0, 0 },
        { "http://a:99999999999999999999/", NULL, 0, 0 },
        { "http://a:8x/", NULL, 0, 0 },
        { "http://u@a.bc/", NULL, 0, 0 },
        { "http://u:p@a.bc/", NULL, 0, 0 },
        { "http://a\\b/", NULL, 0, 0 },
        { "http://a%2eb/", NULL, 0, 0 },
        { "http://a b/", NULL, 0, 0 },
        { "http://[::1/", NULL, 0, 0 },
        { "http://[x]/", NULL, 0, 0 },
        { "http://\xc3\xa9/", NULL, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url_origin origin;
        bool got = url_read_origin(rows[i].url, &origin);
        bool right = got == (rows[i].host != NULL);
        if (got && right) {
            right = origin.port == rows[i].port && origin.len == rows[i].len &&
                    origin.host_len == strlen(rows[i].host) &&
                    strncmp(origin.host, rows[i].host, origin.host_len) == 0;
        }
        if (!right) {
            support_fail("row %zu: %s", i, rows[i].url);
        }
    }
}

static void
test_same_origin(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool want;
    } rows[] = {
        { "http://a.bc/x", "http://A.BC:80?y", true },
        { "https://a.bc", "https://a.bc:443/", true },
        { "http://a.bc", "https://a.bc", false },
        { "http://a.bc", "http://a.bc:81", false },
        { "http://a.bc", "http://a.b", false },
        { "http://a.bc", "http://x.bc", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url_origin a;
        struct url_origin b;
        assert_true(url_read_origin(rows[i].a, &a) && url_read_origin(rows[i].b, &b));
        if (url_same_origin(&a, &b) != rows[i].want) {
            support_fail("row %zu", i);
        }
    }
}

static void
test_dot_segments(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool want;
    } rows[] = {
        { "http://a/..", true },       { "http://a/.", true },        { "http://a/x/../y", true },
        { "http://a/x/./y", true },    { "http://a/%2e%2E/y", true }, { "http://a/.%2e", true },
        { "http://a/%2e?q", true },    { "http://a/..#f", true },     { "http://a/x/..", true },
        { "http://a/...", false },     { "http://a/.x", false },      { "http://a/x..", false },
        { "http://a/?q=/../", false }, { "http://a/#/../", false },   { "http://a", false },
        { "http://a/x/", false },      { "http://a//x", false },      { "http://a/..%2f", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (url_has_dot_segment(rows[i].url) != rows[i].want) {
            support_fail("row %zu: %s", i, rows[i].url);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_same_origin),
        cmocka_unit_test(test_dot_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
