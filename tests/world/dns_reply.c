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
#define RECORD_HEAD_BYTES 12

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

/* A pointer to the question's name, type, class IN, TTL, length. */
static size_t
put_head(uint8_t *at, unsigned type, uint32_t ttl_s, size_t size)
{
    put16(at, 0xc000U | HEADER_BYTES);
    put16(at + 2, type);
    put16(at + 4, 1);
    put16(at + 6, ttl_s >> 16);
    put16(at + 8, ttl_s & 0xffff);
    put16(at + 10, (unsigned)size);
    return RECORD_HEAD_BYTES;
}

static size_t
put_address(uint8_t *at, const struct script_address *address, uint32_t ttl_s)
{
    size_t size = address->is_ipv6 ? 16 : 4;
    size_t head = put_head(at, address->is_ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A, ttl_s, size);
    memcpy(at + head, address->bytes, size);
    return head + size;
}

/* "." is the empty name. */
static size_t
put_name(uint8_t *at, const char *name)
{
    size_t len = 0;
    name += strcmp(name, ".") == 0 ? 1 : 0;
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        at[len++] = (uint8_t)label;
        memcpy(at + len, name, label);
        len += label;
        name += label + (name[label] == '.' ? 1 : 0);
    }
    at[len++] = 0;
    return len;
}

static size_t
put_service(uint8_t *at, const struct script_service *service, uint32_t ttl_s)
{
    uint8_t data[6 + SCRIPT_TARGET_BYTES + 2];
    put16(data, service->priority);
    put16(data + 2, service->weight);
    put16(data + 4, service->port);
    size_t size = 6 + put_name(data + 6, service->target);
    size_t head = put_head(at, DNS_TYPE_SRV, ttl_s, size);
    memcpy(at + head, data, size);
    return head + size;
}

static size_t
put_records(const struct dns_question *question, const struct script_answer *answer, uint8_t *out)
{
    size_t len = question->len;
    unsigned records = 0;
    for (size_t i = 0; i < answer->count; i++) {
        const struct script_address *address = &answer->addresses[i];
        if (question->type == (address->is_ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A)) {
            len += put_address(out + len, address, answer->ttl_s);
            records++;
        }
    }
    for (size_t i = 0; question->type == DNS_TYPE_SRV && i < answer->service_count; i++) {
        len += put_service(out + len, &answer->services[i], answer->ttl_s);
        records++;
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
