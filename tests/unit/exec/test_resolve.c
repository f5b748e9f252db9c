/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The resolver against a name server on the test's own loop. c-ares has a clock of its own, which
 * is never waited for here. */

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

#define DAY_S 86400
#define CROWD 600

static struct dns_name names[] = {
    { .name = "one.test", .addresses = { "192.0.2.1" }, .ttl_s = 60 },
    { .name = "both.test", .addresses = { "2001:db8::7", "192.0.2.7" }, .ttl_s = 60 },
    { .name = "zero.test", .addresses = { "192.0.2.2" }, .ttl_s = 0 },
    { .name = "long.test", .addresses = { "192.0.2.3" }, .ttl_s = 30 * DAY_S },
    { .name = "alias.test",
      .addresses = { "192.0.2.4" },
      .alias = "real.test",
      .ttl_s = 60,
      .alias_ttl_s = 7 },
    { .name = "none.test", .ttl_s = 60 },
    { .name = "broken.test", .fault = DNS_SERVFAIL },
    { .name = "garbage.test", .fault = DNS_GARBAGE },
    { .name = "silent.test", .fault = DNS_SILENT },
    { .name = "cut.test", .addresses = { "192.0.2.5" }, .ttl_s = 60, .fault = DNS_CUT },
    { .name = "under_score.test", .addresses = { "192.0.2.6" }, .ttl_s = 60 },
};

static struct loop *loop;
static struct resolver *resolver;

static void
open_resolver(const char *server)
{
    struct error_text why = { "" };
    const struct resolver_options options = { .loop = loop, .servers = &server, .server_count = 1 };
    if (resolver_new(&options, &resolver, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
}

static int
set_up(void **state)
{
    (void)state;
    assert_int_equal(loop_new(&loop), ERROR_OK);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        names[i].asked = 0;
    }
    dns_open(loop, names, ARRAY_LEN(names));
    open_resolver(dns.text);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    clock_thaw();
    if (resolver != NULL) {
        resolver_close(resolver);
        resolver_free(&resolver);
    }
    dns_close();
    loop_free(&loop);
    return 0;
}

static void
turn(void)
{
    loop_turn(loop, 10 * CLOCK_US_PER_MS);
    if (clock_is_frozen()) {
        clock_advance(1);
    }
}

#define TURN_UNTIL(condition)                                                                      \
    do {                                                                                           \
        int64_t turn_deadline_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;           \
        while (!(condition)) {                                                                     \
            turn();                                                                                \
            if (support_now_us() > turn_deadline_us) {                                             \
                support_fail("%s:%d: waited in vain for %s", __FILE__, __LINE__, #condition);      \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static struct future *
ask(const char *name)
{
    struct future *future = NULL;
    assert_int_equal(resolver_ask(resolver, name, &future), ERROR_OK);
    return future;
}

static struct future *
ask_and_wait(const char *name)
{
    struct future *future = ask(name);
    TURN_UNTIL(future_is_done(future));
    assert_int_equal(future_state(future), FUTURE_FINISHED);
    return future;
}

static int
error_of(const char *name)
{
    struct future *future = ask_and_wait(name);
    int error = future->error;
    future_unref(&future);
    return error;
}

static struct dns_name *
entry(const char *name)
{
    struct dns_name *found = dns_find(name);
    assert_non_null(found);
    return found;
}

static void
expect_address(const struct resolve_answer *answer, size_t index, const char *wanted)
{
    char found[INET6_ADDRSTRLEN] = "";
    assert_true(index < answer->count);
    const struct resolve_address *address = &answer->addresses[index];
    if (address->socket.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address->socket.ipv6.sin6_addr, found, sizeof(found));
    } else {
        (void)inet_ntop(AF_INET, &address->socket.ipv4.sin_addr, found, sizeof(found));
    }
    assert_string_equal(found, wanted);
}

static void
expect_one(const char *name, const char *wanted)
{
    struct future *future = ask_and_wait(name);
    assert_int_equal(future->error, ERROR_OK);
    const struct resolve_answer *answer = future->result;
    assert_int_equal(answer->count, 1);
    expect_address(answer, 0, wanted);
    future_unref(&future);
}

/* ---- Answers */

static void
name_has_an_address(void **state)
{
    (void)state;
    expect_one("one.test", "192.0.2.1");
    expect_one("under_score.test", "192.0.2.6");
}

static void
both_families_are_asked_for(void **state)
{
    (void)state;
    struct future *future = ask_and_wait("both.test");
    assert_int_equal(future->error, ERROR_OK);
    const struct resolve_answer *answer = future->result;
    assert_int_equal(answer->count, 2);
    size_t ipv6 = answer->addresses[0].socket.any.sa_family == AF_INET6 ? 0 : 1;
    expect_address(answer, ipv6, "2001:db8::7");
    expect_address(answer, 1 - ipv6, "192.0.2.7");
    future_unref(&future);
}

static void
alias_is_followed(void **state)
{
    (void)state;
    expect_one("alias.test", "192.0.2.4");
}

static void
address_is_not_asked_for(void **state)
{
    (void)state;
    expect_one("192.0.2.99", "192.0.2.99");
    expect_one("2001:db8::99", "2001:db8::99");
    assert_int_equal(dns.datagrams, 0);
}

static void
hosts_file_comes_first(void **state)
{
    (void)state;
    struct future *future = ask_and_wait("localhost");
    assert_int_equal(future->error, ERROR_OK);
    const struct resolve_answer *answer = future->result;
    assert_true(answer->count > 0);
    assert_int_equal(dns.datagrams, 0);
    future_unref(&future);
}

static void
what_is_cut_short_is_asked_for_over_tcp(void **state)
{
    (void)state;
    expect_one("cut.test", "192.0.2.5");
    assert_true(dns.streams > 0);
}

static const char *const failures[] = { "nobody.test", "none.test", "broken.test" };

static void
failures_are_unreachable(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        if (error_of(failures[i]) != ERROR_UNREACHABLE) {
            support_fail("row %zu: %s", i, failures[i]);
        }
    }
}

static const char *const no_names[] = { "",    "a b.test",      "a\\.b.test", "a,b",
                                        "a/b", "\xc3\xa4.test", "a\x01" };

static void
what_is_no_name_is_refused(void **state)
{
    (void)state;
    char long_name[300];
    struct future *future = NULL;
    for (size_t i = 0; i < ARRAY_LEN(no_names); i++) {
        if (resolver_ask(resolver, no_names[i], &future) != ERROR_INVALID) {
            support_fail("row %zu", i);
        }
    }
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(resolver_ask(resolver, long_name, &future), ERROR_INVALID);
    assert_null(future);
    long_name[64] = '\0'; /* a label of 64 */
    assert_int_equal(error_of(long_name), ERROR_UNREACHABLE);
    assert_int_equal(error_of("a..test"), ERROR_UNREACHABLE);
}

/* A list of search domains would make another name of it. */
static void
name_is_taken_as_it_stands(void **state)
{
    (void)state;
    setenv("LOCALDOMAIN", "test", 1);
    resolver_close(resolver);
    resolver_free(&resolver);
    open_resolver(dns.text);
    unsetenv("LOCALDOMAIN");
    assert_int_equal(error_of("one"), ERROR_UNREACHABLE);
    assert_int_equal(entry("one.test")->asked, 0);
}

/* Nothing that c-ares would take for an answer: as good as silence. */
static void
garbage_is_no_answer(void **state)
{
    (void)state;
    struct future *future = ask("garbage.test");
    TURN_UNTIL(dns.datagrams > 0);
    expect_one("one.test", "192.0.2.1");
    if (future_is_done(future)) {
        assert_int_equal(future->error, ERROR_UNREACHABLE);
    }
    (void)future_cancel(future);
    future_unref(&future);
}

/* ---- The cache */

static const struct {
    const char *name;
    int64_t fresh_s; /* the last second in which it is not asked for again */
} ages[] = {
    { "one.test", 60 },
    { "zero.test", 1 },
    { "long.test", 3600 },
    { "alias.test", 7 },
};

static void
answers_are_kept_for_their_ttl(void **state)
{
    (void)state;
    clock_freeze(CLOCK_US_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
        const struct dns_name *server = entry(ages[i].name);
        struct future *first = ask_and_wait(ages[i].name);
        int64_t known_us = clock_now_us();
        clock_advance(ages[i].fresh_s * CLOCK_US_PER_S - CLOCK_US_PER_S / 2);
        struct future *second = ask(ages[i].name);
        if (!future_is_done(second) || server->asked != 1) {
            support_fail("row %zu: asked again too soon", i);
        }
        clock_advance(known_us + ages[i].fresh_s * CLOCK_US_PER_S - clock_now_us());
        struct future *third = ask_and_wait(ages[i].name);
        if (server->asked != 2) {
            support_fail("row %zu: asked %u times", i, server->asked);
        }
        future_unref(&first);
        future_unref(&second);
        future_unref(&third);
    }
}

static void
bad_news_is_kept_for_a_moment(void **state)
{
    (void)state;
    clock_freeze(CLOCK_US_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        assert_int_equal(error_of(failures[i]), ERROR_UNREACHABLE);
        unsigned asked = dns.datagrams;
        assert_int_equal(error_of(failures[i]), ERROR_UNREACHABLE);
        assert_int_equal(dns.datagrams, asked);
        clock_advance(5 * CLOCK_US_PER_S);
        assert_int_equal(error_of(failures[i]), ERROR_UNREACHABLE);
        assert_true(dns.datagrams > asked);
    }
}

static void
case_does_not_matter(void **state)
{
    (void)state;
    clock_freeze(CLOCK_US_PER_S); /* nothing is asked twice for want of a reply */
    expect_one("One.TEST", "192.0.2.1");
    expect_one("one.test", "192.0.2.1");
    assert_int_equal(entry("one.test")->asked, 1);
}

static void
equal_names_are_asked_for_once(void **state)
{
    (void)state;
    struct future *futures[50];
    clock_freeze(CLOCK_US_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        futures[i] = ask("one.test");
    }
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        TURN_UNTIL(future_is_done(futures[i]));
        assert_int_equal(futures[i]->error, ERROR_OK);
    }
    assert_int_equal(entry("one.test")->asked, 1);
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        future_unref(&futures[i]);
    }
}

/* An answer stays what it was for whoever holds it, when a new one has taken its place. */
static void
old_answer_does_not_change(void **state)
{
    (void)state;
    struct dns_name *server = entry("one.test");
    clock_freeze(CLOCK_US_PER_S);
    struct future *old = ask_and_wait("one.test");
    clock_advance(61 * CLOCK_US_PER_S);
    server->addresses[0] = "192.0.2.200";
    expect_one("one.test", "192.0.2.200");
    expect_address(old->result, 0, "192.0.2.1");
    server->addresses[0] = "192.0.2.1";
    future_unref(&old);
}

/* ---- Many, cancelled, silent */

static void
silence_holds_up_nobody_else(void **state)
{
    (void)state;
    struct future *silent = ask("silent.test");
    for (int i = 0; i < 3; i++) {
        expect_one("one.test", "192.0.2.1");
    }
    assert_false(future_is_done(silent));
    assert_true(future_cancel(silent));
    assert_int_equal(future_state(silent), FUTURE_CANCELLED);
    future_unref(&silent);
}

/* So many names that only a part may go out at once: the rest follows when those are old. */
static void
many_silent_names_hold_up_nobody_else(void **state)
{
    (void)state;
    struct future *futures[CROWD];
    static char texts[CROWD][32];
    struct dns_name silent[CROWD + 1];
    memset(silent, 0, sizeof(silent));
    for (size_t i = 0; i < CROWD; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "s%zu.test", i);
        silent[i] = (struct dns_name){ .name = texts[i], .fault = DNS_SILENT };
    }
    silent[CROWD] = *entry("one.test");
    clock_freeze(CLOCK_US_PER_S);
    dns.names = silent;
    dns.count = ARRAY_LEN(silent);
    for (size_t i = 0; i < CROWD; i++) {
        futures[i] = ask(texts[i]);
    }
    struct future *quick = ask("one.test");
    for (int i = 0; i < 10; i++) {
        turn();
    }
    assert_false(future_is_done(quick));
    assert_true(dns.datagrams < CROWD);
    for (int i = 0; i < CROWD / 100; i++) {
        clock_advance(200 * CLOCK_US_PER_MS);
        turn();
    }
    TURN_UNTIL(future_is_done(quick));
    assert_int_equal(quick->error, ERROR_OK);
    for (size_t i = 0; i < CROWD; i++) {
        assert_true(future_cancel(futures[i]));
        future_unref(&futures[i]);
    }
    future_unref(&quick);
    resolver_close(resolver);
    resolver_free(&resolver);
}

static void
name_that_waits_and_is_cancelled_is_not_asked_for(void **state)
{
    (void)state;
    struct future *futures[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "c%zu.test", i);
        futures[i] = ask(name);
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_true(future_cancel(futures[i]));
        assert_true(future_cancel(futures[i]));
        future_unref(&futures[i]);
    }
    expect_one("one.test", "192.0.2.1");
    assert_true(dns.datagrams < CROWD);
}

static void
one_of_two_is_cancelled(void **state)
{
    (void)state;
    struct future *first = ask("one.test");
    struct future *second = ask("one.test");
    assert_true(future_cancel(first));
    TURN_UNTIL(future_is_done(second));
    assert_int_equal(second->error, ERROR_OK);
    future_unref(&first);
    future_unref(&second);
}

/* Whatever comes when: each one ends, once, and rightly. */
#define STEPS 20000
#define OPEN_MAX 64

struct open_ask {
    struct future *future;
    struct future_callback callback;
    size_t name;
    unsigned ends;
};

static void
count_end(struct future *future, void *context)
{
    struct open_ask *open = context;
    (void)future;
    open->ends++;
}

static void
close_ask(struct open_ask *open)
{
    assert_int_equal(open->ends, 1);
    if (future_state(open->future) == FUTURE_FINISHED) {
        bool has_address = names[open->name].addresses[0] != NULL;
        assert_int_equal(open->future->error, has_address ? ERROR_OK : ERROR_UNREACHABLE);
    }
    future_unref(&open->future);
}

static void
random_step(struct open_ask *open, uint32_t dice)
{
    if (open->future == NULL) {
        open->name = (dice >> 8) % ARRAY_LEN(names);
        open->ends = 0;
        open->callback = (struct future_callback){ .fn = count_end, .context = open };
        open->future = ask(names[open->name].name);
        future_on_done(open->future, &open->callback);
    } else if (future_is_done(open->future)) {
        close_ask(open);
    } else if (dice >> 28 == 0) {
        assert_true(future_cancel(open->future));
    }
    if (dice >> 29 == 1) {
        loop_turn(loop, 0);
        clock_advance(dice % CLOCK_US_PER_S);
    }
}

static void
random_asks_end_once(void **state)
{
    (void)state;
    static struct open_ask open[OPEN_MAX];
    uint32_t dice = 20261122;
    memset(open, 0, sizeof(open));
    clock_freeze(CLOCK_US_PER_S);
    for (int i = 0; i < STEPS; i++) {
        dice = dice * UINT32_C(1664525) + UINT32_C(1013904223);
        random_step(&open[(dice >> 16) % OPEN_MAX], dice);
    }
    resolver_close(resolver);
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (open[i].future != NULL) {
            close_ask(&open[i]);
        }
    }
}

static struct future *others[3];

static void
cancel_others(struct future *future, void *context)
{
    (void)future;
    (void)context;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        (void)future_cancel(others[i]);
    }
}

static void
callback_may_cancel_those_who_wait_with_it(void **state)
{
    (void)state;
    struct future_callback callback = { .fn = cancel_others };
    struct future *first = ask("one.test");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        others[i] = ask("one.test");
    }
    future_on_done(first, &callback);
    TURN_UNTIL(future_is_done(first));
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(future_state(others[i]), FUTURE_CANCELLED);
        future_unref(&others[i]);
    }
    future_unref(&first);
}

static void
close_cancels_all(void **state)
{
    (void)state;
    struct future *futures[] = { ask("silent.test"), ask("one.test"), ask("one.test") };
    struct future *none = NULL;
    struct future *known = ask_and_wait("both.test");
    resolver_close(resolver);
    resolver_close(resolver);
    assert_int_equal(resolver_ask(resolver, "one.test", &none), ERROR_CLOSED);
    resolver_free(&resolver);
    assert_int_equal(future_state(futures[0]), FUTURE_CANCELLED);
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        assert_true(future_is_done(futures[i]));
        future_unref(&futures[i]);
    }
    assert_int_equal(((const struct resolve_answer *)known->result)->count, 2);
    future_unref(&known);
}

/* ---- Servers */

static void
wrong_server_is_refused(void **state)
{
    (void)state;
    struct resolver *none = NULL;
    struct error_text why = { "" };
    const char *servers[] = { dns.text, "nowhere" };
    const struct resolver_options options = { .loop = loop, .servers = servers, .server_count = 2 };
    assert_int_equal(resolver_new(&options, &none, &why), ERROR_INVALID);
    assert_null(none);
    assert_non_null(strstr(why.text, "dns_servers: found \"nowhere\""));
}

static void
system_servers_are_read(void **state)
{
    (void)state;
    struct resolver *other = NULL;
    struct error_text why = { "" };
    assert_int_equal(resolver_new(&(struct resolver_options){ .loop = loop }, &other, &why),
                     ERROR_OK);
    resolver_free(&other);
}

/* Two servers: the one that refuses gives way to the other. */
static void
next_server_is_asked(void **state)
{
    (void)state;
    const char *servers[] = { "127.0.0.1:1", dns.text };
    const struct resolver_options options = { .loop = loop, .servers = servers, .server_count = 2 };
    resolver_close(resolver);
    resolver_free(&resolver);
    assert_int_equal(resolver_new(&options, &resolver, NULL), ERROR_OK);
    expect_one("one.test", "192.0.2.1");
}

#define RESOLVE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RESOLVE_TEST(name_has_an_address),
        RESOLVE_TEST(both_families_are_asked_for),
        RESOLVE_TEST(alias_is_followed),
        RESOLVE_TEST(address_is_not_asked_for),
        RESOLVE_TEST(hosts_file_comes_first),
        RESOLVE_TEST(what_is_cut_short_is_asked_for_over_tcp),
        RESOLVE_TEST(failures_are_unreachable),
        RESOLVE_TEST(garbage_is_no_answer),
        RESOLVE_TEST(what_is_no_name_is_refused),
        RESOLVE_TEST(name_is_taken_as_it_stands),
        RESOLVE_TEST(answers_are_kept_for_their_ttl),
        RESOLVE_TEST(bad_news_is_kept_for_a_moment),
        RESOLVE_TEST(case_does_not_matter),
        RESOLVE_TEST(equal_names_are_asked_for_once),
        RESOLVE_TEST(old_answer_does_not_change),
        RESOLVE_TEST(silence_holds_up_nobody_else),
        RESOLVE_TEST(many_silent_names_hold_up_nobody_else),
        RESOLVE_TEST(name_that_waits_and_is_cancelled_is_not_asked_for),
        RESOLVE_TEST(one_of_two_is_cancelled),
        RESOLVE_TEST(random_asks_end_once),
        RESOLVE_TEST(callback_may_cancel_those_who_wait_with_it),
        RESOLVE_TEST(close_cancels_all),
        RESOLVE_TEST(wrong_server_is_refused),
        RESOLVE_TEST(system_servers_are_read),
        RESOLVE_TEST(next_server_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
