/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Plugins and their lives, and how checkers get in: see the header. Everything lives in one arena
 * and goes with it. How checkers are found is in registry_index.c. */
#include "daemon/plugin/registry_int.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/arena.h"
#include "daemon/base/log.h"
#include "daemon/plugin/keep.h"
#include "daemon/plugin/options.h"
#include "daemon/plugin/text.h"

/* Checkers of every catalogue and the files of every plugin: it takes what it holds. */
#define REGISTRY_ARENA_BYTES ((size_t)2 * 1024 * 1024 * 1024)

void
registry_drop_files(struct plugin *plugin)
{
    plugin->data = (struct host_config){ 0 };
    arena_free(&plugin->files);
}

static void
registry_free(struct registry *registry)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        registry_drop_files(registry->plugins[i]);
    }
    tag_list_fini(&registry->tags);
    free(registry->plugins);
    free(registry->checkers);
    free(registry->own);
    arena_free(&registry->arena);
    free(registry);
}

struct registry *
registry_ref(struct registry *registry)
{
    registry->references++;
    return registry;
}

void
registry_unref(struct registry **registry)
{
    struct registry *dropped = *registry;
    *registry = NULL;
    if (dropped != NULL && --dropped->references == 0) {
        registry_free(dropped);
    }
}

bool
registry_is_shared(const struct registry *registry)
{
    return registry->references > 1;
}

size_t
registry_plugin_count(const struct registry *registry)
{
    return registry->plugin_count;
}

struct plugin *
registry_plugin(const struct registry *registry, size_t index)
{
    assert(index < registry->plugin_count);
    return registry->plugins[index];
}

static int
grow_checkers(struct registry *registry, size_t more)
{
    size_t wanted = registry->checker_count + more;
    if (wanted <= registry->checker_max) {
        return ERROR_OK;
    }
    struct checker **checkers = realloc(registry->checkers, wanted * sizeof(struct checker *));
    if (checkers == NULL) {
        return ERROR_NOMEM;
    }
    registry->checkers = checkers;
    registry->checker_max = wanted;
    return ERROR_OK;
}

/* The descriptor's values, and over them the section's. */
static void
configure(const struct registry *registry, struct checker *checker)
{
    const struct manifest_checker *info = checker->info;
    const struct conf_plugin *section = checker->plugin->section;
    checker->base_url = info->base_url;
    checker->rate_count = info->rate_count;
    checker->rate_seconds = info->rate_seconds;
    checker->concurrency = info->concurrency;
    checker->timeout_us = registry->conf->timeout_us;
    if (section == NULL) {
        return;
    }
    if (section->base_url != NULL && !info->blocking) {
        checker->base_url = section->base_url;
    }
    if (section->rate_is_set) {
        checker->rate_count = section->rate.count;
        checker->rate_seconds = section->rate.seconds;
    }
    checker->concurrency = section->concurrency != 0 ? section->concurrency : info->concurrency;
    checker->timeout_us = section->timeout_us != 0 ? section->timeout_us : checker->timeout_us;
}

/* At the end of the list, not yet in order. Room was made before. */
static int
append_checker(struct registry *registry, struct plugin *plugin,
               const struct manifest_checker *info)
{
    struct checker *checker =
        arena_alloc_packed(registry->arena, sizeof(*checker), alignof(struct checker));
    if (checker == NULL) {
        return ERROR_NOMEM;
    }
    checker->plugin = plugin;
    checker->info = info;
    checker->source = info->source != NULL ? info->source : plugin->file;
    checker->number = registry->checker_count;
    configure(registry, checker);
    registry->checkers[registry->checker_count++] = checker;
    return ERROR_OK;
}

static int
add_checkers(struct registry *registry, struct plugin *plugin,
             const struct manifest_checker *checkers, size_t count)
{
    int error = grow_checkers(registry, count);
    for (size_t i = 0; error == ERROR_OK && i < count; i++) {
        error = append_checker(registry, plugin, &checkers[i]);
    }
    return error;
}

/* A new plugin at the end of the list, with its file's name; NULL out of memory. */
static struct plugin *
add_plugin(struct registry *registry, const char *file)
{
    struct plugin **plugins =
        realloc(registry->plugins, (registry->plugin_count + 1) * sizeof(struct plugin *));
    if (plugins == NULL) {
        return NULL;
    }
    registry->plugins = plugins;
    struct plugin *plugin = arena_alloc(registry->arena, sizeof(*plugin));
    char *name = arena_strdup(registry->arena, file);
    if (plugin == NULL || name == NULL) {
        return NULL;
    }
    text_mend(name);
    plugin->registry = registry;
    plugin->isolation = registry->conf->isolation;
    plugin->name = name;
    plugin->file = name;
    registry->plugins[registry->plugin_count++] = plugin;
    return plugin;
}

int
registry_add_refused(struct registry *registry, const char *file, const struct error_text *why)
{
    struct plugin *plugin = add_plugin(registry, file);
    if (plugin == NULL) {
        return ERROR_NOMEM;
    }
    plugin->state = PLUGIN_REFUSED;
    plugin->last_error = *why;
    text_mend(plugin->last_error.text);
    return ERROR_OK;
}

static const struct plugin *
find_plugin(const struct registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        const struct plugin *plugin = registry->plugins[i];
        if (plugin->image != NULL && strcmp(plugin->name, name) == 0) {
            return plugin;
        }
    }
    return NULL;
}

static int
judge_section(const struct plugin *plugin, struct error_text *why)
{
    const char *base_url = plugin->section != NULL ? plugin->section->base_url : NULL;
    if (base_url != NULL && !manifest_is_base_url(base_url)) {
        return error_say(why, ERROR_INVALID,
                         "plugin.%s.base_url: found \"%s\", wants http:// or https://, a host and "
                         "perhaps a path, without a slash at the end",
                         plugin->name, base_url);
    }
    return ERROR_OK;
}

/* A catalogue is large and read once: its bytes go when its checkers are there, and no step ever
 * sees them. */
static int
read_options(struct registry *registry, struct plugin *plugin, struct error_text *why)
{
    struct host_config *all = plugin->manifest->enumerates ? &plugin->data : &plugin->config;
    struct arena *files = registry->arena;
    if (plugin->manifest->enumerates) {
        plugin->files = arena_new(REGISTRY_ARENA_BYTES);
        files = plugin->files;
    }
    int error = files == NULL ? error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM))
                              : options_read(plugin->manifest, plugin->section, registry->arena,
                                             files, all, why);
    if (error == ERROR_OK && plugin->manifest->enumerates) {
        error = options_without_files(all, registry->arena, &plugin->config);
    }
    return error;
}

/* A file whose name another one has is refused; else *out_plugin is a new one of that image. */
static int
name_plugin(struct registry *registry, struct image *image, struct plugin **out_plugin)
{
    const struct plugin *twin = find_plugin(registry, image->manifest->name);
    if (twin != NULL) {
        struct error_text taken;
        (void)error_say(&taken, ERROR_EXISTS, "%s: the name %s is taken by %s", image->file,
                        twin->name, twin->file);
        log_warning("plugin", "%s", taken.text);
        *out_plugin = NULL;
        return registry_add_refused(registry, image->file, &taken);
    }
    struct plugin *plugin = add_plugin(registry, image->file);
    char *name = arena_strdup(registry->arena, image->manifest->name);
    if (plugin == NULL || name == NULL) {
        return ERROR_NOMEM;
    }
    plugin->name = name;
    plugin->image = image;
    plugin->manifest = image->manifest;
    plugin->section = conf_plugin(registry->conf, name);
    if (plugin->section != NULL && plugin->section->isolation != NULL) {
        plugin->isolation = plugin->section->isolation;
    }
    *out_plugin = plugin;
    return ERROR_OK;
}

static int
fill_plugin(struct registry *registry, struct plugin *plugin, struct error_text *why)
{
    if (plugin->section != NULL && !plugin->section->enabled) {
        plugin->state = PLUGIN_DISABLED;
        return ERROR_OK;
    }
    plugin->state = PLUGIN_READY;
    int error = judge_section(plugin, why);
    if (error == ERROR_OK) {
        error = read_options(registry, plugin, why);
    }
    return error == ERROR_OK ? add_checkers(registry, plugin, plugin->manifest->checkers,
                                            plugin->manifest->checker_count)
                             : error;
}

static int
add_image(struct registry *registry, struct image *image, struct error_text *why)
{
    struct plugin *plugin = NULL;
    int error = name_plugin(registry, image, &plugin);
    if (error != ERROR_OK) {
        return error_say(why, error, "%s", error_sentence(error));
    }
    return plugin != NULL ? fill_plugin(registry, plugin, why) : ERROR_OK;
}

int
registry_add_unloaded(struct registry *registry, struct image *image)
{
    struct plugin *plugin = NULL;
    int error = name_plugin(registry, image, &plugin);
    if (plugin != NULL) {
        plugin->state = PLUGIN_UNLOADED;
    }
    return error;
}

int
registry_new(const struct conf *conf, struct image *const *images, size_t image_count,
             struct registry **out_registry, struct error_text *why)
{
    struct registry *registry = calloc(1, sizeof(*registry));
    struct arena *arena = arena_new(REGISTRY_ARENA_BYTES);
    if (registry == NULL || arena == NULL) {
        free(registry);
        arena_free(&arena);
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    registry->references = 1;
    registry->conf = conf;
    registry->arena = arena;
    for (size_t i = 0; i < image_count; i++) {
        int error = add_image(registry, images[i], why);
        if (error != ERROR_OK) {
            registry_free(registry);
            return error;
        }
    }
    if (registry_settle(registry) != ERROR_OK) {
        registry_free(registry);
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    *out_registry = registry;
    return ERROR_OK;
}

static int
keep_all(struct registry *registry, const struct manifest_checker *checkers, size_t count,
         struct manifest_checker *copies)
{
    struct keep *keep = NULL;
    int error = keep_new(registry->arena, &keep);
    for (size_t i = 0; error == ERROR_OK && i < count; i++) {
        error = keep_checker(keep, &checkers[i], &copies[i]);
    }
    keep_free(&keep);
    return error;
}

int
registry_add_enumerated(struct registry *registry, struct plugin *plugin,
                        const struct manifest_checker *checkers, size_t count, size_t *out_added)
{
    struct manifest_checker *copies = arena_alloc(registry->arena, (count + 1) * sizeof(*copies));
    if (copies == NULL) {
        return ERROR_NOMEM;
    }
    int error = keep_all(registry, checkers, count, copies);
    if (error != ERROR_OK) {
        return error;
    }
    size_t before = registry->checker_count;
    error = add_checkers(registry, plugin, copies, count);
    int unsettled = registry_settle(registry);
    *out_added = registry->checker_count - before;
    error = error == ERROR_OK ? unsettled : error;
    plugin->is_enumerated = error == ERROR_OK;
    return error;
}
