/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* HTTP(S) requests as futures: libcurl's multi interface on the loop, and the daemon's only door to
 * libcurl. Every transfer is bounded: time, body, headers, redirects, addresses. Cancelling its
 * future closes the transfer: its socket is closed (HTTP/1.1) or its stream is reset (HTTP/2). */
#ifndef ROLLCALL_EXEC_FETCH_H
#define ROLLCALL_EXEC_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/exec/address.h"
#include "daemon/exec/future.h"
#include "daemon/exec/loop.h"

#define FETCH_HEADERS_MAX 64
#define FETCH_HEADER_BYTES_MAX 32768
#define FETCH_STOP_AT_MAX 8
#define FETCH_REDIRECTS_MAX 5

struct fetcher;

struct resolver;

struct fetcher_options {
    struct loop *loop;
    struct resolver *resolver; /* borrowed; closed after the fetcher */
    const char *user_agent;
    /* NULL or "": none, whatever the environment says. Of http://, https://, socks4a:// and
     * socks5h:// the proxy resolves the platforms' names, and nobody here does; with socks4:// and
     * socks5:// we do, and judge what we find. */
    const char *proxy;
    const char *ca_file; /* NULL or "": the system's bundle */
    const struct address_range *allow_addresses;
    size_t allow_count;
    size_t body_bytes_max;         /* all bodies in flight together; past it transfers pause */
    unsigned host_connections_max; /* transfers at once to one origin; 0: no limit */
    unsigned connections_max;      /* transfers at once; the others wait; 0: no limit */
};

/** Errors: NOMEM, IO, NOT_FOUND (the CA bundle cannot be read), INVALID (proxy). The options are
 * copied. The process ignores SIGPIPE: TLS writes to closed sockets. Thread: [main], before the
 * loop runs, or [loop].
 */
MUST_CHECK int fetcher_new(const struct fetcher_options *options, struct fetcher **out_fetcher,
                           struct error_text *why);
/** Cancel all transfers in flight. Thread: [loop]. */
void fetcher_close(struct fetcher *fetcher);
/** After close. Thread: [loop], or when it no longer runs. */
void fetcher_free(struct fetcher **fetcher);

enum fetch_method { FETCH_GET, FETCH_HEAD, FETCH_POST, FETCH_PUT };

struct fetch_header {
    const char *name;
    const char *value;
};

/* One request. All of it is copied by fetch_start(). */
struct fetch_request {
    enum fetch_method method;
    const char *url; /* absolute http or https, no user in it; anything else is INVALID */
    const struct fetch_header *headers;
    /* At most FETCH_HEADERS_MAX; no control characters in them, and none of those that frame a
     * message (Host, Content-Length, …): INVALID. On a redirect to another origin only Accept,
     * Accept-Language, User-Agent and Content-Type go along. */
    size_t header_count;
    const void *body; /* for POST and PUT */
    size_t body_len;
    const char *cookies;        /* reply->cookies of the step before, or NULL */
    unsigned redirects_max;     /* 0: a redirect is the reply; at most FETCH_REDIRECTS_MAX */
    size_t body_max;            /* bytes kept of the reply's body (decoded) */
    const char *const *stop_at; /* reading ends when one of these has been seen in the body */
    size_t stop_at_count;
    int64_t timeout_us; /* from its first move (its future runs) to the last byte; more than 0 */
};

/* What came back: the result of the future; borrowed, lives as long as the future. A future's last
 * reference is let go on [loop]: its body counts against body_bytes_max until then. */
struct fetch_reply {
    int status;                         /* e.g. 404 */
    const char *url;                    /* where the reply came from, after redirects */
    const struct fetch_header *headers; /* of the last hop, in order; names as sent */
    size_t header_count;
    /* All cookies held after this exchange, each with the host, path and lifetime it is for, as
     * text that only a later request reads: they go nowhere else. "": none. */
    const char *cookies;
    const char *body; /* NUL behind it, not counted */
    size_t body_len;
    bool truncated;     /* body_max reached, or ended at a stop_at: the rest was not read */
    int stop_hit;       /* index into stop_at, or -1 */
    int64_t connect_us; /* relative to the start */
    int64_t first_byte_us;
    int64_t total_us;
};

/**
 * Begin a request.
 * Owner:  *out_future is the caller's reference; its result is a const struct fetch_reply *.
 * Thread: [loop].
 * Errors: at once: INVALID, NOMEM, CLOSED, BUSY (too many wait). Through the future: TIMEOUT,
 *         UNREACHABLE (DNS, connect, TLS, reset, a body that ended early), DENIED (an address that
 *         policy refuses), LOOP (redirects), PROTOCOL (not HTTP, too many headers, a coding that
 *         was not asked for, a redirect to no web address or with a body to another origin), NOMEM.
 */
MUST_CHECK int fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                           struct future **out_future);

struct fetcher_stats {
    size_t in_flight;
    size_t body_bytes;
    uint64_t started;
    uint64_t finished;
};
void fetcher_stats(const struct fetcher *fetcher, struct fetcher_stats *out_stats);

#endif
