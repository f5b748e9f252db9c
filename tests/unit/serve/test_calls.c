/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Calls from their bytes to their reply: what waits and what does not, bounds, keys, and peers that
 * go away. Held checks instead of slow ones, a held clock instead of waiting. */
#include "tests/unit/serve/serve_fixture.h"

#define CALL(method, params)                                                                       \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":" params "}"
#define HOLD "\"subject\":\"alice\",\"platforms\":[\"hold\"]"

static void
expect(struct fixture *fixture, const char *message, const char *part)
{
    char *reply = talk_ask(fixture, message);
    if (reply == NULL || strstr(reply, part) == NULL) {
        fail_msg("%s gave %s", message, reply);
    }
    free(reply);
}

static void
test_check(void **state)
{
    struct fixture *fixture = fixture_new(4);
    (void)state;
    expect(fixture, CALL("check", "{\"subject\":\"alice\",\"platforms\":[\"yes\"]}"),
           "\"verdict\":\"registered\",\"platform\":\"yes\"");
    expect(fixture, CALL("check", "{\"subject\":\"alice\",\"platforms\":[\"no\"]}"),
           "\"verdict\":\"unregistered\"");
    expect(fixture, CALL("check", "{\"subject\":\"alice\",\"platforms\":[\"quick\"]}"),
           "\"verdict\":\"registered\"");
    expect(fixture, CALL("check", "{\"subject\":\"a@b.org\",\"platforms\":[\"yes\"]}"),
           "\"reasons\":{\"unsupported\":1}");
    expect(fixture, CALL("check", "{\"subject\":\"a@b.org\"}"), "\"reason\":\"unsupported\"");
    assert_int_equal(calls_waiting(fixture->calls), 0);
    fixture_free(fixture);
}

/* submit gives an id; next and result look at it, wait for it, and cancel ends it. */
static void
test_submitted(void **state)
{
    struct fixture *fixture = fixture_new(4);
    struct talk next;
    struct talk result;
    char id[QUERY_ID_BYTES] = "";
    (void)state;
    char *reply = talk_ask(fixture, CALL("submit", "{" HOLD "}"));
    const char *at = strstr(reply, "\"query\":\"");
    assert_non_null(at);
    memcpy(id, at + 9, strcspn(at + 9, "\""));
    free(reply);
    char *look = support_text(CALL("next", "{\"query\":\"%s\",\"timeout_ms\":0}"), id);
    char *wait = support_text(CALL("next", "{\"query\":\"%s\"}"), id);
    char *ask = support_text(CALL("result", "{\"query\":\"%s\"}"), id);
    char *glance = support_text(CALL("result", "{\"query\":\"%s\",\"timeout_ms\":0}"), id);
    char *cancel = support_text(CALL("cancel", "{\"query\":\"%s\"}"), id);
    fixture_wait_held(fixture, 1);
    expect(fixture, look, "{\"checks\":[],\"next\":0,\"done\":false,\"total\":1}");
    expect(fixture, glance, "{\"done\":false}");
    talk_begin(&next, fixture, wait);
    talk_begin(&result, fixture, ask);
    assert_int_equal(calls_waiting(fixture->calls), 2);
    assert_int_equal(next.replies + result.replies, 0);
    expect(fixture, cancel, "{\"cancelled\":true}");
    talk_wait(&next, fixture);
    talk_wait(&result, fixture);
    assert_non_null(strstr(next.reply, "\"state\":\"cancelled\""));
    assert_non_null(strstr(next.reply, "\"next\":1,\"done\":true"));
    assert_non_null(strstr(result.reply, "\"reasons\":{\"cancelled\":1}"));
    expect(fixture, cancel, "{\"cancelled\":false}");
    expect(fixture, look, "\"done\":true");
    assert_int_equal(calls_waiting(fixture->calls), 0);
    free(next.reply);
    free(result.reply);
    free(look);
    free(wait);
    free(ask);
    free(glance);
    free(cancel);
    fixture_free(fixture);
}

/* Pages of `next`: numbered from 1, the same again for the same `after`. */
static void
test_pages(void **state)
{
    struct fixture *fixture = fixture_new(4);
    char id[QUERY_ID_BYTES] = "";
    (void)state;
    char *reply = talk_ask(fixture, CALL("submit", "{\"subject\":\"alice\",\"until\":\"all\","
                                                   "\"platforms\":[\"quick\"]}"));
    memcpy(id, strstr(reply, "\"query\":\"") + 9, strcspn(strstr(reply, "\"query\":\"") + 9, "\""));
    free(reply);
    char *result = support_text(CALL("result", "{\"query\":\"%s\"}"), id);
    char *first = support_text(CALL("next", "{\"query\":\"%s\",\"max\":1}"), id);
    char *second = support_text(CALL("next", "{\"query\":\"%s\",\"after\":1}"), id);
    char *beyond = support_text(CALL("next", "{\"query\":\"%s\",\"after\":7}"), id);
    expect(fixture, result, "\"asked\":2");
    for (int i = 0; i < 2; i++) {
        expect(fixture, first, "\"next\":1,\"done\":false");
        expect(fixture, second, "\"next\":2,\"done\":true");
        expect(fixture, beyond, "{\"checks\":[],\"next\":7,\"done\":true,\"total\":2}");
    }
    free(result);
    free(first);
    free(second);
    free(beyond);
    fixture_free(fixture);
}

/* timeout_ms is the call's, not the query's. */
static void
test_call_times_out(void **state)
{
    struct fixture *fixture = fixture_new(4);
    struct talk talk;
    char id[QUERY_ID_BYTES] = "";
    (void)state;
    clock_freeze(1000000);
    char *reply = talk_ask(fixture, CALL("submit", "{" HOLD "}"));
    memcpy(id, strstr(reply, "\"query\":\"") + 9, strcspn(strstr(reply, "\"query\":\"") + 9, "\""));
    free(reply);
    fixture_wait_held(fixture, 1);
    static const char *const rows[][2] = {
        { "next", "\"done\":false" },
        { "result", "{\"done\":false}" },
    };
    for (size_t i = 0; i < 2; i++) {
        char *call = support_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":"
                                  "{\"query\":\"%s\",\"timeout_ms\":50}}",
                                  rows[i][0], id);
        talk_begin(&talk, fixture, call);
        clock_advance(49 * CLOCK_US_PER_MS);
        fixture_turn(fixture);
        assert_int_equal(talk.replies, 0);
        clock_advance(CLOCK_US_PER_MS);
        fixture_turn(fixture);
        assert_int_equal(talk.replies, 1);
        assert_non_null(strstr(talk.reply, rows[i][1]));
        free(talk.reply);
        free(call);
    }
    assert_int_equal(calls_waiting(fixture->calls), 0);
    clock_thaw();
    fixture_free(fixture);
}

static void
test_overloaded(void **state)
{
    struct fixture *fixture = fixture_new(1);
    struct talk waiting;
    (void)state;
    talk_begin(&waiting, fixture, CALL("check", "{" HOLD "}"));
    fixture_wait_held(fixture, 1);
    expect(fixture, CALL("check", "{\"subject\":\"bob\",\"platforms\":[\"yes\"]}"), "-32001");
    expect(fixture, CALL("status", "{}"), "\"waiting\":1,\"max\":1");
    expect(fixture, CALL("platforms", "{}"), "\"id\":\"hold\"");
    expect(fixture, CALL("submit", "{\"subject\":\"bob\",\"platforms\":[\"yes\"]}"), "\"query\"");
    atomic_store(&fixture_let_go, true);
    talk_wait(&waiting, fixture);
    expect(fixture, CALL("check", "{\"subject\":\"bob\",\"platforms\":[\"yes\"]}"), "registered");
    free(waiting.reply);
    fixture_free(fixture);
}

static void
test_closed(void **state)
{
    struct fixture *fixture = fixture_new(4);
    struct talk waiting;
    (void)state;
    talk_begin(&waiting, fixture, CALL("check", "{" HOLD "}"));
    fixture_wait_held(fixture, 1);
    calls_close(fixture->calls);
    expect(fixture, CALL("check", "{\"subject\":\"bob\"}"), "-32004");
    expect(fixture, CALL("submit", "{\"subject\":\"bob\"}"), "-32004");
    expect(fixture, CALL("status", "{}"), "\"uptime_s\"");
    queries_cancel_all(fixture->queries);
    talk_wait(&waiting, fixture);
    assert_non_null(strstr(waiting.reply, "\"cancelled\":1"));
    free(waiting.reply);
    fixture_free(fixture);
}

/* The members of a batch wait side by side; its reply leaves with the last one, in their order. */
static void
test_batch(void **state)
{
    struct fixture *fixture = fixture_new(4);
    struct talk talk;
    (void)state;
    talk_begin(&talk, fixture,
               "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"check\",\"params\":{" HOLD "}},"
               "{\"jsonrpc\":\"2.0\",\"method\":\"status\"},"
               "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"check\",\"params\":{\"subject\":\"bob\","
               "\"platforms\":[\"hold\"]}},"
               "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"nothing\"}]");
    fixture_wait_held(fixture, 2);
    assert_int_equal(talk.replies, 0);
    assert_int_equal(calls_waiting(fixture->calls), 2);
    atomic_store(&fixture_let_go, true);
    talk_wait(&talk, fixture);
    const char *one = strstr(talk.reply, "\"id\":1}");
    const char *two = strstr(talk.reply, "\"id\":2}");
    const char *three = strstr(talk.reply, "\"id\":3}");
    assert_true(one != NULL && one < two && two < three);
    assert_int_equal(talk.reply[0], '[');
    free(talk.reply);
    fixture_free(fixture);
}

/* A notification that only answers does nothing; one that acts is carried out. Both get an empty
 * message. */
static void
test_notifications(void **state)
{
    struct fixture *fixture = fixture_new(4);
    static const char *const rows[] = {
        "{\"jsonrpc\":\"2.0\",\"method\":\"status\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"nothing\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"check\",\"params\":{" HOLD "}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"submit\",\"params\":[1]}",
        "[{\"jsonrpc\":\"2.0\",\"method\":\"status\"}]",
        "{\"jsonrpc\":\"2.0\",\"method\":\"submit\",\"params\":{" HOLD "}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct talk talk;
        talk_begin(&talk, fixture, rows[i]);
        assert_int_equal(talk.replies, 1);
        assert_non_null(talk.reply);
        assert_int_equal(talk.len, 0);
        free(talk.reply);
    }
    assert_int_equal(queries_open_count(fixture->queries), 1);
    fixture_free(fixture);
}

/* ---- gone clients: the clock is held ------------------------------------------------------ */

static struct fixture *
begin_held(struct talk *talk, const char *message)
{
    struct fixture *fixture = fixture_new(4);
    clock_freeze(1000000);
    talk_begin(talk, fixture, message);
    fixture_wait_held(fixture, 1);
    return fixture;
}

static void
end_held(struct fixture *fixture)
{
    clock_thaw();
    fixture_free(fixture);
}

static void
test_gone_is_cancelled(void **state)
{
    struct talk talk;
    struct fixture *fixture = begin_held(&talk, CALL("check", "{" HOLD "}"));
    (void)state;
    calls_drop(&talk.exchange);
    assert_int_equal(talk.replies, 1);
    assert_null(talk.reply);
    assert_int_equal(calls_waiting(fixture->calls), 0);
    clock_advance(CALLS_GONE_US - 1);
    fixture_turn(fixture);
    assert_int_equal(queries_open_count(fixture->queries), 1);
    clock_advance(1);
    fixture_turn(fixture);
    assert_int_equal(queries_open_count(fixture->queries), 0);
    end_held(fixture);
}

#define KEYED CALL("check", "{" HOLD ",\"key\":\"k\"}")

static void
test_asked_again(void **state)
{
    struct talk gone;
    struct talk again;
    struct fixture *fixture = begin_held(&gone, KEYED);
    (void)state;
    calls_drop(&gone.exchange);
    clock_advance(CALLS_GONE_US - 1);
    fixture_turn(fixture);
    talk_begin(&again, fixture, KEYED);
    clock_advance(CALLS_GONE_US);
    fixture_turn(fixture);
    assert_int_equal(queries_open_count(fixture->queries), 1);
    assert_int_equal(again.replies, 0);
    calls_drop(&again.exchange); /* and gone again: a grace of its own */
    clock_advance(CALLS_GONE_US - 1);
    fixture_turn(fixture);
    assert_int_equal(queries_open_count(fixture->queries), 1);
    clock_advance(1);
    fixture_turn(fixture);
    assert_int_equal(queries_open_count(fixture->queries), 0);
    assert_int_equal(atomic_load(&fixture_held), 1);
    end_held(fixture);
}

/* Cancelled for its client's going, a query gives up its key: it is asked anew. */
static void
test_key_is_given_up(void **state)
{
    struct talk gone;
    struct talk anew;
    struct fixture *fixture = begin_held(&gone, KEYED);
    (void)state;
    calls_drop(&gone.exchange);
    clock_advance(CALLS_GONE_US);
    fixture_turn(fixture);
    talk_begin(&anew, fixture, KEYED);
    fixture_wait_held(fixture, 2);
    calls_drop(&anew.exchange);
    end_held(fixture);
}

static void
test_submitted_stays(void **state)
{
    struct talk gone;
    struct fixture *fixture = begin_held(&gone, KEYED);
    (void)state;
    expect(fixture, CALL("submit", "{" HOLD ",\"key\":\"k\"}"), "\"query\"");
    calls_drop(&gone.exchange);
    clock_advance(2 * CALLS_GONE_US);
    fixture_turn(fixture);
    assert_int_equal(queries_open_count(fixture->queries), 1);
    end_held(fixture);
}

static void
test_key_with_other_params(void **state)
{
    struct talk talk;
    struct fixture *fixture = begin_held(&talk, KEYED);
    (void)state;
    expect(fixture, CALL("check", "{\"subject\":\"bob\",\"platforms\":[\"hold\"],\"key\":\"k\"}"),
           "-32602");
    calls_drop(&talk.exchange);
    end_held(fixture);
}

/* Dropping a batch half-way: what has ended goes, what waits is given up. */
static void
test_drop_batch(void **state)
{
    struct talk talk;
    struct fixture *fixture = begin_held(
        &talk, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"},"
               "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"check\",\"params\":{" HOLD "}}]");
    (void)state;
    assert_int_equal(talk.replies, 0);
    assert_ptr_equal(calls_first(fixture->calls), &talk.exchange);
    assert_null(calls_next(fixture->calls, &talk.exchange));
    calls_drop(&talk.exchange);
    assert_null(calls_first(fixture->calls));
    end_held(fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_submitted),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_call_times_out),
        cmocka_unit_test(test_overloaded),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_notifications),
        cmocka_unit_test(test_gone_is_cancelled),
        cmocka_unit_test(test_asked_again),
        cmocka_unit_test(test_key_is_given_up),
        cmocka_unit_test(test_submitted_stays),
        cmocka_unit_test(test_key_with_other_params),
        cmocka_unit_test(test_drop_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
