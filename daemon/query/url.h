/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Just enough of RFC 3986 to know where a request goes. Stricter than any client: what this file
 * does not plainly understand is no URL. */
#ifndef ROLLCALL_QUERY_URL_H
#define ROLLCALL_QUERY_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/attr.h"

/* Scheme, host and port of an http or https URL; texts point into it. */
struct url_origin {
    bool https;
    const char *host; /* letters, digits, dots and hyphens, or an IPv6 address in brackets */
    size_t host_len;
    unsigned port;
    size_t len; /* of all of it: where path, query or fragment begin, or the URL ends */
};

/** False for anything but http(s)://host[:port][/?#…], so also for a user name in it. */
MUST_CHECK bool url_read_origin(const char *url, struct url_origin *out_origin);

/** Hosts are compared without case. */
bool url_same_origin(const struct url_origin *a, const struct url_origin *b);

/** Whether a segment of the path is "." or "..", also spelt with %2e: clients walk up there. */
bool url_has_dot_segment(const char *url);

/** Whether a character may stand in a URL as it is: visible ASCII but not one of "<>\^`{|}. */
bool url_may_hold(char c);

#endif
