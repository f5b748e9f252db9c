/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* libconfig 1.5 behind eleven functions. It reads from memory, after conf_scan() has seen the text;
 * overrides become settings of the same tree, marked through libconfig's hook with where they come
 * from. */
#include "daemon/conf/conf_doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/conf/conf_int.h"
#include "daemon/conf/conf_file.h"
#include "daemon/conf/conf_override.h"
#include "daemon/conf/conf_scan.h"

/* What a message quotes of a line that libconfig could not read. */
#define QUOTE_BYTES 60

static const config_setting_t *
setting_of(const struct conf_node *node)
{
    return (const config_setting_t *)(const void *)node;
}

static const struct conf_node *
node_of(const config_setting_t *setting)
{
    return (const struct conf_node *)(const void *)setting;
}

int
conf_doc_say_nomem(struct error_text *why)
{
    return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
}

int
conf_doc_new(struct conf_doc **out_doc, struct error_text *why)
{
    struct conf_doc *doc = calloc(1, sizeof *doc);
    if (doc == NULL) {
        return conf_doc_say_nomem(why);
    }
    doc->arena = arena_new(CONF_DOC_BYTES_MAX);
    if (doc->arena == NULL) {
        free(doc);
        return conf_doc_say_nomem(why);
    }
    config_init(&doc->config);
    doc->folder = ".";
    *out_doc = doc;
    return ERROR_OK;
}

void
conf_doc_close(struct conf_doc **doc)
{
    if (*doc == NULL) {
        return;
    }
    config_destroy(&(*doc)->config);
    arena_free(&(*doc)->arena);
    free(*doc);
    *doc = NULL;
}

/* ---- The file ------------------------------------------------------------------------ */

/* The start of a line of the text, for a message. What may hold a password is not repeated. */
static void
quote_line(const char *text, int line, char out_quote[QUOTE_BYTES])
{
    for (int i = 1; i < line && text != NULL; i++) {
        text = strchr(text, '\n');
        text = text != NULL ? text + 1 : NULL;
    }
    const char *start = text != NULL ? text + strspn(text, " \t") : "";
    size_t len = strcspn(start, "\r\n");
    len = len < QUOTE_BYTES - 1 ? len : QUOTE_BYTES - 1;
    bool is_private = memchr(start, '@', len) != NULL;
    (void)snprintf(out_quote, QUOTE_BYTES, "%.*s", is_private ? 0 : (int)len, start);
}

/* libconfig's complaint in our form. It knows the line, we know the text. */
static int
refuse_syntax(const struct conf_doc *doc, const char *text, struct error_text *why)
{
    const char *included = config_error_file(&doc->config);
    int line = config_error_line(&doc->config);
    char quote[QUOTE_BYTES];
    quote_line(included == NULL ? text : NULL, line, quote);
    const char *what = config_error_text(&doc->config);
    what = what != NULL ? what : "not readable";
    what = strcmp(what, "duplicate setting name") == 0 ? "a key is given twice" : what;
    if (included != NULL) {
        return error_say(why, ERROR_PARSE, "%s/%s:%d: %s", doc->folder, included, line, what);
    }
    return error_say(why, ERROR_PARSE, "%s:%d: %s%s%s", doc->file, line, what,
                     quote[0] != '\0' ? ", at or before: " : "", quote);
}

/* A comment in the last line must end with a newline, or libconfig calls it a syntax error; hence
 * one more at the end. */
static int
read_text(struct conf_doc *doc, const char *bytes, size_t len, struct error_text *why)
{
    struct buf text;
    int error = conf_scan(doc->file, doc->folder, bytes, len, why);
    if (error) {
        return error;
    }
    buf_init(&text, CONF_FILE_BYTES_MAX + 1);
    buf_append(&text, bytes, len);
    buf_append_byte(&text, '\n');
    if (text.error) {
        error = conf_doc_say_nomem(why);
    } else {
        config_set_include_dir(&doc->config, doc->folder);
        error = config_read_string(&doc->config, buf_str(&text))
                    ? ERROR_OK
                    : refuse_syntax(doc, buf_str(&text), why);
    }
    buf_fini(&text);
    return error;
}

static int
read_file(struct conf_doc *doc, const char *path, struct error_text *why)
{
    doc->file = arena_strdup(doc->arena, path);
    doc->folder = conf_file_folder(doc->arena, path);
    if (doc->file == NULL || doc->folder == NULL) {
        return conf_doc_say_nomem(why);
    }
    char *bytes = NULL;
    size_t len = 0;
    struct error_text reason;
    int error = conf_file_read(path, CONF_FILE_BYTES_MAX, &bytes, &len, &reason);
    if (error) {
        return error_say(why, error, "%s: %s", path, reason.text);
    }
    error = read_text(doc, bytes, len, why);
    free(bytes);
    return error;
}

int
conf_doc_open(const char *path, const char *const *overrides, size_t count,
              struct conf_doc **out_doc, struct error_text *why)
{
    struct conf_doc *doc = NULL;
    int error = conf_doc_new(&doc, why);
    if (error) {
        return error;
    }
    if (path != NULL) {
        error = read_file(doc, path, why);
    }
    for (size_t i = 0; i < count && !error; i++) {
        error = conf_doc_override(doc, overrides[i], why);
    }
    if (error) {
        conf_doc_close(&doc);
        return error;
    }
    *out_doc = doc;
    return ERROR_OK;
}

/* ---- Reading the tree ---------------------------------------------------------------- */

const char *
conf_doc_file(const struct conf_doc *doc)
{
    return doc->file;
}

const char *
conf_doc_folder(const struct conf_doc *doc)
{
    return doc->folder;
}

const struct conf_node *
conf_doc_root(const struct conf_doc *doc)
{
    return node_of(config_root_setting(&doc->config));
}

const struct conf_node *
conf_doc_value(const struct conf_doc *doc)
{
    return conf_node_at(conf_doc_root(doc), 0);
}

enum conf_node_type
conf_node_type(const struct conf_node *node)
{
    switch (config_setting_type(setting_of(node))) {
    case CONFIG_TYPE_GROUP:
        return CONF_NODE_GROUP;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return CONF_NODE_INTEGER;
    case CONFIG_TYPE_FLOAT:
        return CONF_NODE_FRACTION;
    case CONFIG_TYPE_STRING:
        return CONF_NODE_TEXT;
    case CONFIG_TYPE_BOOL:
        return CONF_NODE_BOOL;
    default:
        return CONF_NODE_LIST;
    }
}

const char *
conf_node_name(const struct conf_node *node)
{
    return config_setting_name(setting_of(node));
}

size_t
conf_node_count(const struct conf_node *node)
{
    const config_setting_t *setting = setting_of(node);
    return config_setting_is_aggregate(setting) ? (size_t)config_setting_length(setting) : 0;
}

const struct conf_node *
conf_node_at(const struct conf_node *node, size_t index)
{
    return index < conf_node_count(node)
               ? node_of(config_setting_get_elem(setting_of(node), (unsigned)index))
               : NULL;
}

const struct conf_node *
conf_node_get(const struct conf_node *group, const char *name)
{
    return conf_node_type(group) == CONF_NODE_GROUP
               ? node_of(config_setting_get_member(setting_of(group), name))
               : NULL;
}

/* The hook of the setting or of the list that it is in; NULL: it stands in a file. */
static const struct conf_origin *
origin_of(const config_setting_t *setting)
{
    for (; setting != NULL; setting = config_setting_parent(setting)) {
        if (config_setting_get_hook(setting) != NULL) {
            return config_setting_get_hook(setting);
        }
    }
    return NULL;
}

const char *
conf_node_text(const struct conf_node *node)
{
    const config_setting_t *setting = setting_of(node);
    const struct conf_origin *origin = config_setting_get_hook(setting);
    if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
        const char *text = config_setting_get_string(setting);
        return text != NULL ? text : "";
    }
    return origin != NULL && config_setting_is_scalar(setting) ? origin->typed : NULL;
}

int64_t
conf_node_integer(const struct conf_node *node)
{
    const config_setting_t *setting = setting_of(node);
    return config_setting_type(setting) == CONFIG_TYPE_BOOL ? config_setting_get_bool(setting)
                                                            : config_setting_get_int64(setting);
}

double
conf_node_fraction(const struct conf_node *node)
{
    return config_setting_get_float(setting_of(node));
}

static void
write_place(const struct conf_node *node, const char *key, char *place, size_t size)
{
    const config_setting_t *setting = setting_of(node);
    const struct conf_origin *origin = origin_of(setting);
    const struct conf_doc *doc = CONTAINER_OF(setting->config, struct conf_doc, config);
    const char *included = config_setting_source_file(setting);
    if (origin != NULL) {
        (void)snprintf(place, size, "%s %s", origin->override != NULL ? "-o" : "the fallback of",
                       key);
    } else if (included != NULL) {
        (void)snprintf(place, size, "%s/%s:%u: %s", doc->folder, included,
                       config_setting_source_line(setting), key);
    } else {
        (void)snprintf(place, size, "%s:%u: %s", doc->file, config_setting_source_line(setting),
                       key);
    }
}

int
conf_node_refuse(const struct conf_node *node, const char *key, int error, struct error_text *why,
                 const char *format, ...)
{
    char place[ERROR_TEXT_BYTES / 2];
    char text[ERROR_TEXT_BYTES / 2];
    write_place(node, key, place, sizeof place);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_say(why, error, "%s: %s", place, text);
}
