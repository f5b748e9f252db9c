/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The verdicts of the tools themselves, in their own order, so that both readings can be held side
 * by side: Sherlock and Maigret judge a page of 429 or half a body like any other. WhatsMyName has
 * no verdict for users; its two test rules together are one. Where a tool says that it could not
 * tell, so does this. */
#include <string.h>

#include "plugins/sites/judge.h"

#define STATUS_NO_ERROR 999 /* LinkedIn's, which Maigret lets pass */

static rollcall_step
say_present(rollcall_check *check, const struct rule *rule, bool present)
{
    return present ? rollcall_registered(check, rule->profile) : rollcall_unregistered(check);
}

/* ---- Sherlock ----------------------------------------------------------- */

static bool
sherlock_code_is_present(const struct rule *rule, int32_t status)
{
    return !rule_names_code(rule, status) && is_success(status);
}

/* Each of its types in a fixed order; the first that finds nobody ends it. */
static bool
sherlock_is_present(const struct rule *rule, const struct page *page)
{
    int32_t status = page->reply->status;
    if ((rule->kinds & RULE_BY_MARK) != 0 && page_has_any(page, &rule->absent)) {
        return false;
    }
    if ((rule->kinds & RULE_BY_CODE) != 0 && !sherlock_code_is_present(rule, status)) {
        return false;
    }
    return (rule->kinds & RULE_BY_REDIRECT) == 0 || is_success(status);
}

static rollcall_step
judge_sherlock(rollcall_check *check, const struct rule *rule, const struct page *page)
{
    if (page_is_wall(page)) {
        return rollcall_unknown(check, ROLLCALL_BLOCKED);
    }
    return say_present(check, rule, sherlock_is_present(rule, page));
}

/* ---- Maigret ------------------------------------------------------------ */

/* Pages that it takes for errors on any site: bot walls, and a provider's own. */
static bool
is_known_error(const struct page *page)
{
    static const char *const marks[] = {
        "<title>Attention Required! | Cloudflare</title>",
        "<title>Just a moment",
        "<title>DDoS-Guard</title>",
        "Incapsula incident ID",
        "Our systems have detected unusual traffic from your computer network",
    };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (page_has(page, marks[i])) {
            return true;
        }
    }
    return false;
}

/* 0: it goes on to judge the page. 429 is no error to it. */
static int32_t
maigret_error(const struct rule *rule, const struct page *page)
{
    int32_t status = page->reply->status;
    for (size_t i = 0; i < rule->error_count; i++) {
        if (page_has(page, rule->errors[i].text)) {
            return rule->errors[i].reason;
        }
    }
    if (is_known_error(page) || (status == 403 && (rule->flags & RULE_IGNORES_403) == 0)) {
        return ROLLCALL_BLOCKED;
    }
    return status >= 500 && status != STATUS_NO_ERROR ? ROLLCALL_SERVER_ERROR : 0;
}

static bool
is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

static bool
maigret_sees_presence(const struct rule *rule, const struct page *page)
{
    if (page->len == 0) {
        return false;
    }
    if (rule->present.mark_count > 0) {
        return page_has_any(page, &rule->present);
    }
    return is_ascii(page->subject) || page_has(page, page->subject);
}

static bool
maigret_is_present(const struct rule *rule, const struct page *page)
{
    int32_t status = page->reply->status;
    switch (rule->kinds) {
    case RULE_BY_CODE:
        return is_success(status);
    case RULE_BY_REDIRECT:
        return is_success(status) && maigret_sees_presence(rule, page);
    default:
        return maigret_sees_presence(rule, page) && !page_has_any(page, &rule->absent);
    }
}

static rollcall_step
judge_maigret(rollcall_check *check, const struct rule *rule, const struct page *page)
{
    int32_t error = maigret_error(rule, page);
    return error != 0 ? rollcall_unknown(check, error)
                      : say_present(check, rule, maigret_is_present(rule, page));
}

/* ---- WhatsMyName -------------------------------------------------------- */

static rollcall_step
judge_wmn(rollcall_check *check, const struct rule *rule, const struct page *page)
{
    bool present = page_is(page, &rule->present);
    bool absent = page_is(page, &rule->absent);
    bool prefers = present && rule->present.mark_count > 0 && rule->absent.mark_count == 0;
    if (present == absent && !prefers) {
        return rollcall_unknown_from(check, page->reply);
    }
    return say_present(check, rule, present);
}

rollcall_step
judge_faithful(rollcall_check *check, const struct rule *rule, const struct page *page)
{
    switch (rule->dialect) {
    case DIALECT_WMN:
        return judge_wmn(check, rule, page);
    case DIALECT_SHERLOCK:
        return judge_sherlock(check, rule, page);
    case DIALECT_MAIGRET:
        return judge_maigret(check, rule, page);
    default:
        return judge(check, rule, page);
    }
}
