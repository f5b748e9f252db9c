/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Main's own thread does nothing but wait: for signals, and for the moment to tell the service
 * manager that the daemon is well. What runs is stack.c's, what was configured is setup.c's. */
#include "daemon/app/app.h"

#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "daemon/app/ground.h"
#include "daemon/app/notify.h"
#include "daemon/app/options.h"
#include "daemon/app/setup.h"
#include "daemon/app/shelf.h"
#include "daemon/app/signals.h"
#include "daemon/app/stack.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "rollcall/version.h"

/* Descriptors that we can use; more would only make tables larger. */
#define FDS_WANTED 65536

/* How often the house is kept: setups that a reload replaced, memory after a burst, the watchdog.
 */
#define TICK_US CLOCK_US_PER_S

/* How often a stopping daemon looks whether its queries have ended. */
#define STOP_STEP_US (10 * CLOCK_US_PER_MS)

struct app {
    struct options options;
    struct ground ground;
    struct shelf shelf;
    struct setup *setup;
    struct list old; /* setups that open queries may still use */
    struct stack *stack;
    int64_t tick_us; /* TICK_US, or half of what the watchdog allows where that is less */
    bool is_watched; /* a watchdog waits for us */
    uint64_t rested; /* queries so far when memory was last handed back */
};

static int
refuse(int error, const struct error_text *why)
{
    log_error("app", "%s", why->text);
    return error == ERROR_NOMEM ? EXIT_FAILURE : EX_CONFIG;
}

static void
raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FDS_WANTED) {
        return;
    }
    limit.rlim_cur = limit.rlim_max < FDS_WANTED ? limit.rlim_max : FDS_WANTED;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        log_debug("app", "the limit of descriptors stays as it is");
    }
}

static void
set_log_level(const struct conf *conf)
{
    enum log_level level;
    if (log_level_parse(conf->log_level, &level) == ERROR_OK) {
        log_set_level(level);
    }
}

static void
tell_ready(struct app *app)
{
    struct stack_view view;
    stack_look(app->stack, &view);
    notify_ready("Answering on %s: %zu plugins, %zu checkers", view.url, view.plugins,
                 view.checkers);
}

/* ---- reload ------------------------------------------------------------------------------- */

static bool
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    bool is_same = a_count == b_count;
    for (size_t i = 0; is_same && i < a_count; i++) {
        is_same = strcmp(a[i], b[i]) == 0;
    }
    return is_same;
}

/* What sockets, threads and transfers were built with cannot change under them. */
static void
warn_of_fixed(const struct conf *old, const struct conf *new)
{
    const struct {
        const char *key;
        bool is_same;
    } fixed[] = {
        { "listen", same_texts(old->listen, old->listen_count, new->listen, new->listen_count) },
        { "allow_addresses", same_texts(old->allow_addresses, old->allow_address_count,
                                        new->allow_addresses, new->allow_address_count) },
        { "threads", old->threads == new->threads },
        { "max_calls", old->max_calls == new->max_calls },
        { "body_bytes", old->body_bytes == new->body_bytes },
        { "user_agent", same_text(old->user_agent, new->user_agent) },
        { "proxy", same_text(old->proxy, new->proxy) },
        { "ca_file", same_text(old->ca_file, new->ca_file) },
    };
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        if (!fixed[i].is_same) {
            log_warning("app", "reload: %s is read at the start only; restart to change it",
                        fixed[i].key);
        }
    }
}

static void
reload(struct app *app)
{
    struct setup *setup = NULL;
    struct error_text why = { "" };
    notify_reloading();
    if (setup_new(&app->options, &app->ground, &app->shelf, &setup, &why) != ERROR_OK) {
        log_error("app", "reload: %s", why.text);
        log_error("app", "reload: the old configuration stays in force");
        tell_ready(app);
        return;
    }
    warn_of_fixed(app->setup->conf, setup->conf);
    set_log_level(setup->conf);
    stack_use(app->stack, setup);
    list_push_back(&app->old, &app->setup->node);
    app->setup = setup;
    log_info("app", "reload: done");
    tell_ready(app);
}

/* ---- running ------------------------------------------------------------------------------ */

/* A burst leaves the allocator with free pages between live ones: when no query is open any more
 * they go back to the system, once a burst. */
static void
rest(struct app *app, const struct stack_view *view)
{
    if (view->open == 0 && view->queries != app->rested) {
        app->rested = view->queries;
        (void)malloc_trim(0);
        log_debug("app", "at rest: free memory went back");
    }
}

static void
tick(struct app *app)
{
    struct stack_view view;
    stack_look(app->stack, &view);
    if (!list_is_empty(&app->old)) {
        stack_reap(app->stack, &app->old);
    }
    rest(app, &view);
    if (!app->is_watched) {
        return;
    }
    if (!view.is_alive) {
        log_error("app", "no sign of life for the watchdog: the sockets do not answer");
        return;
    }
    notify_watchdog();
    notify_status("Answering on %s: %zu plugins, %zu checkers; %llu queries so far, %zu open",
                  view.url, view.plugins, view.checkers, (unsigned long long)view.queries,
                  view.open);
}

/* Until a signal says stop. */
static void
serve(struct app *app)
{
    int64_t next_us = clock_deadline_us(app->tick_us);
    for (;;) {
        int64_t left_us = next_us - clock_now_us();
        int number = signals_wait(left_us > 0 ? left_us : 0);
        if (number == SIGTERM || number == SIGINT) {
            log_info("app", "stopping");
            return;
        }
        if (number == SIGHUP) {
            reload(app);
            continue;
        }
        tick(app);
        next_us = clock_deadline_us(app->tick_us);
    }
}

/* Leave the open queries `stop_timeout`, unless somebody says stop again. */
static void
drain(struct app *app)
{
    struct stack_view view;
    int64_t deadline_us = clock_deadline_us(app->setup->conf->stop_timeout_us);
    stack_close(app->stack);
    notify_stopping();
    stack_look(app->stack, &view);
    while (view.open > 0 && clock_now_us() < deadline_us) {
        int number = signals_wait(STOP_STEP_US);
        if (number == SIGTERM || number == SIGINT) {
            break;
        }
        stack_look(app->stack, &view);
    }
    if (view.open > 0) {
        log_warning("app", "%zu open queries are cancelled", view.open);
    }
}

static void
free_setups(struct app *app)
{
    LIST_FOR_EACH (node, &app->old) {
        struct setup *setup = LIST_ENTRY(node, struct setup, node);
        list_remove(node);
        setup_free(&setup);
    }
    setup_free(&app->setup);
}

static int
run(struct app *app)
{
    struct error_text why = { "" };
    int error = stack_start(&app->ground, app->setup, &app->stack, &why);
    if (error != ERROR_OK) {
        log_error("app", "%s", why.text);
        return EXIT_FAILURE;
    }
    int64_t watchdog_us = notify_watchdog_us();
    app->is_watched = watchdog_us > 0;
    app->tick_us = app->is_watched && watchdog_us / 2 < TICK_US ? watchdog_us / 2 : TICK_US;
    for (size_t i = 0; stack_url(app->stack, i) != NULL; i++) {
        log_info("app", "answering on %s", stack_url(app->stack, i));
    }
    log_info("app", "rollcalld %s is ready", ROLLCALL_VERSION);
    tell_ready(app);
    serve(app);
    drain(app);
    stack_stop(app->stack);
    stack_free(&app->stack);
    return EXIT_SUCCESS;
}

static int
set_up_and_run(struct app *app)
{
    struct error_text why = { "" };
    if (ground_init(&app->ground, &why) != ERROR_OK) {
        log_error("app", "%s", why.text);
        return EXIT_FAILURE;
    }
    int error = setup_new(&app->options, &app->ground, &app->shelf, &app->setup, &why);
    int status = EXIT_SUCCESS;
    if (error != ERROR_OK) {
        status = refuse(error, &why);
    } else if (app->options.only_checks) {
        (void)printf("%s: accepted\n",
                     app->setup->conf->file != NULL ? app->setup->conf->file : "the defaults");
    } else {
        set_log_level(app->setup->conf);
        status = run(app);
    }
    free_setups(app);
    ground_fini(&app->ground);
    shelf_fini(&app->shelf);
    return status;
}

int
app_run(int argc, char **argv)
{
    static struct app app; /* its options hold the text of an override: it must not move */
    struct error_text why = { "" };
    list_init(&app.old);
    if (options_parse(argc, argv, &app.options, &why) != ERROR_OK) {
        (void)fprintf(stderr, "rollcalld: %s\n", why.text);
        return EX_USAGE;
    }
    if (app.options.wants_help) {
        options_print_help(stdout);
        return EXIT_SUCCESS;
    }
    if (app.options.wants_version) {
        (void)printf("rollcalld %s\n", ROLLCALL_VERSION);
        return EXIT_SUCCESS;
    }
    signals_block();
    raise_descriptor_limit();
    return set_up_and_run(&app);
}
