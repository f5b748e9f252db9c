/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Chooses replies. Which case answers depends on who is asked for, and which of its exchanges on
 * where in the chain the matching route stands. */
#include "tests/world/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/cast.h"
#include "tests/world/platform.h"

#define STAGE_BYTES_MAX (256u * 1024 * 1024)
#define REQUEST_BYTES_MAX (4u * 1024 * 1024)

struct stage {
    struct arena *arena;
    struct script script;
    struct platform *platforms;
    struct catalog catalog;
    struct cast *cast;
    double scale;
};

/* ---- Build */

static int
build_all(struct stage *stage, const struct stage_options *options, struct error_text *why)
{
    const struct platform_source source = { .arena = stage->arena,
                                            .script_path = options->script,
                                            .cases = options->cases };
    int error = script_read(options->script, stage->arena, &stage->script, why);
    if (error) {
        return error;
    }
    size_t count = stage->script.count;
    stage->platforms = arena_alloc(stage->arena, (count + 1) * sizeof(*stage->platforms));
    if (stage->platforms == NULL) {
        return error_say(why, ERROR_NOMEM, "%s: out of memory", options->script);
    }
    for (size_t i = 0; i < count && !error; i++) {
        error = platform_build(&source, &stage->script.platforms[i], &stage->platforms[i], why);
    }
    return error;
}

static int
cast_all(struct stage *stage, const struct stage_options *options, struct error_text *why)
{
    int error =
        catalog_read(options->catalogs, options->catalog_count, stage->arena, &stage->catalog, why);
    if (!error && cast_new(&stage->script.catalog, &stage->catalog, stage->arena, &stage->cast)) {
        error = error_say(why, ERROR_NOMEM, "the catalogues: out of memory");
    }
    return error;
}

int
stage_new(const struct stage_options *options, struct stage **out_stage, struct error_text *why)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    if (stage == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    stage->scale = options->scale;
    stage->arena = arena_new(STAGE_BYTES_MAX);
    int error = stage->arena != NULL ? build_all(stage, options, why)
                                     : error_say(why, ERROR_NOMEM, "out of memory");
    if (!error) {
        error = cast_all(stage, options, why);
    }
    if (error) {
        stage_free(&stage);
        return error;
    }
    *out_stage = stage;
    return 0;
}

const struct script_dns *
stage_dns(const struct stage *stage)
{
    return &stage->script.dns;
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

/* How well a route that fits suits what stands in its holes: a page of its own name before one that
 * a subject could be called, and an address before the names' route. */
static int
suitability(const struct route *route, const char *subject)
{
    if (!route->has_hole) {
        return 3;
    }
    return platform_kind_of(subject) == route->kind ? 2 : 1;
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
    bool is_registered = !route->has_hole || script_has_name(&script->registered, subject);
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
    return script->fault_for.count == 0 || script_has_name(&script->fault_for, subject);
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
        if (cast_play(stage->cast, name, len, name + len, body, out_play)) {
            out_play->delay_us = (int64_t)((double)out_play->delay_us * stage->scale);
        }
        return;
    }
    out_play->script = platform->script;
    struct parts request = { .count = 0 };
    struct arena *arena = arena_new(REQUEST_BYTES_MAX);
    if (arena != NULL && parts_split(arena, method, name + len, body, &request) == 0) {
        play_platform(stage, platform, &request, out_play);
    }
    arena_free(&arena);
}

int
stage_print_catalog(const struct stage *stage, struct buf *out)
{
    return cast_print(stage->cast, out);
}
