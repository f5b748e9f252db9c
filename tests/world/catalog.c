/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Opens the files, tells the formats apart, and settles who is played under an id. */
#include "tests/world/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "tests/world/catalog_int.h"
#include "tests/world/text.h"

#define SUFFIX ".json"

/* In the order of precedence. */
enum format { FORMAT_OWN, FORMAT_WMN, FORMAT_SHERLOCK, FORMAT_MAIGRET, FORMATS };

static const catalog_entry_fn readers[FORMATS] = {
    [FORMAT_OWN] = catalog_read_own,
    [FORMAT_WMN] = catalog_read_wmn,
    [FORMAT_SHERLOCK] = catalog_read_sherlock,
    [FORMAT_MAIGRET] = catalog_read_maigret,
};

/* An entry and where it came from: formats by precedence, files and entries in their order. */
struct found {
    struct site site;
    enum format format;
    size_t order;
};

struct gathering {
    struct found *found;
    size_t count;
    size_t capacity;
};

/* ---- Values */

const char *
catalog_keep(struct catalog_source *source, const char *text)
{
    const char *copy = arena_strdup(source->arena, text);
    source->is_short = source->is_short || copy == NULL;
    return copy;
}

const char *
catalog_text(struct catalog_source *source, const struct json *json)
{
    return json_type(json) == JSON_STRING ? catalog_keep(source, json_string(json, "")) : NULL;
}

struct site_texts
catalog_texts(struct catalog_source *source, const struct json *json)
{
    bool is_list = json_type(json) == JSON_ARRAY;
    size_t max = is_list ? json_count(json) : 1;
    const char **texts = arena_alloc(source->arena, (max + 1) * sizeof(*texts));
    struct site_texts read = { .texts = texts };
    if (texts == NULL) {
        source->is_short = true;
        return (struct site_texts){ 0 };
    }
    const struct json *element = is_list ? json_first(json) : json;
    for (; element != NULL && read.count < max; element = is_list ? json_next(element) : NULL) {
        const char *text = catalog_text(source, element);
        if (text != NULL && *text != '\0') {
            texts[read.count++] = text;
        }
    }
    return read;
}

void
catalog_codes(const struct json *json, struct site *site)
{
    bool is_list = json_type(json) == JSON_ARRAY;
    const struct json *element = is_list ? json_first(json) : json;
    for (; element != NULL && site->code_count < SITE_CODES_MAX;
         element = is_list ? json_next(element) : NULL) {
        if (json_type(element) == JSON_NUMBER) {
            site->codes[site->code_count++] = (int)json_number(element, 0);
        }
    }
}

void
catalog_name(struct catalog_source *source, const char *name, struct site *site)
{
    site->name = arena_strdup(source->arena, name);
    site->id = site_id(source->arena, name);
    site->catalog = source->name;
    source->is_short = source->is_short || site->name == NULL || site->id == NULL;
}

bool
catalog_has_text(const struct json *json, const char *text)
{
    if (json_type(json) == JSON_STRING) {
        return strstr(json_string(json, ""), text) != NULL;
    }
    bool is_container = json_type(json) == JSON_OBJECT || json_type(json) == JSON_ARRAY;
    const struct json *member = is_container ? json_first(json) : NULL;
    for (; member != NULL; member = json_next(member)) {
        if (catalog_has_text(member, text)) { /* json_parse() has bounded the depth */
            return true;
        }
    }
    return false;
}

bool
catalog_is_in_host(const struct json *url, const char *place)
{
    const char *text = json_string(url, "");
    const char *host = strstr(text, "://");
    const char *found = strstr(text, place);
    return host != NULL && found != NULL && found < host + 3 + strcspn(host + 3, "/?#");
}

/* ---- Files */

static const char *
stem_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t len = strlen(base);
    size_t suffix = strlen(SUFFIX);
    bool has_suffix = len > suffix && strcmp(base + len - suffix, SUFFIX) == 0;
    return arena_copy(arena, base, has_suffix ? len - suffix : len);
}

static bool
gather(struct gathering *gathering, const struct site *site, enum format format)
{
    if (gathering->count == gathering->capacity) {
        size_t capacity = gathering->capacity * 2 + 1024;
        struct found *grown = realloc(gathering->found, capacity * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        gathering->found = grown;
        gathering->capacity = capacity;
    }
    gathering->found[gathering->count] =
        (struct found){ .site = *site, .format = format, .order = gathering->count };
    gathering->count++;
    return true;
}

static int
read_entries(struct catalog_source *source, const struct json *entries, enum format format,
             struct gathering *gathering)
{
    const struct json *entry = json_first(entries);
    for (; entry != NULL; entry = json_next(entry)) {
        struct site site;
        if (json_type(entry) != JSON_OBJECT || !readers[format](source, entry, &site)) {
            continue;
        }
        if (source->is_short || !gather(gathering, &site, format)) {
            return ERROR_NOMEM;
        }
    }
    return 0;
}

static int
read_root(struct catalog_source *source, struct gathering *gathering)
{
    const struct json *sites = json_get(source->root, "sites");
    if (json_type(sites) == JSON_ARRAY) {
        bool is_own = json_get(source->root, "rollcall_catalog") != NULL;
        return read_entries(source, sites, is_own ? FORMAT_OWN : FORMAT_WMN, gathering);
    }
    if (json_type(sites) == JSON_OBJECT) {
        return read_entries(source, sites, FORMAT_MAIGRET, gathering);
    }
    if (json_type(source->root) == JSON_OBJECT && sites == NULL) {
        return read_entries(source, source->root, FORMAT_SHERLOCK, gathering);
    }
    return ERROR_INVALID;
}

static int
read_file(const char *path, struct arena *arena, struct gathering *gathering,
          struct error_text *why)
{
    const char *text = NULL;
    size_t len = 0;
    int error = text_read_file(arena, path, CATALOG_FILE_BYTES_MAX, &text, &len, why);
    if (error) {
        return error;
    }
    struct json *json = NULL;
    struct error_text where = { "" };
    error = json_parse(text, len, &json, &where);
    if (error) {
        return error_say(why, error, "%s: %s", path, where.text);
    }
    struct catalog_source source = { .arena = arena, .name = stem_of(arena, path), .root = json };
    error = source.name != NULL ? read_root(&source, gathering) : ERROR_NOMEM;
    json_free(&json);
    if (error == ERROR_INVALID) {
        return error_say(why, error, "%s: it is no catalogue of a format that is known", path);
    }
    return error ? error_say(why, error, "%s: %s", path, error_sentence(error)) : 0;
}

/* ---- Precedence */

static int
by_id_then_rank(const void *one, const void *other)
{
    const struct found *left = one;
    const struct found *right = other;
    int order = strcmp(left->site.id, right->site.id);
    if (order != 0) {
        return order;
    }
    if (left->format != right->format) {
        return left->format < right->format ? -1 : 1;
    }
    return left->order < right->order ? -1 : left->order > right->order;
}

static int
settle(struct gathering *gathering, struct arena *arena, struct catalog *out_catalog)
{
    struct site *sites = arena_alloc(arena, (gathering->count + 1) * sizeof(*sites));
    size_t count = 0;
    if (sites == NULL) {
        return ERROR_NOMEM;
    }
    if (gathering->count > 0) {
        qsort(gathering->found, gathering->count, sizeof(*gathering->found), by_id_then_rank);
    }
    for (size_t i = 0; i < gathering->count; i++) {
        const struct site *site = &gathering->found[i].site;
        if (count == 0 || strcmp(sites[count - 1].id, site->id) != 0) {
            sites[count++] = *site;
        }
    }
    *out_catalog = (struct catalog){ .sites = sites, .count = count };
    return 0;
}

int
catalog_read(const char *const *paths, size_t count, struct arena *arena,
             struct catalog *out_catalog, struct error_text *why)
{
    struct gathering gathering = { 0 };
    int error = 0;
    for (size_t i = 0; i < count && !error; i++) {
        error = read_file(paths[i], arena, &gathering, why);
    }
    if (!error && settle(&gathering, arena, out_catalog) != 0) {
        error = error_say(why, ERROR_NOMEM, "the catalogues: out of memory");
    }
    free(gathering.found);
    return error;
}

static int
compare_id(const char *id, size_t len, const char *other)
{
    int order = strncmp(id, other, len);
    return order != 0 ? order : other[len] == '\0' ? 0 : -1;
}

const struct site *
catalog_find(const struct catalog *catalog, const char *id, size_t len)
{
    size_t low = 0;
    size_t high = catalog->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_id(id, len, catalog->sites[middle].id);
        if (order == 0) {
            return &catalog->sites[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}
