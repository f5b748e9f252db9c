/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Options of plugins: see the header. */
#include "daemon/plugin/options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/plugin/registry.h"

#define US_PER_MS 1000

static const enum conf_type conf_types[] = {
    [ROLLCALL_STRING] = CONF_STRING,     [ROLLCALL_INT] = CONF_INT,
    [ROLLCALL_DURATION] = CONF_DURATION, [ROLLCALL_RATE] = CONF_RATE,
    [ROLLCALL_BOOL] = CONF_BOOL,         [ROLLCALL_LIST] = CONF_LIST,
    [ROLLCALL_FILE] = CONF_FILE,         [ROLLCALL_FILES] = CONF_FILES,
    [ROLLCALL_SECRET] = CONF_SECRET,
};

int
registry_schema(const struct manifest *manifest, struct arena *arena,
                struct conf_schema *out_schema)
{
    struct conf_option *options =
        arena_alloc(arena, (manifest->option_count + 1) * sizeof(*options));
    if (options == NULL) {
        return ERROR_NOMEM;
    }
    for (size_t i = 0; i < manifest->option_count; i++) {
        const struct manifest_option *from = &manifest->options[i];
        int64_t unit = from->type == ROLLCALL_DURATION ? US_PER_MS : 1;
        options[i] = (struct conf_option){ .key = from->key,
                                           .type = conf_types[from->type],
                                           .fallback = from->fallback,
                                           .sentence = from->sentence,
                                           .min = from->min * unit,
                                           .max = from->max * unit };
    }
    *out_schema = (struct conf_schema){ manifest->name, options, manifest->option_count };
    return ERROR_OK;
}

/* What one value is read with. */
struct reading {
    const struct manifest *manifest;
    const char *key;
    struct arena *arena;
    struct arena *files; /* for their bytes */
    struct error_text *why;
};

static int
refuse_file(const struct reading *reading, int error, const char *path, const char *sentence)
{
    return error_say(reading->why, error, "plugin.%s.%s: %s: %s", reading->manifest->name,
                     reading->key, path, sentence);
}

static int
read_all(const struct reading *reading, const char *path, int fd, void *bytes, size_t *len)
{
    size_t got = 0;
    while (got < *len) {
        ssize_t step = read(fd, (char *)bytes + got, *len - got);
        if (step < 0 && errno == EINTR) {
            continue;
        }
        if (step < 0) {
            return refuse_file(reading, ERROR_IO, path, strerror(errno));
        }
        if (step == 0) {
            break;
        }
        got += (size_t)step;
    }
    *len = got;
    return ERROR_OK;
}

static int
read_opened(const struct reading *reading, const char *path, int fd, const void **out_bytes,
            size_t *out_len)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return refuse_file(reading, ERROR_IO, path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return refuse_file(reading, ERROR_IO, path, "is no regular file");
    }
    if (info.st_size > REGISTRY_FILE_BYTES_MAX) {
        return refuse_file(reading, ERROR_TOO_BIG, path, "is larger than 64 MiB");
    }
    size_t len = (size_t)info.st_size;
    void *bytes = arena_alloc(reading->files, len + 1);
    if (bytes == NULL) {
        return refuse_file(reading, ERROR_NOMEM, path, error_sentence(ERROR_NOMEM));
    }
    *out_bytes = bytes;
    int error = read_all(reading, path, fd, bytes, &len);
    *out_len = len;
    return error;
}

static int
read_file(const struct reading *reading, const char *path, const void **out_bytes, size_t *out_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return refuse_file(reading, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, path,
                           strerror(errno));
    }
    int error = read_opened(reading, path, fd, out_bytes, out_len);
    (void)close(fd);
    return error;
}

static int
out_of_memory(const struct reading *reading)
{
    return error_say(reading->why, ERROR_NOMEM, "plugin.%s.%s: %s", reading->manifest->name,
                     reading->key, error_sentence(ERROR_NOMEM));
}

static int
read_files(const struct reading *reading, const struct conf_value *from, struct host_value *to)
{
    const char **names = arena_alloc(reading->arena, (from->count + 1) * sizeof(*names));
    const void **files = arena_alloc(reading->arena, (from->count + 1) * sizeof(*files));
    size_t *lens = arena_alloc(reading->arena, (from->count + 1) * sizeof(*lens));
    if (names == NULL || files == NULL || lens == NULL) {
        return out_of_memory(reading);
    }
    to->texts = names;
    to->files = files;
    to->file_lens = lens;
    to->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        names[i] = loader_file_name(from->texts[i]);
        int error = read_file(reading, from->texts[i], &files[i], &lens[i]);
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

/* "10/min", as somebody would write it. */
static int
write_rate(const struct reading *reading, const struct conf_value *from, struct host_value *to)
{
    char text[48];
    const char **texts = arena_alloc(reading->arena, sizeof(*texts));
    const struct conf_rate *rate = &from->rate;
    const char *unit = rate->seconds == 1      ? "s"
                       : rate->seconds == 60   ? "min"
                       : rate->seconds == 3600 ? "h"
                                               : NULL;
    if (rate->count == 0) {
        (void)snprintf(text, sizeof(text), "0");
    } else if (unit != NULL) {
        (void)snprintf(text, sizeof(text), "%" PRIu32 "/%s", rate->count, unit);
    } else {
        (void)snprintf(text, sizeof(text), "%" PRIu32 "/%" PRIu32 "s", rate->count, rate->seconds);
    }
    if (texts == NULL || (texts[0] = arena_strdup(reading->arena, text)) == NULL) {
        return out_of_memory(reading);
    }
    to->texts = texts;
    to->count = 1;
    return ERROR_OK;
}

static int
read_value(const struct reading *reading, const struct conf_value *from, struct host_value *to)
{
    switch (to->type) {
    case ROLLCALL_INT:
    case ROLLCALL_BOOL:
        to->number = from->number;
        to->count = 1;
        return ERROR_OK;
    case ROLLCALL_DURATION:
        to->number = from->number / US_PER_MS;
        to->count = 1;
        return ERROR_OK;
    case ROLLCALL_RATE:
        return write_rate(reading, from, to);
    case ROLLCALL_FILE:
    case ROLLCALL_FILES:
        return read_files(reading, from, to);
    default:
        to->texts = from->texts;
        to->count = from->count;
        return ERROR_OK;
    }
}

/* Where the requests go instead, which a plugin may want to know. */
static int
put_base_url(const struct reading *reading, const struct conf_plugin *section,
             struct host_value *values, size_t *count)
{
    if (section == NULL || section->base_url == NULL) {
        return ERROR_OK;
    }
    const char **texts = arena_alloc(reading->arena, sizeof(*texts));
    if (texts == NULL) {
        return out_of_memory(reading);
    }
    texts[0] = section->base_url;
    values[(*count)++] = (struct host_value){
        .key = "base_url", .type = ROLLCALL_STRING, .texts = texts, .count = 1
    };
    return ERROR_OK;
}

int
options_read(const struct manifest *manifest, const struct conf_plugin *section,
             struct arena *arena, struct arena *files, struct host_config *out_config,
             struct error_text *why)
{
    struct reading reading = {
        .manifest = manifest, .key = "", .arena = arena, .files = files, .why = why
    };
    struct host_value *values = arena_alloc(arena, (manifest->option_count + 1) * sizeof(*values));
    size_t count = 0;
    if (values == NULL) {
        return out_of_memory(&reading);
    }
    int failed = put_base_url(&reading, section, values, &count);
    if (failed != ERROR_OK) {
        return failed;
    }
    for (size_t i = 0; section != NULL && i < manifest->option_count; i++) {
        const struct manifest_option *option = &manifest->options[i];
        const struct conf_value *value = conf_own(section, option->key);
        bool is_there = value != NULL && (value->is_set || option->fallback != NULL);
        if (!is_there || option->type == ROLLCALL_SECRET) {
            continue;
        }
        struct host_value *to = &values[count++];
        *to = (struct host_value){ .key = option->key, .type = option->type };
        reading.key = option->key;
        int error = read_value(&reading, value, to);
        if (error != ERROR_OK) {
            return error;
        }
    }
    *out_config = (struct host_config){ values, count };
    return ERROR_OK;
}

static bool
is_file(const struct host_value *value)
{
    return value->type == ROLLCALL_FILE || value->type == ROLLCALL_FILES;
}

int
options_without_files(const struct host_config *config, struct arena *arena,
                      struct host_config *out_config)
{
    struct host_value *values = arena_alloc(arena, (config->count + 1) * sizeof(*values));
    size_t count = 0;
    if (values == NULL) {
        return ERROR_NOMEM;
    }
    for (size_t i = 0; i < config->count; i++) {
        if (!is_file(&config->values[i])) {
            values[count++] = config->values[i];
        }
    }
    *out_config = (struct host_config){ values, count };
    return ERROR_OK;
}
