/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What can be seen in a reply: strings, JSON, walls. */
#include <string.h>

#include "plugins/sites/judge.h"

bool
page_has(const struct page *page, const char *text)
{
    return memmem(page->text, page->len, text, strlen(text)) != NULL;
}

bool
page_has_any(const struct page *page, const struct rule_side *side)
{
    for (size_t i = 0; i < side->mark_count; i++) {
        if (page_has(page, side->marks[i])) {
            return true;
        }
    }
    return false;
}

static bool
has_all(const struct page *page, const struct rule_side *side)
{
    for (size_t i = 0; i < side->mark_count; i++) {
        if (!page_has(page, side->marks[i])) {
            return false;
        }
    }
    return true;
}

static bool
has_code(const struct page *page, const struct rule_side *side)
{
    for (size_t i = 0; i < side->code_count; i++) {
        if (side->codes[i] == page->reply->status) {
            return true;
        }
    }
    return false;
}

static bool
is_there(const rollcall_reply *reply, const char *path)
{
    int64_t number = 0;
    const char *text = rollcall_json_string(reply, path);
    return text != NULL ? text[0] != '\0' : rollcall_json_int(reply, path, &number) == 1;
}

static bool
condition_holds(const rollcall_reply *reply, const struct rule_condition *condition)
{
    int64_t number = 0;
    switch (condition->kind) {
    case CONDITION_TEXT:
        return rollcall_json_is(reply, condition->path, condition->text) == 1;
    case CONDITION_SUBJECT:
        return rollcall_json_is_subject(reply, condition->path) == 1;
    case CONDITION_TRUE:
        return rollcall_json_bool(reply, condition->path) == 1;
    case CONDITION_FALSE:
        return rollcall_json_bool(reply, condition->path) == 0;
    case CONDITION_NUMBER:
        return rollcall_json_int(reply, condition->path, &number) == 1 &&
               number == condition->number;
    case CONDITION_COUNT:
        return rollcall_json_count(reply, condition->path) == condition->number;
    case CONDITION_THERE:
        return is_there(reply, condition->path);
    default:
        return false;
    }
}

static bool
conditions_hold(const struct page *page, const struct rule_side *side)
{
    for (size_t i = 0; i < side->condition_count; i++) {
        if (!condition_holds(page->reply, &side->conditions[i])) {
            return false;
        }
    }
    return true;
}

static bool
is_whole(const struct page *page, const char *whole)
{
    size_t start = 0;
    size_t end = page->len;
    while (start < end && strchr(" \t\r\n", page->text[start]) != NULL) {
        start++;
    }
    while (end > start && strchr(" \t\r\n", page->text[end - 1]) != NULL) {
        end--;
    }
    return end - start == strlen(whole) && memcmp(page->text + start, whole, end - start) == 0;
}

bool
page_is(const struct page *page, const struct rule_side *side)
{
    return has_code(page, side) && has_all(page, side) && conditions_hold(page, side) &&
           (side->whole == NULL || is_whole(page, side->whole));
}

/* Beside those that the host knows: Cloudflare's older and newer challenge, CloudFront's, and
 * HUMAN's, by what their scripts and styles call themselves. */
bool
page_is_wall(const struct page *page)
{
    static const char *const marks[] = {
        ".challenge-running{display:none}",
        "<span id=\"challenge-error-text\">",
        "AwsWafIntegration.forceRefreshToken",
        "\"perimeterxIdentifiers\",{enumerable:",
    };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (page_has(page, marks[i])) {
            return true;
        }
    }
    return false;
}
