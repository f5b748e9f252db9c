/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Fetch end to end against a scripted server: what is sent, what comes back, what is refused, and
 * which error each kind of broken server gives. */

#include "tests/unit/exec/fetch_fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct fixture_route plain_routes[] = {
    { .target = "/ok",
      .reply = "HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nX-Two: a\r\nx-two: b\r\n"
               "Content-Length: 5\r\n\r\nhello" },
    { .target = "/missing", .reply = "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno" },
    { .target = "/empty", .reply = "HTTP/1.1 204 None\r\n\r\n" },
    { .target = "/until-close", .reply = "HTTP/1.0 200 OK\r\n\r\nall of it", .then = ROUTE_CLOSE },
    { .target = "/chunked",
      .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               "4\r\none \r\n3\r\ntwo\r\n0\r\nX-Trailer: late\r\n\r\n" },
    { .target = "/head", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" },
    { .target = "/interim",
      .reply = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
               "HTTP/1.1 200 OK\r\nX-Real: yes\r\nContent-Length: 0\r\n\r\n" },
    { .target = "/folded",
      .reply = "HTTP/1.1 200 OK\r\nX-Long: first\r\n\t second\r\nContent-Length: 0\r\n\r\n" },
};

static void
reply_has_status_headers_and_body(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    struct fetch_request request = get(url_of("/ok"));
    struct future *future = NULL;
    assert_int_equal(run(&request, &future), ERROR_OK);
    const struct fetch_reply *reply = reply_of(future);
    assert_int_equal(reply->status, 200);
    assert_string_equal(reply->url, request.url);
    assert_int_equal(reply->body_len, 5);
    assert_string_equal(reply->body, "hello");
    assert_int_equal(reply->header_count, 4);
    assert_string_equal(reply->headers[1].name, "X-Two");
    assert_string_equal(reply->headers[2].name, "x-two");
    assert_string_equal(header_of(reply, "x-TWO"), "a");
    assert_null(header_of(reply, "X-Three"));
    assert_string_equal(reply->cookies, "");
    assert_false(reply->truncated);
    assert_int_equal(reply->stop_hit, -1);
    assert_true(reply->connect_us >= 0 && reply->first_byte_us >= reply->connect_us);
    future_unref(&future);
}

static void
request_is_what_was_asked(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    const struct fetch_header headers[] = {
        { "X-One", "1" }, { "Accept", "application/json" }, { "X-Empty", "" }, { "X-Blank", "  " }
    };
    struct fetch_request request = get(url_of("/ok"));
    request.headers = headers;
    request.header_count = ARRAY_LEN(headers);
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_true(request_has(0, "GET /ok HTTP/1.1\r\n"));
    assert_true(request_has(0, text("\r\nHost: 127.0.0.1:%u\r\n", scripted_port(server))));
    assert_true(request_has(0, "\r\nUser-Agent: fixture/1\r\n"));
    assert_true(request_has(0, "\r\nAccept-Encoding: gzip\r\n"));
    assert_true(request_has(0, "\r\nX-One: 1\r\n"));
    assert_true(request_has(0, "\r\nAccept: application/json\r\n"));
    assert_false(request_has(0, "*/*"));
    assert_true(request_has(0, "\r\nX-Empty:\r\n"));
    assert_true(request_has(0, "\r\nX-Blank:\r\n"));
    assert_false(request_has(0, "Cookie"));
}

struct method_row {
    enum fetch_method method;
    const char *body;
    const char *start;
    const char *end;
};

static const struct method_row methods[] = {
    { FETCH_GET, NULL, "GET /ok ", "\r\n\r\n" },
    { FETCH_POST, "a=1&b=2", "POST /ok ", "\r\n\r\na=1&b=2" },
    { FETCH_POST, "", "POST /ok ", "\r\nContent-Length: 0\r\n" },
    { FETCH_PUT, "{\"x\":1}", "PUT /ok ", "\r\n\r\n{\"x\":1}" },
};

static void
methods_send_their_bodies(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
        struct fetch_request request = get(url_of("/ok"));
        request.method = methods[i].method;
        request.body = methods[i].body;
        request.body_len = methods[i].body != NULL ? strlen(methods[i].body) : 0;
        int error = error_of_run(&request);
        if (error != ERROR_OK || !request_has(i, methods[i].start) ||
            !request_has(i, methods[i].end) || request_has(i, "Expect")) {
            fail_msg("row %u: %s", i, error_name(error));
        }
    }
    assert_int_equal(scripted_connections(server), 1); /* and used again each time */
}

static void
large_body_is_sent_whole(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    enum { SIZE = 200000 };
    char *body = malloc(SIZE);
    assert_non_null(body);
    memset(body, 'x', SIZE);
    struct fetch_request request = get(url_of("/ok"));
    request.method = FETCH_POST;
    request.body = body;
    request.body_len = SIZE;
    struct future *future = begin(&request);
    memset(body, 'y', SIZE); /* it was copied */
    TURN_UNTIL(future_is_done(future));
    assert_int_equal(reply_of(future)->status, 200);
    future_unref(&future);
    char *seen = scripted_request(server, 0);
    const char *sent = strstr(seen, "\r\n\r\n") + 4;
    assert_int_equal(strspn(sent, "x"), SIZE);
    assert_int_equal(strlen(sent), SIZE);
    free(seen);
    free(body);
}

struct reply_row {
    const char *target;
    enum fetch_method method;
    int status;
    const char *body;
    size_t headers;
};

static const struct reply_row replies[] = {
    { "/missing", FETCH_GET, 404, "no", 1 },
    { "/empty", FETCH_GET, 204, "", 0 },
    { "/until-close", FETCH_GET, 200, "all of it", 0 },
    { "/chunked", FETCH_GET, 200, "one two", 1 },
    { "/head", FETCH_HEAD, 200, "", 1 },
    { "/interim", FETCH_GET, 200, "", 2 },
    { "/folded", FETCH_GET, 200, "", 2 },
};

static void
shapes_of_replies(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct future *future = NULL;
        struct fetch_request request = get(url_of(replies[i].target));
        request.method = replies[i].method;
        if (run(&request, &future) != ERROR_OK) {
            fail_msg("row %zu: %s", i, error_name(future->error));
        }
        const struct fetch_reply *reply = reply_of(future);
        if (reply->status != replies[i].status || strcmp(reply->body, replies[i].body) != 0 ||
            reply->header_count != replies[i].headers || reply->truncated) {
            fail_msg("row %zu: %d, %zu headers, \"%s\"", i, reply->status, reply->header_count,
                     reply->body);
        }
        if (strcmp(replies[i].target, "/folded") == 0) {
            assert_string_equal(header_of(reply, "X-Long"), "first second");
        }
        future_unref(&future);
    }
}

static const struct fixture_route broken_routes[] = {
    { .target = "/short",
      .reply = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nonly this",
      .then = ROUTE_CLOSE },
    { .target = "/short-chunk",
      .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nonly this",
      .then = ROUTE_CLOSE },
    { .target = "/no-last-chunk",
      .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n",
      .then = ROUTE_CLOSE },
    { .target = "/reset",
      .reply = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nonly this",
      .then = ROUTE_RESET },
    { .target = "/nothing", .reply = "", .then = ROUTE_CLOSE },
    { .target = "/half-head", .reply = "HTTP/1.1 200 OK\r\nContent-Le", .then = ROUTE_CLOSE },
    { .target = "/garbage", .reply = "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", .then = ROUTE_CLOSE },
    { .target = "/binary", .reply = "\x16\x03\x01\x02\r\n\r\n", .then = ROUTE_CLOSE },
    { .target = "/version", .reply = "HTTP/9.9 200 OK\r\n\r\n", .then = ROUTE_CLOSE },
    { .target = "/control",
      .reply = "HTTP/1.1 200 OK\r\nX-Bad: a\x01"
               "b\r\nContent-Length: 0\r\n\r\n" },
    { .target = "/brotli",
      .reply = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nxyz" },
    { .target = "/twice",
      .reply = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 3\r\n\r\nxyz" },
    { .target = "/not-gzip",
      .reply = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz" },
    { .target = "/bad-chunk",
      .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nfour\r\n",
      .then = ROUTE_CLOSE },
};

struct broken_row {
    const char *target;
    int error;
};

static const struct broken_row broken[] = {
    { "/short", ERROR_UNREACHABLE },         { "/short-chunk", ERROR_UNREACHABLE },
    { "/no-last-chunk", ERROR_UNREACHABLE }, { "/reset", ERROR_UNREACHABLE },
    { "/nothing", ERROR_UNREACHABLE },       { "/half-head", ERROR_UNREACHABLE },
    { "/garbage", ERROR_PROTOCOL },          { "/binary", ERROR_PROTOCOL },
    { "/version", ERROR_PROTOCOL },          { "/control", ERROR_PROTOCOL },
    { "/brotli", ERROR_PROTOCOL },           { "/twice", ERROR_PROTOCOL },
    { "/not-gzip", ERROR_PROTOCOL },         { "/bad-chunk", ERROR_UNREACHABLE },
};

static void
broken_servers_have_their_errors(void **state)
{
    (void)state;
    USE_ROUTES(broken_routes);
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct fetch_request request = get(url_of(broken[i].target));
        int error = error_of_run(&request);
        if (error != broken[i].error) {
            fail_msg("row %zu, %s: %s", i, broken[i].target, error_name(error));
        }
    }
    struct fetcher_stats stats;
    fetcher_stats(fetcher, &stats);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.body_bytes, 0);
    assert_int_equal(stats.started, ARRAY_LEN(broken));
    assert_int_equal(stats.finished, ARRAY_LEN(broken));
}

static void
refused_connection_is_unreachable(void **state)
{
    (void)state;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, never listening */
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    struct fetch_request request = get(text("http://127.0.0.1:%u/", ntohs(address.sin_port)));
    assert_int_equal(error_of_run(&request), ERROR_UNREACHABLE);
    close(fd);
}

static void
unknown_host_is_unreachable(void **state)
{
    (void)state;
    /* Too long for DNS, so no server is asked (RFC 1035 2.3.4). */
    struct fetch_request request = get(
        "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/");
    assert_int_equal(error_of_run(&request), ERROR_UNREACHABLE);
}

static void
policy_refuses_addresses(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    options.allow_count = 0;
    reopen_fetcher();
    static const char *const hosts[] = {
        "127.0.0.1", "2130706433",        "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
        "localhost", "[64:ff9b::7f00:1]", "0"
    };
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        text_count = 0;
        struct fetch_request request =
            get(text("http://%s:%u/ok", hosts[i], scripted_port(server)));
        int error = error_of_run(&request);
        if (error != ERROR_DENIED) {
            fail_msg("row %zu, %s: %s", i, hosts[i], error_name(error));
        }
    }
    assert_int_equal(scripted_connections(server), 0);
}

static void
names_are_reached_where_policy_allows(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    struct fetch_request request = get(text("http://localhost:%u/ok", scripted_port(server)));
    assert_int_equal(error_of_run(&request), ERROR_OK);
}

static void
environment_is_not_asked_for_a_proxy(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("all_proxy", "http://127.0.0.1:1/", 1);
    struct fetch_request request = get(url_of("/ok"));
    assert_int_equal(error_of_run(&request), ERROR_OK);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void
configured_proxy_is_used_for_everything(void **state)
{
    (void)state;
    static const struct fixture_route proxied[] = {
        { .target = "http://example.com/x",
          .reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
        { .target = "http://localhost/x", .reply = "HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n" },
    };
    USE_ROUTES(proxied);
    options.proxy = url_of("");
    options.allow_count = 0; /* the proxy's own address is the operator's choice */
    reopen_fetcher();
    setenv("no_proxy", "*", 1);
    struct fetch_request far = get("http://example.com/x");
    struct fetch_request near = get("http://localhost/x");
    struct fetch_request literal = get("http://169.254.169.254/latest");
    assert_int_equal(error_of_run(&far), ERROR_OK);
    assert_int_equal(error_of_run(&near), ERROR_OK);
    assert_int_equal(error_of_run(&literal), ERROR_DENIED);
    unsetenv("no_proxy");
    assert_int_equal(scripted_requests(server), 2);
}

static const struct fetch_header many_headers[FETCH_HEADERS_MAX + 1];
static const char *const nine_stops[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
static const char *const empty_stop[] = { "" };

static const struct fetch_header bad_headers[] = {
    { "X-A", "a\r\nX-Injected: 1" },
    { "X-A", "a\nb" },
    { "X-A", "\x7f" },
    { "X-A", "a\tb" },
    { "X-A\r\nX-B", "1" },
    { "X A", "1" },
    { "", "1" },
    { "X-A:", "1" },
    { "Host", "example.com" },
    { "content-length", "3" },
    { "Transfer-Encoding", "chunked" },
};

static void
bad_headers_are_refused(void **state)
{
    (void)state;
    USE_ROUTES(plain_routes);
    for (size_t i = 0; i < ARRAY_LEN(bad_headers); i++) {
        struct future *future = NULL;
        struct fetch_request request = get("http://127.0.0.1/");
        request.headers = &bad_headers[i];
        request.header_count = 1;
        if (fetch_start(fetcher, &request, &future) != ERROR_INVALID || future != NULL) {
            fail_msg("row %zu was not refused", i);
        }
    }
}

static void
refuse(struct fetch_request request)
{
    struct future *future = NULL;
    assert_int_equal(fetch_start(fetcher, &request, &future), ERROR_INVALID);
    assert_null(future);
}

static void
bad_requests_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = { "",
                                        "example.com",
                                        "ftp://example.com/",
                                        "file:///etc/passwd",
                                        "http://user@example.com/",
                                        "http://user:word@example.com/",
                                        "http://exa mple.com/",
                                        "http://example.com/a b",
                                        "http://example.com/\r\nX-A: 1",
                                        "http://example.com:99999/" };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        refuse(get(urls[i]));
    }
    struct fetch_request request = get("http://127.0.0.1/");
    struct fetch_request bad = request;
    bad.headers = many_headers;
    bad.header_count = ARRAY_LEN(many_headers);
    refuse(bad);
    bad = request;
    bad.stop_at = nine_stops;
    bad.stop_at_count = ARRAY_LEN(nine_stops);
    refuse(bad);
    bad.stop_at = empty_stop;
    bad.stop_at_count = 1;
    refuse(bad);
    bad = request;
    bad.redirects_max = FETCH_REDIRECTS_MAX + 1;
    refuse(bad);
    bad = request;
    bad.timeout_us = 0;
    refuse(bad);
    bad = request;
    bad.body = "x";
    bad.body_len = 1; /* with GET */
    refuse(bad);
    struct fetcher_stats stats;
    fetcher_stats(fetcher, &stats);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.started, 0);
}

static void
unreadable_bundle_is_refused(void **state)
{
    (void)state;
    struct fetcher *none = NULL;
    struct error_text why = { "" };
    options.ca_file = "/no/such/bundle.pem";
    assert_int_equal(fetcher_new(&options, &none, &why), ERROR_NOT_FOUND);
    assert_non_null(strstr(why.text, "/no/such/bundle.pem"));
    assert_null(none);
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(reply_has_status_headers_and_body),
        FETCH_TEST(request_is_what_was_asked),
        FETCH_TEST(methods_send_their_bodies),
        FETCH_TEST(large_body_is_sent_whole),
        FETCH_TEST(shapes_of_replies),
        FETCH_TEST(broken_servers_have_their_errors),
        FETCH_TEST(refused_connection_is_unreachable),
        FETCH_TEST(unknown_host_is_unreachable),
        FETCH_TEST(policy_refuses_addresses),
        FETCH_TEST(names_are_reached_where_policy_allows),
        FETCH_TEST(environment_is_not_asked_for_a_proxy),
        FETCH_TEST(configured_proxy_is_used_for_everything),
        FETCH_TEST(bad_headers_are_refused),
        FETCH_TEST(bad_requests_are_refused),
        FETCH_TEST(unreadable_bundle_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
