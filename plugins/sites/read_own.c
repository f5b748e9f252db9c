/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Rollcall's own catalogue; catalog.schema.json says the same for editors. Both sides need a status
 * and may need strings, JSON values or the whole body beside it; all that a side names must hold. A
 * field that is not known is refused by name, for it would be a rule that nobody follows. */
#include <stdio.h>
#include <string.h>

#include "plugins/sites/formats.h"

#define JSON_TYPE "application/json"

struct word {
    const char *name;
    int32_t value;
};

static const struct word methods[] = { { "documented", ROLLCALL_DOCUMENTED },
                                       { "signup", ROLLCALL_SIGNUP } };
static const struct word evidences[] = { { "exact", ROLLCALL_EXACT },
                                         { "public", ROLLCALL_PUBLIC },
                                         { "inferred", ROLLCALL_INFERRED },
                                         { "similar", ROLLCALL_SIMILAR } };
static const struct word verbs[] = { { "GET", ROLLCALL_GET },
                                     { "HEAD", ROLLCALL_HEAD },
                                     { "POST", ROLLCALL_POST },
                                     { "PUT", ROLLCALL_PUT } };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int32_t
read_word(struct entry *entry, const struct node *node, const char *field, const struct word *words,
          size_t count)
{
    const char *text = entry_text(entry, node, field);
    if (text == NULL) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i].name) == 0) {
            return words[i].value;
        }
    }
    entry_break(entry, field, "is \"%.40s\", wants %s, %s …", text, words[0].name, words[1].name);
    return 0;
}

static void
know_only(struct entry *entry, const struct node *node, const char *const *fields, size_t count)
{
    if (node != NULL && node_kind(node) != NODE_OBJECT) {
        entry_break(entry, fields[0], "is looked for in %s, wants an object",
                    node_kind_name(node_kind(node)));
        return;
    }
    for (const struct node *at = node_first(node); at != NULL; at = node_next(at)) {
        size_t i = 0;
        while (i < count && strcmp(node_key(at), fields[i]) != 0) {
            i++;
        }
        if (i == count) {
            entry_break(entry, node_key(at), "is no field of this format");
        }
    }
}

static const struct node *
need_object(struct entry *entry, const struct node *node, const char *field)
{
    const struct node *value = node_get(node, field);
    if (node_kind(value) != NODE_OBJECT) {
        entry_break(entry, field, "is %s, wants an object", node_kind_name(node_kind(value)));
        return NULL;
    }
    return value;
}

static uint32_t
read_number(struct entry *entry, const struct node *node, const char *field, int32_t max,
            uint32_t fallback)
{
    int32_t number = 0;
    const struct node *value = node_get(node, field);
    if (value == NULL) {
        return fallback;
    }
    if (!node_integer(value, &number) || number < 0 || number > max) {
        entry_break(entry, field, "wants a number from 0 to %d", (int)max);
        return fallback;
    }
    return (uint32_t)number;
}

/* ---- The request -------------------------------------------------------- */

static void
read_body(struct entry *entry, const struct node *request)
{
    struct why why = { "is too long" };
    struct rule *rule = &entry->rule;
    const struct node *body = node_get(request, "body");
    if (body == NULL || entry->outcome != ENTRY_OFFERED) {
        return;
    }
    if (node_kind(body) == NODE_TEXT) {
        rule->body =
            template_text(&entry->pool, &entry->words, node_text(body), &entry->names, &why);
        if (rule->content_type == NULL) {
            entry_break(entry, "headers", "wants a Content-Type for a body that is a text");
        }
    } else {
        rule->content_type = JSON_TYPE;
        rule->body = template_json(&entry->pool, &entry->words, body, &entry->names, &why);
    }
    if (rule->body == NULL) {
        entry_break(entry, "body", "%s", why.text);
    }
}

static void
read_request(struct entry *entry, const struct node *node)
{
    static const char *const fields[] = { "method", "url", "headers", "body", "follow" };
    const struct node *request = need_object(entry, node, "request");
    know_only(entry, request, fields, COUNT(fields));
    int32_t method = read_word(entry, request, "method", verbs, COUNT(verbs));
    entry->rule.method = (uint8_t)(method != 0 ? method : ROLLCALL_GET);
    entry->rule.follow = (uint8_t)read_number(entry, request, "follow", ROLLCALL_REDIRECTS_MAX, 0);
    entry_url(entry, "url", entry_need_text(entry, request, "url"));
    entry_headers(entry, request, "headers");
    read_body(entry, request);
}

/* ---- The sides ---------------------------------------------------------- */

static bool
read_expected(const struct node *value, struct rule_condition *condition)
{
    const char *text = node_text(value);
    switch (node_kind(value)) {
    case NODE_TEXT:
        condition->kind = strcmp(text, "{subject}") == 0 ? CONDITION_SUBJECT : CONDITION_TEXT;
        condition->text = condition->kind == CONDITION_TEXT ? text : NULL;
        return true;
    case NODE_TRUTH:
        condition->kind = node_is_true(value) ? CONDITION_TRUE : CONDITION_FALSE;
        return true;
    case NODE_NUMBER:
        condition->kind = CONDITION_NUMBER;
        return node_integer(value, &condition->number);
    case NODE_OBJECT:
        condition->kind = CONDITION_COUNT;
        if (node_is_true(node_get(value, "there"))) {
            condition->kind = CONDITION_THERE;
            return true;
        }
        return node_integer(node_get(value, "count"), &condition->number);
    default:
        return false;
    }
}

static void
read_conditions(struct entry *entry, const struct node *json, const char *field,
                struct rule_side *side)
{
    if (json != NULL && node_kind(json) != NODE_OBJECT) {
        entry_break(entry, field, "has a \"json\" that is no object");
        return;
    }
    for (const struct node *at = node_first(json); at != NULL; at = node_next(at)) {
        if (side->condition_count == RULE_CONDITIONS_MAX) {
            entry_break(entry, field, "has more than %d JSON values", RULE_CONDITIONS_MAX);
            return;
        }
        struct rule_condition *condition = &side->conditions[side->condition_count++];
        *condition = (struct rule_condition){ .path = node_key(at) };
        if (!read_expected(at, condition)) {
            entry_break(entry, field,
                        "wants at \"%.40s\" a text, true, false, a number, {\"count\": n} or "
                        "{\"there\": true}",
                        node_key(at));
        }
    }
}

static void
read_side(struct entry *entry, const struct node *node, const char *field, struct rule_side *side)
{
    static const char *const fields[] = { "status", "body", "json", "whole" };
    const struct node *value = need_object(entry, node, field);
    know_only(entry, value, fields, COUNT(fields));
    entry_codes(entry, value, "status", side);
    entry_texts(entry, value, "body",
                &(struct texts){ side->marks, RULE_MARKS_MAX, &side->mark_count, false });
    read_conditions(entry, node_get(value, "json"), field, side);
    side->whole = entry_text(entry, value, "whole");
    if (side->code_count == 0) {
        entry_break(entry, field, "wants a status");
    }
}

/* ---- The rest ----------------------------------------------------------- */

static void
read_manners(struct entry *entry, const struct node *node)
{
    static const char *const fields[] = { "count", "seconds" };
    const struct node *rate = node_get(node, "rate");
    know_only(entry, rate, fields, COUNT(fields));
    entry->rate_count = read_number(entry, rate, "count", 1000000, entry->rate_count);
    entry->rate_seconds = read_number(entry, rate, "seconds", 86400, entry->rate_seconds);
    entry->concurrency = read_number(entry, node, "concurrency", 1000, entry->concurrency);
    if (entry->rate_count == 0 || entry->rate_seconds == 0 || entry->concurrency == 0) {
        entry_break(entry, "rate", "and concurrency want numbers from 1");
    }
}

static void
read_about(struct entry *entry, const struct node *node)
{
    const char *tags[ENTRY_TAGS_MAX];
    const char *known[ENTRY_KNOWN_MAX];
    size_t tag_count = 0;
    size_t known_count = 0;
    entry_texts(entry, node, "tags", &(struct texts){ tags, ENTRY_TAGS_MAX, &tag_count, true });
    entry_texts(entry, node, "known",
                &(struct texts){ known, ENTRY_KNOWN_MAX, &known_count, true });
    for (size_t i = 0; i < tag_count; i++) {
        entry_tag(entry, tags[i]);
    }
    for (size_t i = 0; i < known_count; i++) {
        entry_known(entry, known[i]);
    }
    entry->home = entry_text(entry, node, "home");
    entry->absent = entry_text(entry, node, "absent");
    entry->rule.profile =
        template_profile(&entry->pool, &entry->words, entry_text(entry, node, "profile"));
    (void)entry_need_text(entry, node, "source");
}

/* Before the request, whose URL may have the id in it. */
static void
read_id(struct entry *entry, const struct node *node)
{
    const char *id = entry_text(entry, node, "id");
    if (id == NULL) {
        return;
    }
    if (!ident_is_valid(id)) {
        entry_break(entry, "id", "is \"%.40s\", wants [a-z0-9][a-z0-9._-]*, at most 64 bytes", id);
        return;
    }
    (void)snprintf(entry->id, sizeof(entry->id), "%s", id);
}

void
read_own(struct entry *entry, const struct node *node)
{
    static const char *const fields[] = { "name",     "id",     "home",       "tags",
                                          "source",   "method", "evidence",   "request",
                                          "profile",  "names",  "registered", "unregistered",
                                          "rate",     "known",  "absent",     "concurrency",
                                          "caseless", "note" };
    know_only(entry, node, fields, COUNT(fields));
    read_id(entry, node);
    entry->rule.kinds = RULE_TWO_SIDED;
    if (entry_flag(entry, node, "caseless")) {
        entry->rule.flags |= RULE_CASELESS;
    }
    read_request(entry, node);
    read_side(entry, node, "registered", &entry->rule.present);
    read_side(entry, node, "unregistered", &entry->rule.absent);
    entry_pattern(entry, "names", entry_text(entry, node, "names"));
    int32_t method = read_word(entry, node, "method", methods, COUNT(methods));
    entry->method = method != 0 ? method : ROLLCALL_DOCUMENTED;
    entry->evidence = read_word(entry, node, "evidence", evidences, COUNT(evidences));
    read_manners(entry, node);
    read_about(entry, node);
}
