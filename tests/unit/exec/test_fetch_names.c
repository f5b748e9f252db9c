/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* A look-up of a name that does not answer: libcurl would wait for its thread, and so hold the loop
 * and every other transfer. This program's getaddrinfo() stands in the C library's place and waits
 * at a gate for names under .held.invalid. */

#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "daemon/base/attr.h"
#include "tests/unit/exec/fetch_fixture.h"

static sem_t gate;
static atomic_int held;     /* look-ups that began to wait */
static atomic_int released; /* and that went on */

static const struct fixture_route table[] = {
    { .target = "/ok", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
};

typedef int lookup_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

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
    union {
        void *object;
        lookup_fn *function;
    } real = { .object = dlsym(RTLD_NEXT, "getaddrinfo") };
    return real.function(name, service, hints, out);
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

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_names, tear_down_names)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(cancel_does_not_wait_for_a_name),
        FETCH_TEST(time_is_up_while_a_name_is_looked_up),
        FETCH_TEST(close_does_not_wait_for_a_name),
        FETCH_TEST(name_that_is_not_there_is_unreachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
