/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The order in which a configuration can be judged: its syntax, then the plugins that it names,
 * then its values against what those plugins declare. */
#include "daemon/app/setup.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/serve/server.h"

/* Lists of keys, of all plugins together. */
#define SCHEMAS_ARENA_BYTES ((size_t)16 * 1024 * 1024)

static int
read_conf(const struct conf_tree *tree, const struct shelf *shelf, struct conf **out_conf,
          struct error_text *why)
{
    struct arena *arena = arena_new(SCHEMAS_ARENA_BYTES);
    struct conf_schema *schemas = calloc(shelf->count + 1, sizeof(*schemas));
    int error = arena == NULL || schemas == NULL ? ERROR_NOMEM : ERROR_OK;
    size_t count = 0;
    for (size_t i = 0; i < shelf->count && error == ERROR_OK; i++) {
        const struct shelf_entry *entry = &shelf->entries[i];
        if (entry->is_listed && entry->image != NULL) {
            error = registry_schema(entry->image->manifest, arena, &schemas[count++]);
        }
    }
    if (error == ERROR_OK) {
        error = conf_read(tree, schemas, count, out_conf, why);
    } else {
        (void)error_say(why, error, "%s", error_sentence(error));
    }
    free(schemas);
    arena_free(&arena);
    return error;
}

static int
note_refused(struct registry *registry, const struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        const struct shelf_entry *entry = &shelf->entries[i];
        if (!entry->is_listed || entry->image != NULL) {
            continue;
        }
        int error = registry_add_refused(registry, loader_file_name(entry->path), &entry->refusal);
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

static int
build_registry(struct setup *setup, const struct shelf *shelf, struct error_text *why)
{
    struct image **images = calloc(shelf->count + 1, sizeof(struct image *));
    size_t count = 0;
    if (images == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < shelf->count; i++) {
        if (shelf->entries[i].is_listed && shelf->entries[i].image != NULL) {
            images[count++] = shelf->entries[i].image;
        }
    }
    int error = registry_new(setup->conf, images, count, &setup->registry, why);
    free(images);
    if (error != ERROR_OK) {
        return error;
    }
    error = note_refused(setup->registry, shelf);
    return error == ERROR_OK ? ERROR_OK : error_say(why, error, "%s", error_sentence(error));
}

static int
fill(struct setup *setup, const struct conf_tree *tree, struct shelf *shelf, struct error_text *why)
{
    size_t folder_count = 0;
    const char *const *folders = conf_plugin_dirs(tree, &folder_count);
    int error = shelf_scan(shelf, folders, folder_count, why);
    if (error == ERROR_OK) {
        error = read_conf(tree, shelf, &setup->conf, why);
    }
    if (error == ERROR_OK) {
        error = server_judge_urls(setup->conf->listen, setup->conf->listen_count, why);
    }
    return error == ERROR_OK ? build_registry(setup, shelf, why) : error;
}

int
setup_new(const struct options *options, struct shelf *shelf, struct setup **out_setup,
          struct error_text *why)
{
    struct conf_tree *tree = NULL;
    const char *file = options->config;
    if (file == NULL && access(SETUP_DEFAULT_FILE, F_OK) == 0) {
        file = SETUP_DEFAULT_FILE;
    }
    int error = conf_open(file, options->overrides, options->override_count, &tree, why);
    if (error != ERROR_OK) {
        return error;
    }
    struct setup *setup = calloc(1, sizeof(*setup));
    if (setup == NULL) {
        error = error_say(why, ERROR_NOMEM, "out of memory");
    } else {
        list_init(&setup->node);
        error = fill(setup, tree, shelf, why);
    }
    conf_close(&tree);
    if (error != ERROR_OK) {
        setup_free(&setup);
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
    conf_free(&(*setup)->conf);
    free(*setup);
    *setup = NULL;
}
