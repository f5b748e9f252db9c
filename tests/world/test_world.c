/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The world as its clients see it: who gets which reply, each fault, and a log that is true. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "tests/support/common.h"
#include "tests/support/world.h"
#include "tests/world/test_client.h"

#define CASES TEST_SOURCE_DIR "/tests/world/testdata"
#define ALICE_MAIL "/plain/lookup?email=alice%40example.com&exact=1"
#define BOB_MAIL "/plain/lookup?email=bob%40example.com&exact=1"

static struct world *world; /* of the running test; stopped by its teardown */

static void
start_world(const char *script, double scale)
{
    world =
        world_start(&(struct world_options){ .script = script, .cases = CASES, .scale = scale });
}

static int
stop_world(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

/* ---- Who gets what */

static void
test_registered_and_not(void **state)
{
    static const struct {
        const char *target;
        int status;
        const char *body;
    } rows[] = {
        { ALICE_MAIL, 200,
          "{\"found\":true,\"email\":\"alice@example.com\",\"login\":\"alice\","
          "\"page\":\"https://plain.example/alice\",\"note\":\"malice stays\"}" },
        { "/plain/lookup?email=Bob.B%2bx%40example.org&exact=1", 200,
          "{\"found\":true,\"email\":\"Bob.B+x@example.org\",\"login\":\"Bob.B+x\","
          "\"page\":\"https://plain.example/Bob.B+x\",\"note\":\"malice stays\"}" },
        { "/plain/lookup?email=carol@example.com&exact=1", 200,
          "{\"found\":false,\"email\":\"carol@example.com\"}" },
        { "/plain/lookup?email=%22q%22%40example.com&exact=1", 200,
          "{\"found\":false,\"email\":\"\\\"q\\\"@example.com\"}" },
        { "/plain/dave", 200, "<h1>dave</h1><a href=\"/dave/friends\">malice</a>" },
        { "/plain/eve%20x", 404, "nobody is called eve x\n" },
        { "/plain/dave/friends", 501,
          "rollcall-world: no case of this platform has such a request\n" },
        { "/plain/lookup?email=alice%40example.com", 501,
          "rollcall-world: no case of this platform has such a request\n" },
        { "/elsewhere/dave", 404, "rollcall-world: the script has no such platform\n" },
    };
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"registered\":"
                "[\"alice@example.com\",\"bob.b+x@example.org\",\"dave\"]}}}",
                1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client_reply reply = client_fetch(world_http(world), rows[i].target);
        if (reply.end != CLIENT_WHOLE || reply.status != rows[i].status ||
            strcmp(reply.body, rows[i].body) != 0) {
            support_fail("row %zu: %d %s", i, reply.status, reply.body);
        }
        client_reply_free(&reply);
    }
}

static struct client_reply
post(const char *target, const char *body)
{
    struct client client = client_open(world_http(world));
    client_post(&client, target, body);
    struct client_reply reply = client_receive(&client);
    client_close(&client);
    return reply;
}

/* Page, then a search with the page's token; the recorded miss had another token. */
static void
test_chain(void **state)
{
    static const struct {
        const char *target;
        const char *body;
        int status;
        const char *reply;
    } rows[] = {
        { "/chain/search?ctx=1", "token=T1&email=alice%40example.com&go=1", 200,
          "{\"match\":\"alice@example.com\"}" },
        { "/chain/search?ctx=1", "token=T1&email=bob%40example.com&go=1", 200, "{\"match\":null}" },
        { "/chain/search?ctx=1", "token=T3&email=bob%40example.com&go=1", 501, NULL },
        { "/chain/names", "{\"name\":\"alice\",\"strict\":true}", 200, "{\"taken\":false}" },
        { "/chain/names", "{\"name\":\"d\\u0061ve\",\"strict\":true}", 200, "{\"taken\":true}" },
    };
    (void)state;
    start_world("{\"platforms\":{\"chain\":{\"registered\":[\"alice@example.com\",\"dave\"]}}}", 1);
    struct client_reply page = client_fetch(world_http(world), "/chain/start");
    assert_string_equal(page.body, "<input name=\"token\" value=\"T1\">");
    client_reply_free(&page);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client_reply reply = post(rows[i].target, rows[i].body);
        if (reply.status != rows[i].status ||
            (rows[i].reply != NULL && strcmp(reply.body, rows[i].reply) != 0)) {
            support_fail("row %zu: %d %s", i, reply.status, reply.body);
        }
        client_reply_free(&reply);
    }
}

static void
test_forced_case(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"case\":\"email-moved\"}}}", 1);
    struct client_reply reply = client_fetch(world_http(world), BOB_MAIL);
    char *location =
        support_text("\r\nLocation: %s/plain/login?next=bob%%40example.com\r\n", world_http(world));
    assert_int_equal(reply.status, 302);
    assert_non_null(strstr(reply.head, location));
    assert_non_null(strstr(reply.head, "\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
    free(location);
    client_reply_free(&reply);
}

/* A reply that the host cut is so long that it is cut again. */
static void
test_forced_cut_case(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"case\":\"email-cut\"}}}", 1);
    struct client_reply reply = client_fetch(world_http(world), ALICE_MAIL);
    assert_true(reply.body_len > 1024 * 1024);
    assert_memory_equal(reply.body, "{\"found\":tr  ", 13);
    client_reply_free(&reply);
}

/* From the request of this index to the reply on the same connection. */
static int64_t
reply_us(const struct world_log *log, size_t index)
{
    const struct world_event *request = NULL;
    for (size_t i = 0, requests = 0; i < log->count; i++) {
        const struct world_event *event = &log->events[i];
        if (event->kind == WORLD_REQUEST && requests++ == index) {
            request = event;
        } else if (event->kind == WORLD_REPLY && request != NULL &&
                   event->connection == request->connection) {
            return event->t_us - request->t_us;
        }
    }
    support_fail("request %zu has no reply", index);
}

static void
test_latencies(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"latency_ms\":600},"
                "\"chain\":{\"latencies_ms\":[300,900]}}}",
                0.1);
    struct client_reply replies[] = {
        client_fetch(world_http(world), ALICE_MAIL),
        client_fetch(world_http(world), "/chain/start"),
        post("/chain/search?ctx=1", "token=T1&email=bob%40example.com&go=1"),
    };
    static const int64_t wanted_us[] = { 60000, 30000, 90000 };
    assert_true(world_wait(world, WORLD_REPLY, NULL, 3, CHILD_WAIT_MS));
    struct world_log log = world_log(world);
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        assert_int_equal(replies[i].status, 200);
        int64_t took_us = reply_us(&log, i);
        if (took_us < wanted_us[i] - 1000) {
            support_fail("row %zu took %lld us", i, (long long)took_us);
        }
        client_reply_free(&replies[i]);
    }
    world_log_free(&log);
}

/* ---- Faults */

static struct client_reply
fetch_with_fault(const char *fault, double scale)
{
    char *script = support_text("{\"platforms\":{\"plain\":{\"registered\":[\"alice@example.com\"],"
                                "%s}}}",
                                fault);
    start_world(script, scale);
    free(script);
    return client_fetch(world_http(world), ALICE_MAIL);
}

static void
test_reset(void **state)
{
    (void)state;
    struct client_reply reply = fetch_with_fault("\"fault\":\"reset\"", 1);
    assert_int_equal(reply.end, CLIENT_RESET);
    client_reply_free(&reply);
    assert_true(world_wait(world, WORLD_CLOSED, "plain", 1, CHILD_WAIT_MS));
    struct world_log log = world_log(world);
    assert_true(world_log_first(&log, WORLD_CLOSED, "plain")->by_world);
    assert_int_equal(world_log_count(&log, WORLD_REPLY, NULL), 0);
    world_log_free(&log);
}

static void
test_close(void **state)
{
    (void)state;
    struct client_reply reply = fetch_with_fault("\"fault\":\"close\"", 1);
    assert_int_equal(reply.end, CLIENT_CLOSED);
    assert_string_equal(reply.head, "");
    client_reply_free(&reply);
}

static void
test_hang(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"nobody\":{\"fault\":\"hang\"}}}", 1);
    struct client client = client_open(world_http(world));
    client_get(&client, "/nobody/x");
    assert_true(world_wait(world, WORLD_REQUEST, "nobody", 1, CHILD_WAIT_MS));
    client_close(&client);
    assert_true(world_wait(world, WORLD_ABORTED, "nobody", 1, CHILD_WAIT_MS));
    struct world_log log = world_log(world);
    assert_int_equal(world_log_count(&log, WORLD_REPLY, NULL), 0);
    world_log_free(&log);
}

static void
test_truncate(void **state)
{
    (void)state;
    struct client_reply reply = fetch_with_fault("\"fault\":\"truncate\"", 1);
    assert_int_equal(reply.end, CLIENT_CLOSED);
    assert_int_equal(reply.status, 200);
    assert_true(reply.body_len > 0 && reply.body_len < reply.promised);
    client_reply_free(&reply);
}

static void
test_endless(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"fault\":\"endless\"}}}", 1);
    struct client client = client_open(world_http(world));
    client_get(&client, "/plain/x");
    assert_true(client_drain(&client, 32u * 1024 * 1024));
    /* Others are served while it goes on. */
    struct client_reply other = client_fetch(world_http(world), "/elsewhere");
    assert_int_equal(other.status, 404);
    client_reply_free(&other);
    client_close(&client);
    assert_true(world_wait(world, WORLD_ABORTED, "plain", 1, CHILD_WAIT_MS));
}

static void
test_drip(void **state)
{
    (void)state;
    int64_t begun_us = support_now_us();
    struct client_reply reply = fetch_with_fault("\"fault\":\"drip\"", 0.01); /* 1 ms a byte */
    int64_t took_us = support_now_us() - begun_us;
    size_t bytes = strlen(reply.head) + reply.body_len;
    assert_int_equal(reply.end, CLIENT_WHOLE);
    assert_int_equal(reply.status, 200);
    assert_true(took_us > (int64_t)(bytes - 2) * 1000);
    client_reply_free(&reply);
}

static void
test_redirect_loop(void **state)
{
    (void)state;
    struct client_reply reply = fetch_with_fault("\"fault\":\"redirect_loop\"", 1);
    assert_int_equal(reply.status, 302);
    assert_non_null(strstr(reply.head, "\r\nLocation: " ALICE_MAIL "\r\n"));
    client_reply_free(&reply);
}

static void
test_garbage(void **state)
{
    (void)state;
    struct client_reply reply = fetch_with_fault("\"fault\":\"garbage\"", 1);
    assert_int_equal(reply.end, CLIENT_CLOSED);
    assert_int_equal(reply.status, 0);
    assert_true(strlen(reply.head) > 0);
    client_reply_free(&reply);
}

static void
test_statuses(void **state)
{
    static const struct {
        const char *fault;
        int status;
        const char *mark; /* in head or body */
    } rows[] = {
        { "\"fault\":\"status:429\",\"headers\":{\"Retry-After\":\"60\"}", 429,
          "\r\nRetry-After: 60\r\n" },
        { "\"fault\":\"status:200\"", 200, "a fault of the script" },
        { "\"fault\":\"bot_wall\"", 403, "Just a moment..." },
        { "\"fault\":\"bot_wall:503\"", 503, "cf-mitigated: challenge" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client_reply reply = fetch_with_fault(rows[i].fault, 1);
        if (reply.end != CLIENT_WHOLE || reply.status != rows[i].status ||
            (strstr(reply.head, rows[i].mark) == NULL &&
             strstr(reply.body, rows[i].mark) == NULL)) {
            support_fail("row %zu: %s%s", i, reply.head, reply.body);
        }
        client_reply_free(&reply);
        world_stop(&world);
    }
}

static void
test_fault_for_one(void **state)
{
    (void)state;
    struct client_reply alice = fetch_with_fault(
        "\"fault\":\"close\",\"fault_for\":[\"bob@example.com\"],\"latency_ms\":1", 1);
    struct client_reply bob = client_fetch(world_http(world), BOB_MAIL);
    assert_int_equal(alice.status, 200);
    assert_int_equal(bob.end, CLIENT_CLOSED);
    assert_int_equal(bob.status, 0);
    client_reply_free(&alice);
    client_reply_free(&bob);
}

/* ---- Connections and the log */

static void
test_keep_alive(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"latency_ms\":5}}}", 1);
    struct client client = client_open(world_http(world));
    for (int i = 0; i < 3; i++) {
        client_get(&client, ALICE_MAIL);
        struct client_reply reply = client_receive(&client);
        assert_int_equal(reply.status, 200);
        client_reply_free(&reply);
    }
    /* Two at once, the first of them with a body. */
    client_send(&client, "POST /elsewhere HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
                         "GET " BOB_MAIL " HTTP/1.1\r\nConnection: close\r\n\r\n");
    struct client_reply first = client_receive(&client);
    struct client_reply second = client_receive(&client);
    assert_int_equal(first.status, 404);
    assert_string_equal(second.body, "{\"found\":false,\"email\":\"bob@example.com\"}");
    client_reply_free(&first);
    client_reply_free(&second);
    struct client_reply end = client_receive(&client);
    assert_int_equal(end.end, CLIENT_CLOSED);
    client_reply_free(&end);
    client_close(&client);
    assert_true(world_wait(world, WORLD_CLOSED, NULL, 1, CHILD_WAIT_MS));
    struct world_log log = world_log(world);
    assert_int_equal(world_log_count(&log, WORLD_REPLY, NULL), 5);
    for (size_t i = 0; i < log.count; i++) {
        assert_int_equal(log.events[i].connection, 1);
    }
    world_log_free(&log);
}

static void
test_log_is_true(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"latency_ms\":20},\"slow\":{\"fault\":\"hang\"}}}", 1);
    struct client idle = client_open(world_http(world));
    struct client waiting = client_open(world_http(world));
    int64_t sent_us = support_now_us();
    client_get(&idle, ALICE_MAIL);
    client_get(&waiting, "/slow/x");
    struct client_reply reply = client_receive(&idle);
    int64_t received_us = support_now_us();
    assert_true(world_wait(world, WORLD_REQUEST, "slow", 1, CHILD_WAIT_MS));
    int64_t closed_us = support_now_us();
    client_close(&idle);
    client_close(&waiting);
    assert_true(world_wait(world, WORLD_CLOSED, "plain", 1, CHILD_WAIT_MS));
    assert_true(world_wait(world, WORLD_ABORTED, "slow", 1, CHILD_WAIT_MS));

    struct world_log log = world_log(world);
    const struct world_event *request = world_log_first(&log, WORLD_REQUEST, "plain");
    const struct world_event *replied = world_log_first(&log, WORLD_REPLY, "plain");
    const struct world_event *closed = world_log_first(&log, WORLD_CLOSED, "plain");
    const struct world_event *aborted = world_log_first(&log, WORLD_ABORTED, "slow");
    assert_string_equal(request->method, "GET");
    assert_string_equal(request->target, ALICE_MAIL);
    assert_int_equal(request->connection, replied->connection);
    assert_int_equal(request->connection, closed->connection);
    assert_int_not_equal(request->connection, aborted->connection);
    assert_int_equal(replied->status, 200);
    assert_false(closed->by_world);
    assert_true(request->t_us >= sent_us && request->t_us <= received_us);
    assert_true(replied->t_us >= request->t_us + 20000 - 1000 && replied->t_us <= received_us);
    assert_true(closed->t_us >= closed_us && aborted->t_us >= closed_us);
    print_message("seen after: reply %lld us (by the client), close %lld us, abort %lld us\n",
                  (long long)(received_us - replied->t_us), (long long)(closed->t_us - closed_us),
                  (long long)(aborted->t_us - closed_us));
    world_log_free(&log);
    client_reply_free(&reply);
}

static void
test_bad_requests(void **state)
{
    static const char *const requests[] = {
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    (void)state;
    start_world("{\"platforms\":{}}", 1);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct client client = client_open(world_http(world));
        client_send(&client, requests[i]);
        struct client_reply reply = client_receive(&client);
        if (reply.status != 400) {
            support_fail("row %zu: %s", i, reply.head);
        }
        client_reply_free(&reply);
        client_close(&client);
    }
}

/* ---- What a real client sees: TLS, gzip, Expect */

struct sink {
    size_t bytes;
    size_t max;
};

static size_t
count_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct sink *sink = context;
    (void)bytes;
    sink->bytes += size * count;
    return sink->bytes > sink->max ? 0 : size * count;
}

static CURL *
new_curl(const char *origin, const char *target, struct sink *sink)
{
    CURL *curl = curl_easy_init();
    char *url = support_text("%s%s", origin, target);
    assert_non_null(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)SUPPORT_WAIT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    free(url);
    return curl;
}

static void
test_https(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"latency_ms\":1},"
                "\"cut\":{\"fault\":\"close\"}}}",
                1);
    struct sink sink = { .max = SIZE_MAX / 2 };
    CURL *trusting = new_curl(world_https(world), ALICE_MAIL, &sink);
    curl_easy_setopt(trusting, CURLOPT_CAINFO, world_ca_file(world));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(curl_easy_perform(trusting), CURLE_OK);
    }
    long connects = 0;
    curl_easy_getinfo(trusting, CURLINFO_NUM_CONNECTS, &connects);
    assert_int_equal(connects, 0); /* the third went over the first's connection */
    char *cut = support_text("%s/cut/x", world_https(world));
    curl_easy_setopt(trusting, CURLOPT_URL, cut);
    assert_int_not_equal(curl_easy_perform(trusting), CURLE_OK);
    free(cut);
    curl_easy_cleanup(trusting);

    CURL *wary = new_curl(world_https(world), ALICE_MAIL, &sink);
    assert_int_equal(curl_easy_perform(wary), CURLE_PEER_FAILED_VERIFICATION);
    curl_easy_cleanup(wary);
}

static void
test_gzip_bomb(void **state)
{
    const size_t hit = 64u * 1024 * 1024;
    (void)state;
    start_world("{\"platforms\":{\"plain\":{\"fault\":\"gzip_bomb\"}}}", 1);
    struct sink sink = { .max = hit };
    CURL *curl = new_curl(world_http(world), ALICE_MAIL, &sink);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    assert_int_equal(curl_easy_perform(curl), CURLE_WRITE_ERROR);
    curl_off_t wire = 0;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &wire);
    assert_true(sink.bytes > hit && wire < 4 * 1024 * 1024);
    curl_easy_cleanup(curl);
}

static void
test_expect_continue(void **state)
{
    (void)state;
    start_world("{\"platforms\":{}}", 1);
    struct client client = client_open(world_http(world));
    client_send(&client, "POST /x HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    struct client_reply go_on = client_receive(&client);
    assert_int_equal(go_on.status, 100);
    client_send(&client, "ab");
    struct client_reply reply = client_receive(&client);
    assert_int_equal(reply.status, 404);
    client_reply_free(&go_on);
    client_reply_free(&reply);
    client_close(&client);
}

/* The one that is due first, whoever asked first; nobody without a latency. */
static void
test_hurry(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"x\":{\"fault\":\"status:500\",\"latency_ms\":900000},"
                "\"y\":{\"fault\":\"status:500\",\"latency_ms\":300000},"
                "\"z\":{\"fault\":\"hang\"}}}",
                1);
    const char *const names[] = { "z", "x", "y" };
    struct client clients[ARRAY_LEN(names)];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *target = support_text("/%s/1", names[i]);
        clients[i] = client_open(world_http(world));
        client_get(&clients[i], target);
        assert_true(world_wait(world, WORLD_REQUEST, names[i], 1, CHILD_WAIT_MS));
        free(target);
    }
    for (size_t i = ARRAY_LEN(names) - 1; i > 0; i--) {
        struct world_log log = world_log(world);
        assert_int_equal(world_log_count(&log, WORLD_REPLY, NULL), ARRAY_LEN(names) - 1 - i);
        world_log_free(&log);
        world_hurry_next(world);
        struct client_reply reply = client_receive(&clients[i]);
        assert_int_equal(reply.status, 500);
        client_reply_free(&reply);
        assert_true(world_wait(world, WORLD_REPLY, names[i], 1, CHILD_WAIT_MS));
    }
    world_hurry_next(world); /* there is none */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        client_close(&clients[i]);
    }
    assert_true(world_wait(world, WORLD_ABORTED, "z", 1, CHILD_WAIT_MS));
}

/* SIGTERM with replies due: the teardown asserts exit status 0. */
static void
test_stop_in_flight(void **state)
{
    (void)state;
    start_world("{\"platforms\":{\"x\":{\"fault\":\"hang\"},\"y\":{\"fault\":\"endless\"}}}", 1);
    struct client hanging = client_open(world_http(world));
    struct client endless = client_open(world_http(world));
    client_get(&hanging, "/x/1");
    client_get(&endless, "/y/1");
    assert_true(world_wait(world, WORLD_REQUEST, "x", 1, CHILD_WAIT_MS));
    world_stop(&world);
    struct client_reply reply = client_receive(&hanging);
    assert_int_not_equal(reply.end, CLIENT_LATE);
    client_reply_free(&reply);
    client_close(&hanging);
    client_close(&endless);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_registered_and_not, stop_world),
        cmocka_unit_test_teardown(test_chain, stop_world),
        cmocka_unit_test_teardown(test_forced_case, stop_world),
        cmocka_unit_test_teardown(test_forced_cut_case, stop_world),
        cmocka_unit_test_teardown(test_latencies, stop_world),
        cmocka_unit_test_teardown(test_reset, stop_world),
        cmocka_unit_test_teardown(test_close, stop_world),
        cmocka_unit_test_teardown(test_hang, stop_world),
        cmocka_unit_test_teardown(test_truncate, stop_world),
        cmocka_unit_test_teardown(test_endless, stop_world),
        cmocka_unit_test_teardown(test_drip, stop_world),
        cmocka_unit_test_teardown(test_redirect_loop, stop_world),
        cmocka_unit_test_teardown(test_garbage, stop_world),
        cmocka_unit_test_teardown(test_statuses, stop_world),
        cmocka_unit_test_teardown(test_fault_for_one, stop_world),
        cmocka_unit_test_teardown(test_keep_alive, stop_world),
        cmocka_unit_test_teardown(test_log_is_true, stop_world),
        cmocka_unit_test_teardown(test_bad_requests, stop_world),
        cmocka_unit_test_teardown(test_https, stop_world),
        cmocka_unit_test_teardown(test_gzip_bomb, stop_world),
        cmocka_unit_test_teardown(test_expect_continue, stop_world),
        cmocka_unit_test_teardown(test_hurry, stop_world),
        cmocka_unit_test_teardown(test_stop_in_flight, stop_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
