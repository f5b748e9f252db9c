/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Listeners' URLs: which are taken, which are refused, and that the refusal names the URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/serve/endpoint.h"

static void
test_taken(void **state)
{
    static const struct {
        const char *url;
        enum endpoint_kind kind;
        const char *place;
        uint16_t port;
    } rows[] = {
        { "ipc:///run/rollcall/rollcall.sock", ENDPOINT_IPC, "/run/rollcall/rollcall.sock", 0 },
        { "ipc://relative.sock", ENDPOINT_IPC, "relative.sock", 0 },
        { "tcp://127.0.0.1:0", ENDPOINT_TCP, "127.0.0.1", 0 },
        { "tcp://127.9.8.7:65535", ENDPOINT_TCP, "127.9.8.7", 65535 },
        { "tcp://localhost:80", ENDPOINT_TCP, "127.0.0.1", 80 },
        { "tcp://[::1]:80", ENDPOINT_TCP, "::1", 80 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct endpoint endpoint;
        struct error_text why = { "" };
        int error = endpoint_parse(rows[i].url, &endpoint, &why);
        if (error != ERROR_OK || endpoint.kind != rows[i].kind || endpoint.port != rows[i].port) {
            fail_msg("row %zu: %d %s", i, error, why.text);
        }
        assert_string_equal(endpoint.kind == ENDPOINT_IPC ? endpoint.path : endpoint.host,
                            rows[i].place);
        assert_string_equal(endpoint.url, rows[i].url);
    }
}

static void
test_refused(void **state)
{
    static const struct {
        const char *url;
        int error;
        const char *says;
    } rows[] = {
        { "ipc://", ERROR_INVALID, "no path" },
        { "ipc:///"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaa",
          ERROR_RANGE, "at most 102" },
        { "tcp://0.0.0.0:80", ERROR_DENIED, "tls+tcp://" },
        { "tcp://192.168.1.2:80", ERROR_DENIED, "loopback" },
        { "tcp://[::]:80", ERROR_DENIED, "loopback" },
        { "tcp://*:80", ERROR_DENIED, "loopback" },
        { "tcp://:80", ERROR_DENIED, "loopback" },
        { "tcp://example.org:80", ERROR_DENIED, "loopback" },
        { "tcp://127.0.0.1.example.org:80", ERROR_DENIED, "loopback" },
        { "tcp://127.0.0.1", ERROR_INVALID, "PORT" },
        { "tcp://[::1]", ERROR_INVALID, "PORT" },
        { "tcp://127.0.0.1:", ERROR_RANGE, "port" },
        { "tcp://127.0.0.1:65536", ERROR_RANGE, "port" },
        { "tcp://127.0.0.1:-1", ERROR_RANGE, "port" },
        { "tcp://127.0.0.1:80x", ERROR_RANGE, "port" },
        { "tls+tcp://127.0.0.1:80", ERROR_UNSUPPORTED, "does not offer" },
        { "ws://127.0.0.1:80", ERROR_UNSUPPORTED, "does not offer" },
        { "inproc://x", ERROR_INVALID, "ipc:// or tcp://" },
        { "/run/rollcall.sock", ERROR_INVALID, "ipc:// or tcp://" },
        { "", ERROR_INVALID, "ipc:// or tcp://" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct endpoint endpoint = { .port = 4711 };
        struct error_text why = { "" };
        int error = endpoint_parse(rows[i].url, &endpoint, &why);
        if (error != rows[i].error || strstr(why.text, rows[i].says) == NULL ||
            strncmp(why.text, rows[i].url, strlen(rows[i].url)) != 0) {
            fail_msg("row %zu: %d %s", i, error, why.text);
        }
        assert_int_equal(endpoint.port, 4711); /* untouched */
    }
}

static void
test_long_url(void **state)
{
    char url[300];
    struct endpoint endpoint;
    struct error_text why = { "" };
    (void)state;
    memset(url, 'x', sizeof(url));
    url[sizeof(url) - 1] = '\0';
    assert_int_equal(endpoint_parse(url, &endpoint, &why), ERROR_RANGE);
    assert_non_null(strstr(why.text, "299 bytes"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
