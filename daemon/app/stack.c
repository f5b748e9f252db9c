/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Everything above the executor is the loop's, so this file does its work there, through errands
 * that main waits for. */
#include "daemon/app/stack.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "daemon/app/enumerate.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/exec/address.h"
#include "daemon/exec/exec.h"
#include "daemon/plugin/crew.h"
#include "daemon/serve/server.h"

/* Plugin calls that wait for a thread: a call takes microseconds, so this is a tenth of a second.
 */
#define POOL_QUEUE_MAX 16384

/* Transfers at the same time; each takes one descriptor. */
#define TRANSFERS_MAX 10000
#define TRANSFERS_MIN 64

/* To one origin: manners are kept by pacing, for each platform; this only bounds. */
#define ORIGIN_TRANSFERS_MAX 1024

struct stack {
    struct ground *ground;
    struct setup *setup; /* the one in use */
    struct order_taker taker;
    struct exec *exec;
    struct crew *crew;
    struct queries *queries;
    struct server *server;
    uint64_t turns; /* at the last look */
};

/* ---- building ----------------------------------------------------------------------------- */

static unsigned
count_transfers(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 2 < TRANSFERS_MIN) {
        return TRANSFERS_MIN;
    }
    return limit.rlim_cur / 2 < TRANSFERS_MAX ? (unsigned)(limit.rlim_cur / 2) : TRANSFERS_MAX;
}

static int
parse_addresses(const struct conf *conf, struct address_range **out_ranges, struct error_text *why)
{
    struct address_range *ranges = calloc(conf->allow_address_count + 1, sizeof(*ranges));
    if (ranges == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < conf->allow_address_count; i++) {
        struct error_text reason = { "" };
        int error = address_range_parse(conf->allow_addresses[i], &ranges[i], &reason);
        if (error != ERROR_OK) {
            free(ranges);
            return error_say(why, error, "allow_addresses: %.400s", reason.text);
        }
    }
    *out_ranges = ranges;
    return ERROR_OK;
}

static int
start_exec(struct stack *stack, const struct conf *conf, struct error_text *why)
{
    struct address_range *ranges = NULL;
    int error = parse_addresses(conf, &ranges, why);
    if (error != ERROR_OK) {
        return error;
    }
    const struct exec_options options = {
        .loop = stack->ground->loop,
        .pool = { .threads = (unsigned)conf->threads, .queue_max = POOL_QUEUE_MAX, .name = "pool" },
        .dns_servers = conf->dns_servers,
        .dns_server_count = conf->dns_server_count,
        .fetch = { .user_agent = conf->user_agent,
                   .proxy = conf->proxy,
                   .ca_file = conf->ca_file,
                   .allow_addresses = ranges,
                   .allow_count = conf->allow_address_count,
                   .body_bytes_max = (size_t)conf->body_bytes,
                   .host_connections_max = ORIGIN_TRANSFERS_MAX,
                   .connections_max = count_transfers() },
    };
    error = exec_new(&options, &stack->exec, why);
    free(ranges);
    if (error != ERROR_OK) {
        return error;
    }
    error = exec_start(stack->exec);
    if (error != ERROR_OK) {
        return error_say(why, error, "no thread for the loop");
    }
    stack->ground->exec = stack->exec;
    return ERROR_OK;
}

struct building {
    struct stack *stack;
    struct error_text *why;
    int error;
};

static void
build_on_loop(void *context)
{
    struct building *building = context;
    struct stack *stack = building->stack;
    const struct conf *conf = stack->setup->conf;
    const struct queries_options queries = {
        .exec = stack->exec,
        .crew = stack->crew,
        .registry = stack->setup->registry,
        .conf = conf,
    };
    building->error = queries_new(&queries, &stack->queries);
    if (building->error != ERROR_OK) {
        (void)error_say(building->why, building->error, "%s", error_sentence(building->error));
        return;
    }
    char beside[SERVER_URL_BYTES];
    const char *admin = conf->admin;
    if (admin == NULL) {
        server_admin_url(conf->listen, conf->listen_count, beside);
        admin = beside;
    }
    const struct server_options server = {
        .admin = admin[0] != '\0' ? admin : NULL,
        .taker = stack->taker,
        .exec = stack->exec,
        .queries = stack->queries,
        .listen = conf->listen,
        .listen_count = conf->listen_count,
        .max_calls = (size_t)conf->max_calls,
    };
    building->error = server_new(&server, &stack->server, building->why);
}

/* ---- lives -------------------------------------------------------------------------------- */

static int
start(struct stack *stack, struct error_text *why)
{
    struct building building = { .stack = stack, .why = why };
    int error = start_exec(stack, stack->setup->conf, why);
    if (error != ERROR_OK) {
        return error;
    }
    error = crew_new(stack->exec, &stack->crew);
    if (error != ERROR_OK) {
        return error_say(why, error, "%s", error_sentence(error));
    }
    error = stack_enumerate(stack, stack->setup, why);
    if (error != ERROR_OK) {
        return error;
    }
    exec_run_on_loop(stack->exec, build_on_loop, &building);
    if (building.error != ERROR_OK) {
        return building.error;
    }
    error = server_wait_ready(stack->server, STACK_READY_US);
    return error == ERROR_OK ? ERROR_OK
                             : error_say(why, error, "%s: does not answer the daemon's own call",
                                         server_url(stack->server, 0));
}

int
stack_start(const struct stack_options *options, struct stack **out_stack, struct error_text *why)
{
    struct stack *stack = calloc(1, sizeof(*stack));
    if (stack == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    stack->ground = options->ground;
    stack->setup = options->setup;
    stack->taker = options->taker;
    int error = start(stack, why);
    if (error != ERROR_OK) {
        struct error_text stuck;
        if (stack_stop(stack, &stuck) == ERROR_OK) {
            stack_free(&stack);
        } else {
            log_warning("app", "%s", stuck.text);
        }
        return error;
    }
    *out_stack = stack;
    return ERROR_OK;
}

int
stack_enumerate(struct stack *stack, struct setup *setup, struct error_text *why)
{
    const struct registry *before = setup != stack->setup ? stack->setup->registry : NULL;
    return enumerate_all(stack->ground, stack->crew, setup->registry, before, why);
}

struct using
{
    struct queries *queries;
    struct setup *setup;
    int error;
};

static void
use_on_loop(void *context)
{
    struct using *using = context;
    using->error = queries_set(using->queries, using->setup->registry, using->setup->conf);
}

int
stack_use(struct stack *stack, struct setup *setup)
{
    struct using using = { .queries = stack->queries, .setup = setup };
    exec_run_on_loop(stack->exec, use_on_loop, &using);
    if (using.error == ERROR_OK) {
        stack->setup = setup;
    }
    return using.error;
}

static void
reap_on_loop(void *context)
{
    struct list *setups = context;
    LIST_FOR_EACH (node, setups) {
        struct setup *setup = LIST_ENTRY(node, struct setup, node);
        if (!setup_is_used(setup)) {
            list_remove(node);
            setup_free(&setup);
        }
    }
}

void
stack_reap(struct stack *stack, struct list *setups)
{
    exec_run_on_loop(stack->exec, reap_on_loop, setups);
}

struct looking {
    const struct queries *queries;
    struct stack_view *view;
};

static void
look_on_loop(void *context)
{
    struct looking *looking = context;
    struct queries_stats stats;
    queries_stats(looking->queries, &stats);
    looking->view->open = queries_open_count(looking->queries);
    looking->view->queries = stats.queries;
}

void
stack_look(struct stack *stack, struct stack_view *out_view)
{
    struct looking looking = { .queries = stack->queries, .view = out_view };
    uint64_t turns = loop_turns(exec_loop(stack->exec));
    exec_run_on_loop(stack->exec, look_on_loop, &looking);
    out_view->plugins = registry_plugin_count(stack->setup->registry);
    out_view->checkers = registry_checker_count(stack->setup->registry);
    out_view->url = server_url(stack->server, 0);
    out_view->is_alive = turns != stack->turns && server_is_alive(stack->server);
    stack->turns = turns;
}

const char *
stack_url(const struct stack *stack, size_t index)
{
    return server_url(stack->server, index);
}

static void
close_on_loop(void *context)
{
    struct stack *stack = context;
    server_close(stack->server);
    queries_close(stack->queries);
}

void
stack_close(struct stack *stack)
{
    exec_run_on_loop(stack->exec, close_on_loop, stack);
}

static void
cancel_on_loop(void *context)
{
    struct stack *stack = context;
    queries_close(stack->queries);
    queries_cancel_all(stack->queries);
}

static void
close_crew_on_loop(void *context)
{
    struct stack *stack = context;
    crew_close(stack->crew);
}

int
stack_stop(struct stack *stack, struct error_text *why)
{
    int error = ERROR_OK;
    if (stack->queries != NULL) {
        exec_run_on_loop(stack->exec, cancel_on_loop, stack);
    }
    if (stack->server != NULL) {
        error = server_stop(stack->server);
    }
    if (error != ERROR_OK) {
        return error_say(why, error, "nng does not let go of a connection");
    }
    if (stack->crew != NULL) {
        exec_run_on_loop(stack->exec, close_crew_on_loop, stack);
    }
    if (stack->exec != NULL) {
        error = exec_stop(stack->exec, clock_deadline_us(STACK_STOP_US));
    }
    return error == ERROR_OK ? ERROR_OK
                             : error_say(why, error, "a plugin does not come back from a thread");
}

void
stack_free(struct stack **stack)
{
    struct stack *dropped = *stack;
    if (dropped == NULL) {
        return;
    }
    *stack = NULL;
    server_free(&dropped->server);
    if (dropped->queries != NULL) {
        queries_free(&dropped->queries);
    }
    if (dropped->crew != NULL) {
        crew_free(&dropped->crew);
    }
    dropped->ground->exec = NULL;
    exec_free(&dropped->exec);
    free(dropped);
}
