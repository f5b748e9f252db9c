/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Which addresses a check may reach. Anything that is not plainly a public unicast address is
 * refused (loopback, private, link-local, shared, multicast, documentation, NAT64, 6to4, mapped and
 * metadata ranges), unless the operator listed its range in `allow_addresses`. */
#ifndef ROLLCALL_EXEC_ADDRESS_H
#define ROLLCALL_EXEC_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "daemon/base/error.h"

struct address_range {
    unsigned char prefix[16]; /* IPv4 ranges as ::ffff:a.b.c.d */
    unsigned bits;            /* of 128 */
};

/** "127.0.0.0/8", "::1", "10.0.0.0/8". Errors: INVALID, `why` says what was found. */
MUST_CHECK int
address_range_parse(const char *text, struct address_range *out_range, struct error_text *why);

/** Whether `address` (AF_INET or AF_INET6; other families: no) may be reached. Thread: any. */
bool address_is_allowed(const struct sockaddr *address, const struct address_range *allowed,
                        size_t allowed_count);

#endif
