/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The checkers in their order: the list is kept sorted, so looking one up is a binary search. Says
 * in the log which checker was shadowed by which, once, when it is built. */
#include "daemon/plugin/registry_int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"

size_t
registry_checker_count(const struct registry *registry)
{
    return registry->checker_count;
}

struct checker *
registry_checker(const struct registry *registry, size_t index)
{
    assert(index < registry->checker_count);
    return registry->checkers[index];
}

size_t
registry_own_count(const struct registry *registry)
{
    return registry->own_count;
}

struct checker *
registry_own(const struct registry *registry, size_t index)
{
    assert(index < registry->own_count);
    return registry->own[index];
}

static int
compare_key(const struct checker *checker, const char *platform, int32_t kind)
{
    int order = strcmp(checker->info->platform.id, platform);
    return order != 0 ? order : checker->info->kind - kind;
}

/* The first checker that is not before (platform, kind). */
static size_t
lower_bound(const struct registry *registry, const char *platform, int32_t kind)
{
    size_t low = 0;
    size_t high = registry->checker_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_key(registry->checkers[middle], platform, kind) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct checker *
registry_find(const struct registry *registry, const char *platform, int32_t kind)
{
    size_t place = lower_bound(registry, platform, kind);
    bool found = place < registry->checker_count &&
                 compare_key(registry->checkers[place], platform, kind) == 0;
    return found ? registry->checkers[place] : NULL;
}

bool
registry_has_platform(const struct registry *registry, const char *platform)
{
    size_t place = lower_bound(registry, platform, 0);
    return place < registry->checker_count &&
           strcmp(registry->checkers[place]->info->platform.id, platform) == 0;
}

bool
registry_has_tag(const struct registry *registry, const char *tag)
{
    if (!registry->tags.is_cut || tag_list_has(&registry->tags, tag)) {
        return tag_list_has(&registry->tags, tag);
    }
    for (size_t i = 0; i < registry->checker_count; i++) {
        const char *const *tags = registry->checkers[i]->info->platform.tags;
        for (; *tags != NULL; tags++) {
            if (strcmp(*tags, tag) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* By key; of those with the same key the one that came first. */
static int
compare_checkers(const void *left, const void *right)
{
    const struct checker *a = *(struct checker *const *)left;
    const struct checker *b = *(struct checker *const *)right;
    int order = compare_key(a, b->info->platform.id, b->info->kind);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static void
report_shadow(const struct checker *checker, const struct checker *winner)
{
    log_line(checker->info->enumerated ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "plugin",
             "%s: %s/%s is left out, %s has it already", checker->source,
             checker->info->platform.id,
             checker->info->kind == ROLLCALL_EMAIL ? "email" : "username", winner->source);
}

/* How many there are at most is known when the plugins are; data adds none. */
static int
collect_own(struct registry *registry)
{
    size_t count = 0;
    for (size_t i = 0; i < registry->checker_count; i++) {
        count += !registry->checkers[i]->info->enumerated;
    }
    struct checker **own = realloc(registry->own, (count + 1) * sizeof(struct checker *));
    if (own == NULL) {
        return ERROR_NOMEM;
    }
    registry->own = own;
    registry->own_count = 0;
    for (size_t i = 0; i < registry->checker_count; i++) {
        if (!registry->checkers[i]->info->enumerated) {
            own[registry->own_count++] = registry->checkers[i];
        }
    }
    return ERROR_OK;
}

/* Lists that many share follow each other: such a one is looked at once. */
static int
collect_tags(struct registry *registry)
{
    const char *const *last = NULL;
    int error = ERROR_OK;
    for (size_t i = 0; error == ERROR_OK && i < registry->checker_count; i++) {
        const char *const *tags = registry->checkers[i]->info->platform.tags;
        if (tags != last) {
            error = tag_list_add(&registry->tags, tags);
        }
        last = tags;
    }
    return error;
}

int
registry_settle(struct registry *registry)
{
    if (registry->checker_count == 0) {
        return ERROR_OK;
    }
    qsort(registry->checkers, registry->checker_count, sizeof(struct checker *), compare_checkers);
    size_t kept = 1;
    for (size_t i = 1; i < registry->checker_count; i++) {
        struct checker *checker = registry->checkers[i];
        const struct checker *last = registry->checkers[kept - 1];
        if (compare_key(last, checker->info->platform.id, checker->info->kind) == 0) {
            report_shadow(checker, last);
        } else {
            registry->checkers[kept++] = checker;
        }
    }
    registry->checker_count = kept;
    for (size_t i = 0; i < kept; i++) {
        registry->checkers[i]->number = i;
    }
    int error = collect_own(registry);
    return error == ERROR_OK ? collect_tags(registry) : error;
}
