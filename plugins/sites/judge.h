/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a reply means. Strictly, or as the entry's own tool would say. */
#ifndef ROLLCALL_SITES_JUDGE_H
#define ROLLCALL_SITES_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include <rollcall/plugin.h>

#include "plugins/sites/rule.h"

/** A reply with its body as UTF-8. */
struct page {
    const rollcall_reply *reply;
    const char *subject;
    const char *text;
    size_t len;
};

/** The strict reading: never a verdict without a mark for it. */
rollcall_step judge(rollcall_check *check, const struct rule *rule, const struct page *page);

/** The verdict that the entry's tool gives, right or wrong. */
rollcall_step
judge_faithful(rollcall_check *check, const struct rule *rule, const struct page *page);

/* ---- What both readings look at --------------------------------------------------------- */

bool page_has(const struct page *page, const char *text);
/** Whether any of the side's marks is in the body. */
bool page_has_any(const struct page *page, const struct rule_side *side);
/** Whether the reply is what the side describes: one of its codes, all its marks and conditions. */
bool page_is(const struct page *page, const struct rule_side *side);
/** Whether the body has one of the bot walls' marks that the tools know. */
bool page_is_wall(const struct page *page);

static inline bool
is_success(int32_t status)
{
    return status >= 200 && status <= 299;
}

#endif
