/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A plugin is known by now, so a key that neither it nor every section has is an error here. */
#include "daemon/conf/conf_section.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/attr.h"
#include "daemon/conf/conf_keys.h"

/* What a message lists of names. */
#define NAMES_BYTES 160

enum {
#define X(key, type, fallback, min, max, form, sentence) KEY_##key,
    CONF_PLUGIN_KEYS(X)
#undef X
        KEY_COUNT
};

static const struct conf_spec common[] = {
#define X(name, kind, written, least, most, shape, says)                                           \
    { .section = "NAME",                                                                           \
      .key = #name,                                                                                \
      .type = CONF_##kind,                                                                         \
      .fallback = (written),                                                                       \
      .min = (least),                                                                              \
      .max = (most),                                                                               \
      .form = &conf_form_##shape,                                                                  \
      .sentence = (says) },
    CONF_PLUGIN_KEYS(X)
#undef X
};

static struct conf_spec
spec_of_option(const struct conf_schema *schema, const struct conf_option *option)
{
    return (struct conf_spec){ .section = schema->plugin,
                               .key = option->key,
                               .type = option->type,
                               .fallback = option->fallback,
                               .min = option->min,
                               .max = option->max,
                               .form = &conf_form_text,
                               .sentence = option->sentence };
}

static bool
has_key(const struct conf_schema *schema, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        if (strcmp(common[i].key, key) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < schema->count; i++) {
        if (strcmp(schema->options[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Refusals ------------------------------------------------------------------------ */

static int
refuse_key(const struct conf_schema *schema, const struct conf_node *node, struct error_text *why)
{
    char key[CONF_KEY_BYTES];
    struct buf names;
    conf_write_key(schema->plugin, conf_node_name(node), key);
    buf_init(&names, NAMES_BYTES);
    for (size_t i = 0; i < schema->count; i++) {
        buf_printf(&names, "%s, ", schema->options[i].key);
    }
    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", common[i].key);
    }
    int error = conf_node_refuse(node, key, ERROR_INVALID, why, "unknown key, wants one of %s%s",
                                 buf_str(&names), names.error ? "…" : "");
    buf_fini(&names);
    return error;
}

static int
refuse_section(const struct conf_node *node, const struct conf_schema *schemas, size_t count,
               struct error_text *why)
{
    char key[CONF_KEY_BYTES];
    struct buf names;
    (void)snprintf(key, sizeof key, "plugin.%.60s", conf_node_name(node));
    buf_init(&names, NAMES_BYTES);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", schemas[i].plugin);
    }
    int error = conf_node_refuse(node, key, ERROR_INVALID, why,
                                 "no such plugin in plugin_dirs; there are %s%s",
                                 count > 0 ? buf_str(&names) : "none", names.error ? "…" : "");
    buf_fini(&names);
    return error;
}

static int
refuse_type(const struct conf_node *node, const char *key, struct error_text *why)
{
    return conf_node_refuse(node, key, ERROR_INVALID, why,
                            "not a group, wants { … } with keys in it");
}

/* ---- Reading ------------------------------------------------------------------------- */

static const struct conf_schema *
find_schema(const struct conf_schema *schemas, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(schemas[i].plugin, name) == 0) {
            return &schemas[i];
        }
    }
    return NULL;
}

/* Every section is a group of a plugin that is there, and every key in it is known. */
static int
check_names(const struct conf_node *group, const struct conf_schema *schemas, size_t count,
            struct error_text *why)
{
    if (conf_node_type(group) != CONF_NODE_GROUP) {
        return refuse_type(group, "plugin", why);
    }
    for (size_t i = 0; i < conf_node_count(group); i++) {
        const struct conf_node *section = conf_node_at(group, i);
        const struct conf_schema *schema = find_schema(schemas, count, conf_node_name(section));
        if (schema == NULL) {
            return refuse_section(section, schemas, count, why);
        }
        if (conf_node_type(section) != CONF_NODE_GROUP) {
            char key[CONF_KEY_BYTES];
            (void)snprintf(key, sizeof key, "plugin.%.60s", schema->plugin);
            return refuse_type(section, key, why);
        }
        for (size_t k = 0; k < conf_node_count(section); k++) {
            const struct conf_node *node = conf_node_at(section, k);
            if (!has_key(schema, conf_node_name(node))) {
                return refuse_key(schema, node, why);
            }
        }
    }
    return ERROR_OK;
}

static const struct conf_node *
node_in(const struct conf_node *section, const char *key)
{
    return section != NULL ? conf_node_get(section, key) : NULL;
}

static int
read_common(const struct conf_context *context, const char *name, const struct conf_node *section,
            struct conf_plugin *plugin, struct error_text *why)
{
    struct conf_value values[KEY_COUNT];
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct conf_spec spec = common[i];
        spec.section = name;
        int error = conf_judge(context, &spec, node_in(section, spec.key), &values[i], why);
        if (error) {
            return error;
        }
    }
    const struct conf_value *isolation = &values[KEY_isolation];
    const struct conf_value *base_url = &values[KEY_base_url];
    plugin->enabled = values[KEY_enabled].number != 0;
    plugin->isolation = isolation->count > 0 ? isolation->texts[0] : NULL;
    plugin->rate_is_set = values[KEY_rate].is_set;
    plugin->rate = values[KEY_rate].rate;
    plugin->concurrency = (uint32_t)values[KEY_concurrency].number;
    plugin->timeout_us = values[KEY_timeout].number;
    plugin->base_url = base_url->count > 0 ? base_url->texts[0] : NULL;
    return ERROR_OK;
}

static int
read_own(const struct conf_context *context, const struct conf_schema *schema,
         const struct conf_node *section, struct conf_plugin *plugin, struct error_text *why)
{
    struct conf_value *own = arena_alloc(context->arena, schema->count * sizeof *own);
    if (own == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    for (size_t i = 0; i < schema->count; i++) {
        struct conf_spec spec = spec_of_option(schema, &schema->options[i]);
        /* A plugin that is switched off needs none of its files. */
        const struct conf_node *node = plugin->enabled ? node_in(section, spec.key) : NULL;
        spec.fallback = plugin->enabled ? spec.fallback : NULL;
        int error = conf_judge(context, &spec, node, &own[i], why);
        own[i].key = error ? NULL : arena_strdup(context->arena, spec.key);
        if (!error && own[i].key == NULL) {
            error = error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
        }
        if (error) {
            return error;
        }
    }
    plugin->own = own;
    plugin->own_count = schema->count;
    return ERROR_OK;
}

int
conf_sections_read(const struct conf_context *context, const struct conf_node *group,
                   const struct conf_schema *schemas, size_t count,
                   const struct conf_plugin **out_plugins, struct error_text *why)
{
    int error = group != NULL ? check_names(group, schemas, count, why) : ERROR_OK;
    struct conf_plugin *plugins = arena_alloc(context->arena, count * sizeof *plugins);
    if (!error && plugins == NULL) {
        error = error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    for (size_t i = 0; i < count && !error; i++) {
        const struct conf_node *section = node_in(group, schemas[i].plugin);
        plugins[i].name = arena_strdup(context->arena, schemas[i].plugin);
        error = plugins[i].name == NULL
                    ? error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM))
                    : read_common(context, plugins[i].name, section, &plugins[i], why);
        error = error ? error : read_own(context, &schemas[i], section, &plugins[i], why);
    }
    if (!error) {
        *out_plugins = plugins;
    }
    return error;
}

void
conf_sections_print(void (*line)(void *context, const char *key, const char *type,
                                 const char *fallback, const char *sentence),
                    void *context)
{
    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        char key[CONF_KEY_BYTES];
        struct buf wants;
        conf_write_key(common[i].section, common[i].key, key);
        buf_init(&wants, ERROR_TEXT_BYTES);
        conf_describe(&common[i], &wants);
        line(context, key, buf_str(&wants), common[i].fallback, common[i].sentence);
        buf_fini(&wants);
    }
}
