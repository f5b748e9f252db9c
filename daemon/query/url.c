/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A strict reader of origins and paths. Pure. */
#include "daemon/query/url.h"

#include <string.h>
#include <strings.h>

#define PORT_MAX 65535

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool
url_may_hold(char c)
{
    return c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

static size_t
scheme_len(const char *url, bool *out_https)
{
    static const char http[] = "http://";
    static const char https[] = "https://";
    *out_https = strncmp(url, https, sizeof https - 1) == 0;
    if (*out_https) {
        return sizeof https - 1;
    }
    return strncmp(url, http, sizeof http - 1) == 0 ? sizeof http - 1 : 0;
}

static size_t
host_len(const char *host)
{
    if (host[0] != '[') {
        return strspn(host, LETTERS DIGITS "-.");
    }
    size_t len = 1 + strspn(host + 1, DIGITS "abcdefABCDEF:.");
    return host[len] == ']' ? len + 1 : 0;
}

/* ":8080", or nothing: the scheme's own. Its length, or -1 when it is no port. */
static int
read_port(const char *text, bool https, unsigned *out_port)
{
    if (text[0] != ':') {
        *out_port = https ? 443 : 80;
        return 0;
    }
    unsigned port = 0;
    size_t digits = strspn(text + 1, DIGITS);
    for (size_t i = 1; i <= digits && port <= PORT_MAX; i++) {
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port == 0 || port > PORT_MAX) {
        return -1;
    }
    *out_port = port;
    return (int)digits + 1;
}

bool
url_read_origin(const char *url, struct url_origin *out_origin)
{
    struct url_origin origin = { 0 };
    size_t scheme = scheme_len(url, &origin.https);
    if (scheme == 0) {
        return false;
    }
    origin.host = url + scheme;
    origin.host_len = host_len(origin.host);
    if (origin.host_len == 0) {
        return false;
    }
    const char *rest = origin.host + origin.host_len;
    int port_len = read_port(rest, origin.https, &origin.port);
    if (port_len < 0) {
        return false;
    }
    origin.len = scheme + origin.host_len + (size_t)port_len;
    char next = url[origin.len];
    if (next != '\0' && strchr("/?#", next) == NULL) {
        return false;
    }
    *out_origin = origin;
    return true;
}

bool
url_same_origin(const struct url_origin *a, const struct url_origin *b)
{
    return a->https == b->https && a->port == b->port && a->host_len == b->host_len &&
           strncasecmp(a->host, b->host, a->host_len) == 0;
}

/* The characters of a segment that are one dot, in either spelling; 0: something else. */
static size_t
dot_len(const char *text)
{
    if (text[0] == '.') {
        return 1;
    }
    return strncasecmp(text, "%2e", 3) == 0 ? 3 : 0;
}

static bool
is_dot_segment(const char *segment, size_t len)
{
    size_t used = dot_len(segment);
    if (used > 0 && used < len) {
        size_t second = dot_len(segment + used);
        used = second == 0 ? 0 : used + second;
    }
    return used > 0 && used == len;
}

bool
url_has_dot_segment(const char *url)
{
    struct url_origin origin;
    if (!url_read_origin(url, &origin)) {
        return false;
    }
    const char *at = url + origin.len;
    while (*at == '/') {
        size_t len = strcspn(at + 1, "/?#");
        if (is_dot_segment(at + 1, len)) {
            return true;
        }
        at += 1 + len;
    }
    return false;
}
