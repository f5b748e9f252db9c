/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The conversation: what a worker says of itself, how it answers, how it ends. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/plugin/manifest_wire.h"
#include "tests/support/common.h"
#include "tests/worker/hands.h"

#define BODY_BYTES ((size_t)600 * 1024)
#define EXIT_USAGE 64
#define MANY_SITES 20000
#define ROUNDS 200
#define CALLS_AHEAD 8
#define PRLIMIT "/usr/bin/prlimit"

static struct call_request
request_for(const char *subject, const struct call_reply *reply)
{
    return (struct call_request){ .kind = CALL_STEP,
                                  .index = 0,
                                  .step = reply != NULL,
                                  .subject_kind = ROLLCALL_USERNAME,
                                  .subject = subject,
                                  .reply = reply };
}

/* Github's checker of names, whichever place it has. */
static uint32_t
index_of_names(const struct frame *hello)
{
    struct manifest *manifest = NULL;
    struct error_text why = { "" };
    if (manifest_wire_decode(hello->payload, hello->len, &manifest, &why) != ERROR_OK) {
        support_fail("HELLO: %s", why.text);
    }
    assert_string_equal(manifest->name, "github");
    uint32_t index = 0;
    while (manifest->checkers[index].kind != ROLLCALL_USERNAME) {
        index++;
        assert_true(index < manifest->checker_count);
    }
    manifest_free(&manifest);
    return index;
}

static void
send_config(struct hands *hands, const struct host_config *config)
{
    struct buf bytes;
    buf_init(&bytes, MANIFEST_WIRE_CONFIG_BYTES_MAX);
    assert_int_equal(manifest_wire_encode_config(config, &bytes), ERROR_OK);
    assert_int_equal(frame_send(hands->channel, FRAME_CONFIG, 0, bytes.bytes, bytes.len), ERROR_OK);
    buf_fini(&bytes);
}

static void
asks_and_judges(void **state)
{
    (void)state;
    struct hands hands;
    hands_open(&hands, HANDS_GITHUB, NULL);
    struct frame hello = hands_expect(&hands, FRAME_HELLO);
    uint32_t index = index_of_names(&hello);
    frame_release(&hello);
    send_config(&hands, &(const struct host_config){ NULL, 0 });
    for (int i = 0; i < ROUNDS; i++) {
        struct call_request first = request_for("alice", NULL);
        first.index = index;
        struct call_answer *answer = hands_call(&hands, &first);
        assert_int_equal(answer->outcome, CALL_REQUEST);
        assert_string_equal(answer->url, "{base}/users/{subject}");
        call_answer_free(&answer);
        static const char body[] = "{\"login\":\"alice\"}";
        const struct call_reply reply = {
            .status = 200, .stop_hit = -1, .url = "", .body = body, .body_len = strlen(body)
        };
        struct call_request second = request_for("alice", &reply);
        second.index = index;
        answer = hands_call(&hands, &second);
        assert_int_equal(answer->outcome, CALL_VERDICT);
        assert_int_equal(answer->verdict, ROLLCALL_REGISTERED);
        call_answer_free(&answer);
    }
    assert_int_equal(hands_hang_up(&hands), 0);
}

/* Padded with what JSON ignores: it arrives in sealed memory. */
static void
reads_large_bodies(void **state)
{
    (void)state;
    struct hands hands;
    hands_open(&hands, HANDS_GITHUB, NULL);
    struct frame hello = hands_expect(&hands, FRAME_HELLO);
    uint32_t index = index_of_names(&hello);
    frame_release(&hello);
    send_config(&hands, &(const struct host_config){ NULL, 0 });
    static const char object[] = "{\"login\":\"alice\"}";
    char *body = malloc(BODY_BYTES);
    assert_non_null(body);
    memset(body, ' ', BODY_BYTES);
    memcpy(body + BODY_BYTES - strlen(object), object, strlen(object));
    const struct call_reply reply = {
        .status = 200, .stop_hit = -1, .url = "", .body = body, .body_len = BODY_BYTES
    };
    struct call_request request = request_for("alice", &reply);
    request.index = index;
    for (int i = 0; i < ROUNDS / 10; i++) {
        struct call_answer *answer = hands_call(&hands, &request);
        assert_int_equal(answer->outcome, CALL_VERDICT);
        assert_int_equal(answer->verdict, ROLLCALL_REGISTERED);
        call_answer_free(&answer);
    }
    free(body);
    assert_int_equal(hands_hang_up(&hands), 0);
}

/* Configuration reaches the plugin; an answer that no datagram holds comes in sealed memory. A
 * second one of that size is refused in words: such a worker has done its work. */
static void
enumerates_once(void **state)
{
    (void)state;
    struct hands hands;
    static const char *const names[] = { "catalog.txt" };
    static const void *const files[] = { "alpha\nbeta\n" };
    static const size_t lens[] = { 11 };
    const struct host_value values[] = {
        { .key = "count", .type = ROLLCALL_INT, .number = MANY_SITES, .count = 1 },
        { .key = "catalog",
          .type = ROLLCALL_FILE,
          .texts = names,
          .files = files,
          .file_lens = lens,
          .count = 1 },
    };
    hands_open(&hands, HANDS_FIXTURE("sites"), "data");
    struct frame hello = hands_expect(&hands, FRAME_HELLO);
    frame_release(&hello);
    send_config(&hands, &(const struct host_config){ NULL, 0 });
    send_config(&hands, &(const struct host_config){ values, ARRAY_LEN(values) }); /* the last */
    const struct call_request request = { .kind = CALL_ENUMERATE };
    struct call_answer *answer = hands_call(&hands, &request);
    if (answer->outcome != CALL_ENUMERATED) {
        support_fail("outcome %d: %s", (int)answer->outcome, answer->failure);
    }
    assert_int_equal(answer->checker_count, MANY_SITES + 2);
    const struct manifest_checker *last = &answer->checkers[MANY_SITES + 1];
    assert_string_equal(last->platform.id, "beta");
    assert_string_equal(last->source, "catalog.txt");
    call_answer_free(&answer);
    answer = hands_call(&hands, &request);
    assert_int_equal(answer->outcome, CALL_FAILED);
    assert_string_equal(answer->failure, "its answer is larger than allowed");
    call_answer_free(&answer);
    assert_int_equal(hands_hang_up(&hands), 0);
}

/* A descriptor that no datagram holds. */
static void
says_much_of_itself(void **state)
{
    (void)state;
    struct hands hands;
    struct manifest *manifest = NULL;
    hands_open(&hands, HANDS_FIXTURE("wide"), NULL);
    struct frame hello = hands_expect(&hands, FRAME_HELLO);
    assert_true(hello.len > FRAME_DATAGRAM_BYTES);
    assert_int_equal(manifest_wire_decode(hello.payload, hello.len, &manifest, NULL), ERROR_OK);
    assert_int_equal(manifest->checker_count, 2000);
    assert_string_equal(manifest->checkers[1999].platform.id, "wide1999");
    manifest_free(&manifest);
    frame_release(&hello);
    assert_int_equal(hands_hang_up(&hands), 0);
}

static void
expect_refused(const char *plugin, const char *sentence)
{
    struct hands hands;
    hands_open(&hands, plugin, NULL);
    struct frame frame = hands_expect(&hands, FRAME_REFUSED);
    char *text = support_text("%.*s", (int)frame.len, (const char *)frame.payload);
    if (strstr(text, sentence) == NULL) {
        support_fail("refused with \"%s\", wants \"%s\"", text, sentence);
    }
    free(text);
    frame_release(&frame);
    assert_int_equal(hands_wait(&hands), 1);
}

static void
says_why_not(void **state)
{
    (void)state;
    expect_refused(TEST_BUILD_DIR "/tests/broken/major.so", "major.so: wants ABI 9.0");
    expect_refused(TEST_BUILD_DIR "/tests/broken/entry_missing.so", "exports no rollcall_plugin");
    expect_refused(TEST_BUILD_DIR "/nowhere/none.so", "none.so: cannot be read");
    expect_refused(TEST_SOURCE_DIR "/README.md", "README.md: ");
}

static void
wants_its_parent(void **state)
{
    (void)state;
    struct hands hands;
    const char *const argv[] = { HANDS_WORKER, HANDS_GITHUB, "1", NULL };
    hands_start(&hands, argv);
    struct frame frame = hands_expect(&hands, FRAME_REFUSED);
    char *text = support_text("%.*s", (int)frame.len, (const char *)frame.payload);
    assert_non_null(strstr(text, "its parent is"));
    free(text);
    frame_release(&frame);
    assert_int_equal(hands_wait(&hands), 1);
}

static void
wants_its_arguments(void **state)
{
    (void)state;
    static const char *const rows[][6] = {
        { HANDS_WORKER, NULL },
        { HANDS_WORKER, HANDS_GITHUB, NULL },
        { HANDS_WORKER, HANDS_GITHUB, "0", NULL },
        { HANDS_WORKER, HANDS_GITHUB, "12x", NULL },
        { HANDS_WORKER, HANDS_GITHUB, "12", "network", NULL },
        { HANDS_WORKER, HANDS_GITHUB, "12", "net", "more", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hands hands;
        hands_start(&hands, rows[i]);
        assert_int_equal(hands_wait(&hands), EXIT_USAGE);
    }
}

/* Whatever is not the next frame of the conversation ends it, with a status that says so. */
static void
ends_at_nonsense(void **state)
{
    (void)state;
    enum { GARBAGE, NO_CONFIG, NO_CALL, A_HELLO, BAD_CONFIG, ROWS };
    for (int row = 0; row < ROWS; row++) {
        struct hands hands;
        hands_open(&hands, HANDS_GITHUB, NULL);
        struct frame hello = hands_expect(&hands, FRAME_HELLO);
        frame_release(&hello);
        if (row == NO_CALL || row == A_HELLO) {
            send_config(&hands, &(const struct host_config){ NULL, 0 });
        }
        if (row == GARBAGE) {
            assert_int_equal(send(hands.channel, "garbage", 7, MSG_NOSIGNAL), 7);
        } else {
            enum frame_type type = row == A_HELLO      ? FRAME_HELLO
                                   : row == BAD_CONFIG ? FRAME_CONFIG
                                                       : FRAME_CALL;
            assert_int_equal(frame_send(hands.channel, type, 1, "nonsense", 8), ERROR_OK);
        }
        int status = hands_wait(&hands);
        if (status != 1) {
            support_fail("row %d: ended with %d", row, status);
        }
    }
}

static void
ends_when_hung_up_on(void **state)
{
    (void)state;
    struct hands hands;
    hands_open(&hands, HANDS_GITHUB, NULL); /* before HELLO was read */
    assert_int_equal(hands_hang_up(&hands), 0);
    hands_open(&hands, HANDS_GITHUB, NULL); /* after it */
    struct frame hello = hands_expect(&hands, FRAME_HELLO);
    frame_release(&hello);
    assert_int_equal(hands_hang_up(&hands), 0);
}

/* A blocking checker that waits until nobody waits for it: CANCEL tells it, and so does hanging up.
 * A CANCEL that comes after the answer is void. */
static void
tells_a_call_that_nobody_waits(void **state)
{
    (void)state;
    struct hands hands;
    struct buf bytes;
    struct call_request request = request_for("wait", NULL);
    request.kind = CALL_BLOCK;
    hands_open(&hands, HANDS_FIXTURE("block"), NULL);
    hands_greet(&hands);
    request.subject = "yes";
    struct call_answer *answer = hands_call(&hands, &request);
    assert_int_equal(answer->verdict, ROLLCALL_REGISTERED);
    call_answer_free(&answer);
    request.subject = "wait";
    buf_init(&bytes, CALL_REQUEST_BYTES_MAX);
    assert_int_equal(call_encode_request(&request, &bytes), ERROR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(frame_send(hands.channel, FRAME_CALL, 1, bytes.bytes, bytes.len),
                         ERROR_OK);
        assert_int_equal(frame_send(hands.channel, FRAME_CANCEL, 1, NULL, 0), ERROR_OK);
        struct frame frame = hands_expect(&hands, FRAME_ANSWER);
        frame_release(&frame);
    }
    assert_int_equal(frame_send(hands.channel, FRAME_CALL, 1, bytes.bytes, bytes.len), ERROR_OK);
    buf_fini(&bytes);
    assert_int_equal(hands_hang_up(&hands), 0);
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void
hand_over(int fd, int descriptor)
{
    union control control;
    memset(&control, 0, sizeof(control));
    struct iovec part = { (char[]){ 0 }, 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                                      .cmsg_level = SOL_SOCKET,
                                      .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.align), &descriptor, sizeof(descriptor));
    (void)sendmsg(fd, &message, MSG_NOSIGNAL);
}

static int
take_over(int fd)
{
    union control control;
    struct iovec part = { (char[]){ 0 }, 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    int descriptor = -1;
    assert_int_equal(recvmsg(fd, &message, MSG_CMSG_CLOEXEC), 1);
    assert_non_null(CMSG_FIRSTHDR(&message));
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(descriptor));
    return descriptor;
}

static NORETURN void
be_a_parent_that_dies(int fd)
{
    struct hands hands;
    hands_open(&hands, HANDS_GITHUB, NULL);
    struct frame hello = hands_expect(&hands, FRAME_HELLO);
    frame_release(&hello);
    hand_over(fd, hands.channel);
    _exit(0);
}

/* The channel stays open here: only the parent's death can end it. */
static void
dies_with_its_parent(void **state)
{
    (void)state;
    int pair[2];
    struct frame frame;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        be_a_parent_that_dies(pair[1]);
    }
    (void)close(pair[1]);
    int channel = take_over(pair[0]);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_int_equal(frame_receive(channel, FRAME_PAYLOAD_MAX, &frame), ERROR_CLOSED);
    (void)close(channel);
    (void)close(pair[0]);
}

/* The worker of this plugin with so many seconds of processor time. */
static void
open_with_cpu(struct hands *hands, const char *plugin, const char *option)
{
    if (access(PRLIMIT, X_OK) != 0) {
        skip();
    }
    char *parent = support_text("%ld", (long)getpid());
    const char *const argv[] = { PRLIMIT, option, HANDS_WORKER, plugin, parent, NULL };
    hands_start(hands, argv);
    hands_greet(hands);
    free(parent);
}

static void
send_call(const struct hands *hands, uint64_t id, const struct call_request *request)
{
    struct buf bytes;
    buf_init(&bytes, CALL_REQUEST_BYTES_MAX);
    assert_int_equal(call_encode_request(request, &bytes), ERROR_OK);
    assert_int_equal(frame_send(hands->channel, FRAME_CALL, id, bytes.bytes, bytes.len), ERROR_OK);
    buf_fini(&bytes);
}

/* One that has less left than a call may count on: it answers what it was sent, takes no more, and
 * ends well. */
static void
leaves_before_its_time_is_up(void **state)
{
    (void)state;
    struct hands hands;
    const struct call_request request = request_for("alice", NULL);
    open_with_cpu(&hands, HANDS_FIXTURE("steps"), "--cpu=60");
    /* It stands still until it has been sent all: from its first answer on it takes no more. */
    int status = 0;
    assert_int_equal(kill(hands.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(hands.pid, &status, WUNTRACED), hands.pid);
    assert_true(WIFSTOPPED(status));
    for (uint64_t id = 1; id <= CALLS_AHEAD; id++) {
        send_call(&hands, id, &request);
    }
    assert_int_equal(kill(hands.pid, SIGCONT), 0);
    for (uint64_t id = 1; id <= CALLS_AHEAD; id++) {
        struct frame frame = hands_expect(&hands, FRAME_ANSWER);
        assert_int_equal(frame.id, id);
        frame_release(&frame);
    }
    struct frame none;
    assert_int_equal(frame_receive(hands.channel, FRAME_PAYLOAD_MAX, &none), ERROR_CLOSED);
    assert_int_equal(frame_send(hands.channel, FRAME_CALL, 1, "late", 4), ERROR_CLOSED);
    assert_int_equal(hands_wait(&hands), 0);
}

/* Not by the signal that could be ignored. */
static void
dies_when_its_time_is_up(void **state)
{
    (void)state;
    struct hands hands;
    const struct call_request request = request_for("alice", NULL);
    open_with_cpu(&hands, TEST_BUILD_DIR "/tests/hostile/hostile-loop.so", "--cpu=2");
    send_call(&hands, 1, &request);
    assert_int_equal(hands_wait(&hands), -SIGKILL);
}

/* The sandbox that is none, for debuggers: the same conversation. */
static void
talks_without_sandbox(void **state)
{
    (void)state;
    struct hands hands;
    hands_open(&hands, HANDS_FIXTURE("block"), "none");
    hands_greet(&hands);
    struct call_request request = request_for("no", NULL);
    request.kind = CALL_BLOCK;
    struct call_answer *answer = hands_call(&hands, &request);
    assert_int_equal(answer->verdict, ROLLCALL_UNREGISTERED);
    call_answer_free(&answer);
    assert_int_equal(hands_hang_up(&hands), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_and_judges),
        cmocka_unit_test(reads_large_bodies),
        cmocka_unit_test(enumerates_once),
        cmocka_unit_test(says_much_of_itself),
        cmocka_unit_test(says_why_not),
        cmocka_unit_test(wants_its_parent),
        cmocka_unit_test(wants_its_arguments),
        cmocka_unit_test(ends_at_nonsense),
        cmocka_unit_test(ends_when_hung_up_on),
        cmocka_unit_test(tells_a_call_that_nobody_waits),
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(leaves_before_its_time_is_up),
        cmocka_unit_test(dies_when_its_time_is_up),
        cmocka_unit_test(talks_without_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
