/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The gate before a stand-in for nng: only whole greetings come through, bytes are carried both
 * ways and in full, and what would harm stays outside. Both ends and the loop are this thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/serve/gate.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define REQ "\0SP\0\0\x30\0\0"
#define REP "\0SP\0\0\x31\0\0"
#define GREETING_LEN 8
#define MESSAGE_MAX 1000

struct stage {
    struct tmpdir *dir;
    char *path;
    char *inner_path;
    int inner; /* the stand-in's listening socket */
    struct loop *loop;
    struct gate *gate;
};

static struct sockaddr_un
address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return address;
}

static int
set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage->dir = tmpdir_new();
    stage->path = tmpdir_join(stage->dir, "s");
    stage->inner_path = tmpdir_join(stage->dir, "s.nng");
    struct sockaddr_un address = address_of(stage->inner_path);
    stage->inner = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(stage->inner, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(stage->inner, 8), 0);
    assert_int_equal(loop_new(&stage->loop), ERROR_OK);
    const struct gate_options options = {
        .loop = stage->loop,
        .url = "ipc://test",
        .path = stage->path,
        .inner_path = stage->inner_path,
        .links_max = 4,
        .message_bytes_max = MESSAGE_MAX,
    };
    struct error_text why = { "" };
    if (gate_new(&options, &stage->gate, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    *state = stage;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *stage = *state;
    gate_free(&stage->gate);
    assert_int_not_equal(access(stage->path, F_OK), 0);
    loop_free(&stage->loop);
    (void)close(stage->inner);
    free(stage->path);
    free(stage->inner_path);
    tmpdir_free(&stage->dir);
    free(stage);
    return 0;
}

/* Everything that is due: several turns, none of which waits. */
static void
turn(struct stage *stage)
{
    for (int i = 0; i < 16; i++) {
        loop_turn(stage->loop, 0);
    }
}

static int
dial(struct stage *stage)
{
    struct sockaddr_un address = address_of(stage->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    turn(stage);
    return fd;
}

static void
put(struct stage *stage, int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
    turn(stage);
}

static void
expect_bytes(int fd, const void *bytes, size_t len)
{
    char found[64];
    assert_int_equal(recv(fd, found, sizeof(found), 0), len);
    assert_memory_equal(found, bytes, len);
}

static void
expect_silence(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static void
expect_closed(int fd)
{
    char byte;
    assert_true(recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET);
}

static int
accept_inner(struct stage *stage)
{
    return accept4(stage->inner, NULL, NULL, SOCK_NONBLOCK);
}

/* A peer and the stand-in's end, greeted. */
static void
open_link(struct stage *stage, int *out_peer, int *out_inner)
{
    int peer = dial(stage);
    put(stage, peer, REQ, GREETING_LEN);
    int inner = accept_inner(stage);
    assert_true(inner >= 0);
    expect_bytes(inner, REQ, GREETING_LEN);
    put(stage, inner, REP, GREETING_LEN);
    expect_bytes(peer, REP, GREETING_LEN);
    assert_int_equal(gate_links(stage->gate), 1);
    *out_peer = peer;
    *out_inner = inner;
}

static void
test_carries(void **state)
{
    static const char call[] = "\1\0\0\0\0\0\0\0\5hello";
    static const char reply[] = "\1\0\0\0\0\0\0\0\3yes";
    struct stage *stage = *state;
    int peer;
    int inner;
    open_link(stage, &peer, &inner);
    put(stage, peer, call, 4); /* in pieces, and two at once */
    expect_bytes(inner, call, 4);
    put(stage, peer, call + 4, sizeof(call) - 1 - 4);
    expect_bytes(inner, call + 4, sizeof(call) - 1 - 4);
    put(stage, inner, reply, sizeof(reply) - 1);
    expect_bytes(peer, reply, sizeof(reply) - 1);
    put(stage, peer, call, sizeof(call) - 1);
    (void)close(peer);
    turn(stage);
    expect_bytes(inner, call, sizeof(call) - 1);
    expect_closed(inner);
    assert_int_equal(gate_links(stage->gate), 0);
    (void)close(inner);
}

/* nng closes: what it said last still arrives. */
static void
test_inner_closes(void **state)
{
    struct stage *stage = *state;
    int peer;
    int inner;
    open_link(stage, &peer, &inner);
    put(stage, inner, "last", 4);
    (void)close(inner);
    turn(stage);
    expect_bytes(peer, "last", 4);
    expect_closed(peer);
    (void)close(peer);
}

/* Nobody who has not greeted in full reaches the other side. */
static void
test_rude(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool is_closed; /* by the gate, at once */
    } rows[] = {
        { "", 0, false },
        { "\0SP", 3, false },
        { "\0SP\0\0\x30\0", 7, false },
        { "GET / HT", 8, true },
        { "\0SP\0\0\x31\0\0", 8, true }, /* a REP */
        { "\0SP\0\0\x21\0\0", 8, true }, /* a SUB */
        { "\0SP\1\0\x30\0\0", 8, true }, /* another version */
        { "\0\0\0\0\0\0\0\0", 8, true },
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int fd = dial(stage);
        put(stage, fd, rows[i].bytes, rows[i].len);
        if (rows[i].is_closed) {
            expect_closed(fd);
        } else {
            expect_silence(fd);
        }
        (void)close(fd);
        turn(stage);
        if (accept_inner(stage) >= 0 || gate_links(stage->gate) != 0) {
            fail_msg("row %zu came through", i);
        }
    }
}

/* The rule that keeps nng's listener alive: no hanging up on it before its greeting is back. */
static void
test_gone_after_greeting(void **state)
{
    struct stage *stage = *state;
    int peer = dial(stage);
    put(stage, peer, REQ, GREETING_LEN);
    (void)close(peer);
    turn(stage);
    int inner = accept_inner(stage);
    assert_true(inner >= 0);
    expect_bytes(inner, REQ, GREETING_LEN);
    expect_silence(inner);
    put(stage, inner, REP, GREETING_LEN);
    expect_closed(inner);
    assert_int_equal(gate_links(stage->gate), 0);
    (void)close(inner);
}

/* While nng's socket is away for a moment, peers wait; they are not turned away. */
static void
test_inner_is_away(void **state)
{
    struct stage *stage = *state;
    clock_freeze(1000000);
    char *aside = tmpdir_join(stage->dir, "aside");
    assert_int_equal(rename(stage->inner_path, aside), 0);
    int peer = dial(stage);
    put(stage, peer, REQ, GREETING_LEN);
    expect_silence(peer);
    clock_advance(CLOCK_US_PER_S);
    turn(stage);
    expect_silence(peer);
    assert_int_equal(rename(aside, stage->inner_path), 0);
    clock_advance(CLOCK_US_PER_S);
    turn(stage);
    int inner = accept_inner(stage);
    assert_true(inner >= 0);
    expect_bytes(inner, REQ, GREETING_LEN);
    (void)close(inner); /* hung up during the handshake: it is tried again */
    turn(stage);
    clock_advance(CLOCK_US_PER_S);
    turn(stage);
    inner = accept_inner(stage);
    expect_bytes(inner, REQ, GREETING_LEN);
    put(stage, inner, REP, GREETING_LEN);
    expect_bytes(peer, REP, GREETING_LEN);
    (void)close(inner);
    (void)close(peer);
    free(aside);
    clock_thaw();
}

static void
test_too_large(void **state)
{
    static const struct {
        const char *head;
        bool is_carried;
    } rows[] = {
        { "\1\0\0\0\0\0\0\3\xe8", true },  /* 1000 */
        { "\1\0\0\0\0\0\0\3\xe9", false }, /* 1001 */
        { "\1\0\0\0\1\0\0\0\0", false },   { "\1\xff\xff\xff\xff\xff\xff\xff\xff", false },
        { "\2\0\0\0\0\0\0\0\1", false }, /* no message */
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int peer;
        int inner;
        open_link(stage, &peer, &inner);
        put(stage, peer, rows[i].head, 9);
        if (rows[i].is_carried) {
            expect_bytes(inner, rows[i].head, 9);
        } else {
            expect_closed(peer);
            expect_closed(inner);
        }
        (void)close(peer);
        (void)close(inner);
        turn(stage);
        assert_int_equal(gate_links(stage->gate), 0);
    }
}

/* A side that does not read holds the other back; nothing is lost, little is kept. */
static void
test_back_pressure(void **state)
{
    struct stage *stage = *state;
    static uint8_t chunk[4096];
    int peer;
    int inner;
    uint64_t sent = 0;
    uint64_t got = 0;
    open_link(stage, &peer, &inner);
    for (int idle = 0; idle < 3;) {
        for (size_t i = 0; i < sizeof(chunk); i++) {
            chunk[i] = (uint8_t)((sent + i) % 251);
        }
        ssize_t some = send(inner, chunk, sizeof(chunk), MSG_NOSIGNAL);
        sent += some > 0 ? (uint64_t)some : 0;
        idle = some > 0 ? 0 : idle + 1;
        turn(stage);
    }
    assert_true(sent < 4 * 1024 * 1024);
    for (int idle = 0; idle < 3;) {
        ssize_t some = recv(peer, chunk, sizeof(chunk), 0);
        for (ssize_t i = 0; i < some; i++) {
            assert_int_equal(chunk[i], (uint8_t)((got + (uint64_t)i) % 251));
        }
        got += some > 0 ? (uint64_t)some : 0;
        idle = some > 0 ? 0 : idle + 1;
        turn(stage);
    }
    assert_true(got == sent);
    (void)close(peer);
    (void)close(inner);
}

/* Past the bound the oldest that never greeted makes room; who has greeted stays. */
static void
test_bounds(void **state)
{
    struct stage *stage = *state;
    int fds[4];
    int peer;
    int inner;
    open_link(stage, &peer, &inner);
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(stage);
    }
    assert_int_equal(gate_links(stage->gate), 4);
    expect_closed(fds[0]);
    expect_silence(fds[1]);
    put(stage, inner, "still", 5);
    expect_bytes(peer, "still", 5);
    for (int i = 0; i < 4; i++) {
        (void)close(fds[i]);
    }
    (void)close(peer);
    (void)close(inner);
}

/* Greeted peers only: the one that has been silent for longest makes room. */
static void
test_longest_silent_makes_room(void **state)
{
    struct stage *stage = *state;
    int peers[5];
    int inners[4];
    for (int i = 0; i < 4; i++) {
        peers[i] = dial(stage);
        put(stage, peers[i], REQ, GREETING_LEN);
        inners[i] = accept_inner(stage);
        put(stage, inners[i], REP, GREETING_LEN);
        expect_bytes(peers[i], REP, GREETING_LEN);
    }
    for (int i = 3; i >= 0; i--) {
        put(stage, i % 2 == 0 ? peers[i] : inners[i], "\1\0\0\0\0\0\0\0\0", 9);
    }
    peers[4] = dial(stage);
    assert_int_equal(gate_links(stage->gate), 4);
    char bytes[9];
    assert_int_equal(recv(peers[3], bytes, sizeof(bytes), 0), 9);
    expect_closed(peers[3]);
    for (int i = 0; i < 3; i++) {
        put(stage, inners[i], "x", 1);
    }
    for (int i = 0; i < 5; i++) {
        (void)close(peers[i]);
    }
    for (int i = 0; i < 4; i++) {
        (void)close(inners[i]);
    }
}

static void
test_silent_peers_are_closed(void **state)
{
    struct stage *stage = *state;
    clock_freeze(1000000);
    int fd = dial(stage);
    clock_advance(GATE_GREETING_US - 1);
    turn(stage);
    expect_silence(fd);
    clock_advance(1);
    turn(stage);
    expect_closed(fd);
    (void)close(fd);
    clock_thaw();
}

static void
test_in_place(void **state)
{
    struct stage *stage = *state;
    struct error_text why = { "" };
    struct stat found;
    assert_true(gate_is_in_place(stage->gate));
    assert_int_equal(unlink(stage->path), 0);
    assert_false(gate_is_in_place(stage->gate));
    assert_int_equal(gate_reopen(stage->gate, &why), ERROR_OK);
    assert_true(gate_is_in_place(stage->gate));
    assert_int_equal(stat(stage->path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0660);
    int peer;
    int inner;
    open_link(stage, &peer, &inner);
    gate_close(stage->gate);
    gate_close(stage->gate);
    put(stage, peer, "\1\0\0\0\0\0\0\0\1x", 10); /* who is in stays in */
    expect_bytes(inner, "\1\0\0\0\0\0\0\0\1x", 10);
    (void)close(peer);
    (void)close(inner);
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_carries),
        ROW(test_inner_closes),
        ROW(test_rude),
        ROW(test_gone_after_greeting),
        ROW(test_inner_is_away),
        ROW(test_too_large),
        ROW(test_back_pressure),
        ROW(test_bounds),
        ROW(test_longest_silent_makes_room),
        ROW(test_silent_peers_are_closed),
        ROW(test_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
