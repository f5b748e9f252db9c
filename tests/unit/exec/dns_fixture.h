/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A name server for tests that turn a loop themselves: it lives on that very loop, so it answers in
 * the test's own thread and counts what it was asked. UDP and TCP on one port of 127.0.0.1. It
 * knows the names of a table; all others do not exist. Included by one test program each, hence
 * static. */
#ifndef ROLLCALL_TESTS_UNIT_EXEC_DNS_FIXTURE_H
#define ROLLCALL_TESTS_UNIT_EXEC_DNS_FIXTURE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/exec/loop.h"
#include "tests/support/common.h"

#define DNS_ADDRESSES 24
#define DNS_MESSAGE_BYTES 4096
#define DNS_TYPE_A 1
#define DNS_TYPE_AAAA 28
#define DNS_TYPE_CNAME 5
#define DNS_TYPE_SRV 33
#define DNS_SERVICES 24

enum dns_fault { DNS_NONE, DNS_SERVFAIL, DNS_SILENT, DNS_GARBAGE, DNS_CUT };

struct dns_service {
    const char *target;
    unsigned priority;
    unsigned weight;
    unsigned port;
};

struct dns_name {
    const char *name;
    struct dns_service services[DNS_SERVICES];
    const char *addresses[DNS_ADDRESSES]; /* v4 and v6 */
    const char *alias;                    /* a CNAME between: the addresses are the alias's */
    uint32_t ttl_s;
    uint32_t alias_ttl_s;
    enum dns_fault fault; /* CUT: over UDP; whole over TCP */
    unsigned asked;       /* for A */
};

struct dns_server {
    struct loop *loop;
    struct loop_watch udp;
    struct loop_watch tcp;
    struct loop_watch conn; /* one at a time; fd -1: none */
    struct dns_name *names;
    size_t count;
    unsigned port;
    unsigned datagrams;
    unsigned streams; /* questions over TCP */
    char text[32];    /* "127.0.0.1:PORT" */
};

static struct dns_server dns;

struct dns_out {
    uint8_t bytes[DNS_MESSAGE_BYTES];
    size_t len;
};

static void
dns_put(struct dns_out *out, const void *bytes, size_t len)
{
    assert_true(out->len + len <= sizeof(out->bytes));
    memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

static void
dns_put16(struct dns_out *out, unsigned value)
{
    dns_put(out, (const uint8_t[]){ (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

static void
dns_put_name(struct dns_out *out, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        dns_put(out, &(const uint8_t){ (uint8_t)len }, 1);
        dns_put(out, name, len);
        name += len + (name[len] == '.' ? 1 : 0);
    }
    dns_put(out, "", 1);
}

/* Type, class IN, TTL. */
static void
dns_put_meta(struct dns_out *out, unsigned type, uint32_t ttl_s)
{
    dns_put16(out, type);
    dns_put16(out, 1);
    dns_put16(out, ttl_s >> 16);
    dns_put16(out, ttl_s & 0xffff);
}

/* Returns how many records there are. */
static unsigned
dns_put_records(struct dns_out *out, const struct dns_name *found, unsigned type)
{
    unsigned records = 0;
    if (found->alias != NULL) {
        dns_put16(out, 0xc00c); /* the question's name */
        dns_put_meta(out, DNS_TYPE_CNAME, found->alias_ttl_s);
        dns_put16(out, (unsigned)strlen(found->alias) + 2);
        dns_put_name(out, found->alias);
        records++;
    }
    for (size_t i = 0;
         type == DNS_TYPE_SRV && i < DNS_SERVICES && found->services[i].target != NULL; i++) {
        const struct dns_service *service = &found->services[i];
        dns_put16(out, 0xc00c);
        dns_put_meta(out, DNS_TYPE_SRV, found->ttl_s);
        dns_put16(out, 6 + (unsigned)strlen(service->target) + (service->target[0] != 0 ? 2 : 1));
        dns_put16(out, service->priority);
        dns_put16(out, service->weight);
        dns_put16(out, service->port);
        dns_put_name(out, service->target);
        records++;
    }
    for (size_t i = 0; i < DNS_ADDRESSES && found->addresses[i] != NULL; i++) {
        bool is_ipv6 = strchr(found->addresses[i], ':') != NULL;
        uint8_t bytes[16];
        if (type != (is_ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A)) {
            continue;
        }
        assert_int_equal(inet_pton(is_ipv6 ? AF_INET6 : AF_INET, found->addresses[i], bytes), 1);
        if (found->alias != NULL) {
            dns_put_name(out, found->alias);
        } else {
            dns_put16(out, 0xc00c);
        }
        dns_put_meta(out, type, found->ttl_s);
        dns_put16(out, is_ipv6 ? 16 : 4);
        dns_put(out, bytes, is_ipv6 ? 16 : 4);
        records++;
    }
    return records;
}

/* The name of the one question; gives the bytes of the question, its name, type and class. */
static size_t
dns_read_question(const uint8_t *message, size_t len, char *name, unsigned *out_type)
{
    size_t at = 12;
    size_t to = 0;
    while (at < len && message[at] != 0) {
        size_t label = message[at++];
        assert_true(label < 64 && at + label < len && to + label + 2 < 256);
        memcpy(name + to, message + at, label);
        to += label;
        name[to++] = '.';
        at += label;
    }
    assert_true(at + 5 <= len && to > 0);
    name[to - 1] = '\0';
    *out_type = (unsigned)message[at + 1] << 8 | message[at + 2];
    return at + 5 - 12;
}

static struct dns_name *
dns_find(const char *name)
{
    for (size_t i = 0; i < dns.count; i++) {
        if (strcasecmp(dns.names[i].name, name) == 0) {
            return &dns.names[i];
        }
    }
    return NULL;
}

/* False: say nothing. */
static bool
dns_answer(const uint8_t *message, size_t len, bool is_udp, struct dns_out *out)
{
    char name[256] = "";
    unsigned type = 0;
    size_t question = dns_read_question(message, len, name, &type);
    struct dns_name *found = dns_find(name);
    enum dns_fault fault = found != NULL ? found->fault : DNS_NONE;
    if (found != NULL && type == DNS_TYPE_A) {
        found->asked++;
    }
    if (fault == DNS_SILENT) {
        return false;
    }
    bool is_cut = fault == DNS_CUT && is_udp;
    unsigned code = found == NULL ? 3 : fault == DNS_SERVFAIL ? 2 : 0;
    out->len = 0;
    dns_put(out, message, 2);
    dns_put16(out, 0x8180 | code | (is_cut ? 0x0200U : 0));
    dns_put16(out, 1);
    dns_put16(out, 0); /* answers, below */
    dns_put16(out, 0);
    dns_put16(out, 0);
    if (fault == DNS_GARBAGE) {
        dns_put(out, "\xff\xff\xff garbage \xc0\x0c", 14);
        return true;
    }
    dns_put(out, message + 12, question);
    if (code == 0 && !is_cut) {
        out->bytes[7] = (uint8_t)dns_put_records(out, found, type);
    }
    return true;
}

/* False: there is no more. */
static bool
dns_serve_one(int fd)
{
    uint8_t message[DNS_MESSAGE_BYTES];
    struct dns_out out;
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t len =
        recvfrom(fd, message, sizeof(message), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
    if (len < 17) {
        return false;
    }
    dns.datagrams++;
    if (dns_answer(message, (size_t)len, true, &out)) {
        (void)sendto(fd, out.bytes, out.len, 0, (struct sockaddr *)&from, from_len);
    }
    return true;
}

static void
dns_on_udp(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    while (dns_serve_one(watch->fd)) {
    }
}

static void
dns_hang_up(void)
{
    if (dns.conn.fd >= 0) {
        loop_watch_remove(dns.loop, &dns.conn);
        close(dns.conn.fd);
        dns.conn.fd = -1;
    }
}

/* One question after the other, each in one piece: the resolver's are small. */
static void
dns_on_stream(struct loop_watch *watch, uint32_t events)
{
    uint8_t bytes[DNS_MESSAGE_BYTES];
    (void)events;
    ssize_t len = recv(watch->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (len <= 2) {
        dns_hang_up();
        return;
    }
    for (size_t at = 0; at + 2 < (size_t)len;) {
        size_t size = (size_t)bytes[at] << 8 | bytes[at + 1];
        struct dns_out out;
        assert_true(at + 2 + size <= (size_t)len);
        dns.streams++;
        if (dns_answer(bytes + at + 2, size, false, &out)) {
            const uint8_t prefix[] = { (uint8_t)(out.len >> 8), (uint8_t)out.len };
            assert_int_equal(send(watch->fd, prefix, 2, MSG_NOSIGNAL), 2);
            assert_int_equal(send(watch->fd, out.bytes, out.len, MSG_NOSIGNAL), out.len);
        }
        at += 2 + size;
    }
}

static void
dns_on_accept(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    dns_hang_up();
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    dns.conn = (struct loop_watch){ .fd = fd, .events = EPOLLIN, .fn = dns_on_stream };
    assert_int_equal(loop_watch_add(dns.loop, &dns.conn), ERROR_OK);
}

static int
dns_bind(int type, struct sockaddr_in *address)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)address, sizeof(*address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

MAYBE_UNUSED static void
dns_open(struct loop *on, struct dns_name *names, size_t count)
{
    int udp = -1;
    int tcp = -1;
    struct sockaddr_in address;
    while (udp < 0) { /* until a TCP port's number is free for UDP, too */
        socklen_t len = sizeof(address);
        address = (struct sockaddr_in){ .sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        tcp = dns_bind(SOCK_STREAM, &address);
        assert_int_equal(getsockname(tcp, (struct sockaddr *)&address, &len), 0);
        udp = dns_bind(SOCK_DGRAM, &address);
        if (udp < 0) {
            close(tcp);
        }
    }
    assert_int_equal(listen(tcp, 8), 0);
    dns = (struct dns_server){ .loop = on, .names = names, .count = count, .conn.fd = -1 };
    dns.port = ntohs(address.sin_port);
    (void)snprintf(dns.text, sizeof(dns.text), "127.0.0.1:%u", dns.port);
    dns.udp = (struct loop_watch){ .fd = udp, .events = EPOLLIN, .fn = dns_on_udp };
    dns.tcp = (struct loop_watch){ .fd = tcp, .events = EPOLLIN, .fn = dns_on_accept };
    assert_int_equal(loop_watch_add(on, &dns.udp), ERROR_OK);
    assert_int_equal(loop_watch_add(on, &dns.tcp), ERROR_OK);
}

MAYBE_UNUSED static void
dns_close(void)
{
    dns_hang_up();
    loop_watch_remove(dns.loop, &dns.udp);
    loop_watch_remove(dns.loop, &dns.tcp);
    close(dns.udp.fd);
    close(dns.tcp.fd);
}

#endif
