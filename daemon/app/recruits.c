/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Groups are the loop's, so each act on them is an errand there. Before the loop has a thread, main
 * turns it; afterwards main sleeps until the last file is known. */
#include "daemon/app/recruits.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/plugin/file_check.h"
#include "daemon/plugin/text.h"

struct errand {
    struct recruits *recruits;
    struct ground *ground;
    const struct conf *conf;
    struct registry *registry;
    size_t waiting; /* files that are not known yet; [loop] */
    sem_t known;
    int error;
};

/* ---- learning what the files are ---------------------------------------------------------- */

/* [loop] */
static void
one_settled(void *context)
{
    struct errand *errand = context;
    if (--errand->waiting == 0) {
        sem_post(&errand->known);
    }
}

static void
open_on_loop(void *context)
{
    struct errand *errand = context;
    struct recruits *recruits = errand->recruits;
    errand->waiting = 1; /* ourselves: nobody is the last before all were begun */
    for (size_t i = 0; i < recruits->count && errand->error == ERROR_OK; i++) {
        struct recruit *recruit = &recruits->list[i];
        if (recruit->refusal.text[0] != '\0') {
            continue;
        }
        errand->error =
            group_open(errand->ground->groups, recruit->path, one_settled, errand, &recruit->group);
        errand->waiting += errand->error == ERROR_OK;
    }
    one_settled(errand);
}

static void
await_all(struct errand *errand)
{
    if (errand->ground->exec != NULL) {
        while (sem_wait(&errand->known) != 0) {
        }
        return;
    }
    while (sem_trywait(&errand->known) != 0) {
        loop_turn(errand->ground->loop, CLOCK_NEVER);
    }
}

static void
take_on_loop(void *context)
{
    struct errand *errand = context;
    for (size_t i = 0; i < errand->recruits->count; i++) {
        struct recruit *recruit = &errand->recruits->list[i];
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

static int
open_in_processes(struct recruits *recruits, struct ground *ground)
{
    struct errand errand = { .recruits = recruits, .ground = ground };
    for (size_t i = 0; i < recruits->count; i++) {
        /* What is no plain file of ours no worker needs to see, nor could it look at it. */
        struct recruit *recruit = &recruits->list[i];
        (void)!file_check(recruit->path, &recruit->refusal);
        text_mend(recruit->refusal.text);
    }
    if (sem_init(&errand.known, 0, 0) != 0) {
        return ERROR_IO;
    }
    ground_run(ground, open_on_loop, &errand);
    await_all(&errand);
    ground_run(ground, take_on_loop, &errand);
    (void)sem_destroy(&errand.known);
    return errand.error;
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
            return error_say(why, error, "%s", error_sentence(error));
        }
    }
    for (size_t i = 0; i < recruits->count; i++) {
        struct recruit *recruit = &recruits->list[i];
        if (!in_processes) {
            open_here(recruit, shelf);
        } else if (recruit->image == NULL) {
            shelf_note_refusal(shelf, recruit->path, &recruit->refusal);
        }
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

static void
serve_on_loop(void *context)
{
    struct errand *errand = context;
    const struct conf *conf = errand->conf;
    for (size_t i = 0; i < errand->recruits->count && errand->error == ERROR_OK; i++) {
        struct recruit *recruit = &errand->recruits->list[i];
        if (recruit->group == NULL) {
            continue;
        }
        struct plugin *plugin = find_plugin(errand->registry, recruit->image);
        if (plugin == NULL) { /* disabled, or its name is taken */
            group_release(&recruit->group);
            continue;
        }
        int64_t own_us = plugin->section != NULL ? plugin->section->timeout_us : 0;
        errand->error = group_use(recruit->group, plugin, (unsigned)conf->workers,
                                  own_us != 0 ? own_us : conf->timeout_us);
    }
}

int
recruits_serve(struct recruits *recruits, const struct conf *conf, struct registry *registry,
               struct ground *ground, struct error_text *why)
{
    struct errand errand = {
        .recruits = recruits, .ground = ground, .conf = conf, .registry = registry
    };
    ground_run(ground, serve_on_loop, &errand);
    return errand.error == ERROR_OK
               ? ERROR_OK
               : error_say(why, errand.error, "%s", error_sentence(errand.error));
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
