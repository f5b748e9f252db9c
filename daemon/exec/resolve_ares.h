/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Asking for a name, once: c-ares on the loop, and the daemon's only door to it. What is asked when
 * and what is kept is resolve.c's business. Thread: [loop], or [main] before it runs. */
#ifndef ROLLCALL_EXEC_RESOLVE_ARES_H
#define ROLLCALL_EXEC_RESOLVE_ARES_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "daemon/base/error.h"
#include "daemon/exec/loop.h"

/* Of one name; what a server sends beyond is dropped. */
#define RESOLVE_ADDRESSES_MAX 16
#define RESOLVE_SRV_MAX 16

struct resolve_address {
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } socket; /* its port is 0 */
};

/* What there is to say about a name. */
struct resolve_finding {
    int error; /* OK; NOT_FOUND: no such name, or none with an address; UNREACHABLE: no server
                  answers, or none properly; NOMEM; CANCELLED: taken down */
    const struct resolve_address *addresses; /* the better ones first (RFC 6724); borrowed */
    size_t count;
    int64_t ttl_us; /* of the record that ends first; 0 for what /etc/hosts says */
};

struct resolve_ares;

/* A server of a service (RFC 2782). */
struct resolve_srv {
    char target[256]; /* "." says that there is no such service */
    uint16_t port;
    uint16_t priority;
    uint16_t weight;
};

/* The errors are those above, but OK with a count of 0: the name has no such record. */
struct resolve_srv_finding {
    int error;
    const struct resolve_srv *records; /* by priority, then the heavier first; borrowed */
    size_t count;
};

/* Called once for each question, perhaps before resolve_ares_ask() returns. Runs inside c-ares: it
 * notes what it is told and calls nothing in here. */
typedef void resolve_ares_fn(void *context, const struct resolve_finding *finding);
typedef void resolve_ares_srv_fn(void *context, const struct resolve_srv_finding *finding);

/**
 * `servers`: "127.0.0.1:5353,[::1]:53"; NULL: the system's, read now from resolv.conf. With either,
 * /etc/hosts comes first.
 * Errors: NOMEM, IO, INVALID (the servers).
 */
MUST_CHECK int resolve_ares_new(struct loop *loop, const char *servers,
                                struct resolve_ares **out_ares, struct error_text *why);
/** What was asked ends as CANCELLED in here. Accepts NULL. */
void resolve_ares_free(struct resolve_ares **ares);

/** Ask for the addresses of `name` (A and AAAA), which is taken as it is: no search list. */
void
resolve_ares_ask(struct resolve_ares *ares, const char *name, resolve_ares_fn *fn, void *context);

/** Ask for the SRV records of `name`: the same. */
void resolve_ares_ask_srv(struct resolve_ares *ares, const char *name, resolve_ares_srv_fn *fn,
                          void *context);

#endif
