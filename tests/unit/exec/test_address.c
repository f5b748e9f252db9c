/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The address policy: first and last of each refused block, their neighbours, every way to wrap an
 * IPv4 address, and the holes that an operator opens. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/exec/address.h"

#define ALLOWED_MAX 4

static bool
judge(const char *text, const struct address_range *allowed, size_t count)
{
    struct sockaddr_in ipv4 = { .sin_family = AF_INET };
    struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        return address_is_allowed((struct sockaddr *)&ipv4, allowed, count);
    }
    if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) != 1) {
        fail_msg("the table's %s is not an address", text);
    }
    return address_is_allowed((struct sockaddr *)&ipv6, allowed, count);
}

struct policy_row {
    const char *address;
    bool allowed;
};

static const struct policy_row policy[] = {
    /* plainly public */
    { "1.1.1.1", true },
    { "8.8.8.8", true },
    { "140.82.121.6", true },
    { "223.255.255.255", true },
    { "2606:4700:4700::1111", true },
    { "2a00:1450:4001:80b::200e", true },
    { "2000::1", true },
    { "3ffe::1", true },
    /* IPv4 blocks: edges and neighbours */
    { "0.0.0.0", false },
    { "0.255.255.255", false },
    { "1.0.0.0", true },
    { "9.255.255.255", true },
    { "10.0.0.0", false },
    { "10.255.255.255", false },
    { "11.0.0.0", true },
    { "100.63.255.255", true },
    { "100.64.0.0", false },
    { "100.100.100.200", false },
    { "100.127.255.255", false },
    { "100.128.0.0", true },
    { "126.255.255.255", true },
    { "127.0.0.1", false },
    { "127.255.255.255", false },
    { "128.0.0.0", true },
    { "168.63.129.15", true },
    { "168.63.129.16", false },
    { "168.63.129.17", true },
    { "169.253.255.255", true },
    { "169.254.0.0", false },
    { "169.254.169.254", false },
    { "169.254.255.255", false },
    { "169.255.0.0", true },
    { "172.15.255.255", true },
    { "172.16.0.0", false },
    { "172.31.255.255", false },
    { "172.32.0.0", true },
    { "191.255.255.255", true },
    { "192.0.0.0", false },
    { "192.0.0.192", false },
    { "192.0.0.255", false },
    { "192.0.1.0", true },
    { "192.0.2.1", false },
    { "192.0.3.0", true },
    { "192.88.98.255", true },
    { "192.88.99.1", false },
    { "192.88.100.0", true },
    { "192.167.255.255", true },
    { "192.168.0.0", false },
    { "192.168.255.255", false },
    { "192.169.0.0", true },
    { "198.17.255.255", true },
    { "198.18.0.0", false },
    { "198.19.255.255", false },
    { "198.20.0.0", true },
    { "198.51.99.255", true },
    { "198.51.100.7", false },
    { "198.51.101.0", true },
    { "203.0.112.255", true },
    { "203.0.113.7", false },
    { "203.0.114.0", true },
    { "224.0.0.0", false },
    { "239.255.255.255", false },
    { "240.0.0.0", false },
    { "255.255.255.255", false },
    /* IPv6: what is not 2000::/3 */
    { "::", false },
    { "::1", false },
    { "::2", false },
    { "1fff:ffff::1", false },
    { "4000::", false },
    { "100::1", false },
    { "fc00::1", false },
    { "fd00:ec2::254", false },
    { "fe80::1", false },
    { "fec0::1", false },
    { "ff02::1", false },
    { "5f00::1", false },
    /* IPv6: what 2000::/3 holds and is not plain */
    { "2001::1", false },
    { "2001:1ff:ffff::1", false },
    { "2001:200::1", true },
    { "2001:db7:ffff::1", true },
    { "2001:db8::1", false },
    { "2001:db8:ffff:ffff::1", false },
    { "2001:db9::1", true },
    { "2002:7f00:1::1", false },
    { "2002:808:808::1", false },
    { "2003::1", true },
    { "3ffe:ffff::1", true },
    { "3fff::1", false },
    { "3fff:fff:ffff::1", false },
    { "3fff:1000::1", true },
    /* an IPv4 address in disguise, harmful or not */
    { "::ffff:127.0.0.1", false },
    { "::ffff:8.8.8.8", false },
    { "::127.0.0.1", false },
    { "::8.8.8.8", false },
    { "64:ff9b::7f00:1", false },
    { "64:ff9b::808:808", false },
    { "64:ff9b:1::7f00:1", false },
    { "2001:0:7f00:1::1", false },
};

static void
policy_refuses_all_but_public_unicast(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(policy); i++) {
        if (judge(policy[i].address, NULL, 0) != policy[i].allowed) {
            fail_msg("row %zu: %s is %s", i, policy[i].address,
                     policy[i].allowed ? "refused" : "allowed");
        }
    }
}

struct hole_row {
    const char *ranges[ALLOWED_MAX];
    const char *address;
    bool allowed;
};

static const struct hole_row holes[] = {
    { { "127.0.0.0/8" }, "127.0.0.1", true },
    { { "127.0.0.0/8" }, "127.255.255.255", true },
    { { "127.0.0.0/8" }, "128.0.0.1", true },
    { { "127.0.0.0/8" }, "126.0.0.1", true },
    { { "127.0.0.0/8" }, "10.0.0.1", false },
    { { "127.0.0.0/8" }, "::1", false },
    { { "127.0.0.0/8" }, "::ffff:127.0.0.1", true },
    { { "127.0.0.0/8" }, "::ffff:10.0.0.1", false },
    { { "127.0.0.1" }, "127.0.0.1", true },
    { { "127.0.0.1" }, "127.0.0.2", false },
    { { "10.1.0.0/16", "192.168.0.0/23" }, "192.168.1.255", true },
    { { "10.1.0.0/16", "192.168.0.0/23" }, "192.168.2.0", false },
    { { "10.1.0.0/16", "192.168.0.0/23" }, "10.1.2.3", true },
    { { "10.1.0.0/16", "192.168.0.0/23" }, "10.2.0.0", false },
    { { "172.16.0.0/12" }, "172.31.255.255", true },
    { { "0.0.0.0/0" }, "240.0.0.1", true },
    { { "0.0.0.0/0" }, "fe80::1", false },
    { { "::1" }, "::1", true },
    { { "::1" }, "::2", false },
    { { "fd00::/8" }, "fd12::1", true },
    { { "fd00::/8" }, "fc12::1", false },
    { { "::/0" }, "fe80::1", true },
    { { "::/0" }, "127.0.0.1", false },
    { { "::/0" }, "::ffff:127.0.0.1", false },
    { { "::ffff:10.0.0.0/104" }, "10.9.9.9", true },
    { { "::ffff:10.0.0.0/104" }, "::ffff:10.9.9.9", true },
    { { "64:ff9b::/96" }, "64:ff9b::a00:1", true },
};

static void
ranges_open_holes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(holes); i++) {
        struct address_range ranges[ALLOWED_MAX];
        struct error_text why;
        size_t count = 0;
        while (count < ALLOWED_MAX && holes[i].ranges[count] != NULL) {
            if (address_range_parse(holes[i].ranges[count], &ranges[count], &why) != ERROR_OK) {
                fail_msg("row %zu: %s", i, why.text);
            }
            count++;
        }
        if (judge(holes[i].address, ranges, count) != holes[i].allowed) {
            fail_msg("row %zu: %s with %s is %s", i, holes[i].address, holes[i].ranges[0],
                     holes[i].allowed ? "refused" : "allowed");
        }
    }
}

struct parse_row {
    const char *text;
    const char *why; /* part of it; NULL: it is a range */
    unsigned bits;
};

static const struct parse_row parses[] = {
    { "127.0.0.0/8", NULL, 104 },
    { "10.0.0.1", NULL, 128 },
    { "0.0.0.0/0", NULL, 96 },
    { "::1", NULL, 128 },
    { "::/0", NULL, 0 },
    { "2001:db8::/32", NULL, 32 },
    { "", "not an address range", 0 },
    { "/8", "not an address range", 0 },
    { "localhost", "not an address range", 0 },
    { "127.1/8", "not an address range", 0 },
    { "010.0.0.0/8", "not an address range", 0 },
    { "256.0.0.0/8", "not an address range", 0 },
    { "127.0.0.0 /8", "not an address range", 0 },
    { "fe80::1%eth0", "not an address range", 0 },
    { "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", "not an address range", 0 },
    { "127.0.0.0/", "must be 0 to 32", 0 },
    { "127.0.0.0/33", "must be 0 to 32", 0 },
    { "127.0.0.0/-1", "must be 0 to 32", 0 },
    { "127.0.0.0/+8", "must be 0 to 32", 0 },
    { "127.0.0.0/8 ", "must be 0 to 32", 0 },
    { "127.0.0.0/8/8", "must be 0 to 32", 0 },
    { "127.0.0.0/0008", "must be 0 to 32", 0 },
    { "127.0.0.0/4294967304", "must be 0 to 32", 0 },
    { "::/129", "must be 0 to 128", 0 },
    { "127.0.0.1/8", "bits set behind its prefix of 8", 0 },
    { "10.0.0.0/6", "bits set behind its prefix of 6", 0 },
    { "fd00::1/8", "bits set behind its prefix of 8", 0 },
};

static void
ranges_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parses); i++) {
        struct address_range range = { .bits = 77 };
        struct error_text why = { "" };
        int error = address_range_parse(parses[i].text, &range, &why);
        if (parses[i].why == NULL && (error != ERROR_OK || range.bits != parses[i].bits)) {
            fail_msg("row %zu: %s: %s, %u bits", i, parses[i].text, why.text, range.bits);
        }
        if (parses[i].why != NULL && (error != ERROR_INVALID || range.bits != 77 ||
                                      strstr(why.text, parses[i].why) == NULL)) {
            fail_msg("row %zu: %s: error %d, \"%s\"", i, parses[i].text, error, why.text);
        }
    }
}

static void
other_families_are_refused(void **state)
{
    (void)state;
    struct address_range everything;
    struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
    assert_int_equal(address_range_parse("::/0", &everything, NULL), ERROR_OK);
    assert_false(address_is_allowed((struct sockaddr *)&local, &everything, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_refuses_all_but_public_unicast),
        cmocka_unit_test(ranges_open_holes),
        cmocka_unit_test(ranges_are_read_strictly),
        cmocka_unit_test(other_families_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
