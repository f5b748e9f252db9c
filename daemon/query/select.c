/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The set of a query. A named id is asked for: it is in the set even when nobody can answer for it,
 * adult or not, whatever the catalogue. Tags and the catalogue choose among the usable checkers;
 * without any of them there is a default set. What is excluded is out in any case. */
#include "daemon/query/select.h"

#include <string.h>

#include "rollcall/plugin.h"

struct selector {
    const struct registry *registry;
    const struct query_request *request;
    uint32_t methods;
    struct selection selection;
    bool *taken; /* by number of checker */
};

static bool
has_tag(const struct checker *checker, const char *tag)
{
    const char *const *tags = checker->info->platform.tags;
    while (*tags != NULL && strcmp(*tags, tag) != 0) {
        tags++;
    }
    return *tags != NULL;
}

static bool
is_platform(const struct selector *selector, const char *word)
{
    return registry_has_platform(selector->registry, word);
}

/* Whether `word` names a checker by a tag. A word that is a platform's id is no tag. */
static bool
is_tagged(const struct selector *selector, const struct checker *checker, const char *word)
{
    return has_tag(checker, word) && !is_platform(selector, word);
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

/* ---- Choosing ----------------------------------------------------------- */

/* By its platform's id, or by a tag of the checker's (NULL: there is none). */
static bool
is_excluded(const struct selector *selector, const char *platform, const struct checker *checker)
{
    const struct query_request *request = selector->request;
    for (size_t i = 0; i < request->exclude_count; i++) {
        const char *word = request->exclude[i];
        bool by_tag = checker != NULL && is_tagged(selector, checker, word);
        if (by_tag || strcmp(word, platform) == 0) {
            return true;
        }
    }
    return false;
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

static bool
has_wanted_tag(const struct selector *selector, const struct checker *checker)
{
    const struct query_request *request = selector->request;
    for (size_t i = 0; i < request->platform_count; i++) {
        if (is_tagged(selector, checker, request->platforms[i])) {
            return true;
        }
    }
    return false;
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
        return has_wanted_tag(selector, checker);
    }
    return request->catalog != NULL || is_default(request, checker);
}

static void
take_others(struct selector *selector)
{
    for (size_t i = 0; i < registry_checker_count(selector->registry); i++) {
        struct checker *checker = registry_checker(selector->registry, i);
        const char *id = checker->info->platform.id;
        if (!selector->taken[i] && is_usable(selector, checker) && is_wanted(selector, checker) &&
            !is_excluded(selector, id, checker)) {
            take(selector, id, checker);
        }
    }
}

int
select_checkers(const struct registry *registry, uint32_t methods,
                const struct query_request *request, struct arena *arena,
                struct selection *out_selection, struct error_text *why)
{
    struct selector selector = { .registry = registry, .request = request, .methods = methods };
    int error = judge_request(&selector, why);
    if (error != ERROR_OK) {
        return error;
    }
    size_t count = registry_checker_count(registry);
    size_t most = count + request->platform_count;
    selector.taken = arena_alloc(arena, count * sizeof *selector.taken);
    selector.selection.picks = arena_alloc(arena, most * sizeof *selector.selection.picks);
    if (selector.taken == NULL || selector.selection.picks == NULL) {
        return ERROR_NOMEM;
    }
    take_named(&selector);
    take_others(&selector);
    *out_selection = selector.selection;
    return ERROR_OK;
}
