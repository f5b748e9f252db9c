/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Turns cases into routes, and picks the case that answers for each outcome. */
#include "tests/world/platform.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/buf.h"

#define BASE "{base}"

struct builder {
    const struct platform_source *source;
    struct error_text *why;
};

static int
no_memory(struct builder *builder)
{
    return error_say(builder->why, ERROR_NOMEM, "%s: out of memory", builder->source->script_path);
}

static enum kind
kind_of(const struct case_file *file)
{
    return strcmp(file->kind, "email") == 0 ? KIND_EMAIL : KIND_USERNAME;
}

enum kind
platform_kind_of(const char *subject)
{
    return *subject != '\0' && strchr(subject + 1, '@') != NULL ? KIND_EMAIL : KIND_USERNAME;
}

static struct route *
find_route(struct platform *platform, enum kind kind, const struct parts *pattern)
{
    for (size_t i = 0; i < platform->route_count; i++) {
        struct route *route = &platform->routes[i];
        if (route->kind == kind && parts_are_equal(route->pattern, pattern)) {
            return route;
        }
    }
    return NULL;
}

/* The route of one recorded request; a new one if need be. NULL out of memory. */
static struct route *
need_route(struct builder *builder, struct platform *platform, enum kind kind,
           struct parts *pattern, size_t use_max)
{
    struct route *route = find_route(platform, kind, pattern);
    if (route != NULL) {
        return route;
    }
    route = &platform->routes[platform->route_count];
    *route = (struct route){
        .kind = kind,
        .pattern = pattern,
        .has_hole = parts_have_hole(pattern),
        .uses = arena_alloc(builder->source->arena, use_max * sizeof(struct use)),
    };
    if (route->uses == NULL) {
        return NULL;
    }
    platform->route_count++;
    return route;
}

static int
add_exchange(struct builder *builder, struct platform *platform, const struct case_file *file,
             size_t step, size_t use_max)
{
    const struct case_request *request = &file->exchanges[step].request;
    if (strncmp(request->url, BASE, strlen(BASE)) != 0) {
        (void)fprintf(stderr,
                      "rollcall-world: %s: exchange %zu does not begin with " BASE
                      ": it is not played\n",
                      file->path, step + 1);
        return 0;
    }
    struct parts *pattern = arena_alloc(builder->source->arena, sizeof(*pattern));
    if (pattern == NULL) {
        return no_memory(builder);
    }
    int error = parts_split(builder->source->arena, request->method, request->url + strlen(BASE),
                            request->body, pattern);
    if (!error) {
        error = parts_make_holes(builder->source->arena, file->subject, pattern);
    }
    if (error) {
        return error_say(builder->why, error, "%s: exchange %zu: %s", file->path, step + 1,
                         error_sentence(error));
    }
    struct route *route = need_route(builder, platform, kind_of(file), pattern, use_max);
    if (route == NULL) {
        return no_memory(builder);
    }
    route->uses[route->use_count++] = (struct use){ .source = file, .step = step };
    return 0;
}

static int
add_routes(struct builder *builder, struct platform *platform, const struct case_set *set)
{
    size_t exchanges = 0;
    for (size_t i = 0; i < set->count; i++) {
        exchanges += set->cases[i].exchange_count;
    }
    platform->routes = arena_alloc(builder->source->arena, (exchanges + 1) * sizeof(struct route));
    if (platform->routes == NULL) {
        return no_memory(builder);
    }
    for (size_t i = 0; i < set->count; i++) {
        for (size_t step = 0; step < set->cases[i].exchange_count; step++) {
            int error = add_exchange(builder, platform, &set->cases[i], step, exchanges);
            if (error) {
                return error;
            }
        }
    }
    return 0;
}

/* The first whole case, by name, that says so; one with a cut reply only where there is no other.
 */
static const struct case_file *
find_case(const struct case_set *set, enum kind kind, const char *verdict, const char *reason)
{
    const struct case_file *found = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct case_file *file = &set->cases[i];
        if (file->exchange_count == 0 || kind_of(file) != kind ||
            strcmp(file->verdict, verdict) != 0 ||
            (reason != NULL && strcmp(file->reason, reason) != 0)) {
            continue;
        }
        if (!file->exchanges[file->exchange_count - 1].reply.truncated) {
            return file;
        }
        found = found != NULL ? found : file;
    }
    return found;
}

static void
choose_cases(struct platform *platform, const struct case_set *set)
{
    for (enum kind kind = KIND_EMAIL; kind < KINDS; kind++) {
        platform->yes[kind] = find_case(set, kind, "registered", NULL);
        platform->no[kind] = find_case(set, kind, "unregistered", NULL);
        if (platform->no[kind] == NULL) {
            platform->no[kind] = find_case(set, kind, "unknown", "not_public");
        }
    }
}

static int
force_case(struct builder *builder, struct platform *platform, const struct case_set *set)
{
    const struct script_platform *script = platform->script;
    for (size_t i = 0; script->case_stem != NULL && i < set->count; i++) {
        const struct case_file *file = &set->cases[i];
        if (strcmp(file->stem, script->case_stem) == 0 && file->exchange_count > 0) {
            platform->forced[kind_of(file)] = file;
            return 0;
        }
    }
    if (script->case_stem == NULL) {
        return 0;
    }
    return error_say(builder->why, ERROR_INVALID,
                     "%s: platform \"%s\": \"case\": %s/%s/cases has no %s.json with exchanges",
                     builder->source->script_path, script->name, builder->source->cases,
                     script->name, script->case_stem);
}

/* Whoever is registered needs a case to say so. */
static int
judge_registered(struct builder *builder, const struct platform *platform)
{
    const struct script_platform *script = platform->script;
    for (size_t i = 0; i < script->registered.count; i++) {
        enum kind kind = platform_kind_of(script->registered.texts[i]);
        if (platform->yes[kind] == NULL && platform->forced[kind] == NULL) {
            return error_say(builder->why, ERROR_INVALID,
                             "%s: platform \"%s\": \"registered\": \"%s\", but no case of kind %s "
                             "in %s/%s/cases says registered",
                             builder->source->script_path, script->name,
                             script->registered.texts[i], kind == KIND_EMAIL ? "email" : "username",
                             builder->source->cases, script->name);
        }
    }
    return 0;
}

static int
read_cases(struct builder *builder, const struct script_platform *script, struct case_set *out_set)
{
    struct buf folder;
    buf_init(&folder, PATH_MAX);
    buf_printf(&folder, "%s/%s/cases", builder->source->cases, script->name);
    struct error_text where = { "" };
    int error = case_read_folder(buf_str(&folder), builder->source->arena, out_set, &where);
    buf_fini(&folder);
    if (error == ERROR_NOT_FOUND && script_is_always_faulty(script)) {
        return 0;
    }
    return error ? error_say(builder->why, error, "%s: platform \"%s\": %s",
                             builder->source->script_path, script->name, where.text)
                 : 0;
}

int
platform_build(const struct platform_source *source, const struct script_platform *script,
               struct platform *out_platform, struct error_text *why)
{
    struct builder builder = { .source = source, .why = why };
    struct platform platform = { .script = script };
    struct case_set set = { 0 };
    int error = read_cases(&builder, script, &set);
    if (!error) {
        error = add_routes(&builder, &platform, &set);
    }
    if (!error) {
        choose_cases(&platform, &set);
        error = force_case(&builder, &platform, &set);
    }
    if (!error && !script_is_always_faulty(script)) {
        error = judge_registered(&builder, &platform);
    }
    if (!error) {
        *out_platform = platform;
    }
    return error;
}
