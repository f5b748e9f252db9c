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
#include <unistd.h>

#include "daemon/app/app_int.h"
#include "daemon/app/notify.h"
#include "daemon/app/orders.h"
#include "daemon/app/reload.h"
#include "daemon/app/signals.h"
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

/* The exit status of a start that failed; of one that a signal ended, that of any stop: but a
 * configuration that was to be judged has not been. */
static int
refuse(const struct app *app, int error, int status, const struct error_text *why)
{
    if (error == ERROR_CLOSED) {
        log_info("app", "stopping before all was ready");
        return app->options.only_checks ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    log_error("app", "%s", why->text);
    return error == ERROR_NOMEM ? EXIT_FAILURE : status;
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

/* However busy main is with signals and with waiting: a reload takes many ticks. */
static void
tick_when_due(void *context)
{
    struct app *app = context;
    if (clock_now_us() >= app->next_us) {
        tick(app);
        app->next_us = clock_deadline_us(app->tick_us);
    }
}

static void
reload_for_signal(struct app *app)
{
    struct error_text why = { "" };
    (void)!reload(app, NULL, NULL, &why); /* it has said why */
}

/* Until a signal says stop. */
static void
serve(struct app *app)
{
    for (;;) {
        tick_when_due(app);
        int64_t left_us = app->next_us - clock_now_us();
        int number = signals_wait(left_us > 0 ? left_us : 0);
        if (signals_is_stop(number)) {
            log_info("app", "stopping");
            return;
        }
        if (number == SIGHUP) {
            reload_for_signal(app);
        } else if (number == SIGNALS_WAKE) {
            orders_obey(app);
        }
    }
}

/* Leave the open queries `stop_timeout`, unless somebody says stop again. */
static void
drain(struct app *app)
{
    struct stack_view view;
    int64_t deadline_us = clock_deadline_us(app->setup->conf->stop_timeout_us);
    stack_close(app->stack);
    orders_close(app);
    notify_stopping();
    stack_look(app->stack, &view);
    while (view.open > 0 && clock_now_us() < deadline_us) {
        if (signals_is_stop(signals_wait(STOP_STEP_US))) {
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

/* Something does not come back. What it may still use is not freed; the workers go with us. */
static _Noreturn void
leave_behind(const char *what, int status)
{
    log_warning("app", "%s: leaving without it", what);
    _exit(status);
}

static int
run(struct app *app)
{
    struct error_text why = { "" };
    const struct stack_options options = { .ground = &app->ground,
                                           .setup = app->setup,
                                           .taker = orders_taker(app) };
    int error = stack_start(&options, &app->stack, &why);
    if (error != ERROR_OK) {
        int status = refuse(app, error, EXIT_FAILURE, &why);
        if (app->ground.exec != NULL) {
            leave_behind("what was started does not end", status);
        }
        return status;
    }
    int64_t watchdog_us = notify_watchdog_us();
    app->is_watched = watchdog_us > 0;
    app->tick_us = app->is_watched && watchdog_us / 2 < TICK_US ? watchdog_us / 2 : TICK_US;
    app->next_us = clock_deadline_us(app->tick_us);
    app->ground.meanwhile = tick_when_due;
    app->ground.context = app;
    for (size_t i = 0; stack_url(app->stack, i) != NULL; i++) {
        log_info("app", "answering on %s", stack_url(app->stack, i));
    }
    log_info("app", "rollcalld %s is ready", ROLLCALL_VERSION);
    reload_tell_ready(app);
    serve(app);
    drain(app);
    if (stack_stop(app->stack, &why) != ERROR_OK) {
        leave_behind(why.text, EXIT_SUCCESS); /* all queries have ended */
    }
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
    const struct setup_options options = { .options = &app->options,
                                           .wishes = &app->wishes,
                                           .ground = &app->ground,
                                           .shelf = &app->shelf };
    int error = setup_new(&options, &app->setup, &why);
    int status = EXIT_SUCCESS;
    if (error != ERROR_OK) {
        status = refuse(app, error, EX_CONFIG, &why);
    } else if (app->options.only_checks) {
        (void)printf("%s: accepted\n",
                     app->setup->conf->file != NULL ? app->setup->conf->file : "the defaults");
    } else {
        reload_set_log_level(app->setup->conf);
        status = run(app);
    }
    free_setups(app);
    ground_fini(&app->ground);
    shelf_fini(&app->shelf);
    wishes_fini(&app->wishes);
    return status;
}

int
app_run(int argc, char **argv)
{
    static struct app app; /* its options hold the text of an override: it must not move */
    struct error_text why = { "" };
    list_init(&app.old);
    list_init(&app.orders);
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
