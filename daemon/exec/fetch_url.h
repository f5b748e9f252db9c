/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Judging the addresses of requests and redirects: pure, no network. A URL is split once, here, by
 * the very parser that will send it, so that judge and sender cannot disagree about its host. */
#ifndef ROLLCALL_EXEC_FETCH_URL_H
#define ROLLCALL_EXEC_FETCH_URL_H

#include <stdbool.h>

#include "daemon/base/error.h"

#define FETCH_URL_BYTES_MAX 8192

struct fetch_url {
    char *text;   /* as it goes to the sender */
    char *origin; /* scheme://host:port, lower case, the port always there */
    bool is_https;
};

/**
 * Judge an absolute URL: http or https, a host, nobody's name or password in it, no blanks and no
 * control characters, at most FETCH_URL_BYTES_MAX.
 * Owner:  *out_url is the caller's, let go with fetch_url_fini().
 * Errors: INVALID, NOMEM.
 */
MUST_CHECK int fetch_url_parse(const char *text, struct fetch_url *out_url);

/** Where a Location header found at `base` leads. Errors: PROTOCOL (not to a URL as above), NOMEM.
 */
MUST_CHECK int
fetch_url_follow(const struct fetch_url *base, const char *location, struct fetch_url *out_url);

/** Whether what was meant for `from` may go to `to`: the same scheme, host and port, or the same
 *  host on the usual ports with TLS where there was none. */
bool fetch_url_is_trusted(const struct fetch_url *from, const struct fetch_url *to);

/** The host, as it is asked for in the DNS, and its port, "443". Both are the caller's, free().
 *  Errors: NOMEM, INVALID (no host's name: other than letters, digits, '-', '.' and '_'). */
MUST_CHECK int fetch_url_host(const struct fetch_url *url, char **out_host, char **out_port);

struct fetch_proxy {
    char *host; /* NULL: there is no proxy, or it is written as an address */
    char *port;
    bool resolves; /* the names of whom it connects us to */
};

/** Take a proxy's URL apart; "" is none. Let go with fetch_proxy_fini(). Errors: INVALID, NOMEM. */
MUST_CHECK int fetch_proxy_parse(const char *text, struct fetch_proxy *out_proxy);
void fetch_proxy_fini(struct fetch_proxy *proxy);

struct sockaddr_storage;
/** The host when it is written as an address: 0x7f.1 is 127.0.0.1. False for a name. */
bool fetch_url_literal(const struct fetch_url *url, struct sockaddr_storage *out_address);

void fetch_url_fini(struct fetch_url *url);

#endif
