/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Groups are the loop's, so each act on them is an errand there. Before the loop has a thread, main
 * turns it; afterwards main sleeps until the last file is known. */
#include "daemon/app/recruits.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/plugin/file_check.h"
#include "daemon/plugin/text.h"

/* Files that workers open, all at the same time. */
struct opening {
    struct recruits *recruits;
    struct ground *ground;
    size_t waiting;      /* files that are not known yet; [loop] */
    struct future known; /* ends when all are */
    int error;
};

static const struct future_ops known_ops = { .name = "files" };

/* ---- learning what the files are ---------------------------------------------------------- */

/* [loop] */
static void
one_settled(void *context)
{
    struct opening *opening = context;
    if (--opening->waiting == 0) {
        (void)future_finish(&opening->known, NULL);
    }
}

static void
open_on_loop(void *context)
{
    struct opening *opening = context;
    struct recruits *recruits = opening->recruits;
    opening->waiting = 1; /* ourselves: nobody is the last before all were begun */
    for (size_t i = 0; i < recruits->count && opening->error == ERROR_OK; i++) {
        struct recruit *recruit = &recruits->list[i];
        if (recruit->refusal.text[0] != '\0') {
            continue;
        }
        opening->error = group_open(opening->ground->groups, recruit->path, one_settled, opening,
                                    &recruit->group);
        opening->waiting += opening->error == ERROR_OK;
    }
    one_settled(opening);
}

static void
take_on_loop(void *context)
{
    struct opening *opening = context;
    for (size_t i = 0; i < opening->recruits->count; i++) {
        struct recruit *recruit = &opening->recruits->list[i];
        if (recruit->group == NULL) {
            continue; /* refused before, or there was no memory for it */
        }
        recruit->manifest = group_take_manifest(recruit->group, &recruit->refusal);
        if (recruit->manifest == NULL) {
            group_release(&recruit->group);
            continue;
        }
        recruit->learned = (struct image){ .file = loader_file_name(recruit->path),
                                           .manifest = recruit->manifest };
        recruit->image = &recruit->learned;
    }
}

/* Nobody waits for them any more. */
static void
let_go_on_loop(void *context)
{
    struct opening *opening = context;
    for (size_t i = 0; i < opening->recruits->count; i++) {
        group_release(&opening->recruits->list[i].group);
    }
}

static int
open_in_processes(struct recruits *recruits, struct ground *ground)
{
    struct opening opening = { .recruits = recruits, .ground = ground };
    for (size_t i = 0; i < recruits->count; i++) {
        /* What is no plain file of ours no worker needs to see, nor could it look at it. */
        struct recruit *recruit = &recruits->list[i];
        (void)!file_check(recruit->path, &recruit->refusal);
        text_mend(recruit->refusal.text);
    }
    future_init(&opening.known, &known_ops);
    ground_run(ground, open_on_loop, &opening);
    int error = ground_wait(ground, &opening.known, CLOCK_NEVER); /* workers have their limit */
    if (error != ERROR_OK) {
        ground_run(ground, let_go_on_loop, &opening);
        return error;
    }
    ground_run(ground, take_on_loop, &opening);
    return opening.error;
}

static void
open_here(struct recruit *recruit, struct shelf *shelf)
{
    recruit->image = NULL;
    if (shelf_open(shelf, recruit->path, &recruit->image, &recruit->refusal) != ERROR_OK) {
        shelf_note_refusal(shelf, recruit->path, &recruit->refusal);
    }
}

static int
add_path(struct recruits *recruits, const char *path)
{
    recruits->list[recruits->count].path = strdup(path);
    if (recruits->list[recruits->count].path == NULL) {
        return ERROR_NOMEM;
    }
    recruits->count++;
    return ERROR_OK;
}

int
recruits_find(struct recruits *recruits, const struct loader_list *paths,
              const struct names *others, struct error_text *why)
{
    int error = ERROR_OK;
    recruits->list = calloc(paths->count + others->count + 1, sizeof(*recruits->list));
    if (recruits->list == NULL) {
        error = ERROR_NOMEM;
    }
    for (size_t i = 0; error == ERROR_OK && i < paths->count; i++) {
        error = add_path(recruits, paths->paths[i]);
    }
    for (size_t i = 0; error == ERROR_OK && i < others->count; i++) {
        error = add_path(recruits, others->list[i]);
    }
    return error == ERROR_OK ? ERROR_OK : error_say(why, error, "%s", error_sentence(error));
}

int
recruits_open(struct recruits *recruits, bool in_processes, struct ground *ground,
              struct shelf *shelf, struct error_text *why)
{
    if (in_processes) {
        int error = open_in_processes(recruits, ground);
        if (error != ERROR_OK) {
            return error_say(why, error, "%s",
                             error == ERROR_CLOSED ? "this daemon is stopping"
                                                   : error_sentence(error));
        }
    }
    for (size_t i = 0; i < recruits->count; i++) {
        struct recruit *recruit = &recruits->list[i];
        if (!in_processes) {
            open_here(recruit, shelf);
        } else if (recruit->image == NULL) {
            shelf_note_refusal(shelf, recruit->path, &recruit->refusal);
        }
        recruit->is_gone = recruit->image == NULL && access(recruit->path, F_OK) != 0;
    }
    return ERROR_OK;
}

/* ---- what the configuration wants of them ------------------------------------------------- */

static bool
wants_threads(const struct recruit *recruit, const struct conf *conf)
{
    const struct conf_plugin *section = conf_plugin(conf, recruit->image->manifest->name);
    const char *isolation =
        section != NULL && section->isolation != NULL ? section->isolation : conf->isolation;
    return strcmp(isolation, "thread") == 0;
}

static void
release_on_loop(void *context)
{
    struct recruit *recruit = context;
    group_release(&recruit->group);
}

void
recruits_leave_out(struct recruits *recruits, const struct names *names)
{
    for (size_t i = 0; i < recruits->count; i++) {
        struct recruit *recruit = &recruits->list[i];
        recruit->is_left_out =
            recruit->image != NULL && names_has(names, recruit->image->manifest->name);
    }
}

void
recruits_settle(struct recruits *recruits, const struct conf *conf, struct ground *ground,
                struct shelf *shelf)
{
    for (size_t i = 0; i < recruits->count; i++) {
        struct recruit *recruit = &recruits->list[i];
        if (recruit->group == NULL || (!recruit->is_left_out && !wants_threads(recruit, conf))) {
            continue;
        }
        ground_run(ground, release_on_loop, recruit);
        if (!recruit->is_left_out) {
            open_here(recruit, shelf);
        }
    }
}

static struct plugin *
find_plugin(const struct registry *registry, const struct image *image)
{
    for (size_t i = 0; i < registry_plugin_count(registry); i++) {
        struct plugin *plugin = registry_plugin(registry, i);
        if (plugin->image == image && plugin->state == PLUGIN_READY) {
            return plugin;
        }
    }
    return NULL;
}

/* Groups for the plugins of a registry. */
struct serving {
    struct recruits *recruits;
    const struct conf *conf;
    const struct registry *registry;
    int error;
};

static void
serve_on_loop(void *context)
{
    struct serving *serving = context;
    const struct conf *conf = serving->conf;
    for (size_t i = 0; i < serving->recruits->count && serving->error == ERROR_OK; i++) {
        struct recruit *recruit = &serving->recruits->list[i];
        if (recruit->group == NULL) {
            continue;
        }
        struct plugin *plugin = find_plugin(serving->registry, recruit->image);
        if (plugin == NULL) { /* disabled, or its name is taken */
            group_release(&recruit->group);
            continue;
        }
        int64_t own_us = plugin->section != NULL ? plugin->section->timeout_us : 0;
        serving->error = group_use(recruit->group, plugin, (unsigned)conf->workers,
                                   own_us != 0 ? own_us : conf->timeout_us);
    }
}

int
recruits_serve(struct recruits *recruits, const struct conf *conf, struct registry *registry,
               struct ground *ground, struct error_text *why)
{
    struct serving serving = { .recruits = recruits, .conf = conf, .registry = registry };
    ground_run(ground, serve_on_loop, &serving);
    return serving.error == ERROR_OK
               ? ERROR_OK
               : error_say(why, serving.error, "%s", error_sentence(serving.error));
}

void
recruits_fini(struct recruits *recruits)
{
    for (size_t i = 0; i < recruits->count; i++) {
        group_release(&recruits->list[i].group);
        manifest_free(&recruits->list[i].manifest);
        free(recruits->list[i].path);
    }
    free(recruits->list);
    *recruits = (struct recruits){ 0 };
}
