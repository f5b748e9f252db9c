/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Maigret's data.json: entries that fill up from an engine's template. A single value of the engine
 * takes the place of the entry's own, its lists come behind the entry's. What an entry needs beside
 * plain HTTP leaves it out. */
#include <string.h>

#include "tests/world/catalog_int.h"

#define PLACE "{username}"

/* An entry and the template of its engine, NULL without one. */
struct merged {
    const struct json *entry;
    const struct json *engine;
};

static struct merged
merge(const struct catalog_source *source, const struct json *entry)
{
    const char *engine = json_string(json_get(entry, "engine"), NULL);
    const struct json *engines = json_get(source->root, "engines");
    const struct json *found = engine != NULL ? json_get(engines, engine) : NULL;
    return (struct merged){ .entry = entry, .engine = json_get(found, "site") };
}

static const struct json *
single(const struct merged *merged, const char *key)
{
    const struct json *value = json_get(merged->engine, key);
    return value != NULL ? value : json_get(merged->entry, key);
}

static struct site_texts
both_lists(struct catalog_source *source, const struct merged *merged, const char *key)
{
    struct site_texts own = catalog_texts(source, json_get(merged->entry, key));
    struct site_texts more = catalog_texts(source, json_get(merged->engine, key));
    size_t count = own.count + more.count;
    const char **texts = arena_alloc(source->arena, (count + 1) * sizeof(*texts));
    if (texts == NULL) {
        source->is_short = true;
        return (struct site_texts){ 0 };
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = i < own.count ? own.texts[i] : more.texts[i - own.count];
    }
    return (struct site_texts){ .texts = texts, .count = count };
}

static bool
is_word(const struct json *json, const char *word)
{
    return strcmp(json_string(json, ""), word) == 0;
}

/* Not ours to check: put aside by its authors, about other things than names, or over a network
 * that is not the web. */
static bool
is_left_out(const struct merged *merged)
{
    const struct json *type = single(merged, "type");
    return json_bool(single(merged, "disabled"), false) ||
           *json_string(single(merged, "protocol"), "") != '\0' ||
           single(merged, "activation") != NULL || (type != NULL && !is_word(type, "username"));
}

static unsigned
read_rule(const struct json *type)
{
    return is_word(type, "message")        ? SITE_MESSAGE
           : is_word(type, "status_code")  ? SITE_STATUS
           : is_word(type, "response_url") ? SITE_REDIRECT
                                           : 0;
}

/* The status alone counts where it counts, and presence alone where redirects do. */
static void
read_marks(struct catalog_source *source, const struct merged *merged, struct site *site)
{
    if (site->rules != SITE_STATUS) {
        site->present = both_lists(source, merged, "presenseStrs");
    }
    if (site->rules == SITE_MESSAGE) {
        site->absent = both_lists(source, merged, "absenceStrs");
    }
}

bool
catalog_read_maigret(struct catalog_source *source, const struct json *json, struct site *out_site)
{
    struct merged merged = merge(source, json);
    const struct json *probe = single(&merged, "urlProbe");
    const struct json *url = probe != NULL ? probe : single(&merged, "url");
    *out_site = (struct site){
        .rules = read_rule(single(&merged, "checkType")),
        .follows = !is_word(single(&merged, "checkType"), "response_url"),
        .pattern = catalog_text(source, single(&merged, "regexCheck")),
        .is_host = catalog_is_in_host(url, PLACE),
        .is_similar = json_bool(single(&merged, "similarSearch"), false),
    };
    catalog_name(source, json_key(json), out_site);
    read_marks(source, &merged, out_site);
    bool has_place =
        catalog_has_text(url, PLACE) || catalog_has_text(single(&merged, "requestPayload"), PLACE);
    bool says_nothing = out_site->rules == SITE_MESSAGE && !site_reads_bodies(out_site);
    return out_site->rules != 0 && has_place && !says_nothing && !is_left_out(&merged);
}
