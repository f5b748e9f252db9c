/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Limits, walls and failures: see the header. Times that a reply gives as a date are read against
 * its own Date, so that two clocks that differ do no harm; only without one against ours. */
#include "daemon/plugin/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "daemon/base/attr.h"
#include "daemon/base/clock.h"

/* Walls say what they are at the top of a short page. */
#define WALL_SCAN_BYTES ((size_t)32 * 1024)
#define WALL_STATUS_MIN 200
#define WALL_STATUS_MAX 503

/* Larger numbers are seconds since 1970, those above the second bound milliseconds. */
#define EPOCH_S_MIN INT64_C(1000000000)
#define EPOCH_MS_MIN INT64_C(1000000000000)

const char *
reply_header(const struct call_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcasecmp(reply->headers[i].name, name) == 0) {
            return reply->headers[i].value;
        }
    }
    return NULL;
}

/* Headers that a wall sets, with the value that tells a challenge from an ordinary reply. */
static bool
has_wall_header(const struct call_reply *reply)
{
    static const struct call_pair marks[] = {
        { "cf-mitigated", "challenge" },      /* Cloudflare documents this one for programs */
        { "x-amzn-waf-action", "challenge" }, /* AWS WAF documents both */
        { "x-amzn-waf-action", "captcha" },
    };
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const char *value = reply_header(reply, marks[i].name);
        if (value != NULL && strcasecmp(value, marks[i].value) == 0) {
            return true;
        }
    }
    return false;
}

static bool
may_be_page(const struct call_reply *reply)
{
    const char *type = reply_header(reply, "content-type");
    return type == NULL || strncasecmp(type, "text/html", strlen("text/html")) == 0;
}

static bool
has_wall_mark(const struct call_reply *reply)
{
    static const char *const marks[] = {
        "<title>Just a moment...</title>", /* Cloudflare, the challenge */
        "window._cf_chl_opt",
        "<title>Attention Required! | Cloudflare</title>", /* Cloudflare, the block */
        "captcha-delivery.com/",                           /* DataDome */
        "id=\"px-captcha\"",                               /* HUMAN, once PerimeterX */
        "window.gokuProps",                                /* AWS WAF */
        "Request unsuccessful. Incapsula incident ID",     /* Imperva */
        "<title>Sucuri WebSite Firewall - Access Denied</title>",
        "<title>DDoS-Guard</title>",
        "id=\"anubis_challenge\"",                                              /* Anubis */
        "Our systems have detected unusual traffic from your computer network", /* Google */
    };
    size_t len = reply->body_len < WALL_SCAN_BYTES ? reply->body_len : WALL_SCAN_BYTES;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (memmem(reply->body, len, marks[i], strlen(marks[i])) != NULL) {
            return true;
        }
    }
    return false;
}

bool
reply_is_wall(const struct call_reply *reply)
{
    if (reply->status < WALL_STATUS_MIN || reply->status > WALL_STATUS_MAX) {
        return false;
    }
    return has_wall_header(reply) || (may_be_page(reply) && has_wall_mark(reply));
}

/* The spellings of "so many requests are left" and "until then". */
static const struct {
    const char *remaining;
    const char *reset;
} limit_headers[] = {
    { "x-ratelimit-remaining", "x-ratelimit-reset" },
    { "x-rate-limit-remaining", "x-rate-limit-reset" },
    { "ratelimit-remaining", "ratelimit-reset" },
};

static bool
limit_is_spent(const struct call_reply *reply)
{
    for (size_t i = 0; i < ARRAY_LEN(limit_headers); i++) {
        const char *left = reply_header(reply, limit_headers[i].remaining);
        if (left != NULL && strcmp(left, "0") == 0) {
            return true;
        }
    }
    return reply_header(reply, "retry-after") != NULL;
}

int32_t
reply_reason(const struct call_reply *reply)
{
    if (reply->status == 429) {
        return ROLLCALL_RATE_LIMITED;
    }
    if (reply_is_wall(reply)) {
        return ROLLCALL_BLOCKED;
    }
    if (reply->status == 403 && limit_is_spent(reply)) {
        return ROLLCALL_RATE_LIMITED;
    }
    if (reply->status == 401 || reply->status == 403 || reply->status == 407) {
        return ROLLCALL_BLOCKED;
    }
    if (reply->status >= 500 && reply->status <= 599) {
        return ROLLCALL_SERVER_ERROR;
    }
    return ROLLCALL_UNEXPECTED_REPLY;
}

/* A number of seconds, perhaps with a fraction that does not matter; -1: none. One that is too
 * large for any clock is the largest. */
static int64_t
parse_seconds(const char *text)
{
    char *rest = NULL;
    long long value = strtoll(text, &rest, 10);
    bool is_number = rest != text && (*rest == '\0' || *rest == '.' || *rest == ' ');
    if (!is_number || value < 0) {
        return -1;
    }
    return value;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7) to seconds since 1970; -1: something else. */
static int64_t
parse_date(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm date = { 0 };
    char month[4] = "";
    int fields = sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &date.tm_mday,
                        month, &date.tm_year, &date.tm_hour, &date.tm_min, &date.tm_sec);
    const char *place = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (fields != 6 || place == NULL || (place - months) % 3 != 0) {
        return -1;
    }
    date.tm_mon = (int)(place - months) / 3;
    date.tm_year -= 1900;
    return timegm(&date);
}

static int64_t
now_s(const struct call_reply *reply)
{
    const char *date = reply_header(reply, "date");
    int64_t now = date != NULL ? parse_date(date) : -1;
    return now >= 0 ? now : clock_wall_s();
}

static int64_t
until_ms(const struct call_reply *reply, int64_t moment_s)
{
    int64_t span_s = moment_s - now_s(reply);
    int64_t span_max_s = CALL_RETRY_AFTER_MS_MAX / 1000;
    return span_s <= 0 ? 0 : (span_s < span_max_s ? span_s : span_max_s) * 1000;
}

static int64_t
reset_ms(const struct call_reply *reply, const char *text)
{
    int64_t value = parse_seconds(text);
    if (value >= EPOCH_MS_MIN) {
        value /= 1000;
    }
    if (value >= EPOCH_S_MIN) {
        return until_ms(reply, value);
    }
    return value >= 0 ? value * 1000 : -1;
}

static int64_t
first_reset_ms(const struct call_reply *reply)
{
    for (size_t i = 0; i < ARRAY_LEN(limit_headers); i++) {
        const char *reset = reply_header(reply, limit_headers[i].reset);
        int64_t span_ms = reset != NULL ? reset_ms(reply, reset) : -1;
        if (span_ms >= 0) {
            return span_ms;
        }
    }
    return -1;
}

static int64_t
retry_after_ms(const struct call_reply *reply, const char *text)
{
    int64_t seconds = parse_seconds(text);
    if (seconds >= 0) {
        return seconds < CALL_RETRY_AFTER_MS_MAX / 1000 ? seconds * 1000 : CALL_RETRY_AFTER_MS_MAX;
    }
    int64_t moment = parse_date(text);
    return moment >= 0 ? until_ms(reply, moment) : -1;
}

int64_t
reply_retry_after_ms(const struct call_reply *reply)
{
    const char *told = reply_header(reply, "retry-after");
    int64_t span_ms = told != NULL ? retry_after_ms(reply, told) : -1;
    if (span_ms < 0) {
        span_ms = first_reset_ms(reply);
    }
    return span_ms < CALL_RETRY_AFTER_MS_MAX ? span_ms : CALL_RETRY_AFTER_MS_MAX;
}
