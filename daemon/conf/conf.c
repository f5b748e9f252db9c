/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* From a document to a snapshot: unknown keys first, then each key of the table, the plugins'
 * sections, and what two keys say about each other. A snapshot is one arena. */
#include "daemon/conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/arena.h"
#include "daemon/base/buf.h"
#include "daemon/conf/conf_doc.h"
#include "daemon/conf/conf_judge.h"
#include "daemon/conf/conf_keys.h"
#include "daemon/conf/conf_section.h"
#include "daemon/conf/conf_unit.h"

/* All texts of one snapshot; a file has 1 MiB, and a text stands here at most twice. */
#define SNAPSHOT_BYTES_MAX (16 * 1024 * 1024)

/* The group that holds the plugins' sections. */
#define PLUGIN_GROUP "plugin"

struct conf_tree {
    struct conf_doc *doc;
    struct arena *arena;
    struct conf_value plugin_dirs;
};

struct snapshot {
    struct conf conf;
    struct arena *arena;
};

/* A key and the fields of struct conf that it fills. */
struct row {
    struct conf_spec spec;
    size_t offset;
    size_t count_offset; /* of lists */
    bool is_fixed;       /* read at the start only */
};

#define AT(field) .offset = offsetof(struct conf, field)
#define LIST_AT(field, count)                                                                      \
    .offset = offsetof(struct conf, field), .count_offset = offsetof(struct conf, count)

#define IS_FIXED_START true
#define IS_FIXED_RELOAD false

static const struct row rows[] = {
#define X(name, kind, place, written, least, most, shape, when, says)                              \
    { .spec = { .key = #name,                                                                      \
                .type = CONF_##kind,                                                               \
                .fallback = (written),                                                             \
                .min = (least),                                                                    \
                .max = (most),                                                                     \
                .form = &conf_form_##shape,                                                        \
                .sentence = (says) },                                                              \
      place,                                                                                       \
      .is_fixed = IS_FIXED_##when },
    CONF_KEYS(X)
#undef X
};

static const struct row *
find_row(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].spec.key, key) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static int
say_nomem(struct error_text *why)
{
    return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
}

/* ---- The first step: the tree -----------------------------------------------------------------
 */

static int
read_plugin_dirs(struct conf_tree *tree, struct error_text *why)
{
    tree->arena = arena_new(SNAPSHOT_BYTES_MAX);
    if (tree->arena == NULL) {
        return say_nomem(why);
    }
    const struct conf_spec *spec = &find_row("plugin_dirs")->spec;
    struct conf_context context = { .arena = tree->arena, .folder = conf_doc_folder(tree->doc) };
    const struct conf_node *node = conf_node_get(conf_doc_root(tree->doc), spec->key);
    return conf_judge(&context, spec, node, &tree->plugin_dirs, why);
}

int
conf_open(const char *path, const char *const *overrides, size_t override_count,
          struct conf_tree **out_tree, struct error_text *why)
{
    struct conf_tree *tree = calloc(1, sizeof *tree);
    if (tree == NULL) {
        return say_nomem(why);
    }
    int error = conf_doc_open(path, overrides, override_count, &tree->doc, why);
    error = error ? error : read_plugin_dirs(tree, why);
    if (error) {
        conf_close(&tree);
        return error;
    }
    *out_tree = tree;
    return ERROR_OK;
}

void
conf_close(struct conf_tree **tree)
{
    if (*tree == NULL) {
        return;
    }
    conf_doc_close(&(*tree)->doc);
    arena_free(&(*tree)->arena);
    free(*tree);
    *tree = NULL;
}

const char *const *
conf_plugin_dirs(const struct conf_tree *tree, size_t *out_count)
{
    *out_count = tree->plugin_dirs.count;
    return tree->plugin_dirs.texts;
}

static bool
is_process(const struct conf_node *group)
{
    const struct conf_node *node = conf_node_get(group, "isolation");
    const char *text = node != NULL ? conf_node_text(node) : NULL;
    return text != NULL && strcmp(text, "process") == 0;
}

bool
conf_wants_processes(const struct conf_tree *tree)
{
    const struct conf_node *root = conf_doc_root(tree->doc);
    const struct conf_node *plugins = conf_node_get(root, PLUGIN_GROUP);
    if (conf_node_get(root, "isolation") == NULL) {
        if (strcmp(find_row("isolation")->spec.fallback, "process") == 0) {
            return true;
        }
    } else if (is_process(root)) {
        return true;
    }
    bool is_group = plugins != NULL && conf_node_type(plugins) == CONF_NODE_GROUP;
    for (size_t i = 0; is_group && i < conf_node_count(plugins); i++) {
        const struct conf_node *section = conf_node_at(plugins, i);
        if (conf_node_type(section) == CONF_NODE_GROUP && is_process(section)) {
            return true;
        }
    }
    return false;
}

/* ---- The second step: the snapshot ------------------------------------------------------------
 */

/* How many letters two words differ in, where they have the same length or one letter more. */
static size_t
distance(const char *left, const char *right)
{
    size_t same = 0;
    while (left[same] != '\0' && left[same] == right[same]) {
        same++;
    }
    size_t left_len = strlen(left);
    size_t right_len = strlen(right);
    size_t tail = 0;
    size_t room = (left_len < right_len ? left_len : right_len) - same;
    while (tail < room && left[left_len - 1 - tail] == right[right_len - 1 - tail]) {
        tail++;
    }
    size_t longer = left_len > right_len ? left_len : right_len;
    return longer - same - tail;
}

static int
refuse_unknown(const struct conf_node *node, struct error_text *why)
{
    const char *name = conf_node_name(node);
    const char *nearest = NULL;
    size_t best = 3; /* a slip of the finger: two letters */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t apart = distance(name, rows[i].spec.key);
        nearest = apart < best ? rows[i].spec.key : nearest;
        best = apart < best ? apart : best;
    }
    if (nearest != NULL) {
        return conf_node_refuse(node, name, ERROR_INVALID, why, "unknown key; did you mean \"%s\"?",
                                nearest);
    }
    return conf_node_refuse(node, name, ERROR_INVALID, why,
                            "unknown key; rollcalld --help lists them all");
}

static int
check_names(const struct conf_node *root, struct error_text *why)
{
    for (size_t i = 0; i < conf_node_count(root); i++) {
        const struct conf_node *node = conf_node_at(root, i);
        const char *name = conf_node_name(node);
        if (strcmp(name, PLUGIN_GROUP) != 0 && find_row(name) == NULL) {
            return refuse_unknown(node, why);
        }
    }
    return ERROR_OK;
}

static uint32_t
mask_of_words(const struct conf_value *value, const char *const *words)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < value->count; i++) {
        for (uint32_t word = 0; words[word] != NULL; word++) {
            mask |= strcmp(value->texts[i], words[word]) == 0 ? UINT32_C(1) << (word + 1) : 0;
        }
    }
    return mask;
}

/* Write a value into its field. What has no field type of its own yet has no key either. */
static void
store(const struct row *row, const struct conf_value *value, struct conf *conf)
{
    char *field = (char *)conf + row->offset;
    switch (value->type) {
    case CONF_INT:
    case CONF_DURATION:
    case CONF_SIZE:
        memcpy(field, &value->number, sizeof value->number);
        return;
    case CONF_STRING:
    case CONF_CHOICE:
    case CONF_FILE: {
        const char *text = value->count > 0 ? value->texts[0] : NULL;
        memcpy(field, &text, sizeof text);
        return;
    }
    case CONF_LIST:
    case CONF_FILES:
        memcpy(field, &value->texts, sizeof value->texts);
        memcpy((char *)conf + row->count_offset, &value->count, sizeof value->count);
        return;
    case CONF_CHOICES: {
        uint32_t mask = mask_of_words(value, row->spec.form->words);
        memcpy(field, &mask, sizeof mask);
        return;
    }
    case CONF_BOOL:
    case CONF_RATE:
    case CONF_SECRET:
        return;
    }
}

static int
read_rows(const struct conf_context *context, const struct conf_node *root, struct conf *conf,
          struct error_text *why)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf_value value;
        const struct conf_node *node = conf_node_get(root, rows[i].spec.key);
        int error = conf_judge(context, &rows[i].spec, node, &value, why);
        if (error) {
            return error;
        }
        store(&rows[i], &value, conf);
    }
    return ERROR_OK;
}

/* deadline_max binds the default too; only two that were both written can contradict. */
static int
check_deadlines(const struct conf_node *root, struct conf *conf, struct error_text *why)
{
    const struct conf_node *deadline = conf_node_get(root, "deadline");
    if (conf->deadline_us <= conf->deadline_max_us) {
        return ERROR_OK;
    }
    if (deadline == NULL) {
        conf->deadline_us = conf->deadline_max_us;
        return ERROR_OK;
    }
    char found[CONF_UNIT_BYTES];
    char most[CONF_UNIT_BYTES];
    conf_write_duration(conf->deadline_us, found);
    conf_write_duration(conf->deadline_max_us, most);
    return conf_node_refuse(deadline, "deadline", ERROR_RANGE, why,
                            "found %s, wants at most deadline_max, which is %s", found, most);
}

static int
keep_place(const struct conf_tree *tree, struct arena *arena, struct conf *conf,
           struct error_text *why)
{
    const char *file = conf_doc_file(tree->doc);
    conf->folder = arena_strdup(arena, conf_doc_folder(tree->doc));
    conf->file = file != NULL ? arena_strdup(arena, file) : NULL;
    bool is_whole = conf->folder != NULL && (file == NULL || conf->file != NULL);
    return is_whole ? ERROR_OK : say_nomem(why);
}

static int
fill(const struct conf_tree *tree, const struct conf_schema *schemas, size_t schema_count,
     struct snapshot *snapshot, struct error_text *why)
{
    struct conf *conf = &snapshot->conf;
    struct conf_context context = { .arena = snapshot->arena };
    const struct conf_node *root = conf_doc_root(tree->doc);
    int error = keep_place(tree, snapshot->arena, conf, why);
    context.folder = conf->folder;
    error = error ? error : check_names(root, why);
    error = error ? error : read_rows(&context, root, conf, why);
    error = error ? error : check_deadlines(root, conf, why);
    if (error) {
        return error;
    }
    conf->plugin_count = schema_count;
    return conf_sections_read(&context, conf_node_get(root, PLUGIN_GROUP), schemas, schema_count,
                              &conf->plugins, why);
}

int
conf_read(const struct conf_tree *tree, const struct conf_schema *schemas, size_t schema_count,
          struct conf **out_conf, struct error_text *why)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL) {
        return say_nomem(why);
    }
    struct conf *conf = &snapshot->conf;
    snapshot->arena = arena_new(SNAPSHOT_BYTES_MAX);
    int error =
        snapshot->arena == NULL ? say_nomem(why) : fill(tree, schemas, schema_count, snapshot, why);
    if (error) {
        conf_free(&conf);
        return error;
    }
    *out_conf = conf;
    return ERROR_OK;
}

void
conf_free(struct conf **conf)
{
    if (*conf == NULL) {
        return;
    }
    struct snapshot *snapshot = CONTAINER_OF(*conf, struct snapshot, conf);
    arena_free(&snapshot->arena);
    free(snapshot);
    *conf = NULL;
}

/* ---- Looking things up ------------------------------------------------------------------------
 */

const struct conf_plugin *
conf_plugin(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->plugin_count; i++) {
        if (strcmp(conf->plugins[i].name, name) == 0) {
            return &conf->plugins[i];
        }
    }
    return NULL;
}

const struct conf_value *
conf_own(const struct conf_plugin *plugin, const char *key)
{
    for (size_t i = 0; i < plugin->own_count; i++) {
        if (strcmp(plugin->own[i].key, key) == 0) {
            return &plugin->own[i];
        }
    }
    return NULL;
}

static bool
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_list(const struct row *row, const char *a, const char *b)
{
    size_t count = *(const size_t *)(const void *)(a + row->count_offset);
    const char *const *left = *(const char *const *const *)(const void *)(a + row->offset);
    const char *const *right = *(const char *const *const *)(const void *)(b + row->offset);
    bool is_same = count == *(const size_t *)(const void *)(b + row->count_offset);
    for (size_t i = 0; is_same && i < count; i++) {
        is_same = strcmp(left[i], right[i]) == 0;
    }
    return is_same;
}

static bool
same_value(const struct row *row, const struct conf *before, const struct conf *after)
{
    const char *a = (const char *)before;
    const char *b = (const char *)after;
    switch (row->spec.type) {
    case CONF_LIST:
        return same_list(row, a, b);
    case CONF_INT:
    case CONF_DURATION:
    case CONF_SIZE:
        return memcmp(a + row->offset, b + row->offset, sizeof(int64_t)) == 0;
    default: /* one text: no other type is fixed */
        return same_text(*(const char *const *)(const void *)(a + row->offset),
                         *(const char *const *)(const void *)(b + row->offset));
    }
}

void
conf_tell_fixed(const struct conf *before, const struct conf *after,
                void (*line)(void *context, const char *key), void *context)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].is_fixed && !same_value(&rows[i], before, after)) {
            line(context, rows[i].spec.key);
        }
    }
}

void
conf_print_keys(void (*line)(void *context, const char *key, const char *type, const char *fallback,
                             const char *sentence),
                void *context)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf wants;
        buf_init(&wants, ERROR_TEXT_BYTES);
        conf_describe(&rows[i].spec, &wants);
        line(context, rows[i].spec.key, buf_str(&wants), rows[i].spec.fallback,
             rows[i].spec.sentence);
        buf_fini(&wants);
    }
    conf_sections_print(line, context);
}
