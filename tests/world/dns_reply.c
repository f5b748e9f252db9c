/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
#include "tests/world/dns_reply.h"

#include <string.h>

#define HEADER_BYTES 12
#define FLAGS_REPLY 0x8180U /* a recursive server's */
#define FLAG_CUT 0x0200U
#define CODE_SERVFAIL 2U
#define CODE_NXDOMAIN 3U
#define LABEL_BYTES_MAX 63

bool
dns_read_question(const uint8_t *message, size_t len, struct dns_question *out_question)
{
    size_t at = HEADER_BYTES;
    size_t to = 0;
    if (len < HEADER_BYTES || (message[2] & 0x80) != 0 || message[4] != 0 || message[5] != 1) {
        return false;
    }
    *out_question = (struct dns_question){ .message = message };
    while (at < len && message[at] != 0) {
        size_t label = message[at++];
        if (label > LABEL_BYTES_MAX || at + label >= len || to + label + 1 >= DNS_NAME_BYTES) {
            return false;
        }
        memcpy(out_question->name + to, message + at, label);
        at += label;
        to += label;
        out_question->name[to++] = '.';
    }
    if (at + 5 > len) {
        return false;
    }
    out_question->name[to > 0 ? to - 1 : 0] = '\0';
    out_question->type = (unsigned)message[at + 1] << 8 | message[at + 2];
    out_question->len = at + 5;
    return true;
}

static void
put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* A pointer to the question's name, type, class IN, TTL, length, address. */
static size_t
put_record(uint8_t *at, const struct script_address *address, uint32_t ttl_s)
{
    size_t size = address->is_ipv6 ? 16 : 4;
    put16(at, 0xc000U | HEADER_BYTES);
    put16(at + 2, address->is_ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A);
    put16(at + 4, 1);
    put16(at + 6, ttl_s >> 16);
    put16(at + 8, ttl_s & 0xffff);
    put16(at + 10, (unsigned)size);
    memcpy(at + 12, address->bytes, size);
    return 12 + size;
}

static size_t
put_records(const struct dns_question *question, const struct script_answer *answer, uint8_t *out)
{
    size_t len = question->len;
    unsigned records = 0;
    for (size_t i = 0; i < answer->count; i++) {
        const struct script_address *address = &answer->addresses[i];
        if (question->type == (address->is_ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A)) {
            len += put_record(out + len, address, answer->ttl_s);
            records++;
        }
    }
    put16(out + 6, records);
    return len;
}

size_t
dns_write_reply(const struct dns_question *question, const struct script_answer *answer, bool cuts,
                uint8_t *out)
{
    enum dns_fault fault = answer != NULL ? answer->fault : DNS_FAULT_NXDOMAIN;
    unsigned flags = FLAGS_REPLY;
    if (fault == DNS_FAULT_HANG) {
        return 0;
    }
    memcpy(out, question->message, question->len);
    memset(out + 6, 0, 6);
    if (fault == DNS_FAULT_GARBAGE) {
        memset(out + 2, 0xa5, question->len - 2);
        return question->len;
    }
    flags |= fault == DNS_FAULT_NXDOMAIN ? CODE_NXDOMAIN : 0;
    flags |= fault == DNS_FAULT_SERVFAIL ? CODE_SERVFAIL : 0;
    flags |= fault == DNS_FAULT_TRUNCATE && cuts ? FLAG_CUT : 0;
    put16(out + 2, flags);
    return flags == FLAGS_REPLY ? put_records(question, answer, out) : question->len;
}
