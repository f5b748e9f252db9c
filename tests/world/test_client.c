/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Plain sockets, read by hand. */
#include "tests/world/test_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/common.h"

struct client
client_open(const char *origin)
{
    const char *colon = strrchr(origin, ':');
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)),
        .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) },
    };
    const struct timeval patience = { .tv_sec = SUPPORT_WAIT_MS / 1000 };
    struct client client = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    if (client.fd < 0 ||
        setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(client.fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        support_fail("%s: %s", origin, strerror(errno));
    }
    client.bytes = calloc(1, REPLY_BYTES_MAX + 1);
    if (client.bytes == NULL) {
        support_fail("out of memory");
    }
    return client;
}

void
client_close(struct client *client)
{
    if (client->fd >= 0) {
        (void)close(client->fd);
    }
    free(client->bytes);
    *client = (struct client){ .fd = -1 };
}

void
client_send(struct client *client, const char *text)
{
    size_t len = strlen(text);
    if (send(client->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len) {
        support_fail("send: %s", strerror(errno));
    }
}

void
client_get(struct client *client, const char *target)
{
    char *text = support_text("GET %s HTTP/1.1\r\nHost: world\r\nAccept: */*\r\n\r\n", target);
    client_send(client, text);
    free(text);
}

void
client_post(struct client *client, const char *target, const char *body)
{
    char *text = support_text("POST %s HTTP/1.1\r\nHost: world\r\nContent-Length: %zu\r\n\r\n%s",
                              target, strlen(body), body);
    client_send(client, text);
    free(text);
}

/* One recv(). False: it is over, *out_end says how. */
static bool
read_some(struct client *client, enum client_end *out_end)
{
    size_t room = REPLY_BYTES_MAX - client->len;
    ssize_t len = recv(client->fd, client->bytes + client->len, room, 0);
    if (len > 0) {
        client->len += (size_t)len;
        client->bytes[client->len] = '\0';
        return true;
    }
    if (len == 0) {
        *out_end = CLIENT_CLOSED;
    } else {
        *out_end = errno == ECONNRESET ? CLIENT_RESET : CLIENT_LATE;
    }
    return false;
}

static size_t
promised_bytes(const char *head)
{
    const char *line = strstr(head, "\r\nContent-Length: ");
    return line == NULL ? 0 : (size_t)strtoul(line + 18, NULL, 10);
}

/* Cut what has come into head and body; at most the promised bytes. */
static void
cut(struct client *client, struct client_reply *reply)
{
    const char *end = strstr(client->bytes, "\r\n\r\n");
    size_t head_len = end == NULL ? client->len : (size_t)(end - client->bytes) + 4;
    reply->head = strndup(client->bytes, head_len);
    reply->promised = promised_bytes(reply->head);
    size_t left = client->len - head_len;
    reply->body_len = left < reply->promised ? left : reply->promised;
    reply->body = calloc(1, reply->body_len + 1);
    memcpy(reply->body, client->bytes + head_len, reply->body_len);
    if (strncmp(reply->head, "HTTP/1.1 ", 9) == 0) {
        reply->status = (int)strtol(reply->head + 9, NULL, 10);
    }
    size_t taken = head_len + reply->body_len;
    client->len -= taken;
    memmove(client->bytes, client->bytes + taken, client->len + 1);
}

static bool
is_whole(const struct client *client)
{
    const char *end = strstr(client->bytes, "\r\n\r\n");
    if (end == NULL || strncmp(client->bytes, "HTTP/", 5) != 0) {
        return false;
    }
    size_t head_len = (size_t)(end - client->bytes) + 4;
    return client->len - head_len >= promised_bytes(client->bytes);
}

struct client_reply
client_receive(struct client *client)
{
    struct client_reply reply = { .end = CLIENT_WHOLE };
    while (!is_whole(client) && read_some(client, &reply.end)) {
    }
    cut(client, &reply);
    return reply;
}

void
client_reply_free(struct client_reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct client_reply){ 0 };
}

bool
client_drain(struct client *client, size_t bytes)
{
    enum client_end end;
    size_t drained = 0;
    while (drained < bytes) {
        client->len = 0;
        if (!read_some(client, &end)) {
            return false;
        }
        drained += client->len;
    }
    client->len = 0;
    return true;
}

struct client_reply
client_fetch(const char *origin, const char *target)
{
    struct client client = client_open(origin);
    client_get(&client, target);
    struct client_reply reply = client_receive(&client);
    client_close(&client);
    return reply;
}
