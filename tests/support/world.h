/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Runs rollcall-world for a test and reads its log. How a script is written: tests/world/README.md.
 * Platform X is at "<http>/X" and "<https>/X". */
#ifndef ROLLCALL_TESTS_SUPPORT_WORLD_H
#define ROLLCALL_TESTS_SUPPORT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"
#include "tests/support/child.h"

struct world;

struct world_options {
    const char *script;          /* the script's text; NULL: tests/world/seed.json */
    const char *cases;           /* a folder of <platform>/cases/; NULL: the tree's plugins/ */
    double scale;                /* multiplies all latencies; 0: 1 */
    const char *const *catalogs; /* files whose sites are played too; a NULL at the end; or NULL */
};

/** Start it and wait until it listens. Owner: free with world_free(). Fails the test with what it
 *  said when it does not start. NULL options: the seed. */
struct world *world_start(const struct world_options *options);

/** Stop it (SIGTERM), assert that it exits with 0, free all. Accepts NULL. */
void world_stop(struct world **world);

/** Kill it if it still runs, free all: for teardowns. Accepts NULL. */
void world_free(struct world **world);

/** What such a world would play: the JSON of --print-catalog; free() it. Fails the test. */
char *world_print_catalog(const struct world_options *options);

const char *world_http(const struct world *world);    /* "http://127.0.0.1:4711" */
const char *world_https(const struct world *world);   /* "https://127.0.0.1:4712" */
const char *world_dns(const struct world *world);     /* "127.0.0.1:4713", its name server */
const char *world_ca_file(const struct world *world); /* a PEM that trusts the latter */
struct child *world_child(struct world *world);

/** The reply that is due next goes out at once, however long its latency. Once for each reply that
 *  has been seen: two that come together may be one. */
void world_hurry_next(struct world *world);

enum world_event_kind {
    WORLD_REQUEST, /* a whole request was read */
    WORLD_REPLY,   /* the last byte of a reply is about to be handed to the kernel */
    WORLD_CLOSED,  /* the connection ended while no reply was due */
    WORLD_ABORTED, /* the client ended the connection before its reply was sent */
    WORLD_DNS,     /* a name was asked for: `platform` is the name, `method` A, AAAA, SRV */
    WORLD_EVENT_KINDS
};

struct world_event {
    int64_t t_us; /* CLOCK_MONOTONIC, comparable with support_now_us() */
    enum world_event_kind kind;
    char platform[64]; /* "" before the first request of a connection */
    int64_t connection;
    char method[16];
    char target[512]; /* cut when longer */
    int status;       /* of a reply; else 0 */
    bool by_world;    /* of closed: a fault, or the world's own end, closed it */
};

struct world_log {
    struct world_event *events; /* in the order they happened */
    size_t count;
};

/** All that happened so far. Free with world_log_free(). */
struct world_log world_log(struct world *world);
void world_log_free(struct world_log *log);

/** How many of a kind there are in a log; `platform` NULL: of any. */
size_t
world_log_count(const struct world_log *log, enum world_event_kind kind, const char *platform);
/** The first such event, or NULL. */
const struct world_event *
world_log_first(const struct world_log *log, enum world_event_kind kind, const char *platform);

/** Wait until there have been `count` events of a kind. False: the deadline (milliseconds,
 *  multiplied by SUPPORT_SLOWDOWN in here). */
MUST_CHECK bool world_wait(struct world *world, enum world_event_kind kind, const char *platform,
                           size_t count, int timeout_ms);

#endif
