/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. A name that the entry refuses costs no request. Whether a pattern that runs away
 * would have refused it, nobody knows: that is `unsupported`, the check cannot be done. */
#include "plugins/sites/ask.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/sites/pattern.h"

#define LABEL_BYTES_MAX 63

#define SUBJECT_FIELD "{subject}"
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

/* ---- Names without some of their characters ----------------------------- */

/* A template for another name than the subject: a kept value, and in the host, where only a subject
 * may stand, the label itself. */
static const char *
rename_template(struct pool *pool, const char *text, const char *name)
{
    const char *host = strstr(text, "://");
    const char *host_end = host != NULL ? host + 3 + strcspn(host + 3, "/") : text;
    pool_begin(pool);
    for (;;) {
        const char *place = strstr(text, SUBJECT_FIELD);
        pool_put(pool, text, place != NULL ? (size_t)(place - text) : strlen(text));
        if (place == NULL) {
            return pool_end(pool, NULL);
        }
        pool_puts(pool, place < host_end ? name : "{value:name}");
        text = place + strlen(SUBJECT_FIELD);
    }
}

/* As WhatsMyName does it: some characters are taken out, and the name that is left is asked for. */
static rollcall_step
ask_stripped(rollcall_check *check, const struct rule *rule, struct pool *pool)
{
    struct rule other = *rule;
    pool_begin(pool);
    for (const char *at = check->subject; *at != '\0'; at++) {
        if (strchr(rule->strip, *at) == NULL) {
            pool_byte(pool, *at);
        }
    }
    const char *name = pool_end(pool, NULL);
    if (name == NULL || name[0] == '\0' || !fits_its_place(rule, name)) {
        return rollcall_unknown(check, ROLLCALL_NOT_A_VALID_NAME);
    }
    other.url = rename_template(pool, rule->url, name);
    other.body = rule->body != NULL ? rename_template(pool, rule->body, name) : NULL;
    if (pool->full || rollcall_put(check, "name", name) != 0) {
        return ROLLCALL_STEP_FAILED;
    }
    add_request(check, &other);
    return rollcall_request(check, other.method, other.url);
}

/* Strictly, what is found under another name says nothing about this one. */
static rollcall_step
ask_strippable(rollcall_check *check, const struct rule *rule)
{
    if (rule->reading == READING_STRICT) {
        return rollcall_unknown(check, ROLLCALL_NOT_A_VALID_NAME);
    }
    struct pool *pool = calloc(1, sizeof(*pool));
    rollcall_step step = pool != NULL ? ask_stripped(check, rule, pool) : ROLLCALL_STEP_FAILED;
    free(pool);
    return step;
}

rollcall_step
ask(rollcall_check *check, const struct rule *rule)
{
    const char *name = check->subject;
    if (rule->strip != NULL && strpbrk(name, rule->strip) != NULL) {
        return ask_strippable(check, rule);
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
