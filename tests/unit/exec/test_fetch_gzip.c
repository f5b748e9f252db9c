/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Gzip bodies: honest, cut short, broken and hostile. */

#include <zlib.h>

#include "tests/unit/exec/fetch_fixture.h"

static size_t
pack(const void *bytes, size_t len, char *out, size_t size)
{
    z_stream stream = { 0 };
    union {
        const void *from;
        unsigned char *to;
    } input = { .from = bytes };
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_in = input.to;
    stream.avail_in = (unsigned)len;
    stream.next_out = (unsigned char *)out;
    stream.avail_out = (unsigned)size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

#define PACKED_MAX 131072
static char packed_reply[PACKED_MAX];

/* A reply whose body is `len` bytes of gzip, of which `sent` are sent and announced. */
static void
serve_packed(const char *head, const char *gzip, size_t len)
{
    static struct fixture_route table[1];
    scripted_stop(&server); /* its threads may still read the reply of before */
    int start = snprintf(packed_reply, sizeof(packed_reply),
                         "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", head, len);
    assert_true((size_t)start + len <= sizeof(packed_reply));
    memcpy(packed_reply + start, gzip, len);
    table[0] = (struct fixture_route){ .target = "/",
                                       .reply = packed_reply,
                                       .reply_len = (size_t)start + len };
    restart_server(serve_routes, NULL, NULL);
    USE_ROUTES(table);
}

#define GZIP "Content-Encoding: gzip\r\n"

static void
gzip_is_unpacked(void **state)
{
    (void)state;
    char gzip[512];
    struct future *future = NULL;
    size_t len = pack("hello hello hello", 17, gzip, sizeof(gzip));
    len += pack(" again", 6, gzip + len, sizeof(gzip) - len); /* a second member */
    memcpy(gzip + len, "\0\0padding", 9);
    serve_packed("Content-Encoding: GZip\r\n", gzip, len + 9);
    struct fetch_request request = get(url_of("/"));
    assert_int_equal(run(&request, &future), ERROR_OK);
    assert_string_equal(reply_of(future)->body, "hello hello hello again");
    assert_false(reply_of(future)->truncated);
    future_unref(&future);
}

static void
gzip_meets_the_same_marks(void **state)
{
    (void)state;
    static const char *const stops[] = { "needle" };
    char *plain = malloc(60000);
    char *gzip = malloc(70000);
    assert_non_null(plain);
    assert_non_null(gzip);
    for (size_t i = 0; i < 60000; i++) {
        plain[i] = (char)('a' + (i * i / 7) % 26);
    }
    memcpy(plain + 8192 - 3, "needle", 6); /* across the pieces of the unpacker */
    serve_packed(GZIP, gzip, pack(plain, 60000, gzip, 70000));
    struct future *future = NULL;
    struct fetch_request request = get(url_of("/"));
    request.stop_at = stops;
    request.stop_at_count = 1;
    assert_int_equal(run(&request, &future), ERROR_OK);
    assert_int_equal(reply_of(future)->stop_hit, 0);
    assert_int_equal(reply_of(future)->body_len, 8192 + 3);
    assert_memory_equal(reply_of(future)->body, plain, 8192 + 3);
    future_unref(&future);
    free(plain);
    free(gzip);
}

static void
gzip_cut_short_is_not_a_body(void **state)
{
    (void)state;
    char gzip[512];
    size_t len = pack("hello hello hello", 17, gzip, sizeof(gzip));
    for (size_t cut = 1; cut < len; cut += 4) {
        serve_packed(GZIP, gzip, len - cut); /* all that was announced, and still not all */
        text_count = 0;
        struct fetch_request request = get(url_of("/"));
        int error = error_of_run(&request);
        if (error != ERROR_UNREACHABLE) {
            fail_msg("cut by %zu: %s", cut, error_name(error));
        }
    }
    gzip[len - 6] ^= 1; /* the checksum */
    serve_packed(GZIP, gzip, len);
    struct fetch_request request = get(url_of("/"));
    assert_int_equal(error_of_run(&request), ERROR_PROTOCOL);
}

static void
gzip_bomb_is_met_a_piece_at_a_time(void **state)
{
    (void)state;
    enum { BOMB = 64 * 1024 * 1024 };
    char *zeros = calloc(1, BOMB);
    char *gzip = malloc(PACKED_MAX);
    assert_non_null(zeros);
    assert_non_null(gzip);
    serve_packed(GZIP, gzip, pack(zeros, BOMB, gzip, PACKED_MAX));
    struct future *future = NULL;
    struct fetch_request request = get(url_of("/"));
    assert_int_equal(run(&request, &future), ERROR_OK);
    assert_int_equal(reply_of(future)->body_len, FIXTURE_BODY_MAX);
    assert_true(reply_of(future)->truncated);
    struct fetcher_stats stats;
    fetcher_stats(fetcher, &stats);
    assert_int_equal(stats.body_bytes, FIXTURE_BODY_MAX + 1);
    future_unref(&future);
    free(zeros);
    free(gzip);
}

static void
empty_body_may_say_gzip(void **state)
{
    (void)state;
    serve_packed(GZIP, "", 0);
    struct fetch_request request = get(url_of("/"));
    assert_int_equal(error_of_run(&request), ERROR_OK);
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(gzip_is_unpacked),
        FETCH_TEST(gzip_meets_the_same_marks),
        FETCH_TEST(gzip_cut_short_is_not_a_body),
        FETCH_TEST(gzip_bomb_is_met_a_piece_at_a_time),
        FETCH_TEST(empty_body_may_say_gzip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
