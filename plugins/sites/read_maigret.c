/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Maigret's data.json. An entry may name an engine, whose fields are merged as Maigret does it: its
 * plain values overwrite the site's, its lists stand behind the site's, its objects are merged only
 * where the site has one of that name; `errors` always are. The lists of marks go by Maigret's own
 * spelling, `presenseStrs`: entries that spell it otherwise have none there either. */
#include <string.h>
#include <strings.h>

#include "plugins/sites/formats.h"

#define FORM_TYPE "application/x-www-form-urlencoded"
#define JSON_TYPE "application/json"
#define ENGINE_SHOWN 40

/* A site with what its engine adds; `engine` may be NULL. */
struct merged {
    const struct node *site;
    const struct node *engine;
};

/* The one whose plain value counts. */
static const struct node *
owner(const struct merged *merged, const char *field)
{
    return node_get(merged->engine, field) != NULL ? merged->engine : merged->site;
}

static struct merged
merge(struct entry *entry, const struct node *node)
{
    struct merged merged = { node, NULL };
    const char *name = entry_text(entry, node, "engine");
    if (name == NULL) {
        return merged;
    }
    merged.engine = node_get(node_get(entry->reader->engines, name), "site");
    if (merged.engine == NULL) {
        entry_break(entry, "engine", "is \"%.*s\", which the file does not have", ENGINE_SHOWN,
                    name);
    }
    return merged;
}

/* ---- What is not for us ------------------------------------------------- */

static void
judge_kind(struct entry *entry, const struct merged *merged)
{
    const char *type = entry_text(entry, owner(merged, "type"), "type");
    const char *protocol = entry_text(entry, owner(merged, "protocol"), "protocol");
    struct why why;
    if (entry_flag(entry, owner(merged, "disabled"), "disabled")) {
        entry_skip(entry, "disabled");
    }
    if (type != NULL && strcmp(type, "username") != 0) {
        (void)say(&why, "their names are of the type %.40s", type);
        entry_skip(entry, why.text);
    }
    if (protocol != NULL && protocol[0] != '\0') {
        (void)say(&why, "they need the protocol %.40s", protocol);
        entry_skip(entry, why.text);
    }
    if (node_kind(node_get(merged->site, "activation")) == NODE_OBJECT ||
        node_kind(node_get(merged->engine, "activation")) == NODE_OBJECT) {
        entry_skip(entry, "they need an activation, which is code");
    }
}

/* ---- The rule ----------------------------------------------------------- */

static void
read_type(struct entry *entry, const struct merged *merged)
{
    static const struct {
        const char *name;
        uint8_t kind;
    } types[] = { { "message", RULE_BY_MARK },
                  { "status_code", RULE_BY_CODE },
                  { "response_url", RULE_BY_REDIRECT } };
    const char *name = entry_need_text(entry, owner(merged, "checkType"), "checkType");
    for (size_t i = 0; name != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(name, types[i].name) == 0) {
            entry->rule.kinds = types[i].kind;
        }
    }
    if (entry->rule.kinds == 0) {
        entry_break(entry, "checkType", "wants message, status_code or response_url");
    }
    entry->rule.follow = entry->rule.kinds == RULE_BY_REDIRECT ? 0 : ROLLCALL_REDIRECTS_MAX;
}

/* What the pages of its `errors` say about whoever asks. */
static int32_t
reason_of(const char *text)
{
    static const struct {
        const char *word;
        int32_t reason;
    } words[] = {
        { "too many", ROLLCALL_RATE_LIMITED },
        { "rate", ROLLCALL_RATE_LIMITED },
        { "limit", ROLLCALL_RATE_LIMITED },
        { "login", ROLLCALL_BLOCKED },
        { "captcha", ROLLCALL_BLOCKED },
        { "ban", ROLLCALL_BLOCKED },
        { "block", ROLLCALL_BLOCKED },
        { "denied", ROLLCALL_BLOCKED },
        { "forbidden", ROLLCALL_BLOCKED },
        { "bot", ROLLCALL_BLOCKED },
        { "protection", ROLLCALL_BLOCKED },
        { "maintenance", ROLLCALL_SERVER_ERROR },
        { "unavailable", ROLLCALL_SERVER_ERROR },
        { "server", ROLLCALL_SERVER_ERROR },
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasestr(text, words[i].word) != NULL) {
            return words[i].reason;
        }
    }
    return ROLLCALL_UNEXPECTED_REPLY;
}

static void
read_errors(struct entry *entry, const struct node *errors)
{
    struct rule *rule = &entry->rule;
    for (const struct node *at = node_first(errors); at != NULL; at = node_next(at)) {
        const char *text = node_text(at);
        if (node_key(at) == NULL || text == NULL) {
            entry_break(entry, "errors", "wants an object of texts");
            return;
        }
        if (rule->error_count == RULE_ERRORS_MAX) {
            entry_break(entry, "errors", "has more than %d", RULE_ERRORS_MAX);
            return;
        }
        if (node_key(at)[0] != '\0') {
            rule->errors[rule->error_count++] =
                (struct rule_error){ (uint8_t)reason_of(text), node_key(at) };
        }
    }
}

static void
read_marks(struct entry *entry, const struct merged *merged)
{
    const struct node *const parts[] = { merged->site, merged->engine };
    struct rule *rule = &entry->rule;
    for (size_t i = 0; i < 2; i++) {
        entry_texts(entry, parts[i], "presenseStrs",
                    &(struct texts){ rule->present.marks, RULE_MARKS_MAX, &rule->present.mark_count,
                                     false });
        entry_texts(
            entry, parts[i], "absenceStrs",
            &(struct texts){ rule->absent.marks, RULE_MARKS_MAX, &rule->absent.mark_count, false });
        read_errors(entry, node_get(parts[i], "errors"));
    }
    bool is_empty = rule->present.mark_count == 0 && rule->absent.mark_count == 0;
    if (rule->kinds == RULE_BY_MARK && is_empty && rule->reading == READING_STRICT) {
        entry_break(entry, "absenceStrs", "and presenseStrs are empty: nothing tells the sides");
    }
}

static void
read_flags(struct entry *entry, const struct merged *merged)
{
    if (entry_flag(entry, owner(merged, "ignore403"), "ignore403")) {
        entry->rule.flags |= RULE_IGNORES_403;
    }
    if (entry_flag(entry, owner(merged, "similarSearch"), "similarSearch")) {
        entry->rule.flags |= RULE_SIMILAR;
    }
    entry->rule.encoding = entry_text(entry, owner(merged, "encoding"), "encoding");
}

/* ---- The request -------------------------------------------------------- */

static void
read_url(struct entry *entry, const struct merged *merged)
{
    const char *url = entry_text(entry, owner(merged, "url"), "url");
    const char *probe = entry_text(entry, owner(merged, "urlProbe"), "urlProbe");
    entry->words.url_main = entry_text(entry, owner(merged, "urlMain"), "urlMain");
    entry->words.url_subpath = entry_text(entry, owner(merged, "urlSubpath"), "urlSubpath");
    entry->home = entry->words.url_main;
    entry->words.collapses = true;
    entry->rule.profile = template_profile(&entry->pool, &entry->words, url);
    bool has_probe = probe != NULL && probe[0] != '\0';
    entry->words.collapses = !has_probe;
    if (!has_probe && url == NULL) {
        entry_break(entry, "url", "is not there, nor has an engine one");
    }
    if (node_kind(node_get(merged->site, "getParams")) == NODE_OBJECT) {
        entry_skip(entry, "they have getParams");
    }
    entry_url(entry, has_probe ? "urlProbe" : "url", has_probe ? probe : url);
}

static void
read_headers(struct entry *entry, const struct merged *merged)
{
    const struct node *own = node_get(merged->site, "headers");
    bool merges = node_first(own) != NULL && node_get(merged->engine, "headers") != NULL;
    entry_headers(entry, merged->site, "headers");
    if (merges) {
        entry_headers(entry, merged->engine, "headers");
    }
}

static void
read_payload(struct entry *entry, const struct merged *merged)
{
    struct why why = { "is too long" };
    struct rule *rule = &entry->rule;
    const struct node *payload = node_get(merged->site, "requestPayload");
    if (node_kind(payload) != NODE_OBJECT || entry->outcome != ENTRY_OFFERED) {
        return;
    }
    bool is_form = rule->content_type != NULL && strcmp(rule->content_type, FORM_TYPE) == 0;
    rule->content_type = is_form ? FORM_TYPE : JSON_TYPE;
    rule->body = is_form ? template_form(&entry->pool, &entry->words, payload, &entry->names, &why)
                         : template_json(&entry->pool, &entry->words, payload, &entry->names, &why);
    if (rule->body == NULL) {
        entry_break(entry, "requestPayload", "%s", why.text);
    }
}

static void
read_method(struct entry *entry, const struct merged *merged)
{
    const char *name = entry_text(entry, owner(merged, "requestMethod"), "requestMethod");
    bool heads = entry_flag(entry, owner(merged, "requestHeadOnly"), "requestHeadOnly");
    if (heads && entry->rule.kinds == RULE_BY_CODE) {
        entry->rule.method = ROLLCALL_HEAD;
    }
    if (name == NULL || strcasecmp(name, "GET") == 0) {
        return;
    }
    if (strcasecmp(name, "HEAD") == 0) {
        entry->rule.method = ROLLCALL_HEAD;
    } else if (strcasecmp(name, "POST") == 0) {
        entry->rule.method = ROLLCALL_POST;
        read_payload(entry, merged);
    } else {
        entry_break(entry, "requestMethod", "is \"%.40s\", wants GET, HEAD or POST", name);
    }
}

/* ---- The rest ----------------------------------------------------------- */

static bool
is_adult(const char *tag)
{
    static const char *const words[] = { "porn", "erotic", "nsfw", "adult" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(tag, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
read_tags(struct entry *entry, const struct merged *merged)
{
    const char *tags[ENTRY_TAGS_MAX];
    size_t count = 0;
    entry_texts(entry, merged->site, "tags", &(struct texts){ tags, ENTRY_TAGS_MAX, &count, true });
    entry_texts(entry, merged->engine, "tags",
                &(struct texts){ tags, ENTRY_TAGS_MAX, &count, true });
    for (size_t i = 0; i < count; i++) {
        entry_tag(entry, is_adult(tags[i]) ? "adult" : tags[i]);
    }
}

void
read_maigret(struct entry *entry, const struct node *node)
{
    struct merged merged = merge(entry, node);
    judge_kind(entry, &merged);
    if (entry->outcome != ENTRY_OFFERED) {
        return;
    }
    read_type(entry, &merged);
    read_url(entry, &merged);
    read_headers(entry, &merged);
    read_method(entry, &merged);
    read_marks(entry, &merged);
    read_flags(entry, &merged);
    entry_pattern(entry, "regexCheck",
                  entry_text(entry, owner(&merged, "regexCheck"), "regexCheck"));
    read_tags(entry, &merged);
    entry_known(entry, entry_text(entry, owner(&merged, "usernameClaimed"), "usernameClaimed"));
}
