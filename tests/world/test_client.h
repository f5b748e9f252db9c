/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A plain client of the world for its tests: what was sent and what came back, byte for byte, also
 * when it is no HTTP. Blocking, with a deadline. */
#ifndef ROLLCALL_TESTS_WORLD_TEST_CLIENT_H
#define ROLLCALL_TESTS_WORLD_TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_BYTES_MAX (4u * 1024 * 1024)

enum client_end {
    CLIENT_WHOLE,  /* a whole reply; the connection is still there */
    CLIENT_CLOSED, /* the connection was closed */
    CLIENT_RESET,  /* …with RST */
    CLIENT_LATE    /* nothing within the deadline */
};

struct client {
    int fd;
    char *bytes; /* what has come and is not taken yet, a NUL behind it */
    size_t len;
};

struct client_reply {
    enum client_end end;
    int status; /* 0: not HTTP, or nothing */
    char *head; /* "" when there is none; free with client_reply_free() */
    char *body; /* as far as it came */
    size_t body_len;
    size_t promised; /* Content-Length, or 0 */
};

/** Connect to "http://127.0.0.1:PORT". Fails the test. */
struct client client_open(const char *origin);
void client_close(struct client *client);

/** Send a text as it is. */
void client_send(struct client *client, const char *text);
/** "GET <target>" with the headers a client needs. */
void client_get(struct client *client, const char *target);
void client_post(struct client *client, const char *target, const char *body);

/** Read one reply, or what comes until the end. */
struct client_reply client_receive(struct client *client);
void client_reply_free(struct client_reply *reply);

/** Read and drop at least so many bytes. False: it ended before. */
bool client_drain(struct client *client, size_t bytes);

/** A whole GET on a connection of its own. */
struct client_reply client_fetch(const char *origin, const char *target);

#endif
