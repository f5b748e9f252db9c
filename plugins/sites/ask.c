/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. A name that the entry refuses costs no request. Whether a pattern that runs away
 * would have refused it, nobody knows: that is `unsupported`, the check cannot be done. */
#include "plugins/sites/ask.h"

#include <stdbool.h>
#include <string.h>

#include "plugins/sites/pattern.h"

#define LABEL_BYTES_MAX 63

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool
is_label(const char *name)
{
    size_t len = strspn(name, LETTERS "-");
    return len > 0 && len <= LABEL_BYTES_MAX && name[len] == '\0' && name[0] != '-' &&
           name[len - 1] != '-';
}

static bool
is_plain(const char *name)
{
    return name[strspn(name, LETTERS "@._-")] == '\0';
}

static bool
fits_its_place(const struct rule *rule, const char *name)
{
    if ((rule->flags & RULE_LABEL_NAME) != 0 && !is_label(name)) {
        return false;
    }
    return (rule->flags & RULE_PLAIN_NAME) == 0 || is_plain(name);
}

static void
add_request(rollcall_check *check, const struct rule *rule)
{
    for (size_t i = 0; i < rule->header_count; i++) {
        rollcall_header(check, rule->headers[i].name, rule->headers[i].value);
    }
    if (rule->body != NULL) {
        rollcall_body(check, rule->content_type, rule->body);
    }
    if (rule->follow > 0) {
        rollcall_follow(check, rule->follow);
    }
}

rollcall_step
ask(rollcall_check *check, const struct rule *rule)
{
    const char *name = check->subject;
    if (rule->strip != NULL && strpbrk(name, rule->strip) != NULL) {
        return rollcall_unknown(check, ROLLCALL_NOT_A_VALID_NAME);
    }
    if (!fits_its_place(rule, name)) {
        return rollcall_unknown(check, ROLLCALL_NOT_A_VALID_NAME);
    }
    if (rule->pattern != NULL) {
        enum pattern_answer answer = pattern_match(rule->pattern, name);
        if (answer != PATTERN_MATCHES) {
            return rollcall_unknown(check, answer == PATTERN_REFUSES ? ROLLCALL_NOT_A_VALID_NAME
                                                                     : ROLLCALL_UNSUPPORTED);
        }
    }
    add_request(check, rule);
    return rollcall_request(check, rule->method, rule->url);
}
