/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Values that stand in no file: those of -o and the fallbacks of the tables. Each is read by
 * libconfig as if it stood behind a key; what reads as nothing is the text itself. So "-o
 * timeout=5s" needs no quotes. */
#include "daemon/conf/conf_override.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/conf/conf_int.h"
#include "daemon/conf/conf_scan.h"

/* The name under which a lone value is read. */
#define VALUE_NAME "value"

static bool
copy_scalar(config_setting_t *to, const config_setting_t *from)
{
    switch (config_setting_type(from)) {
    case CONFIG_TYPE_INT:
        return config_setting_set_int(to, config_setting_get_int(from));
    case CONFIG_TYPE_INT64:
        return config_setting_set_int64(to, config_setting_get_int64(from));
    case CONFIG_TYPE_FLOAT:
        return config_setting_set_float(to, config_setting_get_float(from));
    case CONFIG_TYPE_BOOL:
        return config_setting_set_bool(to, config_setting_get_bool(from));
    case CONFIG_TYPE_STRING:
        return config_setting_set_string(to, config_setting_get_string(from));
    default:
        return true; /* a group or list inside a list: no key wants one, so its type says enough */
    }
}

static int
copy_setting(config_setting_t *parent, const char *name, const config_setting_t *from,
             struct conf_origin *origin)
{
    config_setting_t *to = config_setting_add(parent, name, config_setting_type(from));
    if (to == NULL || !copy_scalar(to, from)) {
        return ERROR_NOMEM;
    }
    config_setting_set_hook(to, origin);
    int count = config_setting_is_aggregate(from) ? config_setting_length(from) : 0;
    for (int i = 0; i < count; i++) {
        const config_setting_t *element = config_setting_get_elem(from, (unsigned)i);
        config_setting_t *copy =
            config_setting_add(to, config_setting_name(element), config_setting_type(element));
        if (copy == NULL || !copy_scalar(copy, element)) {
            return ERROR_NOMEM;
        }
    }
    return ERROR_OK;
}

static int
copy_text(config_setting_t *parent, const char *name, const char *text, struct conf_origin *origin)
{
    config_setting_t *to = config_setting_add(parent, name, CONFIG_TYPE_STRING);
    if (to == NULL || !config_setting_set_string(to, text)) {
        return ERROR_NOMEM;
    }
    config_setting_set_hook(to, origin);
    return ERROR_OK;
}

/* Read `typed` as the file would. RANGE: a number that does not fit; PARSE: no value at all. */
static int
read_value(struct conf_doc *doc, const char *typed, struct error_text *why)
{
    struct buf text;
    buf_init(&text, CONF_DOC_BYTES_MAX);
    buf_printf(&text, VALUE_NAME " = %s\n;\n", typed);
    int error = text.error;
    bool is_one_line = strpbrk(typed, "\n\r\f") == NULL;
    if (!error) {
        error = is_one_line ? conf_scan("", ".", text.bytes, text.len, why) : ERROR_PARSE;
    }
    if (!error) {
        bool is_one = config_read_string(&doc->config, text.bytes) &&
                      config_setting_length(config_root_setting(&doc->config)) == 1;
        error = is_one ? ERROR_OK : ERROR_PARSE;
    }
    buf_fini(&text);
    return error;
}

/* Put the value that was typed into `parent` under `name`. */
static int
put_typed(config_setting_t *parent, const char *name, struct conf_origin *origin)
{
    struct conf_doc *value = NULL;
    int error = conf_doc_new(&value, NULL);
    if (error) {
        return error;
    }
    error = read_value(value, origin->typed, NULL);
    if (error == ERROR_OK) {
        error = copy_setting(
            parent, name, config_setting_get_elem(config_root_setting(&value->config), 0), origin);
    } else if (error != ERROR_RANGE && error != ERROR_NOMEM) {
        error = copy_text(parent, name, origin->typed, origin);
    }
    conf_doc_close(&value);
    return error;
}

/* The group of a name, made where there is none. NULL: something else has that name. */
static config_setting_t *
enter_group(config_setting_t *parent, const char *name, struct conf_origin *origin)
{
    config_setting_t *group = config_setting_get_member(parent, name);
    if (group == NULL) {
        group = config_setting_add(parent, name, CONFIG_TYPE_GROUP);
        if (group != NULL) {
            config_setting_set_hook(group, origin);
        }
    }
    return group != NULL && config_setting_is_group(group) ? group : NULL;
}

static bool
is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    return name[0] != '\0' && strchr(letters, name[0]) != NULL &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

/* Split "plugin.github.rate" in place; NULL unless it has one part or three. */
static char *
enter_path(config_setting_t **group, char *key, struct conf_origin *origin)
{
    if (strncmp(key, "plugin.", 7) != 0) {
        return is_name(key) ? key : NULL;
    }
    char *plugin = key + 7;
    char *dot = strchr(plugin, '.');
    if (dot == NULL) {
        return NULL;
    }
    *dot = '\0';
    if (!is_name(plugin) || !is_name(dot + 1)) {
        return NULL;
    }
    *group = enter_group(*group, "plugin", origin);
    *group = *group != NULL ? enter_group(*group, plugin, origin) : NULL;
    return *group != NULL ? dot + 1 : NULL;
}

int
conf_doc_override(struct conf_doc *doc, const char *override, struct error_text *why)
{
    const char *equals = strchr(override, '=');
    size_t len = equals != NULL ? (size_t)(equals - override) : 0;
    char *key = arena_copy(doc->arena, override, len);
    char *parts = arena_copy(doc->arena, override, len);
    struct conf_origin *origin = arena_alloc(doc->arena, sizeof *origin);
    if (key == NULL || parts == NULL || origin == NULL) {
        return conf_doc_say_nomem(why);
    }
    origin->override = key;
    config_setting_t *group = config_root_setting(&doc->config);
    char *name = enter_path(&group, parts, origin);
    if (name == NULL) {
        return error_say(why, ERROR_INVALID,
                         "-o %.60s: wants KEY=VALUE or plugin.NAME.KEY=VALUE, where the file has "
                         "nothing else of that name",
                         equals != NULL ? key : override);
    }
    origin->typed = arena_strdup(doc->arena, equals + 1);
    if (origin->typed == NULL) {
        return conf_doc_say_nomem(why);
    }
    (void)config_setting_remove(group, name);
    int error = put_typed(group, name, origin);
    if (error == ERROR_RANGE) {
        return error_say(why, ERROR_RANGE, "-o %.60s: the integer does not fit", key);
    }
    return error ? conf_doc_say_nomem(why) : ERROR_OK;
}

int
conf_doc_from_value(const char *value, struct conf_doc **out_doc, struct error_text *why)
{
    struct conf_doc *doc = NULL;
    int error = conf_doc_new(&doc, why);
    if (error) {
        return error;
    }
    struct conf_origin *origin = arena_alloc(doc->arena, sizeof *origin);
    if (origin == NULL || (origin->typed = arena_strdup(doc->arena, value)) == NULL) {
        error = conf_doc_say_nomem(why);
    } else {
        error = put_typed(config_root_setting(&doc->config), VALUE_NAME, origin);
    }
    if (error) {
        conf_doc_close(&doc);
        return error_say(why, error, "the fallback \"%.60s\": %s", value, error_sentence(error));
    }
    *out_doc = doc;
    return ERROR_OK;
}
