/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The address policy. Pure judgement, no I/O, any thread.
 *
 * IPv4 is open except for IANA's special-purpose blocks (RFC 6890 and its registry); IPv6 is closed
 * except for global unicast, 2000::/3 (RFC 4291), without the blocks in it that lead elsewhere. So
 * what embeds an IPv4 address (mapped, NAT64, 6to4, Teredo) never gets around the IPv4 table: all
 * of it is refused. Ranges and addresses are compared in one form, IPv4 as ::ffff:a.b.c.d. */

#include "daemon/exec/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_BYTES 16
#define ADDRESS_BITS 128U
#define IPV4_BITS 32U
#define MAPPED_BITS (ADDRESS_BITS - IPV4_BITS) /* of ::ffff:0:0/96 */

static const unsigned char mapped_prefix[ADDRESS_BYTES] = { [10] = 0xff, [11] = 0xff };

struct ipv4_block {
    unsigned char prefix[4];
    unsigned bits;
};

static const struct ipv4_block refused_ipv4[] = {
    { { 0, 0, 0, 0 }, 8 },        /* "this network", RFC 1122 3.2.1.3 */
    { { 10, 0, 0, 0 }, 8 },       /* private, RFC 1918 */
    { { 100, 64, 0, 0 }, 10 },    /* shared behind carrier NAT, RFC 6598 */
    { { 127, 0, 0, 0 }, 8 },      /* loopback, RFC 1122 3.2.1.3 */
    { { 168, 63, 129, 16 }, 32 }, /* Azure's host agent: metadata under a public address */
    { { 169, 254, 0, 0 }, 16 },   /* link-local, RFC 3927; clouds' metadata */
    { { 172, 16, 0, 0 }, 12 },    /* private, RFC 1918 */
    { { 192, 0, 0, 0 }, 24 },     /* IETF protocol assignments, RFC 6890 */
    { { 192, 0, 2, 0 }, 24 },     /* documentation, RFC 5737 */
    { { 192, 88, 99, 0 }, 24 },   /* 6to4 relays, RFC 7526 */
    { { 192, 168, 0, 0 }, 16 },   /* private, RFC 1918 */
    { { 198, 18, 0, 0 }, 15 },    /* benchmarking, RFC 2544 */
    { { 198, 51, 100, 0 }, 24 },  /* documentation, RFC 5737 */
    { { 203, 0, 113, 0 }, 24 },   /* documentation, RFC 5737 */
    { { 224, 0, 0, 0 }, 4 },      /* multicast, RFC 5771 */
    { { 240, 0, 0, 0 }, 4 },      /* reserved, RFC 1112; broadcast, RFC 919 */
};

static const struct address_range global_unicast = { { 0x20 }, 3 }; /* RFC 4291 2.4 */

static const struct address_range refused_ipv6[] = {
    { { 0x20, 0x01 }, 23 },             /* protocol assignments, RFC 2928; Teredo, ORCHID */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation, RFC 3849 */
    { { 0x20, 0x02 }, 16 },             /* 6to4, RFC 3056 */
    { { 0x3f, 0xff }, 20 },             /* documentation, RFC 9637 */
};

static bool
starts_with(const unsigned char *bytes, const unsigned char *prefix, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;
    if (memcmp(bytes, prefix, whole) != 0) {
        return false;
    }
    return rest == 0 || ((bytes[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

static bool
is_mapped(const unsigned char *bytes)
{
    return starts_with(bytes, mapped_prefix, MAPPED_BITS);
}

/* Whether all bits behind the first `bits` are zero. */
static bool
ends_in_zeros(const unsigned char *bytes, unsigned bits)
{
    for (unsigned bit = bits; bit < ADDRESS_BITS; bit++) {
        if ((bytes[bit / 8] >> (7 - bit % 8)) & 1) {
            return false;
        }
    }
    return true;
}

/* One to three digits, at most `max`. */
static bool
parse_bits(const char *text, unsigned max, unsigned *out_bits)
{
    unsigned bits = 0;
    size_t len = strlen(text);
    if (len < 1 || len > 3 || strspn(text, "0123456789") != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        bits = bits * 10 + (unsigned)(text[i] - '0');
    }
    *out_bits = bits;
    return bits <= max;
}

int
address_range_parse(const char *text, struct address_range *out_range, struct error_text *why)
{
    char address[INET6_ADDRSTRLEN];
    struct address_range range = { .bits = ADDRESS_BITS };
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof(address)) {
        return error_say(why, ERROR_INVALID, "\"%.64s\" is not an address range", text);
    }
    memcpy(address, text, len);
    address[len] = '\0';
    memcpy(range.prefix, mapped_prefix, sizeof(range.prefix));
    bool is_ipv4 = inet_pton(AF_INET, address, range.prefix + MAPPED_BITS / 8) == 1;
    if (!is_ipv4 && inet_pton(AF_INET6, address, range.prefix) != 1) {
        return error_say(why, ERROR_INVALID,
                         "\"%.64s\" is not an address range: wanted one such as 127.0.0.0/8 or "
                         "fd00::/8",
                         text);
    }
    unsigned max = is_ipv4 ? IPV4_BITS : ADDRESS_BITS;
    unsigned bits = max;
    if (slash != NULL && !parse_bits(slash + 1, max, &bits)) {
        return error_say(why, ERROR_INVALID, "\"%.64s\": the prefix length must be 0 to %u", text,
                         max);
    }
    range.bits = bits + (ADDRESS_BITS - max);
    if (!ends_in_zeros(range.prefix, range.bits)) {
        return error_say(why, ERROR_INVALID,
                         "\"%.64s\": the address has bits set behind its prefix of %u", text, bits);
    }
    *out_range = range;
    return ERROR_OK;
}

/* ::/0 means IPv6: what is, or holds, a mapped IPv4 address is opened by an IPv4 range alone. */
static bool
is_listed(const unsigned char *bytes, const struct address_range *allowed, size_t allowed_count)
{
    for (size_t i = 0; i < allowed_count; i++) {
        bool is_ipv4 = allowed[i].bits >= MAPPED_BITS && is_mapped(allowed[i].prefix);
        if (is_ipv4 == is_mapped(bytes) && starts_with(bytes, allowed[i].prefix, allowed[i].bits)) {
            return true;
        }
    }
    return false;
}

static bool
is_public_ipv4(const unsigned char *bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_ipv4); i++) {
        if (starts_with(bytes, refused_ipv4[i].prefix, refused_ipv4[i].bits)) {
            return false;
        }
    }
    return true;
}

static bool
is_public_ipv6(const unsigned char *bytes)
{
    if (!starts_with(bytes, global_unicast.prefix, global_unicast.bits)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(refused_ipv6); i++) {
        if (starts_with(bytes, refused_ipv6[i].prefix, refused_ipv6[i].bits)) {
            return false;
        }
    }
    return true;
}

bool
address_is_allowed(const struct sockaddr *address, const struct address_range *allowed,
                   size_t allowed_count)
{
    unsigned char bytes[ADDRESS_BYTES];
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof(ipv4));
        memcpy(bytes, mapped_prefix, sizeof(bytes));
        memcpy(bytes + MAPPED_BITS / 8, &ipv4.sin_addr, sizeof(ipv4.sin_addr));
        return is_public_ipv4(bytes + MAPPED_BITS / 8) || is_listed(bytes, allowed, allowed_count);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof(ipv6));
        memcpy(bytes, &ipv6.sin6_addr, sizeof(bytes));
        return is_public_ipv6(bytes) || is_listed(bytes, allowed, allowed_count);
    }
    return false;
}
