/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The calls are the loop's, so beginning, judging and ending them are errands there. Sorting in
 * what came, which may be a hundred thousand checkers, is done by main: nobody else has that
 * registry yet. */
#include "daemon/app/enumerate.h"

#include <malloc.h>
#include <stdlib.h>

#include "daemon/app/loss.h"
#include "daemon/base/log.h"

/* One plugin's data. */
struct reading {
    struct enumeration *all;
    struct plugin *plugin;
    struct future *future; /* NULL: it could not be begun */
    struct future_callback ended;
    const struct call_answer *answer; /* NULL: there is none, and `why` says so */
    struct error_text why;
    bool was_late;
};

struct enumeration {
    struct crew *crew;
    struct registry *registry;
    const struct registry *before; /* or NULL */
    struct reading *readings;      /* room for one a plugin */
    size_t count;
    size_t waiting;     /* for so many; [loop] */
    struct future done; /* ends when all have */
};

static const struct future_ops done_ops = { .name = "enumeration" };

/* ---- errands ------------------------------------------------------------------------------ */

/* [loop] */
static void
count_down(struct enumeration *all)
{
    if (--all->waiting == 0) {
        (void)future_finish(&all->done, NULL);
    }
}

static void
one_ended(struct future *future, void *context)
{
    (void)future;
    count_down(((struct reading *)context)->all);
}

static void
begin_one(struct enumeration *all, struct plugin *plugin)
{
    struct reading *reading = &all->readings[all->count++];
    *reading = (struct reading){ .all = all,
                                 .plugin = plugin,
                                 .ended = { .fn = one_ended, .context = reading } };
    int error = crew_enumerate(all->crew, plugin, &reading->future);
    if (error != ERROR_OK) {
        (void)error_say(&reading->why, error, "%s", error_sentence(error));
        return;
    }
    log_debug("plugin", "%s: reading its data", plugin->file);
    all->waiting++;
    future_on_done(reading->future, &reading->ended);
}

/* [loop] */
static void
begin_all(void *context)
{
    struct enumeration *all = context;
    all->waiting = 1; /* ourselves: nobody is the last before all were begun */
    for (size_t i = 0; i < registry_plugin_count(all->registry); i++) {
        struct plugin *plugin = registry_plugin(all->registry, i);
        if (plugin->state == PLUGIN_READY && plugin->manifest->enumerates) {
            begin_one(all, plugin);
        }
    }
    count_down(all);
}

static void
judge_one(struct reading *reading)
{
    const struct call_answer *answer = reading->future->result;
    if (future_state(reading->future) != FUTURE_FINISHED) {
        reading->was_late = future_cancel(reading->future);
        (void)error_say(&reading->why, ERROR_TIMEOUT, "that took too long");
    } else if (reading->future->error != ERROR_OK) {
        const char *said = reading->plugin->last_error.text;
        (void)error_say(&reading->why, ERROR_PLUGIN, "%s",
                        said[0] != '\0' ? said : error_sentence(reading->future->error));
    } else if (answer->outcome != CALL_ENUMERATED) {
        (void)error_say(&reading->why, ERROR_PLUGIN, "%s",
                        answer->failure != NULL ? answer->failure : "it offered nothing");
    } else {
        reading->answer = answer;
    }
}

/* [loop] */
static void
judge_all(void *context)
{
    struct enumeration *all = context;
    for (size_t i = 0; i < all->count; i++) {
        struct reading *reading = &all->readings[i];
        if (reading->future != NULL) {
            judge_one(reading);
        }
        if (reading->answer == NULL) {
            reading->plugin->last_error = reading->why;
        }
    }
}

/* [loop] */
static void
end_all(void *context)
{
    struct enumeration *all = context;
    for (size_t i = 0; i < all->count; i++) {
        future_unref(&all->readings[i].future);
    }
}

/* ---- on main ------------------------------------------------------------------------------ */

static void
add(struct registry *registry, struct reading *reading)
{
    const struct call_answer *answer = reading->answer;
    size_t added = 0;
    int error = registry_add_enumerated(registry, reading->plugin, answer->checkers,
                                        answer->checker_count, &added);
    if (error != ERROR_OK) {
        reading->answer = NULL;
        (void)error_say(&reading->why, error, "%s", error_sentence(error));
        return;
    }
    log_info("plugin", "%s: %zu checkers from data, %zu of them shadowed by others",
             reading->plugin->file, answer->checker_count, answer->checker_count - added);
}

/* Errors: INVALID: what serves now would be lost. */
static int
take(const struct enumeration *all, struct reading *reading, struct error_text *why)
{
    if (reading->answer != NULL) {
        add(all->registry, reading);
    }
    int error = loss_of_data(all->before, reading->plugin, reading->answer, reading->why.text, why);
    if (error == ERROR_OK && reading->answer == NULL) {
        log_error("plugin", "%s: its data could not be read: %s", reading->plugin->file,
                  reading->why.text);
    }
    return error;
}

static int
take_all(struct enumeration *all, struct error_text *why)
{
    int error = ERROR_OK;
    for (size_t i = 0; error == ERROR_OK && i < all->count; i++) {
        error = take(all, &all->readings[i], why);
    }
    return error;
}

static int
run(struct enumeration *all, struct ground *ground, struct error_text *why)
{
    ground_run(ground, begin_all, all);
    int error = ground_wait(ground, &all->done, ENUMERATE_US);
    ground_run(ground, judge_all, all);
    error = error == ERROR_CLOSED ? error_say(why, error, "this daemon is stopping")
                                  : take_all(all, why);
    ground_run(ground, end_all, all);
    for (size_t i = 0; i < all->count; i++) {
        if (!all->readings[i].was_late) { /* else a thread of ours may read them still */
            registry_drop_files(all->readings[i].plugin);
        }
    }
    return error;
}

int
enumerate_all(struct ground *ground, struct crew *crew, struct registry *registry,
              const struct registry *before, struct error_text *why)
{
    struct enumeration all = { .crew = crew, .registry = registry, .before = before };
    all.readings = calloc(registry_plugin_count(registry) + 1, sizeof(*all.readings));
    if (all.readings == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    future_init(&all.done, &done_ops);
    int error = run(&all, ground, why);
    if (all.count > 0) {
        (void)malloc_trim(0); /* the files and the answers were large, and are gone */
    }
    free(all.readings);
    return error;
}
