/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The bytes of DNS (RFC 1035 4): a question taken apart, a reply put together. */
#ifndef ROLLCALL_TESTS_WORLD_DNS_REPLY_H
#define ROLLCALL_TESTS_WORLD_DNS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/world/script.h"

#define DNS_MESSAGE_BYTES 1500
#define DNS_NAME_BYTES 256
#define DNS_TYPE_A 1
#define DNS_TYPE_AAAA 28
#define DNS_TYPE_SRV 33

struct dns_question {
    const uint8_t *message;
    size_t len; /* up to the end of the question */
    char name[DNS_NAME_BYTES];
    unsigned type;
};

/** False: not one question. */
bool dns_read_question(const uint8_t *message, size_t len, struct dns_question *out_question);

/** The reply's bytes; 0: silence. `answer` NULL: there is no such name. `cuts`: over UDP, where a
 *  reply may be too long. `out` has DNS_MESSAGE_BYTES. */
size_t dns_write_reply(const struct dns_question *question, const struct script_answer *answer,
                       bool cuts, uint8_t *out);

#endif
