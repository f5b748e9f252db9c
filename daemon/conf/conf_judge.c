/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The types by table: each knows how to read a node and how to say what it wants, and the same
 * sentence stands in errors, in --help and in the manual. */
#include "daemon/conf/conf_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/utf8.h"
#include "daemon/conf/conf_file.h"
#include "daemon/conf/conf_unit.h"

/* What a message quotes of a value, and the whole of what it says. */
#define FOUND_BYTES 96
#define WANTS_BYTES 224

struct judging {
    const struct conf_context *context;
    const struct conf_spec *spec;
    const struct conf_node *node;
    struct error_text *why;
};

/* ---- What is wanted, what was found -------------------------------------------------- */

static void
describe_words(const struct conf_spec *spec, struct buf *out)
{
    buf_append_str(out, spec->form->words[1] != NULL ? "one of " : "");
    for (const char *const *word = spec->form->words; *word != NULL; word++) {
        buf_printf(out, "%s\"%s\"", word == spec->form->words ? "" : ", ", *word);
    }
}

static bool
is_bounded(const struct conf_spec *spec)
{
    return spec->min != 0 || spec->max != 0;
}

static void
describe_text(const struct conf_spec *spec, struct buf *out)
{
    if (spec->form->words != NULL) {
        describe_words(spec, out);
    } else {
        buf_append_str(out, spec->form->wants);
    }
}

static void
describe_list(const struct conf_spec *spec, struct buf *out)
{
    if (is_bounded(spec)) {
        buf_printf(out, "a list [ … ] of %" PRId64 " to %" PRId64 ", each ", spec->min, spec->max);
    } else {
        buf_append_str(out, "a list [ … ], each ");
    }
    if (spec->type == CONF_FILES) {
        buf_append_str(out, "a file's name");
    } else {
        describe_text(spec, out);
    }
}

static void
describe_integer(const struct conf_spec *spec, struct buf *out)
{
    buf_append_str(out, "an integer");
    if (is_bounded(spec)) {
        buf_printf(out, " from %" PRId64 " to %" PRId64, spec->min, spec->max);
    }
}

static void
describe_duration(const struct conf_spec *spec, struct buf *out)
{
    char min[CONF_UNIT_BYTES];
    char max[CONF_UNIT_BYTES];
    buf_append_str(out, "a duration such as \"10s\" or \"500ms\"");
    if (is_bounded(spec)) {
        conf_write_duration(spec->min, min);
        conf_write_duration(spec->max, max);
        buf_printf(out, ", from %s to %s", min, max);
    }
}

static void
describe_size(const struct conf_spec *spec, struct buf *out)
{
    char min[CONF_UNIT_BYTES];
    char max[CONF_UNIT_BYTES];
    buf_append_str(out, "a size such as \"64MiB\"");
    if (is_bounded(spec)) {
        conf_write_size(spec->min, min);
        conf_write_size(spec->max, max);
        buf_printf(out, ", from %s to %s", min, max);
    }
}

static void
describe_rate(const struct conf_spec *spec, struct buf *out)
{
    (void)spec;
    buf_append_str(out, "a rate such as \"10/min\" (s, min, h or d), or 0 for none");
}

static void
describe_bool(const struct conf_spec *spec, struct buf *out)
{
    (void)spec;
    buf_append_str(out, "true or false");
}

static void
describe_file(const struct conf_spec *spec, struct buf *out)
{
    buf_append_str(out, spec->type == CONF_SECRET ? "the name of a file that holds the secret"
                                                  : "a file's name");
}

/* A value for a message. Secrets are not repeated, nor a URL that may carry a password. */
static void
write_found(const struct conf_spec *spec, const struct conf_node *node, char found[FOUND_BYTES])
{
    const char *text = conf_node_text(node);
    enum conf_node_type type = conf_node_type(node);
    bool is_scalar = type != CONF_NODE_GROUP && type != CONF_NODE_LIST;
    if (is_scalar && (spec->type == CONF_SECRET || (text != NULL && strchr(text, '@') != NULL))) {
        (void)snprintf(found, FOUND_BYTES, "what is not repeated here");
        return;
    }
    switch (type) {
    case CONF_NODE_GROUP:
        (void)snprintf(found, FOUND_BYTES, "a group");
        return;
    case CONF_NODE_LIST:
        (void)snprintf(found, FOUND_BYTES, "a list of %zu", conf_node_count(node));
        return;
    case CONF_NODE_INTEGER:
        (void)snprintf(found, FOUND_BYTES, "%" PRId64, conf_node_integer(node));
        return;
    case CONF_NODE_FRACTION:
        (void)snprintf(found, FOUND_BYTES, "%g", conf_node_fraction(node));
        return;
    case CONF_NODE_BOOL:
        (void)snprintf(found, FOUND_BYTES, "%s", conf_node_integer(node) ? "true" : "false");
        return;
    case CONF_NODE_TEXT:
        (void)snprintf(found, FOUND_BYTES, "\"%.80s\"", text);
        return;
    }
}

static int
refuse(const struct judging *judging, const struct conf_node *node, int error)
{
    char key[CONF_KEY_BYTES];
    char found[FOUND_BYTES];
    struct buf wants;
    conf_write_key(judging->spec->section, judging->spec->key, key);
    write_found(judging->spec, node, found);
    buf_init(&wants, WANTS_BYTES);
    conf_describe(judging->spec, &wants);
    int result = conf_node_refuse(node, key, error, judging->why, "found %s, wants %s", found,
                                  buf_str(&wants));
    buf_fini(&wants);
    return result;
}

static int
say(const struct judging *judging, const struct conf_node *node, int error, const char *text)
{
    char key[CONF_KEY_BYTES];
    conf_write_key(judging->spec->section, judging->spec->key, key);
    return conf_node_refuse(node, key, error, judging->why, "%s", text);
}

static int
say_nomem(const struct judging *judging)
{
    return error_say(judging->why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
}

/* ---- Numbers ------------------------------------------------------------------------- */

static int
keep_number(const struct judging *judging, int64_t number, struct conf_value *value)
{
    const struct conf_spec *spec = judging->spec;
    if (is_bounded(spec) && (number < spec->min || number > spec->max)) {
        return refuse(judging, judging->node, ERROR_RANGE);
    }
    value->number = number;
    return ERROR_OK;
}

static int
judge_integer(const struct judging *judging, struct conf_value *value)
{
    if (conf_node_type(judging->node) != CONF_NODE_INTEGER) {
        return refuse(judging, judging->node, ERROR_INVALID);
    }
    return keep_number(judging, conf_node_integer(judging->node), value);
}

static int
judge_bool(const struct judging *judging, struct conf_value *value)
{
    if (conf_node_type(judging->node) != CONF_NODE_BOOL) {
        return refuse(judging, judging->node, ERROR_INVALID);
    }
    value->number = conf_node_integer(judging->node);
    return ERROR_OK;
}

static int
judge_duration(const struct judging *judging, struct conf_value *value)
{
    int64_t us;
    bool is_text = conf_node_type(judging->node) == CONF_NODE_TEXT;
    if (!is_text || conf_parse_duration(conf_node_text(judging->node), &us) != ERROR_OK) {
        return refuse(judging, judging->node, ERROR_INVALID);
    }
    return keep_number(judging, us, value);
}

static int
judge_size(const struct judging *judging, struct conf_value *value)
{
    int64_t bytes = conf_node_integer(judging->node);
    bool is_text = conf_node_type(judging->node) == CONF_NODE_TEXT;
    bool is_good = is_text ? conf_parse_size(conf_node_text(judging->node), &bytes) == ERROR_OK
                           : conf_node_type(judging->node) == CONF_NODE_INTEGER && bytes >= 0;
    if (!is_good) {
        return refuse(judging, judging->node, ERROR_INVALID);
    }
    return keep_number(judging, bytes, value);
}

static int
judge_rate(const struct judging *judging, struct conf_value *value)
{
    enum conf_node_type type = conf_node_type(judging->node);
    if (type == CONF_NODE_INTEGER && conf_node_integer(judging->node) == 0) {
        value->rate = (struct conf_rate){ .count = 0 };
        return ERROR_OK;
    }
    if (type != CONF_NODE_TEXT ||
        conf_parse_rate(conf_node_text(judging->node), &value->rate) != ERROR_OK) {
        return refuse(judging, judging->node, ERROR_INVALID);
    }
    return ERROR_OK;
}

/* ---- Texts --------------------------------------------------------------------------- */

static bool
is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* Texts end up in logs, headers and paths: no control characters, nothing that is not UTF-8. */
static bool
is_clean(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            return false;
        }
    }
    return len <= CONF_TEXT_BYTES_MAX && utf8_is_valid(text, len);
}

/* A file or secret: resolved, and there. */
static int
open_file(const struct judging *judging, const struct conf_node *node, const char *name,
          const char **out_text)
{
    struct error_text reason;
    const struct conf_context *context = judging->context;
    if (judging->spec->type == CONF_SECRET) {
        int error = conf_file_secret(context->arena, context->folder, name, out_text, &reason);
        char text[ERROR_TEXT_BYTES];
        (void)snprintf(text, sizeof text,
                       "the file that it names, in $CREDENTIALS_DIRECTORY or %.100s, %.200s",
                       context->folder, error == ERROR_NOT_FOUND ? "is not there" : reason.text);
        return error ? say(judging, node, error, text) : ERROR_OK;
    }
    *out_text = conf_file_resolve(context->arena, context->folder, name);
    if (*out_text == NULL) {
        return say_nomem(judging);
    }
    int error = conf_file_probe(*out_text, &reason);
    if (error) {
        char text[ERROR_TEXT_BYTES];
        (void)snprintf(text, sizeof text, "%.200s: %.200s", *out_text, reason.text);
        return say(judging, node, error, text);
    }
    return ERROR_OK;
}

/* One text, of its own or in a list. */
static int
keep_text(const struct judging *judging, const struct conf_node *node, const char **out_text)
{
    const struct conf_spec *spec = judging->spec;
    const struct conf_form *form = spec->form;
    const char *text = conf_node_text(node);
    if (text == NULL) {
        return refuse(judging, node, ERROR_INVALID);
    }
    if (!is_clean(text)) {
        return say(judging, node, ERROR_INVALID,
                   "wants at most 4096 bytes of UTF-8 without control characters");
    }
    bool is_good = form->words != NULL ? is_one_of(text, form->words)
                                       : form->is_good == NULL || form->is_good(text);
    bool is_name = form->is_path || spec->type == CONF_FILES;
    if (!is_good || (is_name && text[0] == '\0')) {
        return refuse(judging, node, ERROR_INVALID);
    }
    if (spec->type == CONF_FILE || spec->type == CONF_FILES || spec->type == CONF_SECRET) {
        return open_file(judging, node, text, out_text);
    }
    struct arena *arena = judging->context->arena;
    *out_text = form->is_path ? conf_file_resolve(arena, judging->context->folder, text)
                              : arena_strdup(arena, text);
    return *out_text != NULL ? ERROR_OK : say_nomem(judging);
}

static int
judge_text(const struct judging *judging, struct conf_value *value)
{
    const char **texts = arena_alloc(judging->context->arena, sizeof *texts);
    if (texts == NULL) {
        return say_nomem(judging);
    }
    int error = keep_text(judging, judging->node, &texts[0]);
    if (!error) {
        value->texts = texts;
        value->count = 1;
    }
    return error;
}

/* "" is how an optional file is unset, by -o for one. */
static int
judge_file(const struct judging *judging, struct conf_value *value)
{
    const char *text = conf_node_text(judging->node);
    return text != NULL && text[0] == '\0' ? ERROR_OK : judge_text(judging, value);
}

static int
judge_list(const struct judging *judging, struct conf_value *value)
{
    const struct conf_spec *spec = judging->spec;
    size_t count = conf_node_count(judging->node);
    if (conf_node_type(judging->node) != CONF_NODE_LIST) {
        return refuse(judging, judging->node, ERROR_INVALID);
    }
    bool is_outside = (int64_t)count < spec->min || (int64_t)count > spec->max;
    if (count > CONF_LIST_MAX || (is_bounded(spec) && is_outside)) {
        return refuse(judging, judging->node, ERROR_RANGE);
    }
    const char **texts = arena_alloc(judging->context->arena, count * sizeof *texts);
    if (texts == NULL) {
        return say_nomem(judging);
    }
    for (size_t i = 0; i < count; i++) {
        int error = keep_text(judging, conf_node_at(judging->node, i), &texts[i]);
        if (error) {
            return error;
        }
    }
    value->texts = texts;
    value->count = count;
    return ERROR_OK;
}

/* ---- The types ----------------------------------------------------------------------- */

static const struct {
    int (*judge)(const struct judging *judging, struct conf_value *value);
    void (*describe)(const struct conf_spec *spec, struct buf *out);
} types[] = {
    [CONF_STRING] = { judge_text, describe_text },
    [CONF_INT] = { judge_integer, describe_integer },
    [CONF_DURATION] = { judge_duration, describe_duration },
    [CONF_RATE] = { judge_rate, describe_rate },
    [CONF_SIZE] = { judge_size, describe_size },
    [CONF_BOOL] = { judge_bool, describe_bool },
    [CONF_LIST] = { judge_list, describe_list },
    [CONF_CHOICE] = { judge_text, describe_text },
    [CONF_CHOICES] = { judge_list, describe_list },
    [CONF_FILE] = { judge_file, describe_file },
    [CONF_FILES] = { judge_list, describe_list },
    [CONF_SECRET] = { judge_file, describe_file },
};

static int
judge_node(const struct judging *judging, struct conf_value *out_value)
{
    struct conf_value value = *out_value;
    int error = types[judging->spec->type].judge(judging, &value);
    if (!error) {
        *out_value = value;
    }
    return error;
}

int
conf_judge(const struct conf_context *context, const struct conf_spec *spec,
           const struct conf_node *node, struct conf_value *out_value, struct error_text *why)
{
    struct conf_value value = { .key = spec->key, .type = spec->type, .is_set = node != NULL };
    struct judging judging = { .context = context, .spec = spec, .node = node, .why = why };
    struct conf_doc *fallback = NULL;
    int error = ERROR_OK;
    if (node == NULL && spec->fallback != NULL) {
        error = conf_doc_from_value(spec->fallback, &fallback, why);
        judging.node = error ? NULL : conf_doc_value(fallback);
    }
    if (!error && judging.node != NULL) {
        error = judge_node(&judging, &value);
    }
    conf_doc_close(&fallback);
    if (!error) {
        *out_value = value;
    }
    return error;
}

void
conf_describe(const struct conf_spec *spec, struct buf *out)
{
    types[spec->type].describe(spec, out);
}

void
conf_write_key(const char *section, const char *key, char out_text[CONF_KEY_BYTES])
{
    (void)snprintf(out_text, CONF_KEY_BYTES, "%s%.60s%s%.60s", section != NULL ? "plugin." : "",
                   section != NULL ? section : "", section != NULL ? "." : "", key);
}
