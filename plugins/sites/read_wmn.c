/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* WhatsMyName's wmn-data.json: a code and a string for either side. Redirects are not followed, for
 * their codes are data. A body is raw text with the name in it; what it may hold there is decided
 * by its Content-Type, which the host knows to escape. */
#include <string.h>

#include "plugins/sites/formats.h"

#define JSON_TYPE "application/json"
#define FORM_TYPE "application/x-www-form-urlencoded"

static void
read_side(struct entry *entry, const struct node *node, const char *code, const char *string,
          struct rule_side *side)
{
    if (node_get(node, code) == NULL) {
        entry_break(entry, code, "is not there, wants a status of HTTP");
    }
    if (node_get(node, string) == NULL) {
        entry_break(entry, string, "is not there, wants a text");
    }
    entry_codes(entry, node, code, side);
    entry_texts(entry, node, string, &(struct texts){ side->marks, 1, &side->mark_count, false });
}

/* What a body without a type must be is seen from its first character. */
static const char *
guess_type(const char *body)
{
    const char *first = body + strspn(body, " \t\r\n");
    return *first == '{' || *first == '[' ? JSON_TYPE : FORM_TYPE;
}

static void
read_body(struct entry *entry, const struct node *node)
{
    struct why why;
    const char *body = entry_text(entry, node, "post_body");
    if (body == NULL || entry->outcome != ENTRY_OFFERED) {
        return;
    }
    entry->rule.method = ROLLCALL_POST;
    if (entry->rule.content_type == NULL) {
        entry->rule.content_type = guess_type(body);
    }
    entry->rule.body = template_text(&entry->pool, &entry->words, body, &entry->names, &why);
    if (entry->rule.body == NULL) {
        entry_break(entry, "post_body", "%s", entry->pool.full ? "is too long" : why.text);
    }
}

static void
read_about(struct entry *entry, const struct node *node)
{
    const char *category = entry_text(entry, node, "cat");
    if (category != NULL) {
        bool is_adult = strstr(category, "NSFW") != NULL || strstr(category, "nsfw") != NULL;
        entry_tag(entry, is_adult ? "adult" : category);
    }
    size_t count = 0;
    const char *known[ENTRY_KNOWN_MAX];
    entry_texts(entry, node, "known", &(struct texts){ known, ENTRY_KNOWN_MAX, &count, true });
    for (size_t i = 0; i < count; i++) {
        entry_known(entry, known[i]);
    }
    const char *pretty = entry_text(entry, node, "uri_pretty");
    const char *page = pretty != NULL ? pretty : entry_text(entry, node, "uri_check");
    bool is_api = pretty == NULL && node_get(node, "post_body") != NULL;
    entry->rule.profile = is_api ? NULL : template_profile(&entry->pool, &entry->words, page);
}

void
read_wmn(struct entry *entry, const struct node *node)
{
    struct rule *rule = &entry->rule;
    rule->kinds = RULE_TWO_SIDED;
    if (node_is_false(node_get(node, "valid"))) {
        entry_skip(entry, "marked as not valid");
    }
    entry_url(entry, "uri_check", entry_need_text(entry, node, "uri_check"));
    entry_headers(entry, node, "headers");
    read_body(entry, node);
    read_side(entry, node, "e_code", "e_string", &rule->present);
    read_side(entry, node, "m_code", "m_string", &rule->absent);
    const char *strip = entry_text(entry, node, "strip_bad_char");
    rule->strip = strip != NULL && strip[0] != '\0' ? strip : NULL;
    if (rule->present.code_count == 1 && rule->absent.code_count == 1 &&
        rule->present.codes[0] == rule->absent.codes[0] && rule->present.mark_count == 0 &&
        rule->absent.mark_count == 0) {
        entry_break(entry, "e_string", "and m_string are empty and both codes are %d",
                    (int)rule->present.codes[0]);
    }
    read_about(entry, node);
}
