/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The script: which platforms there are, who is registered there, how slow they are and what is
 * wrong with them. README.md says how one is written. Thread: one at a time. */
#ifndef ROLLCALL_TESTS_WORLD_SCRIPT_H
#define ROLLCALL_TESTS_WORLD_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "tests/world/cases.h"

#define SCRIPT_FILE_BYTES_MAX (16u * 1024 * 1024)
#define SCRIPT_NAME_BYTES_MAX 64
#define SCRIPT_ADDRESSES_MAX 16 /* of one answer, A and AAAA */
#define SCRIPT_SERVICES_MAX 4
#define SCRIPT_TARGET_BYTES 128

enum fault {
    FAULT_NONE,
    FAULT_RESET,         /* RST instead of a reply */
    FAULT_HANG,          /* never a reply */
    FAULT_CLOSE,         /* closed without a reply */
    FAULT_TRUNCATE,      /* Content-Length promises more than comes */
    FAULT_ENDLESS,       /* a chunked body without end */
    FAULT_DRIP,          /* a byte every 100 ms */
    FAULT_GZIP_BOMB,     /* a small body that inflates to half a gigabyte */
    FAULT_REDIRECT_LOOP, /* to itself, for ever */
    FAULT_GARBAGE,       /* not HTTP */
    FAULT_STATUS,        /* "status:429": that status and a short text */
    FAULT_BOT_WALL       /* a challenge page, 403 or as in "bot_wall:503" */
};

/* Who, sorted; letters of ASCII compare without case. */
struct script_names {
    const char *const *texts;
    size_t count;
};

struct script_platform {
    const char *name;
    struct script_names registered;
    int64_t latency_us;          /* before the last reply of a chain */
    const int64_t *latencies_us; /* or one for each exchange; the last one holds for the rest */
    size_t latency_count;        /* 0: latency_us */
    const char *case_stem;       /* this case's replies for everybody; NULL: by `registered` */
    enum fault fault;
    int fault_status; /* of STATUS and BOT_WALL */
    const struct case_header *fault_headers;
    size_t fault_header_count;
    struct script_names fault_for; /* only for these; none: for everybody */
};

struct script_fault {
    enum fault fault;
    int status; /* of STATUS and BOT_WALL */
};

/* How the sites of catalogues are played; which ones get what is the same in each run. */
struct script_catalog {
    struct script_names present;       /* who has an account where a site knows anybody */
    unsigned positive;                 /* every so many-th site does; 1: all */
    int64_t latency_from_us;           /* spread evenly over the sites … */
    int64_t latency_to_us;             /* … up to here */
    unsigned hostile_every;            /* every so many-th site is; 0: none */
    const struct script_fault *faults; /* in turn, those that the site's rule can tell */
    size_t fault_count;
};

enum dns_fault {
    DNS_FAULT_NONE,
    DNS_FAULT_SERVFAIL,
    DNS_FAULT_NXDOMAIN,
    DNS_FAULT_HANG,    /* never a reply */
    DNS_FAULT_GARBAGE, /* the right number, and then no message */
    DNS_FAULT_TRUNCATE /* cut short over UDP, whole over TCP */
};

struct script_address {
    uint8_t bytes[16];
    bool is_ipv6;
};

/* A record of a service's server, RFC 2782. */
struct script_service {
    unsigned priority;
    unsigned weight;
    unsigned port;
    char target[SCRIPT_TARGET_BYTES];
};

struct script_answer {
    struct script_address addresses[SCRIPT_ADDRESSES_MAX];
    size_t count;
    struct script_service services[SCRIPT_SERVICES_MAX];
    size_t service_count;
    uint32_t ttl_s;
    enum dns_fault fault;
};

/* What the name server says of a name: one answer after the other, then the last for ever. */
struct script_name {
    const char *name;
    const struct script_answer *answers;
    size_t count; /* 1 or more */
};

struct script_dns {
    const struct script_name *names;
    size_t count;
};

struct script {
    const struct script_platform *platforms;
    size_t count;
    struct script_catalog catalog;
    struct script_dns dns;
};

/** Read a script. Owner: all lives in `arena`. Errors: NOT_FOUND, IO, TOO_BIG, PARSE, INVALID,
 * NOMEM; `why` names file, platform and key, what was found and what is allowed. */
MUST_CHECK int script_read(const char *path, struct arena *arena, struct script *out_script,
                           struct error_text *why);

bool script_has_name(const struct script_names *names, const char *name);

/** As it is written in a script, without a status. */
const char *script_fault_word(enum fault fault);

/** Whether the fault stands in the place of any reply, so that no case is needed. */
bool script_is_always_faulty(const struct script_platform *platform);

#endif
