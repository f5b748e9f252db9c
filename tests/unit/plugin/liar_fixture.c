/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A worker without a sandbox that opens its plugin and answers as the real one does, unless the
 * subject is a word below: what a plugin could say that writes to the socket itself. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/arena.h"
#include "daemon/base/buf.h"
#include "daemon/base/frame.h"
#include "daemon/plugin/call.h"
#include "daemon/plugin/host.h"
#include "daemon/plugin/loader.h"
#include "daemon/plugin/manifest_wire.h"

#define SOCKET_FD 3
#define ARENA_BYTES ((size_t)4 * 1024 * 1024)

static char zeros[CALL_ANSWER_BYTES_MAX + 1];

static void
say(enum frame_type type, uint64_t id, const void *bytes, size_t len)
{
    if (frame_send(SOCKET_FD, type, id, bytes, len) != ERROR_OK) {
        exit(EXIT_FAILURE);
    }
}

static void
run(const struct image *image, const struct frame *frame)
{
    static const struct host_config config = { 0 };
    struct buf answer;
    buf_init(&answer, CALL_ANSWER_BYTES_MAX);
    if (host_run(image, &config, NULL, frame->payload, frame->len, &answer) != ERROR_OK) {
        exit(EXIT_FAILURE);
    }
    say(FRAME_ANSWER, frame->id, answer.bytes, answer.len);
    buf_fini(&answer);
}

static void
answer(const struct image *image, const struct frame *frame)
{
    struct call_request request;
    struct arena *arena = arena_new(ARENA_BYTES);
    if (arena == NULL ||
        call_decode_request(frame->payload, frame->len, arena, &request, NULL) != ERROR_OK) {
        exit(EXIT_FAILURE);
    }
    if (strcmp(request.subject, "nonsense") == 0) {
        say(FRAME_ANSWER, frame->id, "nonsense", 8);
    } else if (strcmp(request.subject, "large") == 0) {
        say(FRAME_ANSWER, frame->id, zeros, sizeof(zeros));
    } else {
        run(image, frame);
    }
    arena_free(&arena);
}

int
main(int argc, char **argv)
{
    static struct image *image; /* kept for good, as all that is opened */
    struct frame frame;
    struct buf hello;
    buf_init(&hello, MANIFEST_WIRE_BYTES_MAX);
    if (argc < 2 || loader_open(argv[1], &image, NULL) != ERROR_OK ||
        manifest_wire_encode(image->manifest, &hello) != ERROR_OK) {
        return EXIT_FAILURE;
    }
    say(FRAME_HELLO, 0, hello.bytes, hello.len);
    buf_fini(&hello);
    while (frame_receive(SOCKET_FD, CALL_REQUEST_BYTES_MAX, &frame) == ERROR_OK) {
        if (frame.type == FRAME_CALL) {
            answer(image, &frame);
        }
        frame_release(&frame);
    }
    return EXIT_SUCCESS;
}
