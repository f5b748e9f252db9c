/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* SRV records, from a name server on the test's own loop. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/exec/resolve.h"
#include "tests/unit/exec/dns_fixture.h"

#define MANY 20

static struct dns_name names[] = {
    { .name = "_chat._tcp.good.test",
      .services = { { "c.test", 20, 1, 3 }, { "b.test", 10, 1, 2 }, { "a.test", 10, 9, 1 } } },
    { .name = "_chat._tcp.off.test", .services = { { "", 0, 0, 0 } } },
    { .name = "_chat._tcp.bare.test", .addresses = { "192.0.2.1" } },
    { .name = "_chat._tcp.many.test" },
    { .name = "_chat._tcp.broken.test", .fault = DNS_SERVFAIL },
    { .name = "_chat._tcp.silent.test", .fault = DNS_SILENT },
};

static struct loop *loop;
static struct resolver *resolver;

static int
set_up(void **state)
{
    (void)state;
    const char *server = dns.text;
    assert_int_equal(loop_new(&loop), ERROR_OK);
    dns_open(loop, names, ARRAY_LEN(names));
    const struct resolver_options options = { .loop = loop, .servers = &server, .server_count = 1 };
    assert_int_equal(resolver_new(&options, &resolver, NULL), ERROR_OK);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    resolver_free(&resolver);
    dns_close();
    loop_free(&loop);
    return 0;
}

static struct future *
ask(const char *name)
{
    struct future *future = NULL;
    assert_int_equal(resolver_ask_srv(resolver, name, &future), ERROR_OK);
    return future;
}

static struct future *
ask_and_wait(const char *name)
{
    struct future *future = ask(name);
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;
    while (!future_is_done(future)) {
        loop_turn(loop, 10 * CLOCK_US_PER_MS);
        assert_true(support_now_us() < deadline_us);
    }
    return future;
}

static void
records_come_by_rank(void **state)
{
    (void)state;
    struct future *future = ask_and_wait("_chat._tcp.Good.test");
    assert_int_equal(future->error, ERROR_OK);
    const struct resolve_srv_answer *answer = future->result;
    assert_true(answer->exists);
    assert_int_equal(answer->count, 3);
    for (size_t i = 0; i < 3; i++) {
        const char target[] = { (char)('a' + i), '.', 't', 'e', 's', 't', 0 };
        assert_string_equal(answer->records[i].target, target);
        assert_int_equal(answer->records[i].port, i + 1);
    }
    assert_int_equal(answer->records[0].weight, 9);
    assert_int_equal(answer->records[2].priority, 20);
    future_unref(&future);
}

static const struct {
    const char *name;
    int error;
    bool exists;
    size_t count;
} rows[] = {
    { "_chat._tcp.off.test", ERROR_OK, true, 1 },
    { "_chat._tcp.bare.test", ERROR_OK, true, 0 },
    { "_chat._tcp.nobody.test", ERROR_OK, false, 0 },
    { "_chat._tcp.many.test", ERROR_OK, true, RESOLVE_SRV_MAX },
    { "_chat._tcp.broken.test", ERROR_UNREACHABLE, false, 0 },
};

static void
there_may_be_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        dns_find("_chat._tcp.many.test")->services[i] =
            (struct dns_service){ "x.test", (unsigned)i, 0, 1 };
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct future *future = ask_and_wait(rows[i].name);
        const struct resolve_srv_answer *answer = future->result;
        if (future->error != rows[i].error ||
            (answer != NULL &&
             (answer->exists != rows[i].exists || answer->count != rows[i].count))) {
            support_fail("row %zu: %s", i, error_name(future->error));
        }
        future_unref(&future);
    }
    struct future *off = ask_and_wait(rows[0].name);
    assert_string_equal(((const struct resolve_srv_answer *)off->result)->records[0].target, ".");
    future_unref(&off);
}

static void
wrong_names_and_late_ones_are_refused(void **state)
{
    (void)state;
    struct future *none = NULL;
    assert_int_equal(resolver_ask_srv(resolver, "_chat._tcp.a b", &none), ERROR_INVALID);
    assert_int_equal(resolver_ask_srv(resolver, "", &none), ERROR_INVALID);
    resolver_close(resolver);
    assert_int_equal(resolver_ask_srv(resolver, "_chat._tcp.a", &none), ERROR_CLOSED);
    assert_null(none);
}

static void
silence_can_be_cancelled(void **state)
{
    (void)state;
    struct future *first = ask("_chat._tcp.silent.test");
    struct future *second = ask("_chat._tcp.good.test");
    struct future *third = ask("_chat._tcp.silent.test");
    assert_true(future_cancel(first));
    assert_true(future_cancel(second)); /* its answer is dropped */
    struct future *good = ask_and_wait("_chat._tcp.good.test");
    assert_int_equal(good->error, ERROR_OK);
    assert_false(future_is_done(third));
    resolver_free(&resolver);
    assert_int_equal(future_state(third), FUTURE_CANCELLED);
    future_unref(&first);
    future_unref(&second);
    future_unref(&third);
    future_unref(&good);
}

#define SRV_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SRV_TEST(records_come_by_rank),
        SRV_TEST(there_may_be_none),
        SRV_TEST(wrong_names_and_late_ones_are_refused),
        SRV_TEST(silence_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
