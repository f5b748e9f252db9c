/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Names, from the URL to the socket: who resolves them, which of their addresses are used, and that
 * nobody waits for one that does not answer. 127.0.0.1 may be reached and 127.0.0.2 may not. This
 * program's getaddrinfo() stands in the C library's place: nobody calls it. */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/attr.h"
#include "tests/unit/exec/dns_fixture.h"
#include "tests/unit/exec/fetch_fixture.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static const struct fixture_route table[] = {
    { .target = "/ok", .reply = OK_REPLY },
};

static struct dns_name names[] = {
    { .name = "one.test", .addresses = { "127.0.0.1" }, .ttl_s = 60 },
    { .name = "bad.test", .addresses = { "127.0.0.2" }, .ttl_s = 60 },
    { .name = "metadata.test", .addresses = { "169.254.169.254" }, .ttl_s = 60 },
    { .name = "mapped.test", .addresses = { "::ffff:127.0.0.2" }, .ttl_s = 60 },
    { .name = "mixed.test", .addresses = { "127.0.0.2", "::1", "127.0.0.1" }, .ttl_s = 60 },
    { .name = "many.test", .addresses = { "127.0.0.3", "127.0.0.4", "127.0.0.1" }, .ttl_s = 60 },
    { .name = "changing.test", .addresses = { "127.0.0.1" }, .ttl_s = 0 },
    { .name = "silent.test", .fault = DNS_SILENT },
};

static atomic_int calls; /* of getaddrinfo() */
static struct address_range just_one;

EXPORT int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **out)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)out;
    atomic_fetch_add(&calls, 1);
    return EAI_NONAME;
}

static int
set_up_names(void **state)
{
    atomic_store(&calls, 0);
    if (set_up(state) != 0) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        names[i].asked = 0;
    }
    dns_open(loop, names, ARRAY_LEN(names));
    dns_servers[0] = dns.text;
    assert_int_equal(address_range_parse("127.0.0.1/32", &just_one, NULL), ERROR_OK);
    options.allow_addresses = &just_one;
    reopen_fetcher();
    return 0;
}

static int
tear_down_names(void **state)
{
    close_fetcher();
    dns_close();
    tear_down(state);
    assert_int_equal(atomic_load(&calls), 0);
    return 0;
}

static const char *
named(const char *host, const char *target)
{
    return text("http://%s:%u%s", host, scripted_port(server), target);
}

static int
error_of_url(const char *url)
{
    struct fetch_request request = get(url);
    request.redirects_max = FETCH_REDIRECTS_MAX;
    return error_of_run(&request);
}

/* ---- Which addresses */

static void
name_leads_to_its_address(void **state)
{
    (void)state;
    USE_ROUTES(table);
    clock_freeze(CLOCK_US_PER_S); /* nothing is asked twice for want of a reply */
    assert_int_equal(error_of_url(named("one.test", "/ok")), ERROR_OK);
    assert_true(request_has(0, text("Host: one.test:%u\r\n", scripted_port(server))));
    assert_int_equal(error_of_url(named("One.TEST", "/ok")), ERROR_OK);
    assert_int_equal(names[0].asked, 1);
    assert_int_equal(error_of_url(named("one.test.", "/ok")), ERROR_OK);
}

static const struct {
    const char *host;
    int error;
} refused[] = {
    { "bad.test", ERROR_DENIED },          { "metadata.test", ERROR_DENIED },
    { "mapped.test", ERROR_DENIED },       { "nobody.test", ERROR_UNREACHABLE },
    { "no~name.test", ERROR_UNREACHABLE },
};

/* A server that sees whoever comes to 127.0.0.2. */
struct trap {
    int fd;
};

static struct trap
open_trap(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)scripted_port(server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1) };
    struct trap trap = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
    assert_int_equal(bind(trap.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(trap.fd, 8), 0);
    return trap;
}

static void
expect_empty(struct trap *trap)
{
    assert_int_equal(accept(trap->fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    close(trap->fd);
}

static void
name_of_a_forbidden_address_is_denied(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct trap trap = open_trap();
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        int error = error_of_url(named(refused[i].host, "/ok"));
        if (error != refused[i].error) {
            support_fail("row %zu: %s: %s", i, refused[i].host, error_name(error));
        }
    }
    assert_int_equal(scripted_connections(server), 0);
    expect_empty(&trap);
}

static void
only_allowed_addresses_of_a_name_are_used(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct trap trap = open_trap();
    assert_int_equal(error_of_url(named("mixed.test", "/ok")), ERROR_OK);
    expect_empty(&trap);
}

/* Rebinding: the first answer may be reached, the next may not. */
static void
name_that_changes_is_judged_again(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct trap trap = open_trap();
    struct dns_name *changing = dns_find("changing.test");
    changing->addresses[0] = "127.0.0.1";
    clock_freeze(CLOCK_US_PER_S);
    assert_int_equal(error_of_url(named("changing.test", "/ok")), ERROR_OK);
    changing->addresses[0] = "127.0.0.2";
    clock_advance(2 * CLOCK_US_PER_S);
    reopen_fetcher(); /* a connection that is open is used on, whatever its name says now */
    assert_int_equal(error_of_url(named("changing.test", "/ok")), ERROR_DENIED);
    assert_int_equal(changing->asked, 2);
    expect_empty(&trap);
}

static void
redirect_to_a_name_is_judged(void **state)
{
    (void)state;
    char there[2][256];
    for (size_t i = 0; i < ARRAY_LEN(there); i++) {
        (void)snprintf(there[i], sizeof(there[i]),
                       "HTTP/1.1 302 Found\r\nLocation: http://%s:%u/ok\r\n"
                       "Content-Length: 0\r\n\r\n",
                       i == 0 ? "one.test" : "bad.test", scripted_port(server));
    }
    const struct fixture_route turns[] = {
        { .target = "/good", .reply = there[0] },
        { .target = "/bad", .reply = there[1] },
        { .target = "/ok", .reply = OK_REPLY },
    };
    USE_ROUTES(turns);
    struct trap trap = open_trap();
    assert_int_equal(error_of_url(url_of("/good")), ERROR_OK);
    assert_int_equal(error_of_url(url_of("/bad")), ERROR_DENIED);
    expect_empty(&trap);
    restart_server(serve_routes, NULL, NULL); /* the routes end with this function */
}

/* ---- Several addresses */

static void
allow_all(void)
{
    options.allow_addresses = &loopback;
    reopen_fetcher();
}

static void
next_address_is_tried(void **state)
{
    (void)state;
    USE_ROUTES(table);
    for (int i = 0; i < 5; i++) {
        text_count = 0;
        allow_all();
        assert_int_equal(error_of_url(named("many.test", "/ok")), ERROR_OK);
    }
}

/* A port of 127.0.0.3 that answers nobody: its queue is full and nobody accepts. */
#define FILLERS 4

struct deaf {
    int listener;
    int fillers[FILLERS];
};

static void
deafen(struct deaf *deaf, unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 2) };
    deaf->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(deaf->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(deaf->listener, 0), 0);
    for (int i = 0; i < FILLERS; i++) {
        deaf->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(deaf->fillers[i], (struct sockaddr *)&address, sizeof(address));
    }
}

static void
undeafen(struct deaf *deaf)
{
    close(deaf->listener);
    for (int i = 0; i < FILLERS; i++) {
        close(deaf->fillers[i]);
    }
}

/* libcurl gives an address half of the time that is left. */
static void
hung_address_gives_way(void **state)
{
    (void)state;
    struct deaf deaf;
    USE_ROUTES(table);
    deafen(&deaf, scripted_port(server));
    allow_all();
    struct fetch_request request = get(named("many.test", "/ok"));
    request.timeout_us = 12 * CLOCK_US_PER_S;
    assert_int_equal(error_of_run(&request), ERROR_OK);
    undeafen(&deaf);
}

/* ---- Names that do not answer */

static void
cancel_does_not_wait_for_a_name(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct future *futures[5];
    struct fetch_request quick = get(url_of("/ok"));
    struct fetch_request slow = get("http://silent.test/");
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        futures[i] = begin(&slow);
    }
    TURN_UNTIL(dns.datagrams > 0);
    assert_int_equal(error_of_run(&quick), ERROR_OK);
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        assert_int_equal(future_state(futures[i]), FUTURE_RUNNING);
        assert_true(future_cancel(futures[i]));
        future_unref(&futures[i]);
    }
    assert_int_equal(error_of_run(&quick), ERROR_OK);
}

static void
time_is_up_while_a_name_is_looked_up(void **state)
{
    (void)state;
    clock_freeze(CLOCK_US_PER_S);
    struct fetch_request request = get("http://silent.test/");
    struct future *future = begin(&request);
    TURN_UNTIL(dns.datagrams > 0);
    clock_advance(request.timeout_us);
    TURN_UNTIL(future_is_done(future));
    assert_int_equal(future->error, ERROR_TIMEOUT);
    future_unref(&future);
}

static void
close_does_not_wait_for_a_name(void **state)
{
    (void)state;
    struct fetch_request request = get("http://silent.test/");
    struct future *future = begin(&request);
    TURN_UNTIL(dns.datagrams > 0);
    close_fetcher();
    assert_int_equal(future_state(future), FUTURE_CANCELLED);
    future_unref(&future);
}

/* ---- Proxies */

/* The server is the proxy. */
static void
use_proxy(const char *scheme, const char *host)
{
    options.proxy = text("%s://%s:%u", scheme, host, scripted_port(server));
    reopen_fetcher();
}

static const struct fixture_route behind_proxy[] = {
    { .target = "http://far.test/ok", .reply = OK_REPLY },
    { .target = "http://one.test/ok", .reply = OK_REPLY },
};

static void
proxy_resolves_what_is_behind_it(void **state)
{
    (void)state;
    USE_ROUTES(behind_proxy);
    use_proxy("http", "127.0.0.1");
    assert_int_equal(error_of_url("http://far.test/ok"), ERROR_OK);
    assert_int_equal(error_of_url("http://one.test/ok"), ERROR_OK);
    assert_int_equal(dns.datagrams, 0);
}

static void
name_of_a_proxy_is_resolved(void **state)
{
    (void)state;
    USE_ROUTES(behind_proxy);
    clock_freeze(CLOCK_US_PER_S);
    use_proxy("http", "one.test");
    assert_int_equal(error_of_url("http://far.test/ok"), ERROR_OK);
    assert_int_equal(names[0].asked, 1);
    use_proxy("http", "nobody.test");
    assert_int_equal(error_of_url("http://far.test/ok"), ERROR_UNREACHABLE);
}

/* A proxy that is not there is not gone around. */
static void
lost_proxy_is_not_bypassed(void **state)
{
    (void)state;
    USE_ROUTES(table);
    options.proxy = "http://127.0.0.1:1";
    reopen_fetcher();
    assert_int_equal(error_of_url(named("one.test", "/ok")), ERROR_UNREACHABLE);
    options.proxy = "socks5://127.0.0.1:1";
    reopen_fetcher();
    assert_int_equal(error_of_url(named("one.test", "/ok")), ERROR_UNREACHABLE);
    assert_int_equal(scripted_connections(server), 0);
}

/* SOCKS 5 (RFC 1928) before the first request; what is behind the proxy is the proxy itself. */
static struct {
    uint8_t type;
    uint8_t address[256]; /* 4 bytes, or a length and a name */
} wanted;

static void *
open_socks(void *context, int fd)
{
    static int stream;
    uint8_t bytes[256];
    (void)context;
    if (recv(fd, bytes, 2, MSG_WAITALL) != 2 ||
        recv(fd, bytes + 2, bytes[1], MSG_WAITALL) != bytes[1] ||
        send(fd, "\x05\x00", 2, MSG_NOSIGNAL) != 2 || recv(fd, bytes, 5, MSG_WAITALL) != 5) {
        return NULL;
    }
    wanted.type = bytes[3];
    wanted.address[0] = bytes[4];
    size_t rest = (bytes[3] == 3 ? bytes[4] : 3U) + 2U; /* and the port */
    if (recv(fd, wanted.address + 1, rest, MSG_WAITALL) != (ssize_t)rest ||
        send(fd, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10, MSG_NOSIGNAL) != 10) {
        return NULL;
    }
    stream = fd;
    return &stream;
}

static ssize_t
recv_plain(void *stream, void *bytes, size_t len)
{
    return recv(*(int *)stream, bytes, len, 0);
}

static ssize_t
send_plain(void *stream, const void *bytes, size_t len)
{
    return send(*(int *)stream, bytes, len, MSG_NOSIGNAL);
}

static void
close_plain(void *stream)
{
    (void)stream;
}

static const struct scripted_layer socks = {
    .open = open_socks, .recv = recv_plain, .send = send_plain, .close = close_plain
};

static void
socks5h_proxy_gets_the_name(void **state)
{
    (void)state;
    USE_ROUTES(table);
    restart_server(serve_routes, NULL, &socks);
    use_proxy("socks5h", "127.0.0.1");
    assert_int_equal(error_of_url("http://far.test/ok"), ERROR_OK);
    assert_int_equal(wanted.type, 3);
    assert_memory_equal(wanted.address,
                        "\x08"
                        "far.test",
                        9);
    assert_int_equal(dns.datagrams, 0);
}

static void
socks5_proxy_gets_the_address(void **state)
{
    (void)state;
    USE_ROUTES(table);
    restart_server(serve_routes, NULL, &socks);
    use_proxy("socks5", "one.test");
    assert_int_equal(error_of_url("http://mixed.test/ok"), ERROR_OK);
    assert_int_equal(wanted.type, 1);
    assert_memory_equal(wanted.address, "\x7f\x00\x00\x01", 4);
}

/* The socket is the proxy's, so only the look at the answer stands in the way. */
static void
socks5_proxy_does_not_lead_to_forbidden_addresses(void **state)
{
    (void)state;
    USE_ROUTES(table);
    restart_server(serve_routes, NULL, &socks);
    use_proxy("socks5", "127.0.0.1");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        int error = error_of_url(text("http://%s/ok", refused[i].host));
        if (error != refused[i].error) {
            support_fail("row %zu: %s: %s", i, refused[i].host, error_name(error));
        }
    }
    assert_int_equal(error_of_url("http://127.0.0.2/ok"), ERROR_DENIED);
    assert_int_equal(scripted_connections(server), 0);
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_names, tear_down_names)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(name_leads_to_its_address),
        FETCH_TEST(name_of_a_forbidden_address_is_denied),
        FETCH_TEST(only_allowed_addresses_of_a_name_are_used),
        FETCH_TEST(name_that_changes_is_judged_again),
        FETCH_TEST(redirect_to_a_name_is_judged),
        FETCH_TEST(next_address_is_tried),
        FETCH_TEST(hung_address_gives_way),
        FETCH_TEST(cancel_does_not_wait_for_a_name),
        FETCH_TEST(time_is_up_while_a_name_is_looked_up),
        FETCH_TEST(close_does_not_wait_for_a_name),
        FETCH_TEST(proxy_resolves_what_is_behind_it),
        FETCH_TEST(name_of_a_proxy_is_resolved),
        FETCH_TEST(lost_proxy_is_not_bypassed),
        FETCH_TEST(socks5h_proxy_gets_the_name),
        FETCH_TEST(socks5_proxy_gets_the_address),
        FETCH_TEST(socks5_proxy_does_not_lead_to_forbidden_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
