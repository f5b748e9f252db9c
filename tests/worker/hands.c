/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
#include "tests/worker/hands.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/plugin/manifest_wire.h"
#include "tests/support/common.h"

#define CHANNEL 3
#define MS_PER_S 1000
#define PID_BYTES 16

void
hands_start(struct hands *hands, const char *const *argv)
{
    int pair[2];
    char *const env[] = { NULL };
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    struct timeval limit = { SUPPORT_WAIT_MS / MS_PER_S, 0 };
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, pair[1], CHANNEL), 0);
    int failed =
        posix_spawn(&hands->pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, env);
    if (failed != 0) {
        support_fail("%s cannot be started: %s", argv[0], strerror(failed));
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(pair[1]);
    hands->channel = pair[0];
}

void
hands_open(struct hands *hands, const char *plugin, const char *word)
{
    char *parent = support_text("%ld", (long)getpid());
    const char *const argv[] = { HANDS_WORKER, plugin, parent, word, NULL };
    hands_start(hands, argv);
    free(parent);
}

struct frame
hands_expect(struct hands *hands, enum frame_type type)
{
    struct frame frame;
    int error = frame_receive(hands->channel, FRAME_PAYLOAD_MAX, &frame);
    if (error != ERROR_OK) {
        support_fail("wanted frame %d, got the error %s", (int)type, error_name(error));
    }
    if (frame.type != type) {
        support_fail("wanted frame %d, got %d: %.*s", (int)type, (int)frame.type, (int)frame.len,
                     (const char *)frame.payload);
    }
    return frame;
}

void
hands_greet(struct hands *hands)
{
    struct frame hello = hands_expect(hands, FRAME_HELLO);
    frame_release(&hello);
    const struct host_config none = { NULL, 0 };
    struct buf config;
    buf_init(&config, MANIFEST_WIRE_CONFIG_BYTES_MAX);
    assert_int_equal(manifest_wire_encode_config(&none, &config), ERROR_OK);
    assert_int_equal(frame_send(hands->channel, FRAME_CONFIG, 0, config.bytes, config.len),
                     ERROR_OK);
    buf_fini(&config);
}

struct call_answer *
hands_call(struct hands *hands, const struct call_request *request)
{
    static uint64_t id = UINT64_C(1) << 40;
    struct buf bytes;
    struct error_text why = { "" };
    struct call_answer *answer = NULL;
    buf_init(&bytes, CALL_REQUEST_BYTES_MAX);
    assert_int_equal(call_encode_request(request, &bytes), ERROR_OK);
    assert_int_equal(frame_send(hands->channel, FRAME_CALL, ++id, bytes.bytes, bytes.len),
                     ERROR_OK);
    struct frame frame = hands_expect(hands, FRAME_ANSWER);
    assert_int_equal(frame.id, id);
    if (call_decode_answer(frame.payload, frame.len, &answer, &why) != ERROR_OK) {
        support_fail("the answer: %s", why.text);
    }
    frame_release(&frame);
    buf_fini(&bytes);
    return answer;
}

int
hands_wait(struct hands *hands)
{
    int status = 0;
    int pidfd = (int)syscall(SYS_pidfd_open, hands->pid, 0);
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    assert_true(pidfd >= 0);
    if (poll(&ended, 1, SUPPORT_WAIT_MS) != 1) {
        (void)kill(hands->pid, SIGKILL);
        (void)waitpid(hands->pid, &status, 0);
        support_fail("the worker did not end");
    }
    (void)close(pidfd);
    assert_int_equal(waitpid(hands->pid, &status, 0), hands->pid);
    (void)close(hands->channel);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int
hands_hang_up(struct hands *hands)
{
    assert_int_equal(shutdown(hands->channel, SHUT_RDWR), 0);
    return hands_wait(hands);
}
