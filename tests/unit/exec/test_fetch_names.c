/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* A look-up of a name that does not answer: libcurl would wait for its thread, and so hold the loop
 * and every other transfer. This program's getaddrinfo() stands in the C library's place and waits
 * at a gate for names under .held.invalid. */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/attr.h"
#include "tests/unit/exec/fetch_fixture.h"

static sem_t gate;
static atomic_int held;     /* look-ups that began to wait */
static atomic_int released; /* and that went on */

static const struct fixture_route table[] = {
    { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
};

typedef int lookup_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static lookup_fn *
real_lookup(void)
{
    union {
        void *object;
        lookup_fn *function;
    } real = { .object = dlsym(RTLD_NEXT, "getaddrinfo") };
    return real.function;
}

/* 127.0.0.2 and .3, where nobody listens, then 127.0.0.1. */
static int
many_addresses(const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    static const char *const addresses[] = { "127.0.0.2", "127.0.0.3", "127.0.0.1" };
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        int code = real_lookup()(addresses[i], service, hints, out);
        if (code != 0) {
            return code;
        }
        out = &(*out)->ai_next;
    }
    return 0;
}

EXPORT int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **out)
{
    if (name != NULL && strstr(name, ".held.invalid") != NULL) {
        atomic_fetch_add(&held, 1);
        while (sem_wait(&gate) != 0) {
        }
        atomic_fetch_add(&released, 1);
        return EAI_NONAME;
    }
    if (name != NULL && strcmp(name, "many.invalid") == 0) {
        return many_addresses(service, hints, out);
    }
    return real_lookup()(name, service, hints, out);
}

static int
set_up_names(void **state)
{
    atomic_store(&held, 0);
    atomic_store(&released, 0);
    return sem_init(&gate, 0, 0) == 0 ? set_up(state) : -1;
}

static int
tear_down_names(void **state)
{
    int waiting = atomic_load(&held);
    for (int i = 0; i < waiting; i++) {
        sem_post(&gate);
    }
    TURN_UNTIL(atomic_load(&released) == waiting);
    tear_down(state);
    return 0;
}

static void
cancel_does_not_wait_for_a_name(void **state)
{
    (void)state;
    USE_ROUTES(table);
    struct future *futures[5];
    struct fetch_request quick = get(url_of("/ok"));
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        struct fetch_request request = get(text("http://n%zu.held.invalid/", i));
        futures[i] = begin(&request);
    }
    TURN_UNTIL(atomic_load(&held) == ARRAY_LEN(futures));
    assert_int_equal(error_of_run(&quick), ERROR_OK);
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        assert_true(future_cancel(futures[i])); /* comes back, though nobody opened the gate */
        future_unref(&futures[i]);
    }
    assert_int_equal(error_of_run(&quick), ERROR_OK);
    assert_int_equal(atomic_load(&released), 0);
}

static void
time_is_up_while_a_name_is_looked_up(void **state)
{
    (void)state;
    USE_ROUTES(table);
    clock_freeze(CLOCK_US_PER_S);
    struct fetch_request request = get("http://late.held.invalid/");
    struct future *future = begin(&request);
    TURN_UNTIL(atomic_load(&held) == 1);
    clock_advance(request.timeout_us);
    TURN_UNTIL(future_is_done(future));
    assert_int_equal(future->error, ERROR_TIMEOUT);
    assert_int_equal(atomic_load(&released), 0);
    future_unref(&future);
}

static void
close_does_not_wait_for_a_name(void **state)
{
    (void)state;
    struct fetch_request request = get("http://last.held.invalid/");
    struct future *future = begin(&request);
    TURN_UNTIL(atomic_load(&held) == 1);
    fetcher_close(fetcher);
    fetcher_free(&fetcher);
    assert_int_equal(future_state(future), FUTURE_CANCELLED);
    future_unref(&future);
}

static void
name_that_is_not_there_is_unreachable(void **state)
{
    (void)state;
    sem_post(&gate);
    struct fetch_request request = get("http://none.held.invalid/");
    assert_int_equal(error_of_run(&request), ERROR_UNREACHABLE);
    assert_int_equal(atomic_load(&released), 1);
}

static void
next_address_is_tried(void **state)
{
    (void)state;
    USE_ROUTES(table);
    for (int i = 0; i < 5; i++) {
        text_count = 0;
        struct fetch_request request =
            get(text("http://many.invalid:%u/ok", scripted_port(server)));
        assert_int_equal(error_of_run(&request), ERROR_OK);
        reopen_fetcher();
    }
}

/* A port of 127.0.0.2 that answers nobody: its queue is full and nobody accepts. */
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
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1) };
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
    struct fetch_request request = get(text("http://many.invalid:%u/ok", scripted_port(server)));
    request.timeout_us = 4 * CLOCK_US_PER_S;
    assert_int_equal(error_of_run(&request), ERROR_OK);
    undeafen(&deaf);
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_names, tear_down_names)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(cancel_does_not_wait_for_a_name),
        FETCH_TEST(time_is_up_while_a_name_is_looked_up),
        FETCH_TEST(close_does_not_wait_for_a_name),
        FETCH_TEST(name_that_is_not_there_is_unreachable),
        FETCH_TEST(next_address_is_tried),
        FETCH_TEST(hung_address_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
