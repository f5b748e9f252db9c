/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A plugin's configuration as bytes. Files are its weight: they are read where they stand. */
#include "daemon/plugin/manifest_wire.h"

#include "daemon/plugin/wire.h"

#define CONFIG_MAGIC UINT32_C(0x464e4352) /* "RCNF" */
#define FILE_NAME_BYTES 4096
/* What a plugin declares, and the configured base_url. */
#define VALUES_MAX (MANIFEST_OPTIONS_MAX + 1)

static bool
is_file(int32_t type)
{
    return type == ROLLCALL_FILE || type == ROLLCALL_FILES;
}

static bool
has_texts(int32_t type)
{
    return is_file(type) || type == ROLLCALL_STRING || type == ROLLCALL_RATE ||
           type == ROLLCALL_LIST;
}

static void
put_value(struct buf *out, const struct host_value *value)
{
    wire_put_text(out, value->key);
    wire_put_i32(out, value->type);
    wire_put_i64(out, value->number);
    wire_put_u32(out, (uint32_t)value->count);
    for (size_t i = 0; has_texts(value->type) && i < value->count; i++) {
        wire_put_text(out, value->texts[i]);
        if (is_file(value->type)) {
            wire_put_bytes(out, value->files[i], value->file_lens[i]);
            wire_put_u8(out, 0);
        }
    }
}

int
manifest_wire_encode_config(const struct host_config *config, struct buf *out)
{
    size_t before = out->len;
    wire_put_u32(out, CONFIG_MAGIC);
    wire_put_u16(out, MANIFEST_WIRE_VERSION);
    wire_put_u32(out, (uint32_t)config->count);
    for (size_t i = 0; i < config->count; i++) {
        put_value(out, &config->values[i]);
    }
    if (out->error == ERROR_OK && out->len - before > MANIFEST_WIRE_CONFIG_BYTES_MAX) {
        return ERROR_TOO_BIG;
    }
    return out->error;
}

static void
read_files(struct wire_reader *reader, struct host_value *value)
{
    const char **texts = wire_alloc(reader, (value->count + 1) * sizeof(*texts));
    const void **files = wire_alloc(reader, (value->count + 1) * sizeof(*files));
    size_t *lens = wire_alloc(reader, (value->count + 1) * sizeof(*lens));
    for (size_t i = 0; reader->error == ERROR_OK && i < value->count; i++) {
        texts[i] = wire_line(reader, "value.name", FILE_NAME_BYTES);
        const void *bytes =
            wire_bytes(reader, "value.file", MANIFEST_WIRE_CONFIG_BYTES_MAX, &lens[i]);
        if (wire_u8(reader, "value.file") != 0) {
            wire_break(reader, ERROR_PROTOCOL, "value.file");
        }
        files[i] = bytes != NULL ? bytes : "";
    }
    value->texts = texts;
    value->files = files;
    value->file_lens = lens;
}

static void
read_texts(struct wire_reader *reader, struct host_value *value)
{
    const char **texts = wire_alloc(reader, (value->count + 1) * sizeof(*texts));
    for (size_t i = 0; reader->error == ERROR_OK && i < value->count; i++) {
        texts[i] = wire_line(reader, "value.text", MANIFEST_WIRE_CONFIG_BYTES_MAX);
    }
    value->texts = texts;
}

/* A secret is no value: what it names never leaves the daemon. */
static void
read_value(struct wire_reader *reader, struct host_value *value)
{
    value->key = wire_text(reader, "value.key", MANIFEST_ID_BYTES);
    value->type = wire_range(reader, "value.type", ROLLCALL_STRING, ROLLCALL_FILES);
    value->number = wire_i64(reader, "value.number");
    value->count = wire_u32(reader, "value.count");
    if (value->count > MANIFEST_WIRE_VALUES_MAX) {
        wire_break(reader, ERROR_PROTOCOL, "value.count");
    }
    if (reader->error == ERROR_OK && !manifest_is_key(value->key)) {
        wire_break(reader, ERROR_PROTOCOL, "value.key");
    }
    if (reader->error == ERROR_OK && is_file(value->type)) {
        read_files(reader, value);
    } else if (reader->error == ERROR_OK && has_texts(value->type)) {
        read_texts(reader, value);
    }
}

int
manifest_wire_decode_config(const void *bytes, size_t len, struct arena *arena,
                            struct host_config *out_config, struct error_text *why)
{
    struct wire_reader reader;
    wire_reader_init(&reader, bytes, len, arena);
    if (wire_u32(&reader, "magic") != CONFIG_MAGIC) {
        wire_break(&reader, ERROR_PROTOCOL, "magic");
    }
    if (wire_u16(&reader, "version") != MANIFEST_WIRE_VERSION) {
        wire_break(&reader, ERROR_PROTOCOL, "version");
    }
    size_t count = wire_count(&reader, "values", VALUES_MAX);
    struct host_value *values = wire_alloc(&reader, (count + 1) * sizeof(*values));
    for (size_t i = 0; reader.error == ERROR_OK && i < count; i++) {
        read_value(&reader, &values[i]);
    }
    int error = wire_finish(&reader, why);
    if (error == ERROR_OK) {
        *out_config = (struct host_config){ values, count };
    }
    return error;
}
