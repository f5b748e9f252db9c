/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Rollcall's own format. Each side says what its reply is, down to values in the JSON, so the
 * smallest body that is all of that is written here, and is the mark that the reply is known by. */
#include <stdlib.h>
#include <string.h>

#include "tests/world/catalog_int.h"

#define PLACE "{subject"
#define PAGE_BYTES_MAX (64u * 1024)
#define ITEMS_MAX 64

/* ---- JSON with a value at a path */

/* What may stand there, by what the entry wants: {"count": 2}, {"there": true}, or itself. */
static struct json *
value_like(const struct json *wanted)
{
    int64_t count = 0;
    if (json_type(wanted) != JSON_OBJECT) {
        return json_copy(wanted);
    }
    if (!json_integer(json_get(wanted, "count"), &count)) {
        return json_new_string("there");
    }
    struct json *array = json_new_array();
    for (int64_t i = 0; i < count && i < ITEMS_MAX; i++) {
        (void)json_append(array, json_new_number((double)i));
    }
    return array;
}

static struct json *with_value(const struct json *old, const char *path, const struct json *wanted);

static struct json *
with_element(const struct json *old, size_t index, const char *rest, const struct json *wanted)
{
    struct json *array = json_new_array();
    size_t count = json_type(old) == JSON_ARRAY ? json_count(old) : 0;
    const struct json *element = count > 0 ? json_first(old) : NULL;
    for (size_t i = 0; i < count || i <= index; i++) {
        (void)json_append(array, i == index        ? with_value(element, rest, wanted)
                                 : element != NULL ? json_copy(element)
                                                   : json_new_null());
        element = element != NULL ? json_next(element) : NULL;
    }
    return array;
}

/* A copy of `old` with the value at "a.b.0" in it; the depth is that of the path. */
static struct json *
with_value(const struct json *old, const char *path, const struct json *wanted)
{
    char key[SITE_ID_BYTES_MAX];
    size_t len = strcspn(path, ".");
    const char *rest = path + len + (path[len] == '.');
    if (len == 0 || len >= sizeof(key)) {
        return value_like(wanted);
    }
    memcpy(key, path, len);
    key[len] = '\0';
    if (strspn(key, "0123456789") == len) {
        size_t index = (size_t)strtoul(key, NULL, 10);
        return with_element(old, index < ITEMS_MAX ? index : 0, rest, wanted);
    }
    struct json *object = json_type(old) == JSON_OBJECT ? json_copy(old) : json_new_object();
    (void)json_put(object, key, with_value(json_get(old, key), rest, wanted));
    return object;
}

/* All values that a side wants, as one document. NULL: out of memory. */
static const char *
write_json(struct catalog_source *source, const struct json *conditions)
{
    struct json *root = NULL;
    const struct json *condition = json_first(conditions);
    for (; condition != NULL; condition = json_next(condition)) {
        struct json *more = with_value(root, json_key(condition), condition);
        json_free(&root);
        root = more;
    }
    struct buf text;
    buf_init(&text, PAGE_BYTES_MAX);
    int error = json_print(root, &text);
    const char *copy = error == 0 ? arena_strdup(source->arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    json_free(&root);
    return copy;
}

/* ---- Sides */

/* The body that is all a side wants; "" when it wants none. */
static const char *
write_side(struct catalog_source *source, const struct json *side)
{
    struct buf text;
    const struct site_texts marks = catalog_texts(source, json_get(side, "body"));
    if (json_get(side, "whole") != NULL) {
        return catalog_text(source, json_get(side, "whole"));
    }
    if (json_count(json_get(side, "json")) > 0) {
        return write_json(source, json_get(side, "json"));
    }
    buf_init(&text, PAGE_BYTES_MAX);
    for (size_t i = 0; i < marks.count; i++) {
        buf_append_str(&text, i > 0 ? " " : "");
        buf_append_str(&text, marks.texts[i]);
    }
    const char *copy = text.error == 0 ? catalog_keep(source, buf_str(&text)) : NULL;
    buf_fini(&text);
    return copy;
}

/* A string into a document that has none of it: as the member that it is, or inside one. NULL: it
 * goes in neither way. */
static const char *
with_mark(struct catalog_source *source, const char *page, const char *mark)
{
    const char *found = NULL;
    for (size_t i = 0; i < 2 && *page == '{' && found == NULL; i++) {
        struct json *json = NULL;
        struct buf text;
        buf_init(&text, PAGE_BYTES_MAX);
        buf_append_str(&text, i == 0 ? "{" : "{\"says\":\"");
        buf_append_str(&text, mark);
        buf_append_str(&text, i == 0 ? "," : "\",");
        buf_append_str(&text, page + 1);
        if (text.error == 0 && json_parse(buf_str(&text), text.len, &json, NULL) == 0) {
            found = catalog_keep(source, buf_str(&text));
        }
        json_free(&json);
        buf_fini(&text);
    }
    return found;
}

/* False: nobody could write a reply that is all that the side wants. */
static bool
read_side(struct catalog_source *source, const struct json *side, int *out_code,
          struct site_texts *out_texts, bool *out_whole)
{
    const struct json *status = json_get(side, "status");
    const char **texts = arena_alloc(source->arena, 2 * sizeof(*texts));
    const char *page = write_side(source, side);
    if (texts == NULL || page == NULL) {
        source->is_short = true;
        return false;
    }
    *out_code = (int)json_number(json_type(status) == JSON_ARRAY ? json_first(status) : status, 0);
    *out_whole = json_get(side, "whole") != NULL || json_get(side, "json") != NULL;
    const struct site_texts marks = catalog_texts(source, json_get(side, "body"));
    for (size_t i = 0; i < marks.count && page != NULL; i++) {
        page =
            strstr(page, marks.texts[i]) != NULL ? page : with_mark(source, page, marks.texts[i]);
    }
    texts[0] = page;
    *out_texts = (struct site_texts){ .texts = texts, .count = page != NULL && *page != '\0' };
    return page != NULL && *out_code != 0;
}

static bool
has_tag(const struct json *tags, const char *tag)
{
    const struct json *element = json_type(tags) == JSON_ARRAY ? json_first(tags) : NULL;
    for (; element != NULL; element = json_next(element)) {
        if (strcmp(json_string(element, ""), tag) == 0) {
            return true;
        }
    }
    return false;
}

bool
catalog_read_own(struct catalog_source *source, const struct json *json, struct site *out_site)
{
    const struct json *request = json_get(json, "request");
    const struct json *url = json_get(request, "url");
    const char *evidence = json_string(json_get(json, "evidence"), "");
    const char *id = json_string(json_get(json, "id"), NULL);
    *out_site = (struct site){
        .rules = SITE_TWO_SIDED,
        .follows = json_number(json_get(request, "follow"), 0) > 0,
        .is_host = catalog_is_in_host(url, PLACE),
        .pattern = catalog_text(source, json_get(json, "names")),
        .is_adult = has_tag(json_get(json, "tags"), "adult"),
        .is_public = strcmp(evidence, "public") == 0,
        .is_similar = strcmp(evidence, "similar") == 0,
    };
    catalog_name(source, json_string(json_get(json, "name"), ""), out_site);
    if (id != NULL) {
        out_site->id = catalog_text(source, json_get(json, "id"));
    }
    bool has_place =
        catalog_has_text(url, PLACE) || catalog_has_text(json_get(request, "body"), PLACE);
    return read_side(source, json_get(json, "registered"), &out_site->present_code,
                     &out_site->present, &out_site->is_bare[1]) &&
           read_side(source, json_get(json, "unregistered"), &out_site->absent_code,
                     &out_site->absent, &out_site->is_bare[0]) &&
           has_place && *out_site->name != '\0' && json_get(json, "source") != NULL;
}
