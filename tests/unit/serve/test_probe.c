/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The daemon's call to itself, against a stand-in that answers well, badly or not at all. The clock
 * is held; the loop and both ends are this thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/serve/probe.h"
#include "tests/support/tmpdir.h"

#define GREETING "\0SP\0\0\x31\0\0"
#define REPLY GREETING "\1\0\0\0\0\0\0\0\4\x80\0\0\1"
#define REPLY_LEN (sizeof(REPLY) - 1)

struct stage {
    struct tmpdir *dir;
    char *path;
    int listening;
    struct loop *loop;
    struct probe *probe;
    int alive; /* how often it was told */
    int dead;
};

static void
told(void *context, bool is_alive)
{
    struct stage *stage = context;
    stage->alive += is_alive ? 1 : 0;
    stage->dead += is_alive ? 0 : 1;
}

static int
set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert_non_null(stage);
    stage->dir = tmpdir_new();
    stage->path = tmpdir_join(stage->dir, "s");
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", stage->path);
    stage->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(stage->listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(stage->listening, 8), 0);
    clock_freeze(1000000);
    assert_int_equal(loop_new(&stage->loop), ERROR_OK);
    assert_int_equal(probe_new(stage->loop, (struct sockaddr *)&address, sizeof(address), told,
                               stage, &stage->probe),
                     ERROR_OK);
    *state = stage;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *stage = *state;
    probe_free(&stage->probe);
    loop_free(&stage->loop);
    (void)close(stage->listening);
    clock_thaw();
    free(stage->path);
    tmpdir_free(&stage->dir);
    free(stage);
    return 0;
}

static void
turn(struct stage *stage)
{
    for (int i = 0; i < 8; i++) {
        loop_turn(stage->loop, 0);
    }
}

/* The stand-in's end of a new probe, its call read; -1: there is none. */
static int
accept_call(struct stage *stage)
{
    char call[256];
    clock_advance(1); /* a timer that a timer arms for now is due a microsecond later */
    turn(stage);
    int fd = accept4(stage->listening, NULL, NULL, SOCK_NONBLOCK);
    if (fd >= 0) {
        ssize_t got = recv(fd, call, sizeof(call), 0);
        assert_true(got > 8 + 9 + 4);
        assert_memory_equal(call, "\0SP\0\0\x30\0\0\1", 9);
        assert_int_equal(call[16], got - 8 - 9);
    }
    return fd;
}

static void
test_answered(void **state)
{
    struct stage *stage = *state;
    for (int i = 1; i <= 3; i++) {
        int fd = accept_call(stage);
        assert_true(fd >= 0);
        assert_int_equal(send(fd, REPLY, 10, 0), 10); /* in two pieces */
        turn(stage);
        assert_int_equal(stage->alive, i - 1);
        assert_int_equal(send(fd, &REPLY[10], REPLY_LEN - 10, 0), REPLY_LEN - 10);
        turn(stage);
        assert_int_equal(stage->alive, i);
        char byte;
        assert_int_equal(recv(fd, &byte, 1, 0), 0); /* it hung up */
        (void)close(fd);
        assert_int_equal(accept_call(stage), -1); /* not before its period */
        clock_advance(PROBE_PERIOD_US - 1);
    }
    assert_int_equal(stage->dead, 0);
}

static void
test_silence(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < PROBE_TRIES; i++) {
        int fd = accept_call(stage);
        assert_true(fd >= 0);
        clock_advance(PROBE_LIMIT_US - 1);
        turn(stage);
        assert_int_equal(stage->dead, 0);
        clock_advance(1);
        turn(stage);
        (void)close(fd);
    }
    assert_int_equal(stage->dead, 1);
    assert_int_equal(stage->alive, 0);
}

/* One failure is no failure. */
static void
test_second_try(void **state)
{
    struct stage *stage = *state;
    (void)close(accept_call(stage));
    int fd = accept_call(stage);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, REPLY, REPLY_LEN, 0), REPLY_LEN);
    turn(stage);
    assert_int_equal(stage->alive, 1);
    assert_int_equal(stage->dead, 0);
    (void)close(fd);
}

/* A loop that was held up judges nobody: the reply may lie there unread. */
static void
test_late_loop(void **state)
{
    struct stage *stage = *state;
    int fd = accept_call(stage);
    clock_advance(10 * PROBE_LIMIT_US);
    turn(stage);
    assert_int_equal(send(fd, REPLY, REPLY_LEN, 0), REPLY_LEN);
    turn(stage);
    assert_int_equal(stage->alive, 1);
    assert_int_equal(stage->dead, 0);
    (void)close(fd);
}

static void
test_wrong_replies(void **state)
{
    static const char *const replies[] = {
        "HTTP/1.1 400 Bad Request",
        GREETING "\1\0\0\0\0\0\0\0\5\x80\0\0\1",
        GREETING "\1\0\0\0\0\0\0\0\4\x80\0\0\2",
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        for (int try = 0; try < PROBE_TRIES; try++) {
            int fd = accept_call(stage);
            assert_true(fd >= 0);
            assert_int_equal(send(fd, replies[i], REPLY_LEN, 0), REPLY_LEN);
            turn(stage);
            (void)close(fd);
        }
        assert_int_equal(stage->dead, i + 1);
        clock_advance(PROBE_PERIOD_US);
    }
    assert_int_equal(stage->alive, 0);
}

static void
test_nobody_there(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(unlink(stage->path), 0);
    for (int i = 1; i <= 2; i++) {
        turn(stage);
        clock_advance(1);
        turn(stage);
        assert_int_equal(stage->dead, i);
        clock_advance(PROBE_PERIOD_US);
    }
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_answered),  ROW(test_silence),       ROW(test_second_try),
        ROW(test_late_loop), ROW(test_wrong_replies), ROW(test_nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
