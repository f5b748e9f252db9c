/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One pass from left to right over the recorded text; at each byte the longer spellings are tried
 * first, so the local part does not spoil an address. */
#include "tests/world/subst.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/world/text.h"

#define RULES_MAX 5
#define SPELLING_BYTES 4096
#define BASE "{base}"
#define CASE_BIT 0x20 /* all that tells A from a */

/* A spelling that is looked for, and what stands there instead, as it must be written there. */
struct rule {
    char from[SPELLING_BYTES];
    size_t from_len;
    struct buf to;
    bool is_word;
};

struct rules {
    struct rule items[RULES_MAX];
    size_t count;
};

/* ---- Writing */

static void
append_json(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            buf_append_byte(out, '\\');
            buf_append_byte(out, (uint8_t)*text);
        } else if ((unsigned char)*text < 0x20) {
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            buf_append_byte(out, (uint8_t)*text);
        }
    }
}

static void
append_html(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("&<>\"'", *text) != NULL) {
            buf_printf(out, "&#%d;", *text);
        } else {
            buf_append_byte(out, (uint8_t)*text);
        }
    }
}

/* Mostly an address of a page: an '@' may stand there, what could end the header may not. */
static void
append_header(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        const char byte[] = { *text, '\0' };
        if (*text == '@') {
            buf_append_byte(out, '@');
        } else {
            text_percent_encode(out, byte);
        }
    }
}

static void
append_as(struct buf *out, enum subst_form form, const char *text)
{
    switch (form) {
    case SUBST_TEXT:
        buf_append_str(out, text);
        break;
    case SUBST_JSON:
        append_json(out, text);
        break;
    case SUBST_HTML:
        append_html(out, text);
        break;
    case SUBST_HEADER:
        append_header(out, text);
        break;
    }
}

/* ---- Rules */

static struct rule *
add_rule(struct rules *rules, const char *from, bool is_word)
{
    struct rule *rule = &rules->items[rules->count++];
    (void)snprintf(rule->from, sizeof(rule->from), "%s", from);
    rule->from_len = strlen(rule->from);
    rule->is_word = is_word;
    buf_init(&rule->to, SPELLING_BYTES);
    return rule;
}

static void
add_encoded_rule(struct rules *rules, const struct subst *subst)
{
    struct buf from;
    buf_init(&from, SPELLING_BYTES - 1);
    text_percent_encode(&from, subst->recorded);
    if (strcmp(buf_str(&from), subst->recorded) != 0) {
        text_percent_encode(&add_rule(rules, buf_str(&from), false)->to, subst->asked);
    }
    buf_fini(&from);
}

/* "alice\u0040example.com", and of the local part alone. */
static void
add_address_rules(struct rules *rules, const struct subst *subst)
{
    const char *at = strrchr(subst->recorded, '@');
    const char *asked_at = strrchr(subst->asked, '@');
    if (at == NULL || at == subst->recorded) {
        return;
    }
    char local[SPELLING_BYTES];
    char escaped[SPELLING_BYTES];
    int local_len = (int)(at - subst->recorded);
    (void)snprintf(escaped, sizeof(escaped), "%.*s\\u0040%s", local_len, subst->recorded, at + 1);
    append_json(&add_rule(rules, escaped, false)->to, subst->asked);
    (void)snprintf(local, sizeof(local), "%.*s", local_len, subst->recorded);
    struct rule *rule = add_rule(rules, local, true);
    int asked_len = asked_at != NULL ? (int)(asked_at - subst->asked) : (int)strlen(subst->asked);
    (void)snprintf(local, sizeof(local), "%.*s", asked_len, subst->asked);
    append_as(&rule->to, subst->form, local);
}

static void
make_rules(const struct subst *subst, struct rules *rules)
{
    struct rule *base = add_rule(rules, BASE, false);
    buf_printf(&base->to, "%s/%s", subst->origin, subst->platform);
    if (*subst->asked == '\0' || *subst->recorded == '\0' ||
        strcmp(subst->asked, subst->recorded) == 0) {
        return;
    }
    bool is_word = strchr(subst->recorded, '@') == NULL;
    append_as(&add_rule(rules, subst->recorded, is_word)->to, subst->form, subst->asked);
    add_encoded_rule(rules, subst);
    add_address_rules(rules, subst);
}

static bool
is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool
is_at(const struct rule *rule, const char *bytes, size_t len, size_t at)
{
    size_t end = at + rule->from_len;
    if ((bytes[at] | CASE_BIT) != (rule->from[0] | CASE_BIT)) {
        return false; /* nearly always, and much cheaper than a comparison */
    }
    if (end > len || strncasecmp(bytes + at, rule->from, rule->from_len) != 0) {
        return false;
    }
    return !rule->is_word ||
           ((at == 0 || !is_word_byte(bytes[at - 1])) && (end == len || !is_word_byte(bytes[end])));
}

static const struct rule *
find_rule(const struct rules *rules, const char *bytes, size_t len, size_t at)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (is_at(&rules->items[i], bytes, len, at)) {
            return &rules->items[i];
        }
    }
    return NULL;
}

void
subst_append(const struct subst *subst, const char *bytes, size_t len, struct buf *out)
{
    struct rules rules = { .count = 0 };
    make_rules(subst, &rules);
    size_t kept_from = 0;
    for (size_t at = 0; at < len;) {
        const struct rule *rule = find_rule(&rules, bytes, len, at);
        if (rule == NULL) {
            at++;
            continue;
        }
        buf_append(out, bytes + kept_from, at - kept_from);
        buf_append(out, buf_str(&rule->to), rule->to.len);
        at += rule->from_len;
        kept_from = at;
    }
    buf_append(out, bytes + kept_from, len - kept_from);
    for (size_t i = 0; i < rules.count; i++) {
        buf_fini(&rules.items[i].to);
    }
}
