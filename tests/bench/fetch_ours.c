/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Our client of bench_fetch: fetcher and resolver on a loop, a name of its own for each transfer.
 */

#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/exec/fetch.h"
#include "daemon/exec/loop.h"
#include "daemon/exec/resolve.h"
#include "tests/bench/fetch_crowd.h"
#include "tests/support/common.h"

#define BODY_MAX_BYTES (512 * 1024)
#define TIMEOUT_US (600 * CLOCK_US_PER_S)
#define TRANSFERS_MAX 20000

static struct loop *loop;
static struct resolver *resolver;
static struct fetcher *fetcher;
static size_t opened;

static void
open_fetcher(const struct crowd *crowd)
{
    char server[32];
    const char *servers[] = { server };
    struct address_range loopback;
    struct error_text why = { "" };
    (void)snprintf(server, sizeof(server), "127.0.0.1:%u", crowd->dns_port);
    if (loop_new(&loop) != ERROR_OK ||
        address_range_parse("127.0.0.1/32", &loopback, &why) != ERROR_OK) {
        support_fail("no loop: %s", why.text);
    }
    const struct resolver_options names = { .loop = loop, .servers = servers, .server_count = 1 };
    if (resolver_new(&names, &resolver, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
    const struct fetcher_options options = { .loop = loop,
                                             .resolver = resolver,
                                             .user_agent = "bench/1",
                                             .ca_file = crowd->ca_file,
                                             .allow_addresses = &loopback,
                                             .allow_count = 1,
                                             .body_bytes_max = 64U * 1024 * 1024,
                                             .connections_max = TRANSFERS_MAX };
    if (fetcher_new(&options, &fetcher, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
}

static void
begin(const struct crowd *crowd, bool https)
{
    char url[128];
    struct future *future = NULL;
    (void)snprintf(url, sizeof(url), "%s://h%zu." CROWD_ZONE ":%u/", https ? "https" : "http",
                   opened++, https ? crowd->https_port : crowd->http_port);
    const struct fetch_request request = { .url = url,
                                           .body_max = BODY_MAX_BYTES,
                                           .timeout_us = TIMEOUT_US };
    int error = fetch_start(fetcher, &request, &future);
    if (error != ERROR_OK) {
        support_fail("fetch: %s", error_sentence(error));
    }
}

void
crowd_grow_ours(struct crowd *crowd, bool https, size_t count)
{
    struct fetcher_stats stats = { 0 };
    if (loop == NULL) {
        open_fetcher(crowd);
    }
    while (atomic_load(&crowd->held) < count) {
        for (int i = 0; i < 64 && opened < count && opened < atomic_load(&crowd->held) + 1024;
             i++) {
            begin(crowd, https);
        }
        loop_turn(loop, 10 * CLOCK_US_PER_MS);
        fetcher_stats(fetcher, &stats);
        if (stats.finished > 0) {
            support_fail("a transfer has ended");
        }
    }
}
