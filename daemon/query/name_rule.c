/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Names against "A-Za-z0-9_-" and a length in code points. Pure. */
#include "daemon/query/name_rule.h"

#include <string.h>

#include "daemon/base/utf8.h"

/* The code point at *text, which is well-formed, not its end. */
static uint32_t
next_char(const char **text)
{
    uint32_t code_point = 0;
    size_t len = utf8_decode((const uint8_t *)*text, strlen(*text), &code_point);
    *text += len > 0 ? len : 1;
    return code_point;
}

/* "a-z" is a range; a '-' that ends the set is itself. */
static bool
set_has(const char *set, uint32_t code_point)
{
    while (*set != '\0') {
        uint32_t first = next_char(&set);
        uint32_t last = first;
        if (set[0] == '-' && set[1] != '\0') {
            set++;
            last = next_char(&set);
        }
        if (code_point >= first && code_point <= last) {
            return true;
        }
    }
    return false;
}

bool
name_rule_allows(const struct manifest_name_rule *rule, const char *name)
{
    if (rule == NULL) {
        return true;
    }
    uint32_t chars = 0;
    while (*name != '\0') {
        uint32_t code_point = next_char(&name);
        if (rule->chars != NULL && !set_has(rule->chars, code_point)) {
            return false;
        }
        chars++;
    }
    return chars >= rule->min_chars && (rule->max_chars == 0 || chars <= rule->max_chars);
}
