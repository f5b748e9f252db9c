/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Fetch over HTTP/2, against nghttp2's own server side: a server that offers it is asked through
 * one connection, however many ask, and whoever leaves takes nobody along. The server runs where
 * the scripted one would shake hands, one thread a connection. */

#include <stdatomic.h>

#include <nghttp2/nghttp2.h>

#include "tests/unit/exec/fetch_fixture.h"
#include "tests/unit/exec/tls_fixture.h"

#define CROWD 100
#define HOLD_PATH "/hold"

static SSL_CTX *server_tls;
static atomic_uint streams; /* requests that came whole */
static atomic_uint resets;  /* by the client */

/* ---- The server */

static ssize_t
send_bytes(nghttp2_session *session, const uint8_t *bytes, size_t len, int flags, void *context)
{
    (void)session;
    (void)flags;
    return SSL_write(context, bytes, (int)len) == (int)len ? (ssize_t)len
                                                           : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
          size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
    static int held;
    (void)flags;
    (void)context;
    if (name_len == 5 && memcmp(name, ":path", 5) == 0 && value_len == strlen(HOLD_PATH) &&
        memcmp(value, HOLD_PATH, value_len) == 0) {
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &held);
    }
    return 0;
}

static ssize_t
read_body(nghttp2_session *session, int32_t stream, uint8_t *bytes, size_t size, uint32_t *flags,
          nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)stream;
    (void)size;
    (void)source;
    (void)context;
    memcpy(bytes, "ok", 2);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return 2;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    static uint8_t name[] = ":status";
    static uint8_t value[] = "200";
    const nghttp2_nv status = { name, value, 7, 3, NGHTTP2_NV_FLAG_NONE };
    const nghttp2_data_provider body = { .read_callback = read_body };
    (void)context;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        atomic_fetch_add(&resets, 1);
    }
    if (frame->hd.type != NGHTTP2_HEADERS || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        return 0;
    }
    atomic_fetch_add(&streams, 1);
    if (nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) == NULL) {
        (void)nghttp2_submit_response(session, frame->hd.stream_id, &status, 1, &body);
    }
    return 0;
}

static int
choose_h2(SSL *tls, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
          unsigned in_len, void *context)
{
    (void)tls;
    (void)context;
    return nghttp2_select_next_protocol((unsigned char **)(uintptr_t)out, out_len, in, in_len) == 1
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

static nghttp2_session *
new_session(SSL *tls)
{
    nghttp2_session *session = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    const nghttp2_settings_entry settings = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, CROWD };
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_server_new(&session, callbacks, tls);
    nghttp2_session_callbacks_del(callbacks);
    (void)nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &settings, 1);
    return session;
}

/* All of the connection's life; nothing is left for the script. */
static void *
serve_h2(void *context, int fd)
{
    uint8_t bytes[16384];
    int len;
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    if (SSL_accept(tls) == 1) {
        nghttp2_session *session = new_session(tls);
        while (nghttp2_session_send(session) == 0 &&
               (len = SSL_read(tls, bytes, sizeof(bytes))) > 0 &&
               nghttp2_session_mem_recv(session, bytes, (size_t)len) == len) {
        }
        nghttp2_session_del(session);
    }
    SSL_free(tls);
    return NULL;
}

/* ---- Set up */

static int
set_up_h2(void **state)
{
    static struct scripted_layer layer;
    char *ca_path = tls_open_authority();
    if (set_up(state) != 0) {
        return -1;
    }
    atomic_store(&streams, 0);
    atomic_store(&resets, 0);
    options.ca_file = ca_path;
    options.connections_max = CROWD;
    reopen_fetcher();
    server_tls = tls_new_server("DNS:localhost");
    SSL_CTX_set_alpn_select_cb(server_tls, choose_h2, NULL);
    layer = (struct scripted_layer){ .context = server_tls, .open = serve_h2 };
    restart_server(serve_routes, NULL, &layer);
    return 0;
}

static int
tear_down_h2(void **state)
{
    tear_down(state);
    SSL_CTX_free(server_tls);
    tls_close_authority();
    return 0;
}

static struct future *
begin_path(const char *path)
{
    char url[64];
    (void)snprintf(url, sizeof(url), "https://localhost:%u%s", scripted_port(server), path);
    struct fetch_request request = get(url);
    return begin(&request);
}

/* ---- Tests */

static void
many_share_one_connection(void **state)
{
    (void)state;
    struct future *futures[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        futures[i] = begin_path("/ok");
    }
    for (size_t i = 0; i < CROWD; i++) {
        TURN_UNTIL(future_is_done(futures[i]));
        const struct fetch_reply *reply = reply_of(futures[i]);
        assert_int_equal(reply->status, 200);
        assert_string_equal(reply->body, "ok");
        future_unref(&futures[i]);
    }
    assert_int_equal(atomic_load(&streams), CROWD);
    assert_int_equal(scripted_connections(server), 1);
}

/* The first one made the connection; it goes and the connection stays. */
static void
cancel_resets_its_stream_only(void **state)
{
    (void)state;
    struct future *first = begin_path(HOLD_PATH);
    struct future *second = begin_path(HOLD_PATH);
    TURN_UNTIL(atomic_load(&streams) == 2);
    assert_true(future_cancel(first));
    future_unref(&first);
    TURN_UNTIL(atomic_load(&resets) == 1);
    struct future *third = begin_path("/ok");
    TURN_UNTIL(future_is_done(third));
    assert_string_equal(reply_of(third)->body, "ok");
    assert_false(future_is_done(second));
    assert_int_equal(scripted_connections(server), 1);
    assert_true(future_cancel(second));
    future_unref(&second);
    future_unref(&third);
}

static void
cancel_of_the_only_stream_closes(void **state)
{
    (void)state;
    struct future *only = begin_path(HOLD_PATH);
    TURN_UNTIL(atomic_load(&streams) == 1);
    assert_true(future_cancel(only));
    assert_true(scripted_await_closed(server, 1));
    future_unref(&only);
}

/* What it says behind the text that was looked for is not waited for. */
static void
stop_closes(void **state)
{
    (void)state;
    static const char *const stop_at[] = { "o" };
    char url[64];
    (void)snprintf(url, sizeof(url), "https://localhost:%u/ok", scripted_port(server));
    struct fetch_request request = get(url);
    request.stop_at = stop_at;
    request.stop_at_count = 1;
    assert_int_equal(error_of_run(&request), ERROR_OK);
    assert_true(scripted_await_closed(server, 1));
}

static void
close_ends_all_streams(void **state)
{
    (void)state;
    struct future *futures[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        futures[i] = begin_path(HOLD_PATH);
    }
    TURN_UNTIL(atomic_load(&streams) == CROWD);
    close_fetcher();
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(future_state(futures[i]), FUTURE_CANCELLED);
        future_unref(&futures[i]);
    }
    assert_true(scripted_await_closed(server, 1));
}

#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_h2, tear_down_h2)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(many_share_one_connection),        FETCH_TEST(cancel_resets_its_stream_only),
        FETCH_TEST(cancel_of_the_only_stream_closes), FETCH_TEST(stop_closes),
        FETCH_TEST(close_ends_all_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
