/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes from a peer at the gate. What is promised: nothing reaches nng's side but the eight
 * bytes of a proper greeting and, after it, exactly what the peer sent; no more is let through once
 * a message is announced that is too large; and the link is gone when the peer is. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/exec/loop.h"
#include "daemon/serve/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define GREETING_LEN 8
#define MESSAGE_BYTES_MAX 100
#define TURNS 8
#define INPUT_MAX 4096

static char inner_path[64];
static int inner;
static struct link_shared shared;

static void
set_up(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(inner_path, sizeof(inner_path), "/tmp/fuzz-gate-%ld", (long)getpid());
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", inner_path);
    inner = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)unlink(inner_path);
    if (bind(inner, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(inner, 8) != 0 ||
        loop_new(&shared.loop) != 0) {
        abort();
    }
    log_set_level(LOG_LEVEL_ERROR);
    shared.url = "ipc://fuzz";
    shared.inner_path = inner_path;
    shared.message_bytes_max = MESSAGE_BYTES_MAX;
    list_init(&shared.greeting);
    list_init(&shared.joined);
}

static void
clean_up(void)
{
    (void)unlink(inner_path);
}

static void
turn(void)
{
    for (int i = 0; i < TURNS; i++) {
        loop_turn(shared.loop, 0);
    }
}

/* How many bytes a proper peer would have been let to send: up to the end of the head of the first
 * message that is refused. */
static size_t
allowed(const uint8_t *bytes, size_t len)
{
    size_t at = GREETING_LEN;
    while (at + 9 <= len) {
        uint64_t length = 0;
        for (size_t i = 1; i < 9; i++) {
            length = length << 8 | bytes[at + i];
        }
        if (bytes[at] != 1 || length > MESSAGE_BYTES_MAX) {
            return at + 9;
        }
        at += 9 + (size_t)length;
    }
    return len;
}

static void
read_inner(int fd, const uint8_t *bytes, size_t len)
{
    static uint8_t found[2 * INPUT_MAX];
    size_t got = 0;
    assert(send(fd, "\0SP\0\0\x31\0\0", GREETING_LEN, MSG_NOSIGNAL) == GREETING_LEN);
    turn();
    for (ssize_t some = 1; some > 0; got += some > 0 ? (size_t)some : 0) {
        some = recv(fd, found + got, sizeof(found) - got, MSG_DONTWAIT);
    }
    assert(got >= GREETING_LEN && got <= allowed(bytes, len));
    assert(memcmp(found, bytes, got) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int ends[2];
    len = len < INPUT_MAX ? len : INPUT_MAX;
    if (shared.loop == NULL) {
        set_up();
        (void)atexit(clean_up);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        abort();
    }
    link_start(&shared, ends[0]);
    (void)send(ends[1], bytes, len, MSG_NOSIGNAL);
    turn();
    int fd = accept(inner, NULL, NULL);
    assert((fd >= 0) == (len >= GREETING_LEN && memcmp(bytes, "\0SP\0\0\x30\0\0", 8) == 0));
    if (fd >= 0) {
        read_inner(fd, bytes, len);
    }
    (void)close(ends[1]);
    turn();
    assert(shared.count == 0);
    if (fd >= 0) {
        (void)close(fd);
    }
    return 0;
}
