/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the parts of bench_fetch share: a server that takes requests and never answers, and two
 * clients that have thousands of them open. */
#ifndef ROLLCALL_TESTS_BENCH_FETCH_CROWD_H
#define ROLLCALL_TESTS_BENCH_FETCH_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* The zone that the server knows: every name in it is 127.0.0.1. */
#define CROWD_ZONE "crowd.test"
/* Read at once from a socket: the same for both clients. */
#define CROWD_READ_BYTES 8192

/* In memory that server and clients share. */
struct crowd {
    unsigned http_port;
    unsigned https_port;
    unsigned dns_port;
    char ca_file[256];
    atomic_size_t held;  /* requests that were read and not answered */
    atomic_size_t asked; /* names */
};

struct crowd_server;

/** Listen, and write the authority to crowd->ca_file. Fails the benchmark. */
struct crowd_server *crowd_server_new(struct crowd *crowd);
/** For ever. */
void crowd_server_run(struct crowd_server *server);

/* A client: open requests until there are `count`. */
typedef void crowd_grow_fn(struct crowd *crowd, bool https, size_t count);
/** libcurl's multi interface and epoll, and nothing else. */
void crowd_grow_bare(struct crowd *crowd, bool https, size_t count);
/** The daemon's fetcher and resolver. */
void crowd_grow_ours(struct crowd *crowd, bool https, size_t count);

#endif
