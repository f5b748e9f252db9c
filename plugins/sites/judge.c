/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The strict reading, in this order: what is cut, a wall's or a login page, and a code that refuses
 * say nothing, unless the entry itself names the code; then the entry's own rule decides on a
 * proper reply; all else is unknown, for the reason that the reply gives. A wall that the host
 * knows it takes out of any verdict by itself. */
#include "plugins/sites/judge.h"

#include <string.h>

#include "plugins/sites/link.h"

enum verdict {
    UNKNOWN = ROLLCALL_UNKNOWN,
    PRESENT = ROLLCALL_REGISTERED,
    ABSENT = ROLLCALL_UNREGISTERED
};

/* ---- What says nothing about anybody ------------------------------------ */

static bool
is_redirect(int32_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The page that redirects led to, or the one that this reply leads to. */
static bool
is_gate(const struct rule *rule, const struct page *page)
{
    const struct link_asked asked = { rule->url, rule->host, page->subject };
    const char *location = rollcall_header_of(page->reply, "location");
    if (is_redirect(page->reply->status) && location != NULL) {
        return link_is_gate(location, &asked);
    }
    return rule->follow > 0 && link_is_gate(page->reply->url, &asked);
}

static int32_t
reason_of_error(const struct rule *rule, const struct page *page)
{
    for (size_t i = 0; i < rule->error_count; i++) {
        if (page_has(page, rule->errors[i].text)) {
            return rule->errors[i].reason;
        }
    }
    return 0;
}

/* A redirect to the page that was asked for, in another spelling: nobody was sent away. */
static bool
stays(const struct page *page)
{
    const char *location = rollcall_header_of(page->reply, "location");
    return is_redirect(page->reply->status) && location != NULL &&
           link_is_same_place(location, page->reply->url);
}

/* ---- The rules ---------------------------------------------------------- */

/* Codes and strings for either side. Where both fit and only the one has a string, that one
 * describes the reply more closely. */
static enum verdict
judge_two_sided(const struct rule *rule, const struct page *page)
{
    bool present = page_is(page, &rule->present);
    bool absent = page_is(page, &rule->absent);
    if (present && absent) {
        bool prefers = rule->dialect == DIALECT_WMN && rule->present.mark_count > 0 &&
                       rule->absent.mark_count == 0;
        return prefers ? PRESENT : UNKNOWN;
    }
    bool is_mere_code = rule->absent.mark_count == 0 && rule->absent.condition_count == 0;
    if (absent && is_mere_code && stays(page)) {
        return UNKNOWN;
    }
    return present ? PRESENT : absent ? ABSENT : UNKNOWN;
}

static bool
is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

/* The side without a string, from a proper reply that has none of the other's. A name in other
 * letters must be on its page, as Maigret wants it: sites drop what they cannot read. */
static enum verdict
infer(const struct rule *rule, const struct page *page)
{
    int32_t status = page->reply->status;
    if (page->len == 0) {
        return UNKNOWN;
    }
    if (rule->present.mark_count == 0 && rule->absent.mark_count > 0 && is_success(status)) {
        bool must_show = rule->dialect == DIALECT_MAIGRET && !is_ascii(page->subject);
        return !must_show || page_has(page, page->subject) ? PRESENT : UNKNOWN;
    }
    if (rule->absent.mark_count == 0 && rule->present.mark_count > 0) {
        return is_success(status) || status == 404 ? ABSENT : UNKNOWN;
    }
    return UNKNOWN;
}

static enum verdict
judge_marks(const struct rule *rule, const struct page *page)
{
    if (page_has_any(page, &rule->absent)) {
        return ABSENT;
    }
    return page_has_any(page, &rule->present) ? PRESENT : infer(rule, page);
}

static bool
is_gone(int32_t status)
{
    return status == 404 || status == 410;
}

static enum verdict
judge_code(const struct rule *rule, const struct page *page)
{
    int32_t status = page->reply->status;
    if (rule_names_code(rule, status) || is_gone(status)) {
        return ABSENT;
    }
    return is_success(status) ? PRESENT : UNKNOWN;
}

static enum verdict
judge_redirect(const struct rule *rule, const struct page *page)
{
    int32_t status = page->reply->status;
    const char *location = rollcall_header_of(page->reply, "location");
    if (is_success(status)) {
        bool fits = rule->present.mark_count == 0 || page_has_any(page, &rule->present);
        return fits ? PRESENT : UNKNOWN;
    }
    if (is_redirect(status) && location != NULL && location[0] != '\0') {
        return stays(page) ? UNKNOWN : ABSENT;
    }
    return is_gone(status) ? ABSENT : UNKNOWN;
}

/* An entry may have several rules: the first that says absent decides, present needs all. */
static enum verdict
judge_rules(const struct rule *rule, const struct page *page)
{
    static const struct {
        unsigned kind;
        enum verdict (*judge)(const struct rule *, const struct page *);
    } rules[] = {
        { RULE_TWO_SIDED, judge_two_sided },
        { RULE_BY_MARK, judge_marks },
        { RULE_BY_CODE, judge_code },
        { RULE_BY_REDIRECT, judge_redirect },
    };
    enum verdict verdict = UNKNOWN;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if ((rule->kinds & rules[i].kind) == 0) {
            continue;
        }
        verdict = rules[i].judge(rule, page);
        if (verdict != PRESENT) {
            return verdict;
        }
    }
    return verdict;
}

/* ---- The whole ---------------------------------------------------------- */

rollcall_step
judge(rollcall_check *check, const struct rule *rule, const struct page *page)
{
    const rollcall_reply *reply = page->reply;
    int32_t error = reason_of_error(rule, page);
    bool refuses = is_refusing_code(reply->status) && !rule_names_code(rule, reply->status);
    if (refuses || reply->truncated != 0) {
        return rollcall_unknown_from(check, reply);
    }
    if (error != 0 || page_is_wall(page) || is_gate(rule, page)) {
        return rollcall_unknown(check, error != 0 ? error : ROLLCALL_BLOCKED);
    }
    switch (judge_rules(rule, page)) {
    case PRESENT:
        return rollcall_registered(check, rule->profile);
    case ABSENT:
        return rollcall_unregistered(check);
    default:
        return rollcall_unknown_from(check, reply);
    }
}
