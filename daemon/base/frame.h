/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Messages between the daemon and a worker process, over one SOCK_SEQPACKET pair: the kernel keeps
 * their borders, and an end of file is the other's death. A frame is a fixed head and a payload,
 * which travels in the same datagram or, when it is large, in a sealed memfd. Each side treats the
 * other as a stranger: magic, version, type, length and descriptor are checked before anything is
 * believed.
 *
 * The conversation: the worker opens its plugin and says HELLO (the manifest as bytes) or REFUSED
 * (one sentence) and ends; the daemon sends CONFIG, once, and again before a call that has one of
 * its own; then CALL and ANSWER in turn. CALLs that are quick may be sent ahead: they are read and
 * answered one after the other. CANCEL may come at any time, the only frame in the middle of any
 * other call, and void after it. */
#ifndef ROLLCALL_BASE_FRAME_H
#define ROLLCALL_BASE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"

#define FRAME_VERSION 1
/* From here on frame_send() takes a memfd: mapping is then cheaper than copying twice. */
#define FRAME_INLINE_BYTES ((size_t)32 * 1024)
/* The largest payload that any datagram carries: any answer to a step does; with its head it stays
 * below Linux' default send buffer (208 KiB). */
#define FRAME_DATAGRAM_BYTES ((size_t)160 * 1024)
/* The largest payload of all: an enumeration of many checkers. */
#define FRAME_PAYLOAD_MAX ((size_t)512 * 1024 * 1024)

enum frame_type {
    FRAME_HELLO = 1,   /* worker: the manifest */
    FRAME_REFUSED = 2, /* worker: why not, one sentence */
    FRAME_CONFIG = 3,  /* daemon: the plugin's configuration */
    FRAME_CALL = 4,    /* daemon: a call_request */
    FRAME_ANSWER = 5,  /* worker: its call_answer */
    FRAME_CANCEL = 6   /* daemon: nobody waits for that call any more; empty */
};

struct frame {
    enum frame_type type;
    uint64_t id;         /* of the call; 0 for the others */
    const void *payload; /* of a received one: valid until frame_release() */
    size_t len;
    void *mapping; /* frame.c's own */
    void *storage;
};

/**
 * Send one frame. Blocks as the socket does.
 * Errors: BUSY (a non-blocking socket is full), CLOSED (the other side is gone), TOO_BIG, NOMEM,
 * IO.
 */
MUST_CHECK int
frame_send(int fd, enum frame_type type, uint64_t id, const void *payload, size_t len);

/**
 * Memory that a process makes while it may, to send one large payload once it is sandboxed: its
 * size bounds what can ever be put there.
 * Owner: *out_memory is a descriptor of the caller's. Errors: IO.
 */
MUST_CHECK int frame_memory_new(size_t bytes, int *out_memory);

/**
 * As frame_send(), by one who may not make descriptors: a payload over FRAME_DATAGRAM_BYTES goes
 * into *memory, which is closed and -1 afterwards. With -1 such a payload is TOO_BIG.
 */
MUST_CHECK int frame_send_from(int fd, enum frame_type type, uint64_t id, const void *payload,
                               size_t len, int *memory);

/**
 * Receive one frame with a payload of at most `max` bytes.
 * Owner:  release *out_frame with frame_release().
 * Errors: BUSY (nothing there, non-blocking), CLOSED (end of file), PROTOCOL (not a frame of ours,
 * a payload over `max`, a descriptor that is not a sealed memfd of that size), NOMEM, IO.
 */
MUST_CHECK int frame_receive(int fd, size_t max, struct frame *out_frame);
void frame_release(struct frame *frame);

#endif
