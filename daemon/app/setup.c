/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The order in which a configuration can be judged: its syntax, then the plugins that it names,
 * then its values against what those plugins declare. */
#include "daemon/app/setup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/serve/server.h"

/* Lists of keys, of all plugins together. */
#define SCHEMAS_ARENA_BYTES ((size_t)16 * 1024 * 1024)

/* A section without its plugin may be that of a file that was refused: then that is what to mend.
 */
static void
say_refused(const struct recruits *recruits, int error, struct error_text *why)
{
    for (size_t i = 0; i < recruits->count; i++) {
        const struct recruit *recruit = &recruits->list[i];
        const char *file = loader_file_name(recruit->path);
        char section[NAME_MAX + sizeof("plugin.: no such plugin")];
        (void)snprintf(section, sizeof(section), "plugin.%.*s: no such plugin",
                       (int)strcspn(file, "."), file);
        if (recruit->refusal.text[0] != '\0' && strstr(why->text, section) != NULL) {
            const struct error_text said = *why;
            (void)error_say(why, error, "%.250s; refused: %.240s", said.text,
                            recruit->refusal.text);
            return;
        }
    }
}

static int
read_conf(const struct conf_tree *tree, const struct recruits *recruits, struct conf **out_conf,
          struct error_text *why)
{
    struct arena *arena = arena_new(SCHEMAS_ARENA_BYTES);
    struct conf_schema *schemas = calloc(recruits->count + 1, sizeof(*schemas));
    int error = arena == NULL || schemas == NULL ? ERROR_NOMEM : ERROR_OK;
    size_t count = 0;
    for (size_t i = 0; i < recruits->count && error == ERROR_OK; i++) {
        if (recruits->list[i].image != NULL) {
            error = registry_schema(recruits->list[i].image->manifest, arena, &schemas[count++]);
        }
    }
    if (error == ERROR_OK) {
        error = conf_read(tree, schemas, count, out_conf, why);
        if (error != ERROR_OK) {
            say_refused(recruits, error, why);
        }
    } else {
        (void)error_say(why, error, "%s", error_sentence(error));
    }
    free(schemas);
    arena_free(&arena);
    return error;
}

/* Those that are known and do not serve. */
static int
note_others(struct registry *registry, const struct recruits *recruits)
{
    for (size_t i = 0; i < recruits->count; i++) {
        const struct recruit *recruit = &recruits->list[i];
        int error = ERROR_OK;
        if (recruit->image == NULL) {
            error =
                registry_add_refused(registry, loader_file_name(recruit->path), &recruit->refusal);
        } else if (recruit->is_left_out) {
            error = registry_add_unloaded(registry, recruit->image);
        }
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

static int
build_registry(struct setup *setup, struct error_text *why)
{
    const struct recruits *recruits = &setup->recruits;
    struct image **images = calloc(recruits->count + 1, sizeof(struct image *));
    size_t count = 0;
    if (images == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < recruits->count; i++) {
        if (recruits->list[i].image != NULL && !recruits->list[i].is_left_out) {
            images[count++] = recruits->list[i].image;
        }
    }
    int error = registry_new(setup->conf, images, count, &setup->registry, why);
    free(images);
    if (error != ERROR_OK) {
        return error;
    }
    error = note_others(setup->registry, recruits);
    return error == ERROR_OK ? ERROR_OK : error_say(why, error, "%s", error_sentence(error));
}

/* Else each plugin would be blamed for it. */
static int
judge_worker(const struct ground *ground, struct error_text *why)
{
    struct error_text what;
    int error = ground_judge_worker(ground, &what);
    return error == ERROR_OK
               ? ERROR_OK
               : error_say(why, error, "%.400s, or set isolation = \"thread\"", what.text);
}

static int
recruit(struct setup *setup, const struct conf_tree *tree, const struct setup_options *options,
        struct error_text *why)
{
    struct loader_list paths = { 0 };
    size_t folder_count = 0;
    const char *const *folders = conf_plugin_dirs(tree, &folder_count);
    bool in_processes = conf_wants_processes(tree);
    int error = loader_scan(folders, folder_count, &paths, why);
    if (error == ERROR_OK) {
        error = recruits_find(&setup->recruits, &paths, &options->wishes->files, why);
    }
    if (error == ERROR_OK && in_processes && setup->recruits.count > 0) {
        error = judge_worker(options->ground, why);
    }
    if (error == ERROR_OK) {
        error = recruits_open(&setup->recruits, in_processes, options->ground, options->shelf, why);
    }
    if (error == ERROR_OK) {
        recruits_leave_out(&setup->recruits, &options->wishes->unloaded);
    }
    loader_list_fini(&paths);
    return error;
}

static int
judge_urls(const struct conf *conf, struct error_text *why)
{
    int error = server_judge_urls(conf->listen, conf->listen_count, why);
    if (error == ERROR_OK && conf->admin != NULL && conf->admin[0] != '\0') {
        error = server_judge_admin(conf->admin, why);
    }
    return error;
}

static int
fill(struct setup *setup, const struct conf_tree *tree, const struct setup_options *options,
     struct error_text *why)
{
    int error = recruit(setup, tree, options, why);
    if (error == ERROR_OK) {
        error = read_conf(tree, &setup->recruits, &setup->conf, why);
    }
    if (error == ERROR_OK) {
        error = judge_urls(setup->conf, why);
    }
    if (error == ERROR_OK) {
        recruits_settle(&setup->recruits, setup->conf, options->ground, options->shelf);
        error = build_registry(setup, why);
    }
    return error == ERROR_OK ? recruits_serve(&setup->recruits, setup->conf, setup->registry,
                                              options->ground, why)
                             : error;
}

static void
free_on_loop(void *context)
{
    setup_free(context);
}

int
setup_new(const struct setup_options *options, struct setup **out_setup, struct error_text *why)
{
    struct conf_tree *tree = NULL;
    const struct options *given = options->options;
    const char *file = given->config;
    if (file == NULL && access(SETUP_DEFAULT_FILE, F_OK) == 0) {
        file = SETUP_DEFAULT_FILE;
    }
    int error = conf_open(file, given->overrides, given->override_count, &tree, why);
    if (error != ERROR_OK) {
        return error;
    }
    struct setup *setup = calloc(1, sizeof(*setup));
    if (setup == NULL) {
        error = error_say(why, ERROR_NOMEM, "out of memory");
    } else {
        list_init(&setup->node);
        error = fill(setup, tree, options, why);
    }
    conf_close(&tree);
    if (error != ERROR_OK) {
        ground_run(options->ground, free_on_loop, &setup);
        return error;
    }
    *out_setup = setup;
    return ERROR_OK;
}

bool
setup_is_used(const struct setup *setup)
{
    return registry_is_shared(setup->registry);
}

void
setup_free(struct setup **setup)
{
    if (*setup == NULL) {
        return;
    }
    registry_unref(&(*setup)->registry);
    recruits_fini(&(*setup)->recruits);
    conf_free(&(*setup)->conf);
    free(*setup);
    *setup = NULL;
}
