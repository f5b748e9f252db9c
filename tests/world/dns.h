/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The world's name server: UDP and TCP on one port of 127.0.0.1. It knows the script's names and
 * denies all others. A, AAAA and SRV, nothing else. */
#ifndef ROLLCALL_TESTS_WORLD_DNS_H
#define ROLLCALL_TESTS_WORLD_DNS_H

#include <event2/event.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "tests/world/eventlog.h"
#include "tests/world/script.h"

struct dns;

/** Listen, port of the kernel's choice. Owner: free with dns_free(); the rest is borrowed. Errors:
 *  IO, NOMEM. */
MUST_CHECK int dns_new(const struct script_dns *script, struct event_base *base,
                       struct eventlog *log, struct dns **out_dns, struct error_text *why);
/** Accepts NULL. */
void dns_free(struct dns **dns);

/** "127.0.0.1:5353" */
const char *dns_address(const struct dns *dns);

#endif
