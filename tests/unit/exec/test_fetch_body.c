/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* What is kept of a reply: limits of one body, of all bodies and of heads; stop_at wherever the
 * network cuts. */

#include "daemon/exec/fetch_int.h"
#include "tests/unit/exec/fetch_fixture.h"

#define EMPTY "Content-Length: 0\r\n\r\n"

/* ---- A server that sends pieces, and waits at the gate between them */

struct pieces {
    const char *const *list;
    size_t count;
};

static void
serve_pieces(struct scripted_conn *conn, void *context)
{
    const struct pieces *pieces = context;
    if (scripted_read(conn) == NULL) {
        return;
    }
    for (size_t i = 0; i < pieces->count; i++) {
        if (i > 0) {
            scripted_gate(conn);
        }
        scripted_send(conn, pieces->list[i], strlen(pieces->list[i]));
    }
    scripted_until_closed(conn);
}

static size_t
body_bytes(void)
{
    struct fetcher_stats stats;
    fetcher_stats(fetcher, &stats);
    return stats.body_bytes;
}

struct stop_row {
    const char *pieces[3]; /* of the body */
    const char *stops[3];
    const char *body; /* what is kept */
    int hit;
};

static const struct stop_row stop_rows[] = {
    { { "say yes and more" }, { "yes" }, "say yes", 0 },
    { { "say y", "es and more" }, { "yes" }, "say yes", 0 },
    { { "say y", "e", "s and more" }, { "yes" }, "say yes", 0 },
    { { "say yes" }, { "yes" }, "say yes", 0 },
    { { "yes" }, { "no", "yes" }, "yes", 1 },
    { { "a no b yes" }, { "yes", "no" }, "a no", 1 },
    { { "a n", "o b yes" }, { "yes", "no" }, "a no", 1 },
    { { "abcd" }, { "abcd", "bc" }, "abc", 1 },     /* the first to end */
    { { "abc", "d" }, { "abcd", "bc" }, "abc", 1 }, /* however it is cut */
    { { "abcd" }, { "cd", "d" }, "abcd", 0 },       /* both end here: the first named */
    { { "aab" }, { "ab" }, "aab", 0 },
    { { "a", "ab" }, { "ab" }, "aab", 0 },
};

static size_t
count_of(const char *const *list)
{
    size_t count = 0;
    while (count < 3 && list[count] != NULL) {
        count++;
    }
    return count;
}

static void
run_stop_row(size_t index, const struct stop_row *row)
{
    char first[256];
    const char *list[3];
    struct pieces pieces = { list, count_of(row->pieces) };
    memcpy(list, row->pieces, sizeof(list));
    (void)snprintf(first, sizeof(first), "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n%s",
                   row->pieces[0]);
    list[0] = first;
    restart_server(serve_pieces, &pieces, NULL);
    text_count = 0;
    struct fetch_request request = get(url_of("/"));
    request.stop_at = row->stops;
    request.stop_at_count = count_of(row->stops);
    struct future *future = begin(&request);
    for (size_t i = 1, seen = 0; i < pieces.count; i++) {
        struct fetch *fetch = CONTAINER_OF(future, struct fetch, future);
        seen += strlen(row->pieces[i - 1]);
        TURN_UNTIL(future_is_done(future) || fetch->body.len == seen);
        scripted_open_gate(server);
    }
    TURN_UNTIL(future_is_done(future));
    const struct fetch_reply *reply = reply_of(future);
    if (strcmp(reply->body, row->body) != 0 || reply->body_len != strlen(row->body) ||
        reply->stop_hit != row->hit || !reply->truncated) {
        fail_msg("row %zu: \"%s\", hit %d", index, reply->body, reply->stop_hit);
    }
    future_unref(&future);
    assert_true(scripted_await_closed(server, 1)); /* the rest is not waited for */
    scripted_stop(&server);
}

static void
reading_stops_at_the_first_mark(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stop_rows); i++) {
        run_stop_row(i, &stop_rows[i]);
    }
}

static void
mark_not_seen_changes_nothing(void **state)
{
    (void)state;
    static const struct fixture_route table[] = {
        { .target = "/", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" },
    };
    static const char *const stops[] = { "hellos", "lot" };
    USE_ROUTES(table);
    struct future *future = NULL;
    struct fetch_request request = get(url_of("/"));
    request.stop_at = stops;
    request.stop_at_count = ARRAY_LEN(stops);
    assert_int_equal(run(&request, &future), ERROR_OK);
    assert_int_equal(reply_of(future)->stop_hit, -1);
    assert_false(reply_of(future)->truncated);
    assert_int_equal(body_bytes(), strlen("hello") + 1); /* no more than it needs */
    future_unref(&future);
}

struct size_row {
    size_t body_max;
    size_t kept;
    bool truncated;
};

static const struct size_row sizes[] = {
    { 4, 4, true }, { 5, 5, false }, { 6, 5, false }, { 1, 1, true }, { 0, 0, true },
};

static void
body_max_is_exact(void **state)
{
    (void)state;
    static const struct fixture_route table[] = {
        { .target = "/", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" },
    };
    USE_ROUTES(table);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct future *future = NULL;
        struct fetch_request request = get(url_of("/"));
        request.body_max = sizes[i].body_max;
        assert_int_equal(run(&request, &future), ERROR_OK);
        const struct fetch_reply *reply = reply_of(future);
        if (reply->body_len != sizes[i].kept || reply->truncated != sizes[i].truncated ||
            strncmp(reply->body, "hello", reply->body_len) != 0 ||
            reply->body[reply->body_len] != '\0') {
            fail_msg("row %zu: %zu bytes, truncated %d", i, reply->body_len, reply->truncated);
        }
        future_unref(&future);
    }
}

/* ---- What does not end by itself */

static void
serve_for_ever(struct scripted_conn *conn, void *context)
{
    const char *const *parts = context; /* once, then again and again */
    char *many = malloc(65536);
    assert_non_null(many);
    size_t len = 0;
    while (len + strlen(parts[1]) < 65536) {
        memcpy(many + len, parts[1], strlen(parts[1]));
        len += strlen(parts[1]);
    }
    if (scripted_read(conn) != NULL && scripted_send(conn, parts[0], strlen(parts[0]))) {
        while (scripted_send(conn, many, len)) {
        }
    }
    free(many);
}

static const char *const endless_chunks[] = {
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nmore\r\n"
};
static const char *const endless_body[] = { "HTTP/1.1 200 OK\r\n\r\n", "more" };
static const char *const endless_head[] = { "HTTP/1.1 200 OK\r\n", "X-More: and more\r\n" };
static const char *const endless_line[] = { "HTTP/1.1 200 OK\r\nX-Long: ", "more" };
static const char *const endless_fold[] = { "HTTP/1.1 200 OK\r\nX-Long: a\r\n", " more\r\n" };
static const char *const endless_interim[] = { "", "HTTP/1.1 103 Soon\r\n\r\n" };
static const char *const endless_trailer[] = {
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-More: and more\r\n"
};
static const char *const endless_redirect[] = { "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
                                                "more" };

struct endless_row {
    const char *const *parts;
    int error;
};

static const struct endless_row endless[] = {
    { endless_chunks, ERROR_OK },        { endless_body, ERROR_OK },
    { endless_head, ERROR_PROTOCOL },    { endless_line, ERROR_PROTOCOL },
    { endless_fold, ERROR_PROTOCOL },    { endless_interim, ERROR_PROTOCOL },
    { endless_trailer, ERROR_PROTOCOL }, { endless_redirect, ERROR_LOOP },
};

static void
endless_replies_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        union {
            const char *const *from;
            void *to;
        } parts = { .from = endless[i].parts };
        struct future *future = NULL;
        restart_server(serve_for_ever, parts.to, NULL);
        text_count = 0;
        struct fetch_request request = get(url_of("/"));
        request.redirects_max = 2;
        int error = run(&request, &future);
        if (error != endless[i].error) {
            fail_msg("row %zu: %s", i, error_name(error));
        }
        if (error == ERROR_OK &&
            (reply_of(future)->body_len != FIXTURE_BODY_MAX || !reply_of(future)->truncated)) {
            fail_msg("row %zu: %zu bytes", i, reply_of(future)->body_len);
        }
        future_unref(&future);
        assert_true(scripted_await_closed(server, 1));
    }
    assert_int_equal(body_bytes(), 0);
}

static void
heads_have_a_number_of_fields(void **state)
{
    (void)state;
    for (int count = FETCH_HEADERS_MAX; count <= FETCH_HEADERS_MAX + 1; count++) {
        struct buf reply;
        buf_init(&reply, 65536);
        buf_append_str(&reply, "HTTP/1.1 200 OK\r\n");
        for (int i = 1; i < count; i++) {
            buf_printf(&reply, "X-%d: %d\r\n", i, i);
        }
        buf_append_str(&reply, EMPTY);
        const char *list[] = { buf_str(&reply) };
        struct pieces pieces = { list, 1 };
        struct future *future = NULL;
        restart_server(serve_pieces, &pieces, NULL);
        struct fetch_request request = get(url_of("/"));
        assert_int_equal(run(&request, &future),
                         count <= FETCH_HEADERS_MAX ? ERROR_OK : ERROR_PROTOCOL);
        if (count <= FETCH_HEADERS_MAX) {
            assert_string_equal(header_of(reply_of(future), "X-63"), "63");
        }
        future_unref(&future);
        scripted_stop(&server);
        buf_fini(&reply);
    }
}

/* ---- All bodies together */

#define LARGE_BODY 60000

static void
serve_large(struct scripted_conn *conn, void *context)
{
    static char body[LARGE_BODY];
    (void)context;
    while (scripted_read(conn) != NULL) {
        scripted_say(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE_BODY);
        scripted_send(conn, body, sizeof(body));
    }
}

static size_t
paused_count(void)
{
    size_t count = 0;
    LIST_FOR_EACH (node, &fetcher->paused) {
        count++;
    }
    return count;
}

static void
past_the_limit_transfers_pause(void **state)
{
    (void)state;
    options.body_bytes_max = LARGE_BODY + LARGE_BODY / 2;
    reopen_fetcher();
    restart_server(serve_large, NULL, NULL);
    struct future *futures[6];
    size_t done = 0;
    struct fetch_request request = get(url_of("/"));
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        futures[i] = begin(&request);
    }
    bool has_paused = false;
    while (done < ARRAY_LEN(futures)) {
        /* Nothing is freed until all the others have paused or ended. */
        TURN_UNTIL(fetcher->finished > done &&
                   fetcher->finished + paused_count() == ARRAY_LEN(futures));
        assert_true(body_bytes() <= options.body_bytes_max + FIXTURE_BODY_MAX);
        has_paused = has_paused || paused_count() > 0;
        for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
            if (futures[i] != NULL && future_is_done(futures[i])) {
                assert_int_equal(reply_of(futures[i])->body_len, LARGE_BODY);
                future_unref(&futures[i]);
                done++;
            }
        }
    }
    assert_true(has_paused);
    assert_int_equal(body_bytes(), 0);
}

static void
paused_transfers_can_be_cancelled(void **state)
{
    (void)state;
    options.body_bytes_max = 1;
    reopen_fetcher();
    restart_server(serve_large, NULL, NULL);
    struct future *futures[4];
    struct fetch_request request = get(url_of("/"));
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        futures[i] = begin(&request);
    }
    TURN_UNTIL(paused_count() + fetcher->finished == ARRAY_LEN(futures) && paused_count() > 0);
    size_t cancelled = 0;
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        cancelled += future_cancel(futures[i]) ? 1 : 0;
        future_unref(&futures[i]);
    }
    assert_true(cancelled > 0);
    assert_int_equal(paused_count(), 0);
    assert_int_equal(body_bytes(), 0);
    assert_int_equal(error_of_run(&request), ERROR_OK);
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(reading_stops_at_the_first_mark),
        FETCH_TEST(mark_not_seen_changes_nothing),
        FETCH_TEST(body_max_is_exact),
        FETCH_TEST(endless_replies_end),
        FETCH_TEST(heads_have_a_number_of_fields),
        FETCH_TEST(past_the_limit_transfers_pause),
        FETCH_TEST(paused_transfers_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
