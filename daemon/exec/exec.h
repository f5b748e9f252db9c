/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The executor as a whole: the loop on its thread, the pool, the resolver, the fetcher. Built
 * first, taken down last. */
#ifndef ROLLCALL_EXEC_EXEC_H
#define ROLLCALL_EXEC_EXEC_H

#include "daemon/base/error.h"
#include "daemon/exec/fetch.h"
#include "daemon/exec/loop.h"
#include "daemon/exec/pool.h"
#include "daemon/exec/resolve.h"

struct exec;

struct exec_options {
    struct loop *loop; /* borrowed, for what was set up before; NULL: one of its own */
    struct pool_options pool;
    const char *const *dns_servers; /* as in resolver_options; none: the system's */
    size_t dns_server_count;
    struct fetcher_options fetch; /* its loop and resolver are filled in */
};

/** Build loop, pool, resolver and fetcher; the loop's thread does not run yet, so the floors above
 * can set themselves up on it first. Errors: as of the parts. Thread: [main]. */
MUST_CHECK int
exec_new(const struct exec_options *options, struct exec **out_exec, struct error_text *why);

/** Start the loop's thread. Errors: NOMEM. Thread: [main]. */
MUST_CHECK int exec_start(struct exec *exec);

/** Run `fn(context)` on the loop and wait for it to return: for start and stop only. Before
 *  exec_start() and after exec_stop() it simply runs here. Thread: [main]. */
void exec_run_on_loop(struct exec *exec, void (*fn)(void *context), void *context);

/** No new pool work, transfers cancelled, then the threads end and the loop last. Thread: [main].
 *  Errors: TIMEOUT: at `deadline_us` a thread has not come back from what it runs. Then nothing may
 *  be freed. */
MUST_CHECK int exec_stop(struct exec *exec, int64_t deadline_us);
void exec_free(struct exec **exec);

struct loop *exec_loop(struct exec *exec);
struct pool *exec_pool(struct exec *exec);
struct resolver *exec_resolver(struct exec *exec);
struct fetcher *exec_fetcher(struct exec *exec);

#endif
