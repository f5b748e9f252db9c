/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Turns cases into routes and chooses among their replies. A route is a recorded request with
 * holes; cases of one kind that record the same request share it. Which case answers depends on who
 * is asked for, and which of its exchanges on where in the chain the route stands. */
#include "tests/world/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/text.h"

#define STAGE_BYTES_MAX (256u * 1024 * 1024)
#define REQUEST_BYTES_MAX (4u * 1024 * 1024)
#define BASE "{base}"

enum kind { KIND_EMAIL, KIND_USERNAME, KINDS };

/* A case that records a route's request, and as which of its exchanges. */
struct use {
    const struct case_file *source;
    size_t step;
};

struct route {
    enum kind kind;
    struct parts *pattern;
    bool has_hole;
    struct use *uses;
    size_t use_count;
};

struct platform {
    const struct script_platform *script;
    struct route *routes;
    size_t route_count;
    const struct case_file *yes[KINDS];    /* what the registered get; NULL: no such case */
    const struct case_file *no[KINDS];     /* what the others get */
    const struct case_file *forced[KINDS]; /* what everybody gets */
};

struct stage {
    struct arena *arena;
    struct script script;
    struct platform *platforms;
    double scale;
};

/* ---- Build */

struct builder {
    struct stage *stage;
    const struct stage_options *options;
    struct error_text *why;
};

static int
no_memory(struct builder *builder)
{
    return error_say(builder->why, ERROR_NOMEM, "%s: out of memory", builder->options->script);
}

static enum kind
kind_of(const struct case_file *file)
{
    return strcmp(file->kind, "email") == 0 ? KIND_EMAIL : KIND_USERNAME;
}

static enum kind
kind_of_subject(const char *subject)
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
        .uses = arena_alloc(builder->stage->arena, use_max * sizeof(struct use)),
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
    struct parts *pattern = arena_alloc(builder->stage->arena, sizeof(*pattern));
    if (pattern == NULL) {
        return no_memory(builder);
    }
    int error = parts_split(builder->stage->arena, request->method, request->url + strlen(BASE),
                            request->body, pattern);
    if (!error) {
        error = parts_make_holes(builder->stage->arena, file->subject, pattern);
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
    platform->routes = arena_alloc(builder->stage->arena, (exchanges + 1) * sizeof(struct route));
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
                     builder->options->script, script->name, builder->options->cases, script->name,
                     script->case_stem);
}

/* Whoever is registered needs a case to say so. */
static int
judge_registered(struct builder *builder, const struct platform *platform)
{
    const struct script_platform *script = platform->script;
    for (size_t i = 0; i < script->registered_count; i++) {
        enum kind kind = kind_of_subject(script->registered[i]);
        if (platform->yes[kind] == NULL && platform->forced[kind] == NULL) {
            return error_say(builder->why, ERROR_INVALID,
                             "%s: platform \"%s\": \"registered\": \"%s\", but no case of kind %s "
                             "in %s/%s/cases says registered",
                             builder->options->script, script->name, script->registered[i],
                             kind == KIND_EMAIL ? "email" : "username", builder->options->cases,
                             script->name);
        }
    }
    return 0;
}

static int
read_cases(struct builder *builder, const struct script_platform *script, struct case_set *out_set)
{
    struct buf folder;
    buf_init(&folder, 4096);
    buf_printf(&folder, "%s/%s/cases", builder->options->cases, script->name);
    struct error_text where = { "" };
    int error = case_read_folder(buf_str(&folder), builder->stage->arena, out_set, &where);
    buf_fini(&folder);
    if (error == ERROR_NOT_FOUND && script_is_always_faulty(script)) {
        return 0;
    }
    return error ? error_say(builder->why, error, "%s: platform \"%s\": %s",
                             builder->options->script, script->name, where.text)
                 : 0;
}

static int
build_platform(struct builder *builder, const struct script_platform *script,
               struct platform *platform)
{
    struct case_set set = { 0 };
    platform->script = script;
    int error = read_cases(builder, script, &set);
    if (!error) {
        error = add_routes(builder, platform, &set);
    }
    if (!error) {
        choose_cases(platform, &set);
        error = force_case(builder, platform, &set);
    }
    if (!error && !script_is_always_faulty(script)) {
        error = judge_registered(builder, platform);
    }
    return error;
}

static int
build_all(struct builder *builder)
{
    struct stage *stage = builder->stage;
    int error = script_read(builder->options->script, stage->arena, &stage->script, builder->why);
    if (error) {
        return error;
    }
    stage->platforms =
        arena_alloc(stage->arena, (stage->script.count + 1) * sizeof(*stage->platforms));
    if (stage->platforms == NULL) {
        return no_memory(builder);
    }
    for (size_t i = 0; i < stage->script.count && !error; i++) {
        error = build_platform(builder, &stage->script.platforms[i], &stage->platforms[i]);
    }
    return error;
}

int
stage_new(const struct stage_options *options, struct stage **out_stage, struct error_text *why)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    struct builder builder = { .stage = stage, .options = options, .why = why };
    if (stage == NULL) {
        return no_memory(&builder);
    }
    stage->scale = options->scale;
    stage->arena = arena_new(STAGE_BYTES_MAX);
    int error = stage->arena != NULL ? build_all(&builder) : no_memory(&builder);
    if (error) {
        stage_free(&stage);
        return error;
    }
    *out_stage = stage;
    return 0;
}

void
stage_free(struct stage **stage)
{
    if (*stage == NULL) {
        return;
    }
    arena_free(&(*stage)->arena);
    free(*stage);
    *stage = NULL;
}

/* ---- Play */

static const struct platform *
find_platform(const struct stage *stage, const char *name, size_t len)
{
    for (size_t i = 0; i < stage->script.count; i++) {
        const char *candidate = stage->script.platforms[i].name;
        if (strlen(candidate) == len && strncmp(candidate, name, len) == 0) {
            return &stage->platforms[i];
        }
    }
    return NULL;
}

static bool
is_among(const char *subject, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equals_nocase(subject, names[i])) {
            return true;
        }
    }
    return false;
}

/* How well a route that fits suits what stands in its holes: a page of its own name before one that
 * a subject could be called, and an address before the names' route. */
static int
suitability(const struct route *route, const char *subject)
{
    if (!route->has_hole) {
        return 3;
    }
    return kind_of_subject(subject) == route->kind ? 2 : 1;
}

static const struct route *
match_route(const struct platform *platform, const struct parts *request,
            char out_subject[SUBJECT_BYTES_MAX])
{
    const struct route *best = NULL;
    int best_suitability = 0;
    char subject[SUBJECT_BYTES_MAX];
    for (size_t i = 0; i < platform->route_count; i++) {
        const struct route *route = &platform->routes[i];
        if (!parts_match(route->pattern, request, subject) ||
            suitability(route, subject) <= best_suitability) {
            continue;
        }
        best = route;
        best_suitability = suitability(route, subject);
        memcpy(out_subject, subject, sizeof(subject));
    }
    return best;
}

static const struct use *
find_use(const struct route *route, const struct case_file *source)
{
    for (size_t i = 0; i < route->use_count; i++) {
        if (route->uses[i].source == source) {
            return &route->uses[i];
        }
    }
    return NULL;
}

/* The case that answers, and as which exchange. A case that did not record this very request (it
 * had other tokens, say) answers with the exchange at the same place of its chain. */
static struct use
choose_use(const struct platform *platform, const struct route *route, const char *subject)
{
    const struct script_platform *script = platform->script;
    bool is_registered =
        !route->has_hole || is_among(subject, script->registered, script->registered_count);
    const struct case_file *source = platform->forced[route->kind];
    if (source == NULL) {
        source = is_registered ? platform->yes[route->kind] : platform->no[route->kind];
    }
    if (source == NULL && !route->has_hole) {
        return route->uses[0];
    }
    const struct use *use = source != NULL ? find_use(route, source) : NULL;
    size_t step = use != NULL ? use->step : route->uses[0].step;
    if (source != NULL && step >= source->exchange_count) {
        step = source->exchange_count - 1;
    }
    return (struct use){ .source = source, .step = step };
}

static int64_t
delay_us(const struct stage *stage, const struct script_platform *script, const struct use *use)
{
    int64_t latency_us = script->latency_us;
    bool is_last = use->source == NULL || use->step + 1 == use->source->exchange_count;
    if (script->latency_count > 0) {
        size_t last = script->latency_count - 1;
        latency_us = script->latencies_us[use->step < last ? use->step : last];
    } else if (!is_last) {
        latency_us = 0;
    }
    return (int64_t)((double)latency_us * stage->scale);
}

static bool
is_fault_for(const struct script_platform *script, const char *subject)
{
    return script->fault_for_count == 0 ||
           is_among(subject, script->fault_for, script->fault_for_count);
}

static void
play_platform(const struct stage *stage, const struct platform *platform,
              const struct parts *request, struct play *play)
{
    const struct script_platform *script = platform->script;
    const struct route *route = match_route(platform, request, play->subject);
    struct use use = { 0 };
    if (route != NULL) {
        use = choose_use(platform, route, play->subject);
    }
    if (use.source != NULL) {
        play->source = use.source;
        play->reply = &use.source->exchanges[use.step].reply;
        play->is_padded = play->reply->truncated && script->case_stem != NULL;
    }
    play->script = script;
    play->fault = is_fault_for(script, play->subject) ? script->fault : FAULT_NONE;
    play->delay_us = delay_us(stage, script, &use);
}

void
stage_play(const struct stage *stage, const char *method, const char *target, const char *body,
           struct play *out_play)
{
    const char *name = target + (*target == '/');
    size_t len = strcspn(name, "/?#");
    *out_play = (struct play){ .platform = "" };
    (void)snprintf(out_play->platform, sizeof(out_play->platform), "%.*s", (int)len, name);
    const struct platform *platform = find_platform(stage, name, len);
    if (platform == NULL) {
        return;
    }
    struct parts request = { .count = 0 };
    struct arena *arena = arena_new(REQUEST_BYTES_MAX);
    if (arena != NULL && parts_split(arena, method, name + len, body, &request) == 0) {
        play_platform(stage, platform, &request, out_play);
    }
    arena_free(&arena);
}
