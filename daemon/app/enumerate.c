/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The calls are the loop's, so beginning and ending one is an errand there. Sorting in what came,
 * which may be a hundred thousand checkers, is done by main: nobody else has that registry yet. */
#include "daemon/app/enumerate.h"

#include <malloc.h>

#include "daemon/base/log.h"

struct errand {
    struct crew *crew;
    struct plugin *plugin;
    struct future *future;
    const struct call_answer *answer; /* NULL: there is none, and it has been said why */
    bool was_late;
    int error;
};

/* [loop] */
static void
begin(void *context)
{
    struct errand *errand = context;
    errand->error = crew_enumerate(errand->crew, errand->plugin, &errand->future);
}

/* [loop] */
static void
judge(void *context)
{
    struct errand *errand = context;
    const struct plugin *plugin = errand->plugin;
    const struct call_answer *answer = errand->future->result;
    if (future_state(errand->future) != FUTURE_FINISHED || errand->future->error != ERROR_OK) {
        errand->was_late = future_cancel(errand->future);
        log_error("plugin", "%s: its data could not be read: %s", plugin->file,
                  errand->was_late ? "that took too long" : plugin->last_error.text);
    } else if (answer->outcome != CALL_ENUMERATED) {
        log_error("plugin", "%s: its data could not be read: %s", plugin->file,
                  answer->failure != NULL ? answer->failure : "it offered nothing");
    } else {
        errand->answer = answer;
    }
}

/* [loop] */
static void
end(void *context)
{
    struct errand *errand = context;
    future_unref(&errand->future);
}

static void
add(struct registry *registry, const struct errand *errand)
{
    const struct call_answer *answer = errand->answer;
    size_t added = 0;
    if (registry_add_enumerated(registry, errand->plugin, answer->checkers, answer->checker_count,
                                &added) != ERROR_OK) {
        log_error("plugin", "%s: out of memory for its checkers", errand->plugin->file);
        return;
    }
    log_info("plugin", "%s: %zu checkers from data, %zu of them shadowed by others",
             errand->plugin->file, answer->checker_count, answer->checker_count - added);
}

static void
enumerate(struct exec *exec, struct crew *crew, struct registry *registry, struct plugin *plugin)
{
    struct errand errand = { .crew = crew, .plugin = plugin };
    exec_run_on_loop(exec, begin, &errand);
    if (errand.error != ERROR_OK) {
        log_error("plugin", "%s: its data could not be read: %s", plugin->file,
                  error_sentence(errand.error));
        registry_drop_files(plugin);
        return;
    }
    (void)!future_wait(errand.future, ENUMERATE_US); /* judge() sees what came of it */
    exec_run_on_loop(exec, judge, &errand);
    if (errand.answer != NULL) {
        add(registry, &errand);
    }
    exec_run_on_loop(exec, end, &errand);
    if (!errand.was_late) { /* else a thread of ours may read them still: the registry frees them */
        registry_drop_files(plugin);
    }
}

void
enumerate_all(struct exec *exec, struct crew *crew, struct registry *registry)
{
    bool was_any = false;
    for (size_t i = 0; i < registry_plugin_count(registry); i++) {
        struct plugin *plugin = registry_plugin(registry, i);
        if (plugin->state == PLUGIN_READY && plugin->manifest->enumerates) {
            enumerate(exec, crew, registry, plugin);
            was_any = true;
        }
    }
    if (was_any) {
        (void)malloc_trim(0); /* the files and the answers were large, and are gone */
    }
}
