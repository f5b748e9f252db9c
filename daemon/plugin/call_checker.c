/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A checker that enumerate yielded, as bytes. Reading one back makes a public struct of it and lets
 * the manifest judge that, so a checker that comes out here has passed the same eye as a
 * descriptor's. */
#include "daemon/plugin/call_int.h"

#include <string.h>

#define CHECKER_ARENA_BYTES ((size_t)256 * 1024)

static void
put_list(struct buf *out, const char *const *list)
{
    uint32_t count = 0;
    while (list[count] != NULL) {
        count++;
    }
    wire_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_text(out, list[i]);
    }
}

static void
put_rule(struct buf *out, const struct manifest_name_rule *rule)
{
    wire_put_u8(out, rule != NULL);
    if (rule == NULL) {
        return;
    }
    wire_put_u32(out, rule->min_chars);
    wire_put_u32(out, rule->max_chars);
    wire_put_text(out, rule->chars);
    wire_put_text(out, rule->source);
    wire_put_u8(out, rule->all_names);
}

void
call_put_checker(struct buf *out, const struct manifest_checker *checker)
{
    wire_put_text(out, checker->platform.id);
    wire_put_text(out, checker->platform.title);
    wire_put_text(out, checker->platform.home);
    put_list(out, checker->platform.tags);
    wire_put_u64(out, checker->platform.accounts);
    wire_put_i32(out, checker->kind);
    wire_put_i32(out, checker->method);
    wire_put_i32(out, checker->evidence);
    wire_put_u32(out, checker->flags);
    wire_put_text(out, checker->base_url);
    wire_put_u32(out, checker->rate_count);
    wire_put_u32(out, checker->rate_seconds);
    wire_put_u32(out, checker->concurrency);
    wire_put_u32(out, checker->body_max);
    put_rule(out, checker->name_rule);
    put_list(out, checker->known);
    wire_put_text(out, checker->absent);
    wire_put_text(out, checker->source);
    wire_put_bytes(out, checker->data, checker->data_len);
}

static const char *const *
read_list(struct wire_reader *reader, const char *field, size_t max)
{
    size_t count = wire_count(reader, field, max);
    const char **list = wire_alloc(reader, (count + 1) * sizeof(*list));
    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = wire_text(reader, field, MANIFEST_TEXT_BYTES);
    }
    return list;
}

static void
read_platform(struct wire_reader *reader, rollcall_platform *platform)
{
    platform->id = wire_text(reader, "platform.id", MANIFEST_TEXT_BYTES);
    platform->title = wire_text(reader, "platform.title", MANIFEST_TEXT_BYTES);
    platform->home = wire_text(reader, "platform.home", MANIFEST_TEXT_BYTES);
    platform->tags = read_list(reader, "platform.tags", MANIFEST_TAGS_MAX);
    platform->accounts = wire_u64(reader, "platform.accounts");
}

static const rollcall_name_rule *
read_rule(struct wire_reader *reader)
{
    if (!wire_bool(reader, "name_rule")) {
        return NULL;
    }
    rollcall_name_rule *rule = wire_alloc(reader, sizeof(*rule));
    if (rule == NULL) {
        return NULL;
    }
    rule->min_chars = wire_u32(reader, "name_rule.min_chars");
    rule->max_chars = wire_u32(reader, "name_rule.max_chars");
    rule->chars = wire_maybe_text(reader, "name_rule.chars", MANIFEST_TEXT_BYTES);
    rule->source = wire_text(reader, "name_rule.source", MANIFEST_TEXT_BYTES);
    rule->all_names = wire_bool(reader, "name_rule.all_names");
    return rule;
}

static void
read_fields(struct wire_reader *reader, rollcall_checker *checker)
{
    checker->kind = wire_i32(reader, "checker.kind");
    checker->method = wire_i32(reader, "checker.method");
    checker->evidence = wire_i32(reader, "checker.evidence");
    checker->flags = wire_u32(reader, "checker.flags");
    checker->base_url = wire_maybe_text(reader, "checker.base_url", MANIFEST_TEXT_BYTES);
    checker->rate_count = wire_u32(reader, "checker.rate_count");
    checker->rate_seconds = wire_u32(reader, "checker.rate_seconds");
    checker->concurrency = wire_u32(reader, "checker.concurrency");
    checker->body_max = wire_u32(reader, "checker.body_max");
    checker->name_rule = read_rule(reader);
    checker->known = read_list(reader, "checker.known", MANIFEST_KNOWN_MAX);
    checker->absent = wire_maybe_text(reader, "checker.absent", MANIFEST_TEXT_BYTES);
    checker->source = wire_maybe_text(reader, "checker.source", MANIFEST_TEXT_BYTES);
}

static void
keep_data(struct wire_reader *reader, struct manifest_checker *checker)
{
    const void *data = wire_bytes(reader, "data", ROLLCALL_DATA_BYTES, &checker->data_len);
    if (data == NULL) {
        return;
    }
    checker->data = arena_copy(reader->arena, data, checker->data_len);
    if (checker->data == NULL) {
        wire_break(reader, ERROR_NOMEM, "data");
    }
}

void
call_read_fields(struct wire_reader *reader, rollcall_platform *out_platform,
                 rollcall_checker *out_checker)
{
    read_platform(reader, out_platform);
    read_fields(reader, out_checker);
    out_checker->platform = out_platform;
}

void
call_read_checker(struct wire_reader *reader, struct manifest_checker *out_checker)
{
    struct arena *kept = reader->arena;
    struct arena *scratch = arena_new(CHECKER_ARENA_BYTES);
    if (scratch == NULL) {
        wire_break(reader, ERROR_NOMEM, "checker");
        return;
    }
    reader->arena = scratch;
    rollcall_platform platform = { 0 };
    rollcall_checker checker = { 0 };
    call_read_fields(reader, &platform, &checker);
    reader->arena = kept;
    if (reader->error == ERROR_OK) {
        int error = manifest_judge_checker(&checker, sizeof(checker), kept, out_checker, NULL);
        if (error != ERROR_OK) {
            wire_break(reader, error == ERROR_NOMEM ? error : ERROR_PROTOCOL, "checker");
        }
        keep_data(reader, out_checker);
    }
    arena_free(&scratch);
}
