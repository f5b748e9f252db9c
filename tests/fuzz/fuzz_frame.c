/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes as one datagram of a worker, with a descriptor along when the first byte says so: no
 * descriptor stays behind, and what is believed has a payload inside its bound. The rest of the
 * input is the datagram. */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MAX_BYTES ((size_t)64 * 1024)
#define MEMORY_BYTES 8
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* What the first byte stands for. */
enum { NO_DESCRIPTOR, SEALED, HALF_SEALED, OTHER, KINDS };

static int
make_descriptor(int kind)
{
    if (kind == OTHER) {
        return dup(STDERR_FILENO);
    }
    int memory = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int failed = ftruncate(memory, MEMORY_BYTES);
    failed |= fcntl(memory, F_ADD_SEALS, kind == SEALED ? SEALS : F_SEAL_SHRINK);
    assert(memory >= 0 && failed == 0);
    return memory;
}

static void
send_datagram(int fd, const uint8_t *bytes, size_t len, int kind)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof(control));
    struct iovec part = { (void *)(uintptr_t)bytes, len };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    int descriptor = -1;
    if (kind != NO_DESCRIPTOR) {
        descriptor = make_descriptor(kind);
        control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                                          .cmsg_level = SOL_SOCKET,
                                          .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.align), &descriptor, sizeof(descriptor));
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
    }
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    assert(sent == (ssize_t)len);
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int ends[2];
    if (len < 2 || len > MAX_BYTES) {
        return 0;
    }
    int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
    assert(failed == 0);
    send_datagram(ends[1], bytes + 1, len - 1, bytes[0] % KINDS);
    int before = dup(STDERR_FILENO);
    (void)close(before);
    struct frame frame;
    int error = frame_receive(ends[0], MAX_BYTES, &frame);
    assert(error == ERROR_OK || error == ERROR_PROTOCOL);
    if (error == ERROR_OK) {
        assert(frame.len <= MAX_BYTES && frame.type >= FRAME_HELLO);
        assert(frame.mapping == NULL || (bytes[0] % KINDS == SEALED && frame.len == MEMORY_BYTES));
        assert(frame.mapping != NULL || frame.len == len - 1 - 24);
        volatile uint8_t sum = 0;
        for (size_t i = 0; i < frame.len; i++) {
            sum = (uint8_t)(sum + ((const uint8_t *)frame.payload)[i]);
        }
        frame_release(&frame);
    }
    int after = dup(STDERR_FILENO);
    assert(after == before);
    (void)close(after);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}
