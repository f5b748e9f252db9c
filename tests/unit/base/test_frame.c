/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Frames over a real pair: every size arrives as it was sent, and whatever a stranger makes up is
 * refused without leaving a descriptor behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "daemon/base/frame.h"

#define MIB ((size_t)1024 * 1024)
#define MAGIC UINT32_C(0x4d465252)
#define SEALED (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* The head as frame.c sends it, said again: what is on the wire is a contract. */
struct head {
    uint32_t magic;
    uint16_t version;
    uint16_t type;
    uint64_t id;
    uint32_t len;
    uint32_t in_memory;
};

struct pair {
    int ours;
    int theirs;
};

static int
open_pair(void **state)
{
    static struct pair pair;
    int ends[2];
    int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
    pair = (struct pair){ ends[0], ends[1] };
    *state = &pair;
    return failed;
}

static int
close_pair(void **state)
{
    struct pair *pair = *state;
    (void)close(pair->ours);
    return pair->theirs >= 0 ? close(pair->theirs) : 0;
}

static int
lowest_free(void)
{
    int fd = dup(STDIN_FILENO);
    assert_true(fd >= 0);
    (void)close(fd);
    return fd;
}

static char *
pattern(size_t len)
{
    char *bytes = malloc(len + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(i * 31 + i / 251);
    }
    return bytes;
}

static void
carries_every_size(void **state)
{
    static const size_t sizes[] = { 0,
                                    1,
                                    FRAME_INLINE_BYTES - 1,
                                    FRAME_INLINE_BYTES,
                                    FRAME_INLINE_BYTES + 1,
                                    FRAME_DATAGRAM_BYTES + 1,
                                    600 * 1024,
                                    9 * MIB + 5 };
    struct pair *pair = *state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct frame frame;
        int before = lowest_free();
        char *bytes = pattern(sizes[i]);
        assert_int_equal(frame_send(pair->theirs, FRAME_CALL, 77 + i, bytes, sizes[i]), ERROR_OK);
        assert_int_equal(frame_receive(pair->ours, FRAME_PAYLOAD_MAX, &frame), ERROR_OK);
        assert_int_equal(frame.type, FRAME_CALL);
        assert_int_equal(frame.id, 77 + i);
        assert_int_equal(frame.len, sizes[i]);
        assert_memory_equal(frame.payload, bytes, sizes[i]);
        assert_int_equal(frame.mapping != NULL, sizes[i] > FRAME_INLINE_BYTES);
        frame_release(&frame);
        assert_null(frame.payload);
        assert_int_equal(lowest_free(), before);
        free(bytes);
    }
}

/* One that may not make descriptors has a large datagram, and memory made before for one more. */
static void
carries_without_making(void **state)
{
    struct pair *pair = *state;
    struct frame frame;
    char *bytes = pattern(MIB);
    int none = -1;
    int memory = -1;
    assert_int_equal(
        frame_send_from(pair->theirs, FRAME_ANSWER, 1, bytes, FRAME_DATAGRAM_BYTES, &none),
        ERROR_OK);
    assert_int_equal(frame_receive(pair->ours, FRAME_PAYLOAD_MAX, &frame), ERROR_OK);
    assert_int_equal(frame.len, FRAME_DATAGRAM_BYTES);
    assert_null(frame.mapping);
    frame_release(&frame);
    assert_int_equal(
        frame_send_from(pair->theirs, FRAME_ANSWER, 1, bytes, FRAME_DATAGRAM_BYTES + 1, &none),
        ERROR_TOO_BIG);
    assert_int_equal(frame_memory_new(MIB, &memory), ERROR_OK);
    assert_int_equal(frame_send_from(pair->theirs, FRAME_ANSWER, 1, bytes, MIB + 1, &memory),
                     ERROR_TOO_BIG);
    assert_true(memory >= 0);
    assert_int_equal(frame_send_from(pair->theirs, FRAME_ANSWER, 2, bytes, MIB - 3, &memory),
                     ERROR_OK);
    assert_int_equal(memory, -1);
    assert_int_equal(frame_receive(pair->ours, FRAME_PAYLOAD_MAX, &frame), ERROR_OK);
    assert_int_equal(frame.len, MIB - 3);
    assert_memory_equal(frame.payload, bytes, MIB - 3);
    frame_release(&frame);
    free(bytes);
}

static void
tells_nothing_from_the_end(void **state)
{
    struct pair *pair = *state;
    struct frame frame;
    assert_int_equal(frame_receive(pair->ours, MIB, &frame), ERROR_BUSY);
    (void)close(pair->theirs);
    pair->theirs = -1;
    assert_int_equal(frame_receive(pair->ours, MIB, &frame), ERROR_CLOSED);
    assert_int_equal(frame_send(pair->ours, FRAME_CALL, 1, "x", 1), ERROR_CLOSED);
}

static void
says_when_it_is_full(void **state)
{
    struct pair *pair = *state;
    char *bytes = pattern(FRAME_INLINE_BYTES);
    int error = ERROR_OK;
    int sent = 0;
    while (error == ERROR_OK && sent < 10000) {
        error = frame_send(pair->ours, FRAME_CALL, 1, bytes, FRAME_INLINE_BYTES);
        sent++;
    }
    assert_int_equal(error, ERROR_BUSY);
    free(bytes);
}

static void
holds_to_its_bound(void **state)
{
    static const size_t sizes[] = { 101, FRAME_INLINE_BYTES + 1 };
    struct pair *pair = *state;
    char *bytes = pattern(FRAME_INLINE_BYTES + 1);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct frame frame;
        assert_int_equal(frame_send(pair->theirs, FRAME_ANSWER, 1, bytes, sizes[i]), ERROR_OK);
        assert_int_equal(frame_receive(pair->ours, sizes[i] - 1, &frame), ERROR_PROTOCOL);
        if (i == 0) { /* it was never taken: whoever gets this hangs up */
            assert_int_equal(frame_receive(pair->ours, sizes[i], &frame), ERROR_OK);
            frame_release(&frame);
        }
    }
    free(bytes);
}

/* Send bytes and descriptors as they are. */
static void
send_raw(int fd, const void *bytes, size_t len, const int *descriptors, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    memset(&control, 0, sizeof(control));
    struct iovec part = { (void *)(uintptr_t)bytes, len };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *item = CMSG_FIRSTHDR(&message);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(item), descriptors, count * sizeof(int));
    }
    assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), len);
}

static void
expect_refused(struct pair *pair, size_t row)
{
    struct frame frame;
    int before = lowest_free();
    int error = frame_receive(pair->ours, MIB, &frame);
    if (error != ERROR_PROTOCOL) {
        fail_msg("row %zu: %s", row, error == ERROR_OK ? "believed" : error_name(error));
    }
    assert_int_equal(lowest_free(), before);
    char dropped[64];
    (void)recv(pair->ours, dropped, sizeof(dropped), MSG_TRUNC); /* what was never taken */
}

/* Also by one who ended with something of ours unread, which the kernel tells as a reset. */
static void
hears_what_was_said_before_the_end(void **state)
{
    struct pair *pair = *state;
    struct frame frame;
    assert_int_equal(frame_send(pair->theirs, FRAME_ANSWER, 1, "one", 3), ERROR_OK);
    assert_int_equal(frame_send(pair->theirs, FRAME_ANSWER, 2, "two", 3), ERROR_OK);
    assert_int_equal(frame_send(pair->ours, FRAME_CALL, 3, "unread", 6), ERROR_OK);
    assert_int_equal(close(pair->theirs), 0);
    pair->theirs = -1;
    for (uint64_t id = 1; id <= 2; id++) {
        assert_int_equal(frame_receive(pair->ours, MIB, &frame), ERROR_OK);
        assert_int_equal(frame.id, id);
        frame_release(&frame);
    }
    assert_int_equal(frame_receive(pair->ours, MIB, &frame), ERROR_CLOSED);
}

static void
refuses_made_up_heads(void **state)
{
    static const struct {
        struct head head;
        size_t extra; /* bytes behind it */
    } rows[] = {
        { { MAGIC + 1, 1, FRAME_ANSWER, 1, 0, 0 }, 0 },
        { { MAGIC, 0, FRAME_ANSWER, 1, 0, 0 }, 0 },
        { { MAGIC, 2, FRAME_ANSWER, 1, 0, 0 }, 0 },
        { { MAGIC, 1, 0, 1, 0, 0 }, 0 },
        { { MAGIC, 1, 200, 1, 0, 0 }, 0 },
        { { MAGIC, 1, 0xffff, 1, 0, 0 }, 0 },
        { { MAGIC, 1, FRAME_ANSWER, 1, 1, 0 }, 0 },
        { { MAGIC, 1, FRAME_ANSWER, 1, 0, 0 }, 1 },
        { { MAGIC, 1, FRAME_ANSWER, 1, 9, 0 }, 8 },
        { { MAGIC, 1, FRAME_ANSWER, 1, UINT32_MAX, 0 }, 8 },
        { { MAGIC, 1, FRAME_ANSWER, 1, 8, 1 }, 8 }, /* in memory, and here too */
        { { MAGIC, 1, FRAME_ANSWER, 1, 8, 1 }, 0 }, /* no descriptor came along */
        { { MAGIC, 1, FRAME_ANSWER, 1, 8, 2 }, 8 },
        { { MAGIC, 1, FRAME_ANSWER, 1, MIB + 1, 1 }, 0 },
    };
    struct pair *pair = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char bytes[sizeof(struct head) + 16] = { 0 };
        memcpy(bytes, &rows[i].head, sizeof(struct head));
        send_raw(pair->theirs, bytes, sizeof(struct head) + rows[i].extra, NULL, 0);
        expect_refused(pair, i);
    }
    for (size_t len = 1; len < sizeof(struct head); len++) {
        send_raw(pair->theirs, &rows[6].head, len, NULL, 0);
        expect_refused(pair, 100 + len);
    }
}

static void
refuses_long_datagrams(void **state)
{
    struct pair *pair = *state;
    size_t len = sizeof(struct head) + FRAME_DATAGRAM_BYTES + 1;
    char *bytes = calloc(1, len);
    assert_non_null(bytes);
    const struct head head = { MAGIC, 1, FRAME_ANSWER, 1, FRAME_DATAGRAM_BYTES + 1, 0 };
    memcpy(bytes, &head, sizeof(head));
    send_raw(pair->theirs, bytes, len, NULL, 0);
    expect_refused(pair, 0);
    free(bytes);
}

static int
memory_of(size_t bytes, int seals)
{
    int memory = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(memory >= 0);
    assert_int_equal(ftruncate(memory, (off_t)bytes), 0);
    if (seals != 0) {
        assert_int_equal(fcntl(memory, F_ADD_SEALS, seals), 0);
    }
    return memory;
}

static void
send_memory(struct pair *pair, uint32_t len, int memory)
{
    const struct head head = { MAGIC, 1, FRAME_ANSWER, 1, len, 1 };
    send_raw(pair->theirs, &head, sizeof(head), &memory, 1);
    (void)close(memory);
}

static void
refuses_memory_that_can_change(void **state)
{
    static const struct {
        int seals;
        size_t bytes;
        uint32_t said;
    } rows[] = {
        { 0, 8, 8 },
        { SEALED & ~F_SEAL_SEAL, 8, 8 },
        { SEALED & ~F_SEAL_SHRINK, 8, 8 },
        { SEALED & ~F_SEAL_GROW, 8, 8 },
        { SEALED & ~F_SEAL_WRITE, 8, 8 },
        { SEALED, 8, 9 },
        { SEALED, 8, 7 },
        { SEALED, 0, 8 },
        { SEALED, 0, 0 },
    };
    struct pair *pair = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send_memory(pair, rows[i].said, memory_of(rows[i].bytes, rows[i].seals));
        expect_refused(pair, i);
    }
    struct frame frame; /* the same, with nothing wrong */
    send_memory(pair, 8, memory_of(8, SEALED));
    assert_int_equal(frame_receive(pair->ours, MIB, &frame), ERROR_OK);
    frame_release(&frame);
}

static void
refuses_other_descriptors(void **state)
{
    struct pair *pair = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close(ends[1]);
    send_memory(pair, 8, ends[0]);
    expect_refused(pair, 0);
    send_memory(pair, 8, open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    expect_refused(pair, 1);
    send_memory(pair, 8, open("/dev/zero", O_RDONLY | O_CLOEXEC));
    expect_refused(pair, 2);
    send_memory(pair, 8, dup(pair->theirs));
    expect_refused(pair, 3);
}

static void
closes_what_nobody_asked_for(void **state)
{
    struct pair *pair = *state;
    const struct head in_memory = { MAGIC, 1, FRAME_ANSWER, 1, 8, 1 };
    const struct head here = { MAGIC, 1, FRAME_ANSWER, 1, 0, 0 };
    for (size_t count = 2; count <= 4; count++) {
        int many[4];
        for (size_t i = 0; i < count; i++) {
            many[i] = memory_of(8, SEALED);
        }
        send_raw(pair->theirs, &in_memory, sizeof(in_memory), many, count);
        for (size_t i = 0; i < count; i++) {
            (void)close(many[i]);
        }
        expect_refused(pair, count);
    }
    int one = memory_of(8, SEALED);
    send_raw(pair->theirs, &here, sizeof(here), &one, 1);
    (void)close(one);
    expect_refused(pair, 1);
    int alone = memory_of(8, SEALED);
    send_raw(pair->theirs, "x", 1, &alone, 1);
    (void)close(alone);
    expect_refused(pair, 5);
}

#define ON_PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_PAIR(carries_every_size),
        ON_PAIR(carries_without_making),
        ON_PAIR(tells_nothing_from_the_end),
        ON_PAIR(says_when_it_is_full),
        ON_PAIR(holds_to_its_bound),
        ON_PAIR(refuses_made_up_heads),
        ON_PAIR(hears_what_was_said_before_the_end),
        ON_PAIR(refuses_long_datagrams),
        ON_PAIR(refuses_memory_that_can_change),
        ON_PAIR(refuses_other_descriptors),
        ON_PAIR(closes_what_nobody_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
