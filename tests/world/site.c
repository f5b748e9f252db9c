/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Judges replies by an entry's rules and writes those that the entry describes. A page is a mark in
 * as little else as possible: what else it says could be a mark of the other side. */
#include "tests/world/site.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/buf.h"
#include "daemon/base/error.h"

/* About what a small page weighs; blanks, which are no mark of anybody's. */
#define PAGE_BYTES 1024
#define PAGE_BYTES_MAX (1024u * 1024)
#define HASH_BYTES 9 /* "x" and eight digits */
#define PLAIN_HEAD "<!DOCTYPE html>\n<html><head></head><body>\n"
#define PLAIN_TAIL "\n</body></html>\n"

/* ---- Judge */

static bool
has_any(const struct site_texts *texts, const char *body)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (strstr(body, texts->texts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool
is_named(const struct site *site, int status)
{
    for (size_t i = 0; i < site->code_count; i++) {
        if (site->codes[i] == status) {
            return true;
        }
    }
    return false;
}

static bool
is_success(int status)
{
    return status >= 200 && status <= 299;
}

static bool
is_refusal(int status)
{
    return status == 401 || status == 403 || status == 407 || status == 429 || status >= 500;
}

static bool
is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where a site sends people that it wants something else of. */
static bool
is_detour(const char *location)
{
    static const char *const words[] = { "login", "log-in",  "signin",    "sign-in",
                                         "auth",  "consent", "challenge", "captcha" };
    for (size_t i = 0; location != NULL && i < ARRAY_LEN(words); i++) {
        if (strcasestr(location, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static enum site_verdict
judge_two_sided(const struct site *site, int status, const char *body)
{
    bool present =
        status == site->present_code && (site->present.count == 0 || has_any(&site->present, body));
    bool absent =
        status == site->absent_code && (site->absent.count == 0 || has_any(&site->absent, body));
    if (present && absent) {
        return site->present.count > 0 && site->absent.count == 0 ? SITE_PRESENT : SITE_UNKNOWN;
    }
    return present ? SITE_PRESENT : absent ? SITE_ABSENT : SITE_UNKNOWN;
}

static enum site_verdict
judge_message(const struct site *site, int status, const char *body)
{
    if (has_any(&site->absent, body)) {
        return SITE_ABSENT;
    }
    if (has_any(&site->present, body)) {
        return SITE_PRESENT;
    }
    if (site->present.count == 0 && is_success(status)) {
        return SITE_PRESENT;
    }
    bool one_sided = site->absent.count == 0 && (is_success(status) || status == 404);
    return one_sided ? SITE_ABSENT : SITE_UNKNOWN;
}

static enum site_verdict
judge_status(const struct site *site, int status)
{
    if (is_named(site, status) || status == 404 || status == 410) {
        return SITE_ABSENT;
    }
    return is_success(status) ? SITE_PRESENT : SITE_UNKNOWN;
}

static enum site_verdict
judge_redirect(const struct site *site, int status, const char *body, const char *location)
{
    if (is_success(status)) {
        bool has_mark = site->present.count == 0 || has_any(&site->present, body);
        return has_mark ? SITE_PRESENT : SITE_UNKNOWN;
    }
    bool is_gone = status == 404 || status == 410 || is_named(site, status);
    return is_gone || (is_redirect(status) && !is_detour(location)) ? SITE_ABSENT : SITE_UNKNOWN;
}

/* Of several rules, in the order that the formats give them: the first that says absent is right;
 * present is what all of them say. */
enum site_verdict
site_judge(const struct site *site, int status, const char *body, const char *location)
{
    enum site_verdict said[3];
    size_t count = 0;
    if ((site->rules & SITE_TWO_SIDED) != 0) {
        return judge_two_sided(site, status, body);
    }
    if (is_refusal(status) && !is_named(site, status)) {
        return SITE_UNKNOWN;
    }
    if ((site->rules & SITE_MESSAGE) != 0) {
        said[count++] = judge_message(site, status, body);
    }
    if ((site->rules & SITE_STATUS) != 0) {
        said[count++] = judge_status(site, status);
    }
    if ((site->rules & SITE_REDIRECT) != 0) {
        said[count++] = judge_redirect(site, status, body, location);
    }
    size_t present = 0;
    for (size_t i = 0; i < count; i++) {
        if (said[i] == SITE_ABSENT) {
            return SITE_ABSENT;
        }
        present += said[i] == SITE_PRESENT;
    }
    return count > 0 && present == count ? SITE_PRESENT : SITE_UNKNOWN;
}

const char *
site_verdict_word(enum site_verdict verdict)
{
    switch (verdict) {
    case SITE_PRESENT:
        return "registered";
    case SITE_ABSENT:
        return "unregistered";
    case SITE_UNKNOWN:
        break;
    }
    return "unknown";
}

bool
site_reads_bodies(const struct site *site)
{
    return site->present.count > 0 || site->absent.count > 0;
}

/* ---- Write */

static bool
has_body(int status)
{
    return status != 204 && status != 304;
}

/* The plain page around a mark, or the mark alone where the page itself is a mark of some side. */
static const char *
write_page(const struct site *site, const char *mark, struct arena *arena, size_t *out_len)
{
    if (*mark != '\0' && site->is_bare[site->present.count > 0 && mark == site->present.texts[0]]) {
        *out_len = strlen(mark);
        return mark;
    }
    struct buf page;
    buf_init(&page, PAGE_BYTES_MAX);
    bool is_clean = !has_any(&site->present, PLAIN_HEAD PLAIN_TAIL) &&
                    !has_any(&site->absent, PLAIN_HEAD PLAIN_TAIL);
    buf_append_str(&page, is_clean ? PLAIN_HEAD : "");
    buf_append_str(&page, mark);
    while (page.len < PAGE_BYTES && page.error == 0) {
        buf_append_str(&page, "\n                               ");
    }
    buf_append_str(&page, is_clean ? PLAIN_TAIL : "\n");
    const char *copy = page.error == 0 ? arena_copy(arena, buf_str(&page), page.len) : NULL;
    *out_len = page.len;
    buf_fini(&page);
    return copy;
}

static int
write_reply(const struct site *site, int status, const char *mark, struct arena *arena,
            struct case_reply *out)
{
    static const struct case_header headers[][2] = {
        { { "Content-Type", "text/html; charset=utf-8" }, { "Location", "{base}/home" } },
        { { "Content-Type", "application/json" }, { "Location", "{base}/home" } },
    };
    size_t len = 0;
    const char *body = has_body(status) ? write_page(site, mark, arena, &len) : "";
    if (body == NULL) {
        return ERROR_NOMEM;
    }
    *out = (struct case_reply){
        .status = status,
        .headers = headers[body == mark && *mark != '\0'],
        .header_count = is_redirect(status) ? 2 : 1,
        .body = body,
        .body_len = len,
    };
    return 0;
}

static int
present_status(const struct site *site)
{
    return site->present_code != 0 ? site->present_code : 200;
}

/* Sites without a status of their own for absence say it with 200 or with 404, each about half. */
static int
absent_status(const struct site *site)
{
    if (site->absent_code != 0) {
        return site->absent_code;
    }
    if ((site->rules & SITE_STATUS) != 0) {
        return site->code_count > 0 ? site->codes[0] : 404;
    }
    if ((site->rules & SITE_REDIRECT) != 0 && !site->follows) {
        return 302;
    }
    return strlen(site->id) % 2 == 0 ? 200 : 404;
}

int
site_reply(const struct site *site, bool is_present, struct arena *arena, struct case_reply *out)
{
    const struct site_texts *marks = is_present ? &site->present : &site->absent;
    const char *mark = marks->count > 0 ? marks->texts[0] : "";
    return write_reply(site, is_present ? present_status(site) : absent_status(site), mark, arena,
                       out);
}

int
site_neutral(const struct site *site, struct arena *arena, struct case_reply *out)
{
    return write_reply(site, present_status(site), "", arena, out);
}

/* ---- Ids */

const char *
site_id(struct arena *arena, const char *name)
{
    char id[SITE_ID_BYTES_MAX + 1];
    size_t len = 0;
    bool is_whole = true;
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
    for (const char *at = name; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        hash = (hash ^ byte) * UINT32_C(16777619);
        bool has_room = len < SITE_ID_BYTES_MAX - HASH_BYTES;
        if (byte >= 0x80 || (isalnum(byte) && !has_room)) {
            is_whole = false;
        } else if (isalnum(byte)) {
            id[len++] = (char)tolower(byte);
        }
    }
    id[len] = '\0';
    if (len == 0 || !is_whole) {
        (void)snprintf(id + len, sizeof(id) - len, "x%08x", hash);
    }
    return arena_strdup(arena, id);
}
