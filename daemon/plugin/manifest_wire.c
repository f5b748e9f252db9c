/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A manifest as bytes. Reading one builds the descriptor that a plugin would have had, with
 * functions that are never called in the place of its own, and hands that to manifest_judge():
 * there is one judge for files and for workers. */
#include "daemon/plugin/manifest_wire.h"

#include "daemon/plugin/call_int.h"

#define MANIFEST_MAGIC UINT32_C(0x464d4352) /* "RCMF" */
/* What reading may take: pointers to each text beside the texts. */
#define SCRATCH_BYTES ((size_t)64 * 1024 * 1024)

static void
put_option(struct buf *out, const struct manifest_option *option)
{
    wire_put_text(out, option->key);
    wire_put_i32(out, option->type);
    wire_put_text(out, option->fallback);
    wire_put_text(out, option->sentence);
    wire_put_i64(out, option->min);
    wire_put_i64(out, option->max);
}

static void
put_shared(struct buf *out, const struct manifest_shared *shared)
{
    wire_put_text(out, shared->name);
    wire_put_u32(out, shared->lifetime_s);
    wire_put_text(out, shared->base_url);
}

int
manifest_wire_encode(const struct manifest *manifest, struct buf *out)
{
    size_t before = out->len;
    wire_put_u32(out, MANIFEST_MAGIC);
    wire_put_u16(out, MANIFEST_WIRE_VERSION);
    wire_put_text(out, manifest->name);
    wire_put_text(out, manifest->version);
    wire_put_u8(out, manifest->enumerates);
    wire_put_u32(out, (uint32_t)manifest->checker_count);
    for (size_t i = 0; i < manifest->checker_count; i++) {
        wire_put_u8(out, manifest->checkers[i].blocking);
        call_put_checker(out, &manifest->checkers[i]);
    }
    wire_put_u32(out, (uint32_t)manifest->option_count);
    for (size_t i = 0; i < manifest->option_count; i++) {
        put_option(out, &manifest->options[i]);
    }
    wire_put_u32(out, (uint32_t)manifest->shared_count);
    for (size_t i = 0; i < manifest->shared_count; i++) {
        put_shared(out, &manifest->shared[i]);
    }
    if (out->error == ERROR_OK && out->len - before > MANIFEST_WIRE_BYTES_MAX) {
        return ERROR_TOO_BIG;
    }
    return out->error;
}

/* Stand where a plugin's own functions stood; nobody calls through a manifest. */
static rollcall_step
no_step(rollcall_check *check, const rollcall_reply *reply)
{
    (void)check;
    (void)reply;
    return ROLLCALL_STEP_FAILED;
}

static int32_t
no_enumerate(rollcall_check *check)
{
    (void)check;
    return -1;
}

static void
read_checkers(struct wire_reader *reader, rollcall_plugin *plugin)
{
    size_t count = wire_count(reader, "checkers", MANIFEST_CHECKERS_MAX);
    rollcall_checker *checkers = wire_alloc(reader, (count + 1) * sizeof(*checkers));
    rollcall_platform *platforms = wire_alloc(reader, (count + 1) * sizeof(*platforms));
    for (size_t i = 0; reader->error == ERROR_OK && i < count; i++) {
        bool blocking = wire_bool(reader, "checker.blocking");
        call_read_fields(reader, &platforms[i], &checkers[i]);
        size_t data_len = 0;
        (void)wire_bytes(reader, "checker.data", 0, &data_len);
        checkers[i].step = blocking ? NULL : no_step;
        checkers[i].block = blocking ? no_step : NULL;
    }
    plugin->checkers = checkers;
    plugin->checker_count = count;
    plugin->checker_size = sizeof(*checkers);
}

static void
read_options(struct wire_reader *reader, rollcall_plugin *plugin)
{
    size_t count = wire_count(reader, "options", MANIFEST_OPTIONS_MAX);
    rollcall_option *options = wire_alloc(reader, (count + 1) * sizeof(*options));
    for (size_t i = 0; reader->error == ERROR_OK && i < count; i++) {
        options[i].key = wire_text(reader, "option.key", MANIFEST_TEXT_BYTES);
        options[i].type = wire_i32(reader, "option.type");
        options[i].fallback = wire_maybe_text(reader, "option.fallback", MANIFEST_TEXT_BYTES);
        options[i].sentence = wire_text(reader, "option.sentence", MANIFEST_TEXT_BYTES);
        options[i].min = wire_i64(reader, "option.min");
        options[i].max = wire_i64(reader, "option.max");
    }
    plugin->options = options;
    plugin->option_count = count;
    plugin->option_size = sizeof(*options);
}

static void
read_shared(struct wire_reader *reader, rollcall_plugin *plugin)
{
    size_t count = wire_count(reader, "shared", MANIFEST_SHARED_MAX);
    rollcall_shared *shared = wire_alloc(reader, (count + 1) * sizeof(*shared));
    for (size_t i = 0; reader->error == ERROR_OK && i < count; i++) {
        shared[i].name = wire_text(reader, "shared.name", MANIFEST_TEXT_BYTES);
        shared[i].lifetime_s = wire_u32(reader, "shared.lifetime_s");
        shared[i].base_url = wire_text(reader, "shared.base_url", MANIFEST_TEXT_BYTES);
        shared[i].step = no_step;
    }
    plugin->shared = shared;
    plugin->shared_count = count;
    plugin->shared_size = sizeof(*shared);
}

static int
read_plugin(struct wire_reader *reader, rollcall_plugin *plugin, struct error_text *why)
{
    if (wire_u32(reader, "magic") != MANIFEST_MAGIC) {
        wire_break(reader, ERROR_PROTOCOL, "magic");
    }
    if (wire_u16(reader, "version") != MANIFEST_WIRE_VERSION) {
        wire_break(reader, ERROR_PROTOCOL, "version");
    }
    plugin->name = wire_text(reader, "name", MANIFEST_TEXT_BYTES);
    plugin->version = wire_text(reader, "version", MANIFEST_TEXT_BYTES);
    if (wire_bool(reader, "enumerates")) {
        plugin->enumerate = no_enumerate;
        plugin->enumerated_step = no_step;
    }
    read_checkers(reader, plugin);
    read_options(reader, plugin);
    read_shared(reader, plugin);
    return wire_finish(reader, why);
}

int
manifest_wire_decode(const void *bytes, size_t len, struct manifest **out_manifest,
                     struct error_text *why)
{
    if (len > MANIFEST_WIRE_BYTES_MAX) {
        return error_say(why, ERROR_PROTOCOL, "the manifest is %zu bytes long", len);
    }
    struct arena *scratch = arena_new(SCRATCH_BYTES);
    if (scratch == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    struct wire_reader reader;
    rollcall_plugin plugin = { .head = ROLLCALL_PLUGIN_HEAD };
    wire_reader_init(&reader, bytes, len, scratch);
    int error = read_plugin(&reader, &plugin, why);
    if (error == ERROR_OK) {
        error = manifest_judge(&plugin, out_manifest, why);
    }
    arena_free(&scratch);
    return error;
}
