/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads a script through one table of keys. What is not in it is refused: a misspelt fault would
 * make a test pass that tests nothing. */
#include "tests/world/script.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/world/script_int.h"
#include "tests/world/text.h"

#define LATENCY_MS_MAX (24 * 3600 * 1000)
#define BOT_WALL_STATUS 403

typedef int (*read_fn)(struct script_reader *reader, const struct json *json,
                       struct script_platform *platform);

int
script_refuse(struct script_reader *reader, const struct json *json, const char *wanted)
{
    const char *key = json_key(json);
    return error_say(reader->why, ERROR_INVALID,
                     "%s: platform \"%s\": \"%s\": wants %s, found %s%s%s", reader->path,
                     reader->platform, key != NULL ? key : "element", wanted,
                     json_type_name(json_type(json)), json_type(json) == JSON_STRING ? " " : "",
                     json_string(json, ""));
}

int
script_no_memory(struct script_reader *reader)
{
    return error_say(reader->why, ERROR_NOMEM, "%s: out of memory", reader->path);
}

/* ---- Values */

static int
read_texts(struct script_reader *reader, const struct json *json, const char ***out_texts,
           size_t *out_count)
{
    size_t count = json_count(json);
    const char **texts = arena_alloc(reader->arena, (count + 1) * sizeof(*texts));
    if (texts == NULL) {
        return script_no_memory(reader);
    }
    if (json_type(json) != JSON_ARRAY) {
        return script_refuse(reader, json, "an array of strings");
    }
    size_t i = 0;
    const struct json *element = json_first(json);
    for (; element != NULL; element = json_next(element), i++) {
        if (json_type(element) != JSON_STRING) {
            return script_refuse(reader, json, "an array of strings");
        }
        texts[i] = arena_strdup(reader->arena, json_string(element, ""));
        if (texts[i] == NULL) {
            return script_no_memory(reader);
        }
    }
    *out_texts = texts;
    *out_count = count;
    return 0;
}

static int
by_name(const void *one, const void *other)
{
    return strcasecmp(*(const char *const *)one, *(const char *const *)other);
}

int
script_read_names(struct script_reader *reader, const struct json *json,
                  struct script_names *out_names)
{
    const char **texts = NULL;
    size_t count = 0;
    int error = read_texts(reader, json, &texts, &count);
    if (error) {
        return error;
    }
    qsort(texts, count, sizeof(*texts), by_name);
    *out_names = (struct script_names){ .texts = texts, .count = count };
    return 0;
}

bool
script_has_name(const struct script_names *names, const char *name)
{
    return names->count > 0 &&
           bsearch(&name, names->texts, names->count, sizeof(*names->texts), by_name) != NULL;
}

static int
read_registered(struct script_reader *reader, const struct json *json,
                struct script_platform *platform)
{
    return script_read_names(reader, json, &platform->registered);
}

static int
read_fault_for(struct script_reader *reader, const struct json *json,
               struct script_platform *platform)
{
    return script_read_names(reader, json, &platform->fault_for);
}

bool
script_is_latency(const struct json *json)
{
    double ms = json_number(json, -1);
    return json_type(json) == JSON_NUMBER && ms >= 0 && ms <= LATENCY_MS_MAX;
}

static int
read_latency(struct script_reader *reader, const struct json *json,
             struct script_platform *platform)
{
    if (!script_is_latency(json)) {
        return script_refuse(reader, json, "milliseconds, 0 to a day");
    }
    platform->latency_us = (int64_t)(json_number(json, 0) * SCRIPT_US_PER_MS);
    return 0;
}

static int
read_latencies(struct script_reader *reader, const struct json *json,
               struct script_platform *platform)
{
    size_t count = json_count(json);
    int64_t *latencies_us = arena_alloc(reader->arena, (count + 1) * sizeof(*latencies_us));
    if (latencies_us == NULL) {
        return script_no_memory(reader);
    }
    if (json_type(json) != JSON_ARRAY || count == 0) {
        return script_refuse(reader, json, "an array of milliseconds, one for each exchange");
    }
    size_t i = 0;
    const struct json *element = json_first(json);
    for (; element != NULL; element = json_next(element), i++) {
        if (!script_is_latency(element)) {
            return script_refuse(reader, json, "an array of milliseconds, 0 to a day");
        }
        latencies_us[i] = (int64_t)(json_number(element, 0) * SCRIPT_US_PER_MS);
    }
    platform->latencies_us = latencies_us;
    platform->latency_count = count;
    return 0;
}

static int
read_case(struct script_reader *reader, const struct json *json, struct script_platform *platform)
{
    if (json_type(json) != JSON_STRING) {
        return script_refuse(reader, json, "the name of a case's file without .json");
    }
    platform->case_stem = arena_strdup(reader->arena, json_string(json, ""));
    return platform->case_stem != NULL ? 0 : script_no_memory(reader);
}

/* ---- Faults */

static const struct fault_word {
    const char *word;
    enum fault fault;
    bool wants_status;
    bool may_have_status;
} fault_words[] = {
    { "none", FAULT_NONE, false, false },
    { "reset", FAULT_RESET, false, false },
    { "hang", FAULT_HANG, false, false },
    { "close", FAULT_CLOSE, false, false },
    { "truncate", FAULT_TRUNCATE, false, false },
    { "endless", FAULT_ENDLESS, false, false },
    { "drip", FAULT_DRIP, false, false },
    { "gzip_bomb", FAULT_GZIP_BOMB, false, false },
    { "redirect_loop", FAULT_REDIRECT_LOOP, false, false },
    { "garbage", FAULT_GARBAGE, false, false },
    { "status", FAULT_STATUS, true, true },
    { "bot_wall", FAULT_BOT_WALL, false, true },
};

#define FAULTS_ALLOWED                                                                             \
    "none, reset, hang, close, truncate, endless, drip, gzip_bomb, redirect_loop, garbage, "       \
    "status:<200 to 599> or bot_wall[:<status>]"

/* The number behind the colon: 0 without one, -1 when it is no status of a final reply. */
static int
status_behind(const char *colon)
{
    if (*colon == '\0') {
        return 0;
    }
    char *end = NULL;
    long status = strtol(colon + 1, &end, 10);
    return *end != '\0' || end == colon + 1 || status < 200 || status > 599 ? -1 : (int)status;
}

static bool
is_this_fault(const struct fault_word *word, const char *text, size_t len, int status)
{
    return strlen(word->word) == len && strncmp(word->word, text, len) == 0 && status >= 0 &&
           (status == 0 ? !word->wants_status : word->may_have_status);
}

int
script_read_fault(struct script_reader *reader, const struct json *json,
                  struct script_fault *out_fault)
{
    const char *text = json_string(json, "");
    size_t len = strcspn(text, ":");
    int status = status_behind(text + len);
    for (size_t i = 0; i < ARRAY_LEN(fault_words); i++) {
        if (is_this_fault(&fault_words[i], text, len, status)) {
            out_fault->fault = fault_words[i].fault;
            out_fault->status = status != 0 ? status : BOT_WALL_STATUS;
            return 0;
        }
    }
    return script_refuse(reader, json, FAULTS_ALLOWED);
}

const char *
script_fault_word(enum fault fault)
{
    for (size_t i = 0; i < ARRAY_LEN(fault_words); i++) {
        if (fault_words[i].fault == fault) {
            return fault_words[i].word;
        }
    }
    return "none";
}

static int
read_fault(struct script_reader *reader, const struct json *json, struct script_platform *platform)
{
    struct script_fault fault = { 0 };
    int error = script_read_fault(reader, json, &fault);
    platform->fault = fault.fault;
    platform->fault_status = fault.status;
    return error;
}

static int
read_fault_headers(struct script_reader *reader, const struct json *json,
                   struct script_platform *platform)
{
    size_t count = json_count(json);
    struct case_header *headers = arena_alloc(reader->arena, (count + 1) * sizeof(*headers));
    if (headers == NULL) {
        return script_no_memory(reader);
    }
    if (json_type(json) != JSON_OBJECT) {
        return script_refuse(reader, json, "an object of strings");
    }
    size_t i = 0;
    const struct json *member = json_first(json);
    for (; member != NULL; member = json_next(member), i++) {
        if (json_type(member) != JSON_STRING) {
            return script_refuse(reader, member, "a header's value, a string");
        }
        headers[i].name = arena_strdup(reader->arena, json_key(member));
        headers[i].value = arena_strdup(reader->arena, json_string(member, ""));
        if (headers[i].name == NULL || headers[i].value == NULL) {
            return script_no_memory(reader);
        }
    }
    platform->fault_headers = headers;
    platform->fault_header_count = count;
    return 0;
}

/* ---- The whole */

static const struct script_key {
    const char *key;
    read_fn read;
} keys[] = {
    { "registered", read_registered },
    { "latency_ms", read_latency },
    { "latencies_ms", read_latencies },
    { "fault", read_fault },
    { "fault_for", read_fault_for },
    { "headers", read_fault_headers },
    { "case", read_case },
};

#define KEYS_ALLOWED "registered, latency_ms, latencies_ms, fault, fault_for, headers or case"

static int
read_member(struct script_reader *reader, const struct json *member,
            struct script_platform *platform)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strcmp(json_key(member), keys[i].key) == 0) {
            return keys[i].read(reader, member, platform);
        }
    }
    return error_say(reader->why, ERROR_INVALID,
                     "%s: platform \"%s\": unknown key \"%s\"; wants " KEYS_ALLOWED, reader->path,
                     reader->platform, json_key(member));
}

static int
read_platform(struct script_reader *reader, const struct json *json,
              struct script_platform *out_platform)
{
    reader->platform = json_key(json);
    if (json_type(json) != JSON_OBJECT) {
        return error_say(reader->why, ERROR_INVALID,
                         "%s: platform \"%s\": wants an object, found %s", reader->path,
                         reader->platform, json_type_name(json_type(json)));
    }
    size_t len = strlen(reader->platform);
    if (len == 0 || len > SCRIPT_NAME_BYTES_MAX || strpbrk(reader->platform, "/?# %") != NULL) {
        return error_say(reader->why, ERROR_INVALID,
                         "%s: platform \"%s\": its name is one segment of a path, 1 to %d bytes",
                         reader->path, reader->platform, SCRIPT_NAME_BYTES_MAX);
    }
    struct script_platform platform = { .name = arena_strdup(reader->arena, reader->platform) };
    if (platform.name == NULL) {
        return script_no_memory(reader);
    }
    int error = 0;
    const struct json *member = json_first(json);
    for (; member != NULL && !error; member = json_next(member)) {
        error = read_member(reader, member, &platform);
    }
    if (!error) {
        *out_platform = platform;
    }
    return error;
}

static int
read_platforms(struct script_reader *reader, const struct json *json, struct script *out_script)
{
    size_t count = json_count(json);
    struct script_platform *platforms =
        arena_alloc(reader->arena, (count + 1) * sizeof(*platforms));
    if (platforms == NULL) {
        return script_no_memory(reader);
    }
    size_t i = 0;
    const struct json *member = json_first(json);
    for (; member != NULL; member = json_next(member), i++) {
        int error = read_platform(reader, member, &platforms[i]);
        if (error) {
            return error;
        }
    }
    out_script->platforms = platforms;
    out_script->count = count;
    return 0;
}

/* {"platforms": {…}, "catalog": {…}, "dns": {…}} and nothing else; the first may be missing beside
 * the second. */
static int
read_root(struct script_reader *reader, const struct json *json, struct script *out_script)
{
    const struct json *member = json_first(json);
    for (; json_type(json) == JSON_OBJECT && member != NULL; member = json_next(member)) {
        if (strcmp(json_key(member), "platforms") != 0 &&
            strcmp(json_key(member), "catalog") != 0 && strcmp(json_key(member), "dns") != 0) {
            return error_say(reader->why, ERROR_INVALID,
                             "%s: unknown key \"%s\"; wants platforms, catalog or dns",
                             reader->path, json_key(member));
        }
    }
    const struct json *platforms = json_get(json, "platforms");
    const struct json *catalog = json_get(json, "catalog");
    const struct json *dns = json_get(json, "dns");
    int dns_error = dns != NULL ? script_read_dns(reader, dns, &out_script->dns) : 0;
    if (dns_error) {
        return dns_error;
    }
    if (catalog != NULL) {
        int error = script_read_catalog(reader, catalog, &out_script->catalog);
        if (error || platforms == NULL) {
            return error;
        }
    }
    if (json_type(platforms) != JSON_OBJECT) {
        return error_say(reader->why, ERROR_INVALID, "%s: \"platforms\": wants an object, found %s",
                         reader->path, json_type_name(json_type(platforms)));
    }
    return read_platforms(reader, platforms, out_script);
}

int
script_read(const char *path, struct arena *arena, struct script *out_script,
            struct error_text *why)
{
    const char *text = NULL;
    size_t len = 0;
    int error = text_read_file(arena, path, SCRIPT_FILE_BYTES_MAX, &text, &len, why);
    if (error) {
        return error;
    }
    struct json *json = NULL;
    struct error_text where = { "" };
    error = json_parse(text, len, &json, &where);
    if (error) {
        return error_say(why, error, "%s: %s", path, where.text);
    }
    struct script_reader reader = { .arena = arena, .path = path, .why = why };
    *out_script = (struct script){ .catalog = { .positive = 1 } };
    error = read_root(&reader, json, out_script);
    json_free(&json);
    return error;
}

bool
script_is_always_faulty(const struct script_platform *platform)
{
    bool uses_a_reply = platform->fault == FAULT_NONE || platform->fault == FAULT_TRUNCATE ||
                        platform->fault == FAULT_DRIP;
    return !uses_a_reply && platform->fault_for.count == 0;
}
