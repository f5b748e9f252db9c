/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One record a shared value that was ever asked for; each owns the chain that fetches it. A record
 * stays until its epoch goes: there are at most MANIFEST_SHARED_MAX a plugin. */
#include "daemon/query/shared.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/query/chain.h"

struct shared_value {
    struct list node;
    struct plugin *plugin;
    const struct manifest_shared *info;
    struct epoch *epoch;
    char *text;         /* NULL: none */
    int64_t expires_us; /* of the text */
    uint64_t number;    /* epoch->shared_count when it was fetched */
    struct finding refusal;
    int64_t refused_until_us; /* the platform said: not before */
    struct list waiting;      /* struct shared_wait */
    bool fetching;
    struct chain chain; /* while fetching */
};

static void fetch_ended(struct chain *chain);

static struct shared_value *
find(struct epoch *epoch, const struct plugin *plugin, const char *name)
{
    LIST_FOR_EACH (node, &epoch->shared_values) {
        struct shared_value *value = LIST_ENTRY(node, struct shared_value, node);
        if (value->plugin == plugin && strcmp(value->info->name, name) == 0) {
            return value;
        }
    }
    return NULL;
}

static const struct manifest_shared *
find_info(const struct plugin *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->manifest->shared_count; i++) {
        if (strcmp(plugin->manifest->shared[i].name, name) == 0) {
            return &plugin->manifest->shared[i];
        }
    }
    return NULL;
}

static int
find_or_add(struct epoch *epoch, struct plugin *plugin, const char *name,
            struct shared_value **out_value)
{
    *out_value = find(epoch, plugin, name);
    if (*out_value != NULL) {
        return ERROR_OK;
    }
    const struct manifest_shared *info = find_info(plugin, name);
    if (info == NULL) {
        return ERROR_NOT_FOUND;
    }
    struct shared_value *value = calloc(1, sizeof *value);
    if (value == NULL) {
        return ERROR_NOMEM;
    }
    value->plugin = plugin;
    value->info = info;
    value->epoch = epoch;
    list_init(&value->waiting);
    list_push_back(&epoch->shared_values, &value->node);
    *out_value = value;
    return ERROR_OK;
}

static void
forget(struct shared_value *value)
{
    free(value->text);
    value->text = NULL;
}

const char *
shared_peek(struct epoch *epoch, const struct plugin *plugin, const char *name)
{
    const struct shared_value *value = find(epoch, plugin, name);
    bool fresh = value != NULL && value->text != NULL && clock_now_us() < value->expires_us;
    return fresh ? value->text : NULL;
}

void
shared_stale(struct epoch *epoch, const struct plugin *plugin, const char *name, uint64_t seen)
{
    struct shared_value *value = find(epoch, plugin, name);
    if (value != NULL && value->number <= seen) {
        forget(value);
    }
}

/* ---- Fetching ----------------------------------------------------------- */

static void
start_fetch(struct shared_value *value)
{
    const struct conf_plugin *section = value->plugin->section;
    bool pointed = section != NULL && section->base_url != NULL;
    struct chain_task task = { .epoch = value->epoch,
                               .plugin = value->plugin,
                               .kind = CALL_SHARED,
                               .shared = value->info,
                               .base_url = pointed ? section->base_url : value->info->base_url,
                               .timeout_us = value->epoch->timeout_us };
    chain_init(&value->chain, &task);
    value->chain.ended = fetch_ended;
    value->fetching = true;
    chain_begin(&value->chain);
}

static void
tell_all(struct shared_value *value, const struct finding *failure)
{
    struct list told;
    list_init(&told);
    list_append_all(&told, &value->waiting);
    for (struct list *node = list_pop_front(&told); node != NULL; node = list_pop_front(&told)) {
        struct shared_wait *wait = LIST_ENTRY(node, struct shared_wait, node);
        wait->fn(wait, failure);
    }
}

static void
keep(struct shared_value *value, char *text)
{
    forget(value);
    value->text = text;
    value->expires_us = clock_deadline_us(value->info->lifetime_s * CLOCK_US_PER_S);
    value->number = ++value->epoch->shared_count;
}

/* A platform that said when to come back is not asked again before. */
static void
note_refusal(struct shared_value *value, const struct finding *failure)
{
    if (failure->reason == REASON_RATE_LIMITED && failure->retry_after_ms > 0) {
        int64_t span_us = failure->retry_after_ms * CLOCK_US_PER_MS;
        value->refusal = *failure;
        value->refused_until_us =
            clock_deadline_us(span_us < PACING_HOLD_US_MAX ? span_us : PACING_HOLD_US_MAX);
    }
}

static void
fetch_ended(struct chain *chain)
{
    struct shared_value *value = CONTAINER_OF(chain, struct shared_value, chain);
    char *text = chain->value != NULL ? strdup(chain->value) : NULL;
    struct finding failure =
        chain->value != NULL ? finding_unknown(REASON_OVERLOADED) : chain->finding;
    chain_fini(chain);
    value->fetching = false;
    if (text != NULL) {
        keep(value, text);
    } else {
        note_refusal(value, &failure);
    }
    tell_all(value, text != NULL ? NULL : &failure);
}

int
shared_wait(struct epoch *epoch, struct plugin *plugin, const char *name, struct shared_wait *wait)
{
    struct shared_value *value = NULL;
    int error = find_or_add(epoch, plugin, name, &value);
    if (error != ERROR_OK) {
        return error;
    }
    int64_t left_us = value->refused_until_us - clock_now_us();
    if (left_us > 0) {
        value->refusal.retry_after_ms = left_us / CLOCK_US_PER_MS + 1;
        wait->fn(wait, &value->refusal);
        return ERROR_OK;
    }
    wait->value = value;
    list_push_back(&value->waiting, &wait->node);
    if (!value->fetching) {
        start_fetch(value);
    }
    return ERROR_OK;
}

void
shared_leave(struct shared_wait *wait)
{
    if (!list_is_linked(&wait->node)) {
        return;
    }
    struct shared_value *value = wait->value;
    list_remove(&wait->node);
    if (value->fetching && list_is_empty(&value->waiting)) {
        chain_stop(&value->chain);
        chain_fini(&value->chain);
        value->fetching = false;
    }
}

void
shared_free_all(struct epoch *epoch)
{
    for (struct list *node = list_pop_front(&epoch->shared_values); node != NULL;
         node = list_pop_front(&epoch->shared_values)) {
        struct shared_value *value = LIST_ENTRY(node, struct shared_value, node);
        assert(list_is_empty(&value->waiting) && !value->fetching);
        free(value->text);
        free(value);
    }
}
