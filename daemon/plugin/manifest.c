/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* From a plugin's descriptor to a manifest of our own. The head is judged first, alone; then as
 * many bytes as it claims are copied into a zeroed struct of ours, so that an older, shorter layout
 * reads as one whose new fields are not set. Calls no code of the plugin. */
#include "daemon/plugin/manifest_int.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* Everything of one descriptor: the largest lists of the longest texts are far below it. */
#define MANIFEST_ARENA_BYTES ((size_t)64 * 1024 * 1024)

#define END_OF(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
/* The layouts of ABI 1.0: nothing shorter was ever built. */
#define PLUGIN_LEAST END_OF(rollcall_plugin, enumerated_step)
#define OPTION_LEAST END_OF(rollcall_option, max)
#define SHARED_LEAST END_OF(rollcall_shared, base_url)

_Static_assert(sizeof(rollcall_head) == 16, "the head is frozen");
_Static_assert(offsetof(rollcall_head, abi_major) == 4, "the head is frozen");
_Static_assert(offsetof(rollcall_head, abi_minor) == 6, "the head is frozen");
_Static_assert(offsetof(rollcall_head, size) == 8, "the head is frozen");
_Static_assert(offsetof(rollcall_head, reserved) == 12, "the head is frozen");
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(PLUGIN_LEAST == 128, "ABI 1.0: rollcall_plugin");
_Static_assert(OPTION_LEAST == 48, "ABI 1.0: rollcall_option");
_Static_assert(SHARED_LEAST == 32, "ABI 1.0: rollcall_shared");
#endif

int
manifest_judge_head(const void *entry, struct error_text *why)
{
    rollcall_head head;
    memcpy(&head, entry, sizeof(head));
    if (head.magic != ROLLCALL_MAGIC) {
        return error_say(why, ERROR_INVALID,
                         "is no plugin: its magic is 0x%08" PRIx32 ", wants 0x%08" PRIx32,
                         head.magic, ROLLCALL_MAGIC);
    }
    if (head.abi_major != ROLLCALL_ABI_MAJOR || head.abi_minor > ROLLCALL_ABI_MINOR) {
        return error_say(why, ERROR_UNSUPPORTED,
                         "wants ABI %u.%u, this daemon has %d.%d; rebuild the plugin",
                         head.abi_major, head.abi_minor, ROLLCALL_ABI_MAJOR, ROLLCALL_ABI_MINOR);
    }
    if (head.size > sizeof(rollcall_plugin)) {
        return error_say(why, ERROR_TOO_BIG,
                         "head.size is %" PRIu32 ", this daemon knows descriptors of at most %zu "
                         "bytes; rebuild the plugin",
                         head.size, sizeof(rollcall_plugin));
    }
    if (head.reserved != 0) {
        return error_say(why, ERROR_INVALID, "head.reserved is %" PRIu32 ", wants 0",
                         head.reserved);
    }
    if (head.size < PLUGIN_LEAST) {
        return error_say(why, ERROR_INVALID, "head.size is %" PRIu32 ", wants at least %zu",
                         head.size, PLUGIN_LEAST);
    }
    return ERROR_OK;
}

/* One of the three lists of a descriptor, before its members are looked at. */
struct span {
    const char *name;
    const void *first;
    size_t count;
    size_t stride;
    size_t count_max;
    size_t stride_min;
    size_t stride_max;
};

static bool
judge_span(struct judge *judge, const struct span *span)
{
    judge->where[0] = '\0';
    if (span->count == 0) {
        return false;
    }
    if (span->count > span->count_max) {
        judge_refuse(judge, ERROR_TOO_BIG, span->name, "are %zu, wants at most %zu", span->count,
                     span->count_max);
    }
    if (span->first == NULL) {
        judge_refuse(judge, ERROR_INVALID, span->name, "is NULL with a count of %zu", span->count);
    }
    if (span->stride < span->stride_min || span->stride > span->stride_max) {
        judge_refuse(judge, ERROR_INVALID, span->name,
                     "have a stride of %zu bytes, wants %zu to %zu", span->stride, span->stride_min,
                     span->stride_max);
    }
    return judge->error == ERROR_OK;
}

static const void *
span_at(const struct span *span, size_t index)
{
    return (const char *)span->first + index * span->stride;
}

static void
refuse_twins(struct judge *judge, const struct manifest_checker *checkers, size_t last)
{
    for (size_t i = 0; judge->error == ERROR_OK && i < last; i++) {
        if (checkers[i].kind == checkers[last].kind &&
            strcmp(checkers[i].platform.id, checkers[last].platform.id) == 0) {
            judge_refuse(judge, ERROR_INVALID, "platform",
                         "and kind are %s and %s again, as of "
                         "checkers[%zu]",
                         checkers[last].platform.id,
                         checkers[last].kind == ROLLCALL_EMAIL ? "email" : "username", i);
        }
    }
}

static void
judge_checkers(struct judge *judge, const rollcall_plugin *from, struct manifest *to)
{
    const struct span span = { "checkers",
                               from->checkers,
                               from->checker_count,
                               from->checker_size,
                               MANIFEST_CHECKERS_MAX,
                               judge_checker_least,
                               sizeof(rollcall_checker) };
    if (!judge_span(judge, &span)) {
        return;
    }
    struct manifest_checker *list = judge_alloc(judge, span.count * sizeof(*list));
    for (size_t i = 0; list != NULL && judge->error == ERROR_OK && i < span.count; i++) {
        judge_at(judge, span.name, i);
        judge_checker(judge, span_at(&span, i), span.stride, false, &list[i]);
        list[i].index = (uint32_t)i;
        refuse_twins(judge, list, i);
    }
    to->checkers = list;
    to->checker_count = span.count;
}

static void
judge_options(struct judge *judge, const rollcall_plugin *from, struct manifest *to)
{
    const struct span span = { "options",
                               from->options,
                               from->option_count,
                               from->option_size,
                               MANIFEST_OPTIONS_MAX,
                               OPTION_LEAST,
                               sizeof(rollcall_option) };
    if (!judge_span(judge, &span)) {
        return;
    }
    struct manifest_option *list = judge_alloc(judge, span.count * sizeof(*list));
    for (size_t i = 0; list != NULL && judge->error == ERROR_OK && i < span.count; i++) {
        rollcall_option option;
        memset(&option, 0, sizeof(option));
        memcpy(&option, span_at(&span, i), span.stride);
        judge_at(judge, span.name, i);
        judge_option(judge, &option, i, list);
    }
    to->options = list;
    to->option_count = span.count;
}

static void
judge_shared_value(struct judge *judge, const rollcall_shared *from, struct manifest_shared *to)
{
    to->name = judge_word(judge, "name", from->name, WORD_KEY);
    judge_positive(judge, "lifetime_s", from->lifetime_s);
    to->lifetime_s = from->lifetime_s;
    if (from->step == NULL) {
        judge_refuse(judge, ERROR_INVALID, "step", "is not set");
    }
    to->base_url = judge_base_url(judge, "base_url", from->base_url);
}

static void
refuse_same_name(struct judge *judge, const struct manifest_shared *shared, size_t last)
{
    for (size_t i = 0; judge->error == ERROR_OK && i < last; i++) {
        if (strcmp(shared[i].name, shared[last].name) == 0) {
            judge_refuse(judge, ERROR_INVALID, "name", "is \"%s\" again, as of shared[%zu]",
                         shared[last].name, i);
        }
    }
}

static void
judge_shared(struct judge *judge, const rollcall_plugin *from, struct manifest *to)
{
    const struct span span = { "shared",
                               from->shared,
                               from->shared_count,
                               from->shared_size,
                               MANIFEST_SHARED_MAX,
                               SHARED_LEAST,
                               sizeof(rollcall_shared) };
    if (!judge_span(judge, &span)) {
        return;
    }
    struct manifest_shared *list = judge_alloc(judge, span.count * sizeof(*list));
    for (size_t i = 0; list != NULL && judge->error == ERROR_OK && i < span.count; i++) {
        rollcall_shared shared;
        memset(&shared, 0, sizeof(shared));
        memcpy(&shared, span_at(&span, i), span.stride);
        judge_at(judge, span.name, i);
        judge_shared_value(judge, &shared, &list[i]);
        list[i].index = (uint32_t)i;
        refuse_same_name(judge, list, i);
    }
    to->shared = list;
    to->shared_count = span.count;
}

static void
judge_whole(struct judge *judge, const rollcall_plugin *from)
{
    if (from->capabilities != 0) {
        judge_refuse(judge, ERROR_UNSUPPORTED, "capabilities",
                     "is 0x%" PRIx64 ", this daemon knows none of these bits", from->capabilities);
    }
    if (from->enumerate != NULL && from->enumerated_step == NULL) {
        judge_refuse(judge, ERROR_INVALID, "enumerated_step", "is not set, enumerate needs it");
    }
    if (from->enumerate == NULL && from->enumerated_step != NULL) {
        judge_refuse(judge, ERROR_INVALID, "enumerated_step", "is set without enumerate");
    }
    if (from->checker_count == 0 && from->enumerate == NULL) {
        judge_refuse(judge, ERROR_INVALID, "checkers", "are none, wants one or enumerate");
    }
}

static int
judge_plugin(const rollcall_plugin *from, struct arena *arena, struct manifest **out_manifest,
             struct error_text *why)
{
    struct judge judge = { .arena = arena, .why = why };
    struct manifest *manifest = judge_alloc(&judge, sizeof(*manifest));
    if (manifest == NULL) {
        return judge.error;
    }
    manifest->arena = arena;
    manifest->name = judge_word(&judge, "name", from->name, WORD_PLUGIN);
    manifest->version = judge_text(&judge, "version", from->version);
    manifest->enumerates = from->enumerate != NULL;
    judge_whole(&judge, from);
    judge_checkers(&judge, from, manifest);
    judge_options(&judge, from, manifest);
    judge_shared(&judge, from, manifest);
    if (judge.error == ERROR_OK) {
        *out_manifest = manifest;
    }
    return judge.error;
}

int
manifest_judge(const void *entry, struct manifest **out_manifest, struct error_text *why)
{
    int error = manifest_judge_head(entry, why);
    if (error != ERROR_OK) {
        return error;
    }
    rollcall_plugin plugin;
    memset(&plugin, 0, sizeof(plugin));
    rollcall_head head;
    memcpy(&head, entry, sizeof(head));
    memcpy(&plugin, entry, head.size);
    struct arena *arena = arena_new(MANIFEST_ARENA_BYTES);
    if (arena == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    error = judge_plugin(&plugin, arena, out_manifest, why);
    if (error != ERROR_OK) {
        arena_free(&arena);
    }
    return error;
}

void
manifest_free(struct manifest **manifest)
{
    if (*manifest != NULL) {
        struct arena *arena = (*manifest)->arena;
        *manifest = NULL;
        arena_free(&arena);
    }
}
