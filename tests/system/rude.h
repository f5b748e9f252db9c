/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Peers that do not play by the rules: raw bytes on the daemon's ipc socket. Nothing here fails a
 * test, so it may run on any thread; what matters is how others are served meanwhile. */
#ifndef ROLLCALL_TESTS_SYSTEM_RUDE_H
#define ROLLCALL_TESTS_SYSTEM_RUDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What a REQ peer sends first, and the byte before a message's length. */
#define RUDE_GREETING "\0SP\0\0\x30\0\0"
#define RUDE_GREETING_LEN 8
#define RUDE_MESSAGE 1

/* A connection, or -1. Blocks while the daemon's backlog is full. */
static inline int
rude_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

/* Bytes sent; a daemon that closes the connection meanwhile is no fault of the test. */
static inline size_t
rude_send(int fd, const void *bytes, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t some = send(fd, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL);
        if (some <= 0) {
            break;
        }
        sent += (size_t)some;
    }
    return sent;
}

/* The head of a message that announces `len` bytes. */
static inline void
rude_announce(int fd, uint64_t len)
{
    uint8_t head[9] = { RUDE_MESSAGE };
    for (int i = 0; i < 8; i++) {
        head[8 - i] = (uint8_t)(len >> (8 * i));
    }
    (void)rude_send(fd, head, sizeof(head));
}

/* One proper request with an id of its own. False: not all of it was taken. */
static inline bool
rude_ask(int fd, uint8_t id, const char *text)
{
    const uint8_t header[4] = { 0x80, 0, 0, id };
    rude_announce(fd, sizeof(header) + strlen(text));
    return rude_send(fd, header, sizeof(header)) == sizeof(header) &&
           rude_send(fd, text, strlen(text)) == strlen(text);
}

#endif
