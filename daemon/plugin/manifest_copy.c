/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A checker's own copy of everything it points to: an answer to enumerate ends, its checkers stay.
 */
#include "daemon/plugin/manifest.h"

struct copier {
    struct arena *arena;
    bool failed;
};

static const char *
copy_text(struct copier *copier, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    const char *copy = arena_strdup(copier->arena, text);
    copier->failed = copier->failed || copy == NULL;
    return copy;
}

static const char *const *
copy_list(struct copier *copier, const char *const *list)
{
    size_t count = 0;
    while (list[count] != NULL) {
        count++;
    }
    const char **copy = arena_alloc(copier->arena, (count + 1) * sizeof(*copy));
    copier->failed = copier->failed || copy == NULL;
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = copy_text(copier, list[i]);
    }
    return copy;
}

static const struct manifest_name_rule *
copy_rule(struct copier *copier, const struct manifest_name_rule *rule)
{
    if (rule == NULL) {
        return NULL;
    }
    struct manifest_name_rule *copy = arena_alloc(copier->arena, sizeof(*copy));
    copier->failed = copier->failed || copy == NULL;
    if (copy != NULL) {
        *copy = *rule;
        copy->chars = copy_text(copier, rule->chars);
        copy->source = copy_text(copier, rule->source);
    }
    return copy;
}

static const void *
copy_data(struct copier *copier, const void *data, size_t len)
{
    if (len == 0) {
        return NULL;
    }
    const void *copy = arena_copy(copier->arena, data, len);
    copier->failed = copier->failed || copy == NULL;
    return copy;
}

int
manifest_copy_checker(const struct manifest_checker *checker, struct arena *arena,
                      struct manifest_checker *out_checker)
{
    struct copier copier = { .arena = arena };
    struct manifest_checker copy = *checker;
    copy.platform.id = copy_text(&copier, checker->platform.id);
    copy.platform.title = copy_text(&copier, checker->platform.title);
    copy.platform.home = copy_text(&copier, checker->platform.home);
    copy.platform.tags = copy_list(&copier, checker->platform.tags);
    copy.base_url = copy_text(&copier, checker->base_url);
    copy.name_rule = copy_rule(&copier, checker->name_rule);
    copy.known = copy_list(&copier, checker->known);
    copy.absent = copy_text(&copier, checker->absent);
    copy.data = copy_data(&copier, checker->data, checker->data_len);
    copy.source = copy_text(&copier, checker->source);
    if (copier.failed) {
        return ERROR_NOMEM;
    }
    *out_checker = copy;
    return ERROR_OK;
}
