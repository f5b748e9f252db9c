/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The world's name server, asked in bytes. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/world.h"

#define MESSAGE_BYTES 1500
#define A 1
#define AAAA 28
#define SRV 33
#define CODE(reply) ((reply)[3] & 15)
#define ANSWERS(reply) ((reply)[7])
#define IS_CUT(reply) (((reply)[2] & 2) != 0)

#define SCRIPT                                                                                     \
    "{\"platforms\":{},\"dns\":{"                                                                  \
    "\"one.test\":{\"a\":[\"127.0.0.1\",\"192.0.2.9\"],\"aaaa\":[\"::1\"],\"ttl\":258},"           \
    "\"turns.test\":{\"a\":[\"192.0.2.1\"],\"ttl\":0,\"then\":[{\"a\":[\"192.0.2.2\"]},"           \
    "{\"fault\":\"nxdomain\"}]},"                                                                  \
    "\"_chat._tcp.one.test\":{\"srv\":[\"5 6 258 a.bc\",\"0 0 0 .\"],\"ttl\":1},"                  \
    "\"broken.test\":{\"fault\":\"servfail\"},\"silent.test\":{\"fault\":\"hang\"},"               \
    "\"garbage.test\":{\"fault\":\"garbage\"},"                                                    \
    "\"cut.test\":{\"a\":[\"192.0.2.3\"],\"fault\":\"truncate\"}}}"

static struct world *world;

static int
set_up(void **state)
{
    (void)state;
    world = world_start(&(struct world_options){ .script = SCRIPT });
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

static int
dial(int type)
{
    const char *address = world_dns(world);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static size_t
put_question(uint8_t *out, const char *name, unsigned type)
{
    static const uint8_t head[12] = { 0x12, 0x34, 1, 0, 0, 1 };
    size_t at = sizeof(head);
    memcpy(out, head, sizeof(head));
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        out[at++] = (uint8_t)len;
        memcpy(out + at, name, len);
        at += len;
        name += len + (name[len] == '.' ? 1 : 0);
    }
    memcpy(out + at, (const uint8_t[]){ 0, 0, (uint8_t)type, 0, 1 }, 5);
    return at + 5;
}

static size_t
ask(const char *name, unsigned type, uint8_t *reply)
{
    uint8_t question[MESSAGE_BYTES];
    int fd = dial(SOCK_DGRAM);
    size_t len = put_question(question, name, type);
    assert_int_equal(send(fd, question, len, 0), len);
    ssize_t got = recv(fd, reply, MESSAGE_BYTES, 0);
    assert_true(got >= (ssize_t)len);
    assert_memory_equal(reply, question, 2);
    close(fd);
    return (size_t)got;
}

static void
names_have_their_addresses(void **state)
{
    (void)state;
    uint8_t reply[MESSAGE_BYTES];
    static const uint8_t last[] = { 0xc0, 12, 0, A, 0, 1, 0, 0, 1, 2, 0, 4, 192, 0, 2, 9 };
    size_t len = ask("one.test", A, reply);
    assert_int_equal(CODE(reply), 0);
    assert_int_equal(ANSWERS(reply), 2);
    assert_memory_equal(reply + len - sizeof(last), last, sizeof(last));
    (void)ask("ONE.test", AAAA, reply);
    assert_int_equal(ANSWERS(reply), 1);
    (void)ask("one.test", 16, reply);
    assert_int_equal(CODE(reply), 0);
    assert_int_equal(ANSWERS(reply), 0);
    (void)ask("two.test", A, reply);
    assert_int_equal(CODE(reply), 3);
}

static void
services_have_their_servers(void **state)
{
    (void)state;
    static const uint8_t tail[] = { 0xc0, 12, 0, SRV, 0,   1, 0,   0,   0, 1,    0,  12, 0,   5, 0,
                                    6,    1,  2, 1,   'a', 2, 'b', 'c', 0, 0xc0, 12, 0,  SRV, 0, 1,
                                    0,    0,  0, 1,   0,   7, 0,   0,   0, 0,    0,  0,  0 };
    uint8_t reply[MESSAGE_BYTES];
    size_t len = ask("_chat._tcp.one.test", SRV, reply);
    assert_int_equal(ANSWERS(reply), 2);
    assert_memory_equal(reply + len - sizeof(tail), tail, sizeof(tail));
    (void)ask("one.test", SRV, reply);
    assert_int_equal(CODE(reply), 0);
    assert_int_equal(ANSWERS(reply), 0);
}

static void
answers_change_with_each_asking(void **state)
{
    (void)state;
    uint8_t reply[MESSAGE_BYTES];
    for (int i = 1; i <= 2; i++) {
        size_t len = ask("turns.test", A, reply);
        assert_int_equal(reply[len - 1], i);
        (void)ask("turns.test", AAAA, reply); /* counts for itself */
    }
    for (int i = 0; i < 2; i++) {
        (void)ask("turns.test", A, reply);
        assert_int_equal(CODE(reply), 3);
    }
}

static void
faults_are_played(void **state)
{
    (void)state;
    uint8_t reply[MESSAGE_BYTES];
    (void)ask("broken.test", A, reply);
    assert_int_equal(CODE(reply), 2);
    (void)ask("garbage.test", A, reply);
    assert_int_equal(reply[4], 0xa5);
    (void)ask("cut.test", A, reply);
    assert_true(IS_CUT(reply));
    assert_int_equal(ANSWERS(reply), 0);
}

/* What is asked behind it has an answer, it has none. */
static void
silence_is_for_one_name_only(void **state)
{
    (void)state;
    uint8_t bytes[MESSAGE_BYTES];
    int fd = dial(SOCK_DGRAM);
    size_t len = put_question(bytes, "silent.test", A);
    assert_int_equal(send(fd, bytes, len, 0), len);
    assert_true(world_wait(world, WORLD_DNS, "silent.test", 1, 10000));
    len = put_question(bytes, "one.test", A);
    bytes[0] = 0x77;
    assert_int_equal(send(fd, bytes, len, 0), len);
    assert_true(recv(fd, bytes, sizeof(bytes), 0) > 0);
    assert_int_equal(bytes[0], 0x77);
    close(fd);
}

static void
tcp_gives_it_whole(void **state)
{
    (void)state;
    uint8_t bytes[2 + MESSAGE_BYTES];
    int fd = dial(SOCK_STREAM);
    for (int i = 0; i < 2; i++) {
        size_t len = put_question(bytes + 2, "cut.test", A);
        bytes[0] = 0;
        bytes[1] = (uint8_t)len;
        assert_int_equal(send(fd, bytes, 2 + len, 0), 2 + len);
        assert_int_equal(recv(fd, bytes, 2, MSG_WAITALL), 2);
        assert_int_equal(recv(fd, bytes + 2, bytes[1], MSG_WAITALL), bytes[1]);
        assert_false(IS_CUT(bytes + 2));
        assert_int_equal(ANSWERS(bytes + 2), 1);
    }
    close(fd);
}

/* None of them has an answer, and the server is still there. */
static void
nonsense_is_passed_over(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        { "", 0 },
        { "x", 1 },
        { "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12 },
        { "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x3f"
          "a",
          14 },
        { "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01", 18 },
        { "\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01", 17 },
    };
    uint8_t reply[MESSAGE_BYTES];
    int udp = dial(SOCK_DGRAM);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)send(udp, rows[i].bytes, rows[i].len, 0);
    }
    int tcp = dial(SOCK_STREAM);
    (void)send(tcp, "\xff\xff garbage", 10, MSG_NOSIGNAL);
    (void)ask("one.test", A, reply);
    assert_int_equal(recv(udp, reply, sizeof(reply), MSG_DONTWAIT), -1);
    close(udp);
    close(tcp);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_their_addresses),
        cmocka_unit_test(services_have_their_servers),
        cmocka_unit_test(answers_change_with_each_asking),
        cmocka_unit_test(faults_are_played),
        cmocka_unit_test(silence_is_for_one_name_only),
        cmocka_unit_test(tcp_gives_it_whole),
        cmocka_unit_test(nonsense_is_passed_over),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
