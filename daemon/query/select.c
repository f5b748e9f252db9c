/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The set of a query. A named id is asked for: it is in the set even when nobody can answer for it,
 * adult or not, whatever the catalogue. Tags and the catalogue choose among the usable checkers;
 * without any of them there is a default set. What is excluded is out in any case. */
#include "daemon/query/select.h"

#include <stdlib.h>
#include <string.h>

#include "rollcall/plugin.h"

/* The words of a parameter, sorted, so that each of a hundred thousand checkers is compared with
 * few of them. A word that is a platform's id is no tag. */
struct words {
    const char **ids;
    size_t id_count;
    const char **tags;
    size_t tag_count;
};

struct selector {
    const struct registry *registry;
    const struct query_request *request;
    uint32_t methods;
    struct words wanted;
    struct words excluded;
    struct selection selection;
    bool *taken; /* by number of checker */
};

static bool
is_platform(const struct selector *selector, const char *word)
{
    return registry_has_platform(selector->registry, word);
}

/* One that was put aside is asked all the same: its checks say that it failed. */
static bool
is_usable(const struct selector *selector, const struct checker *checker)
{
    enum plugin_state state = checker->plugin->state;
    return (state == PLUGIN_READY || state == PLUGIN_ASIDE) &&
           checker->info->kind == selector->request->subject.kind &&
           (selector->methods & UINT32_C(1) << checker->info->method) != 0;
}

/* ---- Words -------------------------------------------------------------- */

static bool
is_catalog(const struct registry *registry, const char *name)
{
    for (size_t i = 0; i < registry_checker_count(registry); i++) {
        const struct checker *checker = registry_checker(registry, i);
        if (checker->info->enumerated && strcmp(checker->source, name) == 0) {
            return true;
        }
    }
    return false;
}

static int
judge_words(const struct selector *selector, const char *param, const char *const *words,
            size_t count, struct error_text *why)
{
    if (count > SELECT_WORDS_MAX) {
        return error_say(why, ERROR_INVALID, "%s: has %zu words, at most %d are allowed", param,
                         count, SELECT_WORDS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_platform(selector, words[i]) && !registry_has_tag(selector->registry, words[i])) {
            return error_say(why, ERROR_INVALID,
                             "%s: no platform and no tag is called \"%s\"; the method platforms "
                             "lists them",
                             param, words[i]);
        }
    }
    return ERROR_OK;
}

static int
judge_request(const struct selector *selector, struct error_text *why)
{
    const struct query_request *request = selector->request;
    int error =
        judge_words(selector, "platforms", request->platforms, request->platform_count, why);
    if (error == ERROR_OK) {
        error = judge_words(selector, "exclude", request->exclude, request->exclude_count, why);
    }
    if (error == ERROR_OK && request->catalog != NULL &&
        !is_catalog(selector->registry, request->catalog)) {
        return error_say(why, ERROR_INVALID,
                         "catalog: none is called \"%s\"; the method platforms "
                         "says where each platform comes from",
                         request->catalog);
    }
    return error;
}

static int
compare_words(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool
has_word(const char *const *words, size_t count, const char *word)
{
    return count > 0 && bsearch(&word, words, count, sizeof(*words), compare_words) != NULL;
}

static int
sort_words(const struct selector *selector, const char *const *words, size_t count,
           struct arena *arena, struct words *out_words)
{
    struct words sorted = { .ids = arena_alloc(arena, (count + 1) * sizeof(char *)),
                            .tags = arena_alloc(arena, (count + 1) * sizeof(char *)) };
    if (sorted.ids == NULL || sorted.tags == NULL) {
        return ERROR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_platform(selector, words[i])) {
            sorted.ids[sorted.id_count++] = words[i];
        } else {
            sorted.tags[sorted.tag_count++] = words[i];
        }
    }
    qsort(sorted.ids, sorted.id_count, sizeof(char *), compare_words);
    qsort(sorted.tags, sorted.tag_count, sizeof(char *), compare_words);
    *out_words = sorted;
    return ERROR_OK;
}

static bool
has_tag_of(const struct checker *checker, const struct words *words)
{
    const char *const *tags = checker->info->platform.tags;
    for (; words->tag_count > 0 && *tags != NULL; tags++) {
        if (has_word(words->tags, words->tag_count, *tags)) {
            return true;
        }
    }
    return false;
}

/* ---- Choosing ----------------------------------------------------------- */

/* By its platform's id, or by a tag of the checker's (NULL: there is none). */
static bool
is_excluded(const struct selector *selector, const char *platform, const struct checker *checker)
{
    const struct words *excluded = &selector->excluded;
    return has_word(excluded->ids, excluded->id_count, platform) ||
           (checker != NULL && has_tag_of(checker, excluded));
}

static void
take(struct selector *selector, const char *platform, struct checker *checker)
{
    struct selection *selection = &selector->selection;
    if (checker != NULL) {
        selector->taken[checker->number] = true;
        selection->usable++;
    }
    selection->picks[selection->count++] = (struct pick){ platform, checker };
}

static bool
is_picked(const struct selection *selection, const char *platform)
{
    for (size_t i = 0; i < selection->count; i++) {
        if (strcmp(selection->picks[i].platform, platform) == 0) {
            return true;
        }
    }
    return false;
}

/* The registry's own text of a platform's id, which is there for one kind or the other. */
static const char *
id_of(const struct selector *selector, const char *word)
{
    const struct checker *checker = registry_find(selector->registry, word, ROLLCALL_EMAIL);
    if (checker == NULL) {
        checker = registry_find(selector->registry, word, ROLLCALL_USERNAME);
    }
    return checker->info->platform.id;
}

static void
take_named(struct selector *selector)
{
    const struct query_request *request = selector->request;
    for (size_t i = 0; i < request->platform_count; i++) {
        const char *word = request->platforms[i];
        if (!is_platform(selector, word) || is_picked(&selector->selection, word)) {
            continue;
        }
        struct checker *checker = registry_find(selector->registry, word, request->subject.kind);
        if (!is_excluded(selector, word, checker)) {
            bool usable = checker != NULL && is_usable(selector, checker);
            take(selector, id_of(selector, word), usable ? checker : NULL);
        }
    }
}

/* Without platforms and catalogue: the C plugins for an early return; everything for a sweep, what
 * is adult only for those who say so. */
static bool
is_default(const struct query_request *request, const struct checker *checker)
{
    if (request->until == QUERY_UNTIL_FIRST) {
        return !checker->info->enumerated;
    }
    return request->adult || !checker->info->platform.adult;
}

static bool
is_wanted(const struct selector *selector, const struct checker *checker)
{
    const struct query_request *request = selector->request;
    if (request->catalog != NULL && strcmp(checker->source, request->catalog) != 0) {
        return false;
    }
    if (request->platforms != NULL) {
        return has_tag_of(checker, &selector->wanted);
    }
    return request->catalog != NULL || is_default(request, checker);
}

/* Which checkers are looked at beside the named ones. */
enum scope { SCOPE_NONE, SCOPE_OWN, SCOPE_ALL };

static enum scope
scope_of(const struct selector *selector)
{
    const struct query_request *request = selector->request;
    if (request->platforms != NULL) {
        return selector->wanted.tag_count > 0 ? SCOPE_ALL : SCOPE_NONE;
    }
    return request->catalog == NULL && request->until == QUERY_UNTIL_FIRST ? SCOPE_OWN : SCOPE_ALL;
}

static size_t
scope_count(const struct registry *registry, enum scope scope)
{
    switch (scope) {
    case SCOPE_NONE:
        return 0;
    case SCOPE_OWN:
        return registry_own_count(registry);
    case SCOPE_ALL:
        break;
    }
    return registry_checker_count(registry);
}

static void
take_others(struct selector *selector, enum scope scope)
{
    const struct registry *registry = selector->registry;
    size_t count = scope_count(registry, scope);
    for (size_t i = 0; i < count; i++) {
        struct checker *checker =
            scope == SCOPE_OWN ? registry_own(registry, i) : registry_checker(registry, i);
        const char *id = checker->info->platform.id;
        if (!selector->taken[checker->number] && is_usable(selector, checker) &&
            is_wanted(selector, checker) && !is_excluded(selector, id, checker)) {
            take(selector, id, checker);
        }
    }
}

static int
prepare(struct selector *selector, enum scope *out_scope, struct arena *arena)
{
    const struct query_request *request = selector->request;
    int error =
        sort_words(selector, request->platforms, request->platform_count, arena, &selector->wanted);
    if (error == ERROR_OK) {
        error = sort_words(selector, request->exclude, request->exclude_count, arena,
                           &selector->excluded);
    }
    if (error != ERROR_OK) {
        return error;
    }
    *out_scope = scope_of(selector);
    size_t most = scope_count(selector->registry, *out_scope) + request->platform_count;
    selector->taken =
        arena_alloc(arena, registry_checker_count(selector->registry) * sizeof *selector->taken);
    selector->selection.picks = arena_alloc(arena, most * sizeof *selector->selection.picks);
    return selector->taken != NULL && selector->selection.picks != NULL ? ERROR_OK : ERROR_NOMEM;
}

int
select_checkers(const struct registry *registry, uint32_t methods,
                const struct query_request *request, struct arena *arena,
                struct selection *out_selection, struct error_text *why)
{
    struct selector selector = { .registry = registry, .request = request, .methods = methods };
    enum scope scope = SCOPE_NONE;
    int error = judge_request(&selector, why);
    if (error == ERROR_OK) {
        error = prepare(&selector, &scope, arena);
    }
    if (error != ERROR_OK) {
        return error;
    }
    take_named(&selector);
    take_others(&selector, scope);
    *out_selection = selector.selection;
    return ERROR_OK;
}
