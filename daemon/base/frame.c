/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Frames over a SOCK_SEQPACKET pair: see the header. The length of the next datagram is asked for
 * first, so each frame gets exactly the memory that it needs. A memfd is believed only when its
 * seals say that nobody can change or shorten it any more, and it is as long as the head says: then
 * reading its mapping can neither fail nor show two different texts.
 *
 * Descriptors that nobody asked for are closed, and that cannot be left to anybody else: the kernel
 * hands the files of a message that is cut, thrown away or never read to whoever does that, and the
 * last to let go of a file waits until it is closed. So that this takes no time is the sender's
 * sandbox' to see to: a worker can make no file whose closing waits (daemon/worker/sandbox.c). */
#include "daemon/base/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/base/error.h"

#define FRAME_MAGIC UINT32_C(0x4d465252) /* "RRFM" */
#define MEMORY_NAME "rollcall-frame"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
/* A mapping is filled through a window of this many bytes, so that it never counts twice. */
#define WINDOW_BYTES ((size_t)4 * 1024 * 1024)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

/* Both ends run on one machine, so numbers stand as the machine has them. */
struct head {
    uint32_t magic;
    uint16_t version;
    uint16_t type;
    uint64_t id;
    uint32_t len;
    uint32_t in_memory; /* 1: the payload is in the memfd that comes along */
};
_Static_assert(sizeof(struct head) == 24, "no padding crosses");

static struct head
make_head(enum frame_type type, uint64_t id, size_t len, bool in_memory)
{
    return (struct head){ .magic = FRAME_MAGIC,
                          .version = FRAME_VERSION,
                          .type = (uint16_t)type,
                          .id = id,
                          .len = (uint32_t)len,
                          .in_memory = in_memory };
}

static int
error_of_send(int number)
{
    switch (number) {
    case EAGAIN:
        return ERROR_BUSY;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        return ERROR_CLOSED;
    case EMSGSIZE:
        return ERROR_TOO_BIG;
    case ENOMEM:
    case ENOBUFS:
        return ERROR_NOMEM;
    default:
        return ERROR_IO;
    }
}

static int
send_message(int fd, const struct msghdr *message)
{
    ssize_t sent = 0;
    do {
        sent = sendmsg(fd, message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? error_of_send(errno) : ERROR_OK;
}

static int
send_inline(int fd, struct head head, const void *payload, size_t len)
{
    struct iovec parts[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)payload, len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = len > 0 ? 2 : 1 };
    return send_message(fd, &message);
}

/* Room for exactly one descriptor, aligned as the kernel writes it. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static int
send_memory(int fd, struct head head, int memory)
{
    union control control;
    memset(&control, 0, sizeof(control));
    struct iovec part = { &head, sizeof(head) };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(item), &memory, sizeof(memory));
    return send_message(fd, &message);
}

int
frame_memory_new(size_t bytes, int *out_memory)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int memory = memfd_create(MEMORY_NAME, flags | MFD_NOEXEC_SEAL);
    if (memory < 0 && errno == EINVAL) {
        memory = memfd_create(MEMORY_NAME, flags); /* an older kernel */
    }
    if (memory < 0) {
        return ERROR_IO;
    }
    if (ftruncate(memory, (off_t)bytes) != 0) {
        (void)close(memory);
        return ERROR_IO;
    }
    *out_memory = memory;
    return ERROR_OK;
}

/* Asked without fstat(), which by its other forms looks at any path. 0: none. */
static size_t
size_of(int memory)
{
    off_t end = lseek(memory, 0, SEEK_END);
    return end > 0 ? (size_t)end : 0;
}

/* Twice as fast as a mapping, where the process may write to files. */
static int
write_all(int memory, const void *payload, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t part = pwrite(memory, (const char *)payload + done, len - done, (off_t)done);
        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part <= 0) {
            return errno == ENOSPC || errno == ENOMEM ? ERROR_NOMEM : ERROR_IO;
        }
        done += (size_t)part;
    }
    return ERROR_OK;
}

/* Where it may not: the limit of file sizes does not count for a mapping. */
static int
map_and_copy(int memory, const void *payload, size_t len)
{
    for (size_t done = 0; done < len; done += WINDOW_BYTES) {
        size_t part = len - done < WINDOW_BYTES ? len - done : WINDOW_BYTES;
        void *window = mmap(NULL, part, PROT_READ | PROT_WRITE, MAP_SHARED, memory, (off_t)done);
        if (window == MAP_FAILED) {
            return ERROR_NOMEM;
        }
        memcpy(window, (const char *)payload + done, part);
        (void)munmap(window, part);
    }
    return ERROR_OK;
}

/* Make filled memory what a receiver believes, and send it. */
static int
seal_and_send(int fd, struct head head, int memory)
{
    if (ftruncate(memory, (off_t)head.len) != 0 || fcntl(memory, F_ADD_SEALS, SEALS) != 0) {
        return ERROR_IO;
    }
    return send_memory(fd, head, memory);
}

int
frame_send(int fd, enum frame_type type, uint64_t id, const void *payload, size_t len)
{
    if (len > FRAME_PAYLOAD_MAX) {
        return ERROR_TOO_BIG;
    }
    if (len <= FRAME_INLINE_BYTES) {
        return send_inline(fd, make_head(type, id, len, false), payload, len);
    }
    int memory = -1;
    int error = frame_memory_new(len, &memory);
    if (error != ERROR_OK) {
        return error;
    }
    error = write_all(memory, payload, len);
    if (error == ERROR_OK) {
        error = seal_and_send(fd, make_head(type, id, len, true), memory);
    }
    (void)close(memory);
    return error;
}

int
frame_send_from(int fd, enum frame_type type, uint64_t id, const void *payload, size_t len,
                int *memory)
{
    if (len <= FRAME_DATAGRAM_BYTES) {
        return send_inline(fd, make_head(type, id, len, false), payload, len);
    }
    if (*memory < 0 || len > FRAME_PAYLOAD_MAX || len > size_of(*memory)) {
        return ERROR_TOO_BIG;
    }
    int error = map_and_copy(*memory, payload, len);
    if (error == ERROR_OK) {
        error = seal_and_send(fd, make_head(type, id, len, true), *memory);
    }
    (void)close(*memory);
    *memory = -1;
    return error;
}

/* Take the descriptors of a message: the only one, or -1 when there is none. *out_many: there were
 * more; they are closed. */
static int
take_descriptor(struct msghdr *message, bool *out_many)
{
    int taken = -1;
    *out_many = (message->msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item != NULL;
         item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int one = -1;
            memcpy(&one, CMSG_DATA(item) + i * sizeof(one), sizeof(one));
            if (taken < 0) {
                taken = one;
            } else {
                *out_many = true;
                (void)close(one);
            }
        }
    }
    return taken;
}

static int
error_of_receive(int number)
{
    switch (number) {
    case EAGAIN:
        return ERROR_BUSY;
    case ECONNRESET:
    case ENOTCONN:
        return ERROR_CLOSED;
    case ENOMEM:
        return ERROR_NOMEM;
    default:
        return ERROR_IO;
    }
}

/* How long the next datagram is; an empty one cannot be told from the end, and is not ours. A peer
 * that ended with something of ours unread is a reset, which is told once and before what it had
 * said: that is asked for again. */
static int
next_length(int fd, size_t *out_len)
{
    ssize_t len = 0;
    bool was_reset = false;
    bool again = false;
    do {
        len = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
        again = len < 0 && (errno == EINTR || (errno == ECONNRESET && !was_reset));
        was_reset = was_reset || (again && errno == ECONNRESET);
    } while (again);
    if (len < 0) {
        return error_of_receive(errno);
    }
    *out_len = (size_t)len;
    return len == 0 ? ERROR_CLOSED : ERROR_OK;
}

/* The datagram of `len` bytes that is known to be there. */
static int
receive_message(int fd, void *bytes, size_t len, int *out_descriptor)
{
    union control control;
    struct iovec part = { bytes, len };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    ssize_t got = 0;
    do {
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return error_of_receive(errno);
    }
    bool many = false;
    int descriptor = take_descriptor(&message, &many);
    if (many || (size_t)got != len || (message.msg_flags & MSG_TRUNC) != 0) {
        if (descriptor >= 0) {
            (void)close(descriptor);
        }
        return ERROR_PROTOCOL;
    }
    *out_descriptor = descriptor;
    return ERROR_OK;
}

static bool
is_sealed(int memory, size_t len)
{
    struct statfs system;
    int seals = fcntl(memory, F_GET_SEALS);
    /* tmpfs: seals exist on huge pages too, whose reading can fail. */
    return seals >= 0 && (seals & SEALS) == SEALS && size_of(memory) == len &&
           fstatfs(memory, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

/* Private, since Linux before 6.7 maps sealed memory in no other way. */
static int
map_memory(struct frame *frame, int memory)
{
    if (!is_sealed(memory, frame->len)) {
        return ERROR_PROTOCOL;
    }
    void *mapping = mmap(NULL, frame->len, PROT_READ, MAP_PRIVATE, memory, 0);
    if (mapping == MAP_FAILED) {
        return ERROR_NOMEM;
    }
    frame->mapping = mapping;
    frame->payload = mapping;
    return ERROR_OK;
}

/* Judge the head and find the payload: `datagram` bytes are in frame->storage. */
static int
judge(struct frame *frame, size_t datagram, size_t max, int descriptor)
{
    struct head head;
    memcpy(&head, frame->storage, sizeof(head));
    if (head.magic != FRAME_MAGIC || head.version != FRAME_VERSION || head.type < FRAME_HELLO ||
        head.type > FRAME_CANCEL || head.in_memory > 1 || head.len > max) {
        return ERROR_PROTOCOL;
    }
    frame->type = (enum frame_type)head.type;
    frame->id = head.id;
    frame->len = head.len;
    size_t inside = datagram - sizeof(head);
    if (head.in_memory == 1) {
        bool fits = inside == 0 && descriptor >= 0 && head.len > 0;
        return fits ? map_memory(frame, descriptor) : ERROR_PROTOCOL;
    }
    frame->payload = (const char *)frame->storage + sizeof(head);
    return inside == head.len && descriptor < 0 ? ERROR_OK : ERROR_PROTOCOL;
}

int
frame_receive(int fd, size_t max, struct frame *out_frame)
{
    size_t datagram = 0;
    int error = next_length(fd, &datagram);
    if (error != ERROR_OK) {
        return error;
    }
    size_t payload_max = max < FRAME_DATAGRAM_BYTES ? max : FRAME_DATAGRAM_BYTES;
    if (datagram < sizeof(struct head) || datagram > sizeof(struct head) + payload_max) {
        return ERROR_PROTOCOL;
    }
    struct frame frame = { .storage = malloc(datagram) };
    if (frame.storage == NULL) {
        return ERROR_NOMEM;
    }
    int descriptor = -1;
    error = receive_message(fd, frame.storage, datagram, &descriptor);
    if (error == ERROR_OK) {
        error = judge(&frame, datagram, max, descriptor);
    }
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    if (error != ERROR_OK) {
        frame_release(&frame);
        return error;
    }
    *out_frame = frame;
    return ERROR_OK;
}

void
frame_release(struct frame *frame)
{
    if (frame->mapping != NULL) {
        (void)munmap(frame->mapping, frame->len);
    }
    free(frame->storage);
    *frame = (struct frame){ 0 };
}
