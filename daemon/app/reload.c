/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A new setup is built beside the old one, judged, and put in its place in one errand on the loop.
 * The old one stays until the last query that began with it has ended. */
#include "daemon/app/reload.h"

#include "daemon/app/loss.h"
#include "daemon/app/notify.h"
#include "daemon/base/log.h"

void
reload_set_log_level(const struct conf *conf)
{
    enum log_level level;
    if (log_level_parse(conf->log_level, &level) == ERROR_OK) {
        log_set_level(level);
    }
}

void
reload_tell_ready(struct app *app)
{
    struct stack_view view;
    stack_look(app->stack, &view);
    notify_ready("Answering on %s: %zu plugins, %zu checkers", view.url, view.plugins,
                 view.checkers);
}

static void
warn_of_fixed(void *context, const char *key)
{
    (void)context;
    log_warning("app", "reload: %s is read at the start only; restart to change it", key);
}

/* A setup that is used no more, or never was: it goes when no query and no call of it is left. */
static void
put_away(struct app *app, struct setup *setup)
{
    list_push_back(&app->old, &setup->node);
    stack_reap(app->stack, &app->old);
}

/* A new setup beside the one in force. */
struct judging {
    const struct app *app;
    const struct setup *setup;
    reload_judge_fn judge;
    const void *context;
    struct error_text *why;
    int error;
};

/* States are the loop's: a worker may die at any time. */
static void
compare_on_loop(void *context)
{
    struct judging *judging = context;
    const struct app *app = judging->app;
    judging->error =
        loss_of_plugins(app->setup, judging->setup, &app->wishes.unloaded, judging->why);
}

static void
judge_on_loop(void *context)
{
    struct judging *judging = context;
    judging->error = judging->judge(judging->context, judging->setup, judging->why);
}

/* Whether all that serves would serve on, data too, and whoever asked has what was asked for. */
static int
judge_all(struct app *app, struct setup *setup, reload_judge_fn judge, const void *context,
          struct error_text *why)
{
    struct judging judging = {
        .app = app, .setup = setup, .judge = judge, .context = context, .why = why
    };
    ground_run(&app->ground, compare_on_loop, &judging);
    if (judging.error == ERROR_OK) {
        judging.error = stack_enumerate(app->stack, setup, why);
    }
    if (judging.error == ERROR_OK && judge != NULL) {
        ground_run(&app->ground, judge_on_loop, &judging);
    }
    return judging.error;
}

static int
try_new(struct app *app, reload_judge_fn judge, const void *context, struct error_text *why)
{
    struct setup *setup = NULL;
    const struct setup_options options = { .options = &app->options,
                                           .wishes = &app->wishes,
                                           .ground = &app->ground,
                                           .shelf = &app->shelf };
    int error = setup_new(&options, &setup, why);
    if (error != ERROR_OK) {
        return error;
    }
    error = judge_all(app, setup, judge, context, why);
    if (error == ERROR_OK) {
        error = stack_use(app->stack, setup);
        error = error == ERROR_OK ? ERROR_OK : error_say(why, error, "%s", error_sentence(error));
    }
    if (error != ERROR_OK) {
        put_away(app, setup);
        return error;
    }
    conf_tell_fixed(app->setup->conf, setup->conf, warn_of_fixed, NULL);
    reload_set_log_level(setup->conf);
    struct setup *before = app->setup;
    app->setup = setup;
    put_away(app, before);
    return ERROR_OK;
}

int
reload(struct app *app, reload_judge_fn judge, const void *context, struct error_text *why)
{
    notify_reloading();
    stack_reap(app->stack, &app->old); /* else the workers of many pile up */
    int error = try_new(app, judge, context, why);
    if (error == ERROR_OK) {
        log_info("app", "reload: done");
    } else if (error == ERROR_CLOSED) {
        log_info("app", "reload: given up: %s", why->text);
    } else {
        log_error("app", "reload: %s", why->text);
        log_error("app", "reload: the old configuration stays in force");
    }
    reload_tell_ready(app);
    return error;
}
