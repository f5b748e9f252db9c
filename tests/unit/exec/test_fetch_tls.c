/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Fetch over TLS, with a certificate authority made for each test: who is trusted, that the bundle
 * is read once, and that one slow connection holds nobody up. */

#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit/exec/fetch_fixture.h"
#include "tests/unit/exec/tls_fixture.h"

#define EMPTY "Content-Length: 0\r\n\r\n"

static char *ca_path;
static SSL_CTX *server_tls;
static atomic_uint silent_connections; /* how many more get no handshake */

/* ---- TLS under the scripted server */

static void *
tls_open(void *context, int fd)
{
    char dropped[4096];
    unsigned left = atomic_load(&silent_connections);
    if (left > 0) {
        atomic_store(&silent_connections, left - 1);
        while (read(fd, dropped, sizeof(dropped)) > 0) {
        }
        return NULL;
    }
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    if (SSL_accept(tls) != 1) {
        SSL_free(tls);
        return NULL;
    }
    return tls;
}

static ssize_t
tls_recv(void *stream, void *bytes, size_t len)
{
    return SSL_read(stream, bytes, (int)len);
}

static ssize_t
tls_send(void *stream, const void *bytes, size_t len)
{
    return SSL_write(stream, bytes, (int)len);
}

/* Without a goodbye (close_notify), as many servers do. */
static void
tls_close(void *stream)
{
    SSL_free(stream);
}

static const char *
secure_url(const char *host, const char *target)
{
    return text("https://%s:%u%s", host, scripted_port(server), target);
}

static void
start_tls_server(const char *names)
{
    static struct scripted_layer layer;
    scripted_stop(&server);
    SSL_CTX_free(server_tls);
    server_tls = tls_new_server(names);
    layer = (struct scripted_layer){ server_tls, tls_open, tls_recv, tls_send, tls_close };
    server = scripted_start(serve_routes, NULL, &layer);
}

static int
set_up_tls(void **state)
{
    ca_path = tls_open_authority();
    if (set_up(state) != 0) {
        return -1;
    }
    options.ca_file = ca_path;
    reopen_fetcher();
    start_tls_server("IP:127.0.0.1,DNS:localhost");
    return 0;
}

static int
tear_down_tls(void **state)
{
    tear_down(state);
    SSL_CTX_free(server_tls);
    server_tls = NULL;
    tls_close_authority();
    return 0;
}

/* ---- Tests */

static const struct fixture_route table[] = {
    { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
    { .target = "/once",
      .reply = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
      .then = ROUTE_CLOSE },
    { .target = "/short",
      .reply = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nonly",
      .then = ROUTE_CLOSE },
    { .target = "/silent", .reply = "", .then = ROUTE_HOLD },
};

static void
trusted_server_is_reached(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct future *future = NULL;
    struct fetch_request request = get(secure_url("127.0.0.1", "/ok"));
    assert_int_equal(run(&request, &future), ERROR_OK);
    assert_string_equal(reply_of(future)->body, "ok");
    future_unref(&future);
    request = get(secure_url("localhost", "/ok"));
    assert_int_equal(error_of_run(&request), ERROR_OK);
}

static void
stranger_is_not(void **state)
{
    (void)state;
    USE_ROUTES(table);
    options.ca_file = NULL; /* the system's: it does not know our authority */
    reopen_fetcher();
    struct fetch_request request = get(secure_url("127.0.0.1", "/ok"));
    assert_int_equal(error_of_run(&request), ERROR_UNREACHABLE);
    assert_int_equal(scripted_requests(server), 0);
}

static void
name_must_be_in_the_certificate(void **state)
{
    (void)state;
    USE_ROUTES(table);
    start_tls_server("DNS:other.example");
    struct fetch_request request = get(secure_url("localhost", "/ok"));
    assert_int_equal(error_of_run(&request), ERROR_UNREACHABLE);
    assert_int_equal(scripted_requests(server), 0);
}

static void
speak_plainly(struct scripted_conn *conn, void *context)
{
    (void)context;
    scripted_say(conn, "HTTP/1.1 200 OK\r\n" EMPTY);
    scripted_until_closed(conn);
}

static void
plain_text_is_no_tls(void **state)
{
    (void)state;
    restart_server(speak_plainly, NULL, NULL);
    struct fetch_request request = get(secure_url("127.0.0.1", "/ok"));
    assert_int_equal(error_of_run(&request), ERROR_UNREACHABLE);
}

static void
bundle_is_read_once(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct fetch_request request = get(secure_url("127.0.0.1", "/once"));
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_int_equal(unlink(ca_path), 0);
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_int_equal(scripted_connections(server), 2);
}

static void
body_that_ends_early_is_none(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct fetch_request request = get(secure_url("127.0.0.1", "/short"));
    assert_int_equal(error_of_run(&request), ERROR_UNREACHABLE);
}

static void
slow_reply_holds_nobody_up(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct fetch_request slow = get(secure_url("127.0.0.1", "/silent"));
    struct fetch_request quick = get(secure_url("127.0.0.1", "/ok"));
    struct future *first = begin(&slow);
    assert_int_equal(error_of_run(&quick), ERROR_OK);
    assert_false(future_is_done(first));
    assert_true(future_cancel(first));
    future_unref(&first);
    assert_true(scripted_await_closed(server, 1));
}

static void
hung_handshake_ends_with_its_transfer(void **state)
{
    (void)state;
    USE_ROUTES(table);
    atomic_store(&silent_connections, 1);
    struct fetch_request request = get(secure_url("127.0.0.1", "/ok"));
    struct future *first = begin(&request);
    TURN_UNTIL(scripted_connections(server) == 1);
    struct future *second = begin(&request); /* waits to learn whether it can share */
    turn();
    assert_true(future_cancel(first));
    assert_true(scripted_await_closed(server, 1));
    TURN_UNTIL(future_is_done(second));
    assert_string_equal(reply_of(second)->body, "ok");
    future_unref(&first);
    future_unref(&second);
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_tls, tear_down_tls)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(trusted_server_is_reached),
        FETCH_TEST(stranger_is_not),
        FETCH_TEST(name_must_be_in_the_certificate),
        FETCH_TEST(plain_text_is_no_tls),
        FETCH_TEST(bundle_is_read_once),
        FETCH_TEST(body_that_ends_early_is_none),
        FETCH_TEST(slow_reply_holds_nobody_up),
        FETCH_TEST(hung_handshake_ends_with_its_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
