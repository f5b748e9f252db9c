/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* `gather_ms` of `next`: what has ended may wait for company, but the first find never does, nor
 * does the last check, and never longer than the call itself may take. */
#include "tests/unit/serve/serve_fixture.h"

#define SUBMIT(platforms)                                                                          \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submit\",\"params\":{\"subject\":\"alice\","       \
    "\"until\":\"all\",\"platforms\":[" platforms "]}}"
#define START_US 1000000

/* Submit, and turn the loop until so many checks have ended. */
static char *
submit(struct fixture *fixture, const char *message, size_t ended)
{
    char *reply = talk_ask(fixture, message);
    const char *id = strstr(reply, "\"query\":\"") + 9;
    char *copy = strndup(id, strcspn(id, "\""));
    struct query *query = query_find(fixture->queries, copy);
    assert_non_null(query);
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (completion_ended(query_checks(query)) < ended) {
        assert_true(support_now_us() < deadline_us);
        fixture_turn(fixture);
    }
    free(reply);
    return copy;
}

static void
begin_next(struct talk *talk, struct fixture *fixture, const char *id, const char *rest)
{
    char *message = support_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"next\",\"params\":"
                                 "{\"query\":\"%s\"%s}}",
                                 id, rest);
    talk_begin(talk, fixture, message);
    fixture_turn(fixture);
    free(message);
}

static void
advance(struct fixture *fixture, int64_t ms)
{
    clock_advance(ms * CLOCK_US_PER_MS);
    fixture_turn(fixture);
}

static void
end(struct fixture *fixture, char *id)
{
    clock_thaw();
    free(id);
    fixture_free(fixture);
}

static void
test_waits_for_company(void **state)
{
    static const struct {
        const char *rest;
        int64_t held_ms;
    } rows[] = {
        { ",\"gather_ms\":50", 50 },
        { ",\"gather_ms\":50,\"timeout_ms\":1000", 50 },
        { ",\"gather_ms\":50,\"timeout_ms\":20", 20 }, /* the call's own time comes first */
    };
    (void)state;
    clock_freeze(START_US);
    struct fixture *fixture = fixture_new(4);
    char *id = submit(fixture, SUBMIT("\"no\",\"hold\""), 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct talk talk;
        begin_next(&talk, fixture, id, rows[i].rest);
        advance(fixture, rows[i].held_ms - 1);
        if (talk.replies != 0) {
            fail_msg("row %zu: not held back", i);
        }
        advance(fixture, 1);
        if (talk.replies != 1 || strstr(talk.reply, "\"next\":1,\"done\":false") == NULL) {
            fail_msg("row %zu: %d replies", i, talk.replies);
        }
        free(talk.reply);
    }
    assert_int_equal(calls_waiting(fixture->calls), 0);
    end(fixture, id);
}

static void
test_does_not_wait(void **state)
{
    static const struct {
        const char *message;
        size_t ended;
        const char *rest;
        const char *has;
    } rows[] = {
        { SUBMIT("\"no\",\"hold\""), 1, "", "\"next\":1" },
        { SUBMIT("\"no\",\"hold\""), 1, ",\"gather_ms\":0", "\"next\":1" },
        { SUBMIT("\"no\",\"hold\""), 1, ",\"gather_ms\":50,\"timeout_ms\":0", "\"next\":1" },
        { SUBMIT("\"no\",\"hold\""), 1, ",\"gather_ms\":50,\"max\":1", "\"next\":1" },
        { SUBMIT("\"no\",\"yes\",\"hold\""), 2, ",\"gather_ms\":50", "\"next\":2" }, /* a find */
        { SUBMIT("\"no\""), 1, ",\"gather_ms\":50", "\"done\":true" },
        { SUBMIT("\"no\",\"hold\""), 1, ",\"gather_ms\":1001", "-32602" },
        { SUBMIT("\"no\",\"hold\""), 1, ",\"gather_ms\":-1", "-32602" },
    };
    (void)state;
    clock_freeze(START_US);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct talk talk;
        struct fixture *fixture = fixture_new(4);
        char *id = submit(fixture, rows[i].message, rows[i].ended);
        begin_next(&talk, fixture, id, rows[i].rest);
        if (talk.replies != 1 || strstr(talk.reply, rows[i].has) == NULL) {
            fail_msg("row %zu: %s", i, talk.replies == 1 ? talk.reply : "no reply");
        }
        free(talk.reply);
        free(id);
        fixture_free(fixture);
    }
    clock_thaw();
}

/* Of one that ended as the first check the next find is no longer the first. */
static void
test_only_first_find(void **state)
{
    struct talk talk;
    (void)state;
    clock_freeze(START_US);
    struct fixture *fixture = fixture_new(4);
    char *id = submit(fixture, SUBMIT("\"no\",\"yes\",\"hold\""), 2);
    begin_next(&talk, fixture, id, "");
    bool was_yes_first = strstr(talk.reply, "\"yes\"") < strstr(talk.reply, "\"no\"");
    free(talk.reply);
    talk.reply = NULL;
    begin_next(&talk, fixture, id, ",\"after\":1,\"gather_ms\":50");
    assert_int_equal(talk.replies, was_yes_first ? 0 : 1);
    advance(fixture, 50);
    assert_int_equal(talk.replies, 1);
    free(talk.reply);
    begin_next(&talk, fixture, id, ",\"after\":2,\"gather_ms\":50");
    advance(fixture, 1000);
    assert_int_equal(talk.replies, 0); /* nothing has ended that could be held back */
    atomic_store(&fixture_let_go, true);
    talk_wait(&talk, fixture);
    assert_non_null(strstr(talk.reply, "\"done\":true"));
    free(talk.reply);
    end(fixture, id);
}

/* The first find ends the holding back, with all that was held. */
static void
test_find_ends_it(void **state)
{
    struct talk talk;
    (void)state;
    clock_freeze(START_US);
    struct fixture *fixture = fixture_new(4);
    char *id = submit(fixture, SUBMIT("\"no\",\"hold\""), 1);
    fixture_wait_held(fixture, 1);
    begin_next(&talk, fixture, id, ",\"gather_ms\":1000");
    advance(fixture, 10);
    assert_int_equal(talk.replies, 0);
    atomic_store(&fixture_let_go, true);
    talk_wait(&talk, fixture);
    assert_non_null(strstr(talk.reply, "\"unregistered\""));
    assert_non_null(strstr(talk.reply, "\"registered\""));
    free(talk.reply);
    end(fixture, id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_company),
        cmocka_unit_test(test_does_not_wait),
        cmocka_unit_test(test_only_first_find),
        cmocka_unit_test(test_find_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
