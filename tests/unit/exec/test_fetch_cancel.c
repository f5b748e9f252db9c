/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The end of a transfer, on time, early, or with everything else: with the server as witness that
 * the socket really closed. And who runs, who waits and who may not even wait. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/exec/fetch_fixture.h"

#define EMPTY "Content-Length: 0\r\n\r\n"
#define FOUND(where) "HTTP/1.1 302 Found\r\nLocation: " where "\r\n" EMPTY

static const struct fixture_route slow[] = {
    { .target = "/silent", .reply = "", .then = ROUTE_HOLD },
    { .target = "/half",
      .reply = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
      .then = ROUTE_HOLD },
    { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\n" EMPTY },
};

/* ---- Time */

static void
time_is_up_to_the_microsecond(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    clock_freeze(CLOCK_US_PER_S);
    struct fetch_request request = get(url_of("/half"));
    request.timeout_us = 60 * CLOCK_US_PER_S; /* libcurl counts real ones as well */
    struct future *future = begin(&request);
    int64_t due_us = clock_now_us() + request.timeout_us;
    TURN_UNTIL(scripted_requests(server) == 1);
    clock_advance(due_us - 1 - clock_now_us());
    loop_turn(loop, 0);
    assert_false(future_is_done(future));
    clock_advance(1);
    loop_turn(loop, 0);
    assert_true(future_is_done(future));
    assert_int_equal(future->error, ERROR_TIMEOUT);
    assert_true(scripted_await_closed(server, 1));
    future_unref(&future);
}

static void
idle_connections_are_let_go(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    clock_freeze(CLOCK_US_PER_S);
    struct fetch_request request = get(url_of("/ok"));
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_int_equal(scripted_connections(server), 1); /* kept, used again */
    clock_advance(31 * CLOCK_US_PER_S);
    turn();
    assert_true(scripted_await_closed(server, 1));
    assert_int_equal(error_of_run(&request), ERROR_OK); /* and it goes on */
    assert_int_equal(scripted_connections(server), 2);
}

/* ---- Cancelling */

static void
cancel_closes_the_socket_at_once(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    static const char *const targets[] = { "/silent", "/half" };
    for (unsigned i = 0; i < ARRAY_LEN(targets); i++) {
        struct fetch_request request = get(url_of(targets[i]));
        struct future *future = begin(&request);
        TURN_UNTIL(scripted_requests(server) == i + 1);
        assert_true(future_cancel(future));
        assert_true(scripted_await_closed(server, i + 1)); /* without a turn of the loop */
        assert_true(future_cancel(future));
        assert_int_equal(future_state(future), FUTURE_CANCELLED);
        future_unref(&future);
    }
    struct fetcher_stats stats;
    fetcher_stats(fetcher, &stats);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.body_bytes, 0);
}

static void
cancel_before_anything_happened(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    struct fetch_request request = get(url_of("/ok"));
    struct future *future = begin(&request);
    assert_true(future_cancel(future));
    future_unref(&future);
    assert_int_equal(error_of_run(&request), ERROR_OK); /* the next is none the worse */
    assert_int_equal(scripted_requests(server), 1);
}

static void
cancel_after_the_end_is_too_late(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    struct future *future = NULL;
    struct fetch_request request = get(url_of("/ok"));
    assert_int_equal(run(&request, &future), ERROR_OK);
    assert_false(future_cancel(future));
    assert_int_equal(reply_of(future)->status, 200);
    future_unref(&future);
}

struct race {
    struct future *winner;
    struct future *losers[3];
    struct future_callback callback;
    unsigned order[4];
    unsigned ended;
};

static void
cancel_losers(struct future *future, void *context)
{
    struct race *race = context;
    (void)future;
    for (size_t i = 0; i < ARRAY_LEN(race->losers); i++) {
        assert_true(future_cancel(race->losers[i]));
    }
    assert_true(scripted_await_closed(server, ARRAY_LEN(race->losers)));
    race->ended++;
}

static void
first_reply_cancels_the_others(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    struct race race = { .callback = { .fn = cancel_losers, .context = &race } };
    struct fetch_request request = get(url_of("/silent"));
    for (size_t i = 0; i < ARRAY_LEN(race.losers); i++) {
        race.losers[i] = begin(&request);
    }
    TURN_UNTIL(scripted_requests(server) == ARRAY_LEN(race.losers));
    request = get(url_of("/ok"));
    race.winner = begin(&request);
    future_on_done(race.winner, &race.callback);
    TURN_UNTIL(race.ended == 1);
    assert_int_equal(reply_of(race.winner)->status, 200);
    for (size_t i = 0; i < ARRAY_LEN(race.losers); i++) {
        future_unref(&race.losers[i]);
    }
    future_unref(&race.winner);
}

static void
close_ends_all_that_is_in_flight(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    options.host_connections_max = 2;
    reopen_fetcher();
    struct future *futures[4]; /* two run, two wait */
    struct fetch_request request = get(url_of("/silent"));
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        futures[i] = begin(&request);
    }
    TURN_UNTIL(scripted_requests(server) == 2);
    assert_int_equal(future_state(futures[2]), FUTURE_PENDING);
    fetcher_close(fetcher);
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        assert_int_equal(future_state(futures[i]), FUTURE_CANCELLED);
        future_unref(&futures[i]);
    }
    assert_true(scripted_await_closed(server, 2));
    struct future *none = NULL;
    assert_int_equal(fetch_start(fetcher, &request, &none), ERROR_CLOSED);
    fetcher_close(fetcher); /* twice is once */
}

static void
reply_outlives_the_fetcher(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    struct future *future = NULL;
    struct fetch_request request = get(url_of("/ok"));
    assert_int_equal(run(&request, &future), ERROR_OK);
    fetcher_close(fetcher);
    fetcher_free(&fetcher);
    assert_string_equal(reply_of(future)->url, request.url);
    future_unref(&future);
}

/* ---- Who runs and who waits */

static void
the_others_wait_their_turn(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    options.host_connections_max = 1;
    reopen_fetcher();
    struct fetch_request held = get(url_of("/silent"));
    struct fetch_request quick = get(url_of("/ok"));
    struct fetch_request elsewhere = get(text("http://localhost:%u/ok", scripted_port(server)));
    struct future *first = begin(&held);
    struct future *dropped = begin(&held);
    struct future *second = begin(&quick);
    TURN_UNTIL(scripted_requests(server) == 1);
    assert_int_equal(error_of_run(&elsewhere), ERROR_OK); /* its own origin, its own limit */
    assert_int_equal(future_state(second), FUTURE_PENDING);
    assert_true(future_cancel(dropped)); /* one that waits */
    future_unref(&dropped);
    assert_true(future_cancel(first));
    future_unref(&first);
    TURN_UNTIL(future_is_done(second));
    assert_int_equal(reply_of(second)->status, 200);
    assert_int_equal(scripted_requests(server), 3);
    future_unref(&second);
}

static void
waiting_costs_no_time(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    options.connections_max = 1;
    reopen_fetcher();
    clock_freeze(CLOCK_US_PER_S);
    struct fetch_request held = get(url_of("/silent"));
    struct fetch_request quick = get(url_of("/ok"));
    quick.timeout_us = 25 * CLOCK_US_PER_S; /* libcurl counts real ones as well */
    struct future *first = begin(&held);
    struct future *second = begin(&quick);
    TURN_UNTIL(scripted_requests(server) == 1);
    clock_advance(30 * CLOCK_US_PER_S);
    turn();
    assert_int_equal(future_state(second), FUTURE_PENDING);
    clock_advance(40 * CLOCK_US_PER_S);
    TURN_UNTIL(future_is_done(second));
    assert_int_equal(first->error, ERROR_TIMEOUT);
    assert_int_equal(reply_of(second)->status, 200);
    future_unref(&first);
    future_unref(&second);
}

static void
too_many_may_not_even_wait(void **state)
{
    (void)state;
    enum { WAITING_MAX = 16384 };
    USE_ROUTES(slow);
    options.connections_max = 1;
    reopen_fetcher();
    struct fetch_request request = get(url_of("/silent"));
    struct future *last = begin(&request);
    for (int i = 0; i < WAITING_MAX; i++) {
        future_unref(&last);
        last = begin(&request);
    }
    struct future *none = NULL;
    assert_int_equal(fetch_start(fetcher, &request, &none), ERROR_BUSY);
    assert_true(future_cancel(last));
    future_unref(&last);
    last = begin(&request);
    future_unref(&last);
}

/* ---- Everything at once */

#define STORM_FLIGHTS 24
#define STORM_STEPS 6000

struct flight {
    struct future *future;
    struct future_callback callback;
    unsigned told;
};

static void
count_end(struct future *future, void *context)
{
    struct flight *flight = context;
    assert_ptr_equal(future, flight->future);
    flight->told++;
}

/* xorshift32: the same storm each time. */
static uint32_t
next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void
launch(struct flight *flight, const struct fetch_request *request)
{
    *flight = (struct flight){ .future = begin(request) };
    flight->callback = (struct future_callback){ .fn = count_end, .context = flight };
    future_on_done(flight->future, &flight->callback);
}

static void
land(struct flight *flight)
{
    if (!future_is_done(flight->future)) {
        assert_true(future_cancel(flight->future));
    }
    assert_int_equal(flight->told, 1);
    future_unref(&flight->future);
}

static void
storm_of_cancels_ends_each_once(void **state)
{
    (void)state;
    static const struct fixture_route table[] = {
        { .target = "/0", .reply = "HTTP/1.1 200 OK\r\n" EMPTY },
        { .target = "/1", .reply = "", .then = ROUTE_HOLD },
        { .target = "/2", .reply = FOUND("/0") },
        { .target = "/3", .reply = "", .then = ROUTE_RESET },
        { .target = "/4",
          .reply = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
          .then = ROUTE_CLOSE },
        { .target = "/5", .reply = FOUND("/5") },
        { .target = "/6", .reply = "HTTP/1.1 200 OK\r\n\r\nto the end", .then = ROUTE_CLOSE },
        { .target = "/7", .reply = "no HTTP\r\n\r\n", .then = ROUTE_CLOSE },
    };
    USE_ROUTES(table);
    options.host_connections_max = STORM_FLIGHTS / 2;
    options.body_bytes_max = 1;
    reopen_fetcher();
    struct flight flights[STORM_FLIGHTS] = { 0 };
    struct fetch_request requests[ARRAY_LEN(table)];
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        requests[i] = get(url_of(table[i].target));
        requests[i].redirects_max = 2;
    }
    uint32_t seed = 20240229;
    for (int step = 0; step < STORM_STEPS; step++) {
        uint32_t random = next_random(&seed);
        struct flight *flight = &flights[random % STORM_FLIGHTS];
        if (flight->future != NULL) {
            land(flight);
        }
        launch(flight, &requests[(random >> 8) % ARRAY_LEN(requests)]);
        for (uint32_t turns = (random >> 16) % 4; turns > 0; turns--) {
            loop_turn(loop, 0);
        }
    }
    for (size_t i = 0; i < STORM_FLIGHTS; i++) {
        land(&flights[i]);
    }
    struct fetcher_stats stats;
    fetcher_stats(fetcher, &stats);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.body_bytes, 0);
    assert_int_equal(stats.started, STORM_STEPS);
    assert_int_equal(stats.finished, STORM_STEPS);
}

static void
sockets_are_closed_in_children(void **state)
{
    (void)state;
    USE_ROUTES(slow);
    struct fetch_request request = get(url_of("/silent"));
    struct future *future = begin(&request);
    TURN_UNTIL(scripted_requests(server) == 1);
    unsigned found = 0;
    for (int fd = 0; fd < 256; fd++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == scripted_port(server)) {
            assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
            found++;
        }
    }
    assert_int_equal(found, 1);
    assert_true(future_cancel(future));
    future_unref(&future);
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(time_is_up_to_the_microsecond),    FETCH_TEST(idle_connections_are_let_go),
        FETCH_TEST(cancel_closes_the_socket_at_once), FETCH_TEST(cancel_before_anything_happened),
        FETCH_TEST(cancel_after_the_end_is_too_late), FETCH_TEST(first_reply_cancels_the_others),
        FETCH_TEST(close_ends_all_that_is_in_flight), FETCH_TEST(reply_outlives_the_fetcher),
        FETCH_TEST(the_others_wait_their_turn),       FETCH_TEST(waiting_costs_no_time),
        FETCH_TEST(too_many_may_not_even_wait),       FETCH_TEST(storm_of_cancels_ends_each_once),
        FETCH_TEST(sockets_are_closed_in_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
