/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Which answer a question gets: the one after the last, for A and for all else each, and then the
 * last for ever. A question over TCP that follows a cut reply asks again, and counts. */
#include "tests/world/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "daemon/base/list.h"
#include "tests/world/dns_reply.h"

#define BACKLOG 64
#define ADDRESS_BYTES 32
#define PORT_TRIES 100
#define PREFIX_BYTES 2 /* a message's length, over TCP */

/* How often a name was asked for. */
struct asked {
    size_t a;
    size_t other;
};

struct dns {
    const struct script_dns *script;
    struct event_base *base;
    struct eventlog *log;
    struct asked *asked; /* one for each name */
    struct list streams;
    int udp;
    int tcp;
    struct event *on_udp;
    struct event *on_tcp;
    char address[ADDRESS_BYTES];
};

struct stream {
    struct list node;
    struct dns *dns;
    struct bufferevent *buffer;
};

/* ---- Answers */

static const struct script_answer *
next_answer(struct dns *dns, const struct dns_question *question)
{
    for (size_t i = 0; i < dns->script->count; i++) {
        const struct script_name *name = &dns->script->names[i];
        if (strcasecmp(name->name, question->name) == 0) {
            size_t *asked = question->type == DNS_TYPE_A ? &dns->asked[i].a : &dns->asked[i].other;
            size_t index = *asked < name->count ? *asked : name->count - 1;
            (*asked)++;
            return &name->answers[index];
        }
    }
    return NULL;
}

/* The log's platform is the name, its method the type. */
static void
log_question(struct dns *dns, const struct dns_question *question)
{
    const struct eventlog_entry entry = {
        .t_us = eventlog_now_us(),
        .event = "dns",
        .platform = question->name,
        .method = question->type == DNS_TYPE_A      ? "A"
                  : question->type == DNS_TYPE_AAAA ? "AAAA"
                  : question->type == DNS_TYPE_SRV  ? "SRV"
                                                    : "other",
        .target = "",
    };
    eventlog_add(dns->log, &entry);
}

static size_t
reply_to(struct dns *dns, const uint8_t *message, size_t len, bool cuts, uint8_t *out)
{
    struct dns_question question;
    if (!dns_read_question(message, len, &question)) {
        return 0;
    }
    log_question(dns, &question);
    return dns_write_reply(&question, next_answer(dns, &question), cuts, out);
}

/* ---- UDP */

static bool
serve_datagram(struct dns *dns)
{
    uint8_t message[DNS_MESSAGE_BYTES];
    uint8_t reply[DNS_MESSAGE_BYTES];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t len =
        recvfrom(dns->udp, message, sizeof(message), 0, (struct sockaddr *)&from, &from_len);
    if (len < 0) {
        return errno == EINTR || errno == ECONNREFUSED;
    }
    size_t size = reply_to(dns, message, (size_t)len, true, reply);
    if (size > 0) {
        (void)sendto(dns->udp, reply, size, 0, (struct sockaddr *)&from, from_len);
    }
    return true;
}

static void
on_datagrams(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    while (serve_datagram(argument)) {
    }
}

/* ---- TCP */

static void
free_stream(struct stream *stream)
{
    list_remove(&stream->node);
    bufferevent_free(stream->buffer);
    free(stream);
}

static void
on_bytes(struct bufferevent *buffer, void *argument)
{
    struct stream *stream = argument;
    struct evbuffer *input = bufferevent_get_input(buffer);
    uint8_t message[PREFIX_BYTES + DNS_MESSAGE_BYTES];
    uint8_t reply[PREFIX_BYTES + DNS_MESSAGE_BYTES];
    while (evbuffer_copyout(input, message, PREFIX_BYTES) == PREFIX_BYTES) {
        size_t len = (size_t)message[0] << 8 | message[1];
        if (len > DNS_MESSAGE_BYTES) {
            free_stream(stream);
            return;
        }
        if (evbuffer_get_length(input) < PREFIX_BYTES + len) {
            return;
        }
        (void)evbuffer_remove(input, message, PREFIX_BYTES + len);
        size_t size =
            reply_to(stream->dns, message + PREFIX_BYTES, len, false, reply + PREFIX_BYTES);
        reply[0] = (uint8_t)(size >> 8);
        reply[1] = (uint8_t)size;
        if (size > 0) {
            (void)bufferevent_write(buffer, reply, PREFIX_BYTES + size);
        }
    }
}

static void
on_stream_event(struct bufferevent *buffer, short what, void *argument)
{
    (void)buffer;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
        free_stream(argument);
    }
}

static void
on_accept(evutil_socket_t listener, short what, void *argument)
{
    struct dns *dns = argument;
    (void)what;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct stream *stream = fd >= 0 ? calloc(1, sizeof(*stream)) : NULL;
    struct bufferevent *buffer =
        stream != NULL ? bufferevent_socket_new(dns->base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
    if (buffer == NULL) {
        free(stream);
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    stream->dns = dns;
    stream->buffer = buffer;
    list_push_back(&dns->streams, &stream->node);
    bufferevent_setcb(buffer, on_bytes, NULL, on_stream_event, stream);
    (void)bufferevent_enable(buffer, EV_READ | EV_WRITE);
}

/* ---- Start and stop */

static int
bind_socket(int type, struct sockaddr_in *address)
{
    socklen_t len = sizeof(*address);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
                    getsockname(fd, (struct sockaddr *)address, &len) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* A port that is free for both. */
static bool
bind_both(struct dns *dns, struct sockaddr_in *out_address)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
        dns->tcp = bind_socket(SOCK_STREAM, &address);
        dns->udp = dns->tcp >= 0 ? bind_socket(SOCK_DGRAM, &address) : -1;
        if (dns->udp >= 0) {
            *out_address = address;
            return listen(dns->tcp, BACKLOG) == 0;
        }
        if (dns->tcp >= 0) {
            (void)close(dns->tcp);
            dns->tcp = -1;
        }
    }
    return false;
}

static int
open_sockets(struct dns *dns, struct error_text *why)
{
    struct sockaddr_in address;
    if (!bind_both(dns, &address)) {
        return error_say(why, ERROR_IO, "127.0.0.1: no port for DNS: %s", strerror(errno));
    }
    (void)snprintf(dns->address, sizeof(dns->address), "127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    dns->on_udp = event_new(dns->base, dns->udp, EV_READ | EV_PERSIST, on_datagrams, dns);
    dns->on_tcp = event_new(dns->base, dns->tcp, EV_READ | EV_PERSIST, on_accept, dns);
    if (dns->on_udp == NULL || dns->on_tcp == NULL || event_add(dns->on_udp, NULL) != 0 ||
        event_add(dns->on_tcp, NULL) != 0) {
        return error_say(why, ERROR_NOMEM, "the name server: out of memory");
    }
    return 0;
}

int
dns_new(const struct script_dns *script, struct event_base *base, struct eventlog *log,
        struct dns **out_dns, struct error_text *why)
{
    struct dns *dns = calloc(1, sizeof(*dns));
    struct asked *asked = calloc(script->count + 1, sizeof(*asked));
    if (dns == NULL || asked == NULL) {
        free(dns);
        free(asked);
        return error_say(why, ERROR_NOMEM, "the name server: out of memory");
    }
    *dns = (struct dns){
        .script = script, .base = base, .log = log, .asked = asked, .udp = -1, .tcp = -1
    };
    list_init(&dns->streams);
    int error = open_sockets(dns, why);
    if (error) {
        dns_free(&dns);
        return error;
    }
    *out_dns = dns;
    return 0;
}

void
dns_free(struct dns **dns)
{
    struct dns *one = *dns;
    if (one == NULL) {
        return;
    }
    *dns = NULL;
    while (!list_is_empty(&one->streams)) {
        free_stream(LIST_ENTRY(one->streams.next, struct stream, node));
    }
    if (one->on_udp != NULL) {
        event_free(one->on_udp);
    }
    if (one->on_tcp != NULL) {
        event_free(one->on_tcp);
    }
    (void)close(one->udp);
    (void)close(one->tcp);
    free(one->asked);
    free(one);
}

const char *
dns_address(const struct dns *dns)
{
    return dns->address;
}
