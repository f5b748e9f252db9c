/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Sherlock's data.json. How the request goes depends on errorType: HEAD where that is the one word
 * "status_code", and redirects are not followed where it is the one word "response_url"; a list of
 * types gets GET and is followed, even a list of one. errorUrl is read by nobody. */
#include <string.h>

#include "plugins/sites/formats.h"

#define JSON_TYPE "application/json"

static const struct {
    const char *name;
    uint8_t kind;
} types[] = {
    { "message", RULE_BY_MARK },
    { "status_code", RULE_BY_CODE },
    { "response_url", RULE_BY_REDIRECT },
};

static void
add_type(struct entry *entry, const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(name, types[i].name) == 0) {
            entry->rule.kinds |= types[i].kind;
            return;
        }
    }
    entry_break(entry, "errorType", "is \"%.40s\", wants message, status_code or response_url",
                name);
}

static void
read_types(struct entry *entry, const struct node *node)
{
    const char *names[3];
    size_t count = 0;
    entry_texts(entry, node, "errorType", &(struct texts){ names, 3, &count, false });
    for (size_t i = 0; i < count; i++) {
        add_type(entry, names[i]);
    }
    if (count == 0) {
        entry_break(entry, "errorType", "is not there, wants message, status_code or response_url");
    }
    const char *only = node_text(node_get(node, "errorType"));
    entry->rule.method =
        only != NULL && strcmp(only, "status_code") == 0 ? ROLLCALL_HEAD : ROLLCALL_GET;
    entry->rule.follow =
        only != NULL && strcmp(only, "response_url") == 0 ? 0 : ROLLCALL_REDIRECTS_MAX;
}

static void
read_method(struct entry *entry, const struct node *node)
{
    static const struct {
        const char *name;
        uint8_t method;
    } methods[] = { { "GET", ROLLCALL_GET },
                    { "HEAD", ROLLCALL_HEAD },
                    { "POST", ROLLCALL_POST },
                    { "PUT", ROLLCALL_PUT } };
    const char *name = entry_text(entry, node, "request_method");
    if (name == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(name, methods[i].name) == 0) {
            entry->rule.method = methods[i].method;
            return;
        }
    }
    entry_break(entry, "request_method", "is \"%.40s\", wants GET, HEAD, POST or PUT", name);
}

static void
read_payload(struct entry *entry, const struct node *node)
{
    struct why why;
    const struct node *payload = node_get(node, "request_payload");
    if (payload == NULL || entry->outcome != ENTRY_OFFERED) {
        return;
    }
    if (node_kind(payload) != NODE_OBJECT) {
        entry_break(entry, "request_payload", "is %s, wants an object",
                    node_kind_name(node_kind(payload)));
        return;
    }
    entry->rule.content_type = JSON_TYPE;
    entry->rule.body = template_json(&entry->pool, &entry->words, payload, &entry->names, &why);
    if (entry->rule.body == NULL) {
        entry_break(entry, "request_payload", "%s", entry->pool.full ? "is too long" : why.text);
    }
}

static void
read_marks(struct entry *entry, const struct node *node)
{
    struct rule *rule = &entry->rule;
    if ((rule->kinds & RULE_BY_MARK) != 0) {
        entry_texts(
            entry, node, "errorMsg",
            &(struct texts){ rule->absent.marks, RULE_MARKS_MAX, &rule->absent.mark_count, false });
        if (rule->absent.mark_count == 0) {
            entry_break(entry, "errorMsg", "is not there, wants a text for errorType message");
        }
    }
    if ((rule->kinds & RULE_BY_CODE) != 0) {
        entry_codes(entry, node, "errorCode", &rule->absent);
    }
}

static void
read_tags(struct entry *entry, const struct node *node)
{
    const char *tags[ENTRY_TAGS_MAX];
    size_t count = 0;
    entry_texts(entry, node, "tags", &(struct texts){ tags, ENTRY_TAGS_MAX, &count, true });
    for (size_t i = 0; i < count; i++) {
        entry_tag(entry, tags[i]);
    }
    if (entry_flag(entry, node, "isNSFW")) {
        entry_tag(entry, "adult");
    }
}

void
read_sherlock(struct entry *entry, const struct node *node)
{
    const char *url = entry_need_text(entry, node, "url");
    const char *probe = entry_text(entry, node, "urlProbe");
    read_types(entry, node);
    read_method(entry, node);
    entry_url(entry, probe != NULL ? "urlProbe" : "url", probe != NULL ? probe : url);
    entry_headers(entry, node, "headers");
    read_payload(entry, node);
    read_marks(entry, node);
    entry_pattern(entry, "regexCheck", entry_text(entry, node, "regexCheck"));
    read_tags(entry, node);
    entry->home = entry_text(entry, node, "urlMain");
    entry->rule.profile = template_profile(&entry->pool, &entry->words, url);
    entry_known(entry, entry_text(entry, node, "username_claimed"));
}
