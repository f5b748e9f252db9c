/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Names to addresses on the loop, as futures. What was learned is kept as long as its records say,
 * within bounds; the same name is asked for once however many wait. It judges no address: whoever
 * connects does, with address.h. */
#ifndef ROLLCALL_EXEC_RESOLVE_H
#define ROLLCALL_EXEC_RESOLVE_H

#include <stdbool.h>

#include "daemon/exec/future.h"
#include "daemon/exec/resolve_ares.h"

struct resolver;

struct resolver_options {
    struct loop *loop;
    const char *const *servers; /* "127.0.0.1", "127.0.0.1:5353", "[::1]:53"; copied */
    size_t server_count;        /* 0: the system's, read again when that is a while ago */
};

/** Errors: NOMEM, IO, INVALID (a server). Thread: [main], before the loop runs, or [loop]. */
MUST_CHECK int resolver_new(const struct resolver_options *options, struct resolver **out_resolver,
                            struct error_text *why);
/** Cancel all that is asked for; asking from now on is CLOSED. Thread: [loop]. */
void resolver_close(struct resolver *resolver);
/** After close. Thread: [loop], or when it no longer runs. */
void resolver_free(struct resolver **resolver);

/* What a name stands for: the result of the future; borrowed, lives as long as the future. */
struct resolve_answer {
    const struct resolve_address *addresses;
    size_t count; /* 1 to RESOLVE_ADDRESSES_MAX, the better ones first */
};

/**
 * Ask for the addresses of a host's name (letters, digits, '-', '_' and '.'; not case-sensitive) or
 * of an address as text. What is known is there at once: then the future has ended on return.
 * Owner:  *out_future is the caller's reference; its result is a const struct resolve_answer *.
 *         Cancelling it ends the waiting at once; a question that is out runs on for the cache.
 * Thread: [loop].
 * Errors: at once: INVALID, NOMEM, CLOSED, BUSY (too many wait). Through the future: UNREACHABLE
 *         (no such name, or no server says so), NOMEM.
 */
MUST_CHECK int
resolver_ask(struct resolver *resolver, const char *name, struct future **out_future);

/* The servers of a service: the result of the future; borrowed, lives as long as the future. */
struct resolve_srv_answer {
    bool exists; /* false: there is no such name, and so no record */
    const struct resolve_srv *records;
    size_t count; /* 0 to RESOLVE_SRV_MAX, by priority, then the heavier first */
};

/**
 * Ask for the SRV records of a name such as "_xmpp-client._tcp.example.com". Nothing is kept and
 * nothing shared: such a question is rare.
 * Owner:  as resolver_ask(); the result is a const struct resolve_srv_answer *.
 * Thread: [loop].
 * Errors: as resolver_ask(); UNREACHABLE: no server said whether there are any.
 */
MUST_CHECK int
resolver_ask_srv(struct resolver *resolver, const char *name, struct future **out_future);

#endif
