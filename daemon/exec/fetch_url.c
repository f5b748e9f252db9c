/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* URLs through libcurl's own parser. Allocates, keeps nothing, runs on any thread. */

#include "daemon/exec/fetch_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <curl/curl.h>

static bool
has_blank_or_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static int
take_origin(CURLU *parts, struct fetch_url *url)
{
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    int error = ERROR_INVALID;
    if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        goto out;
    }
    url->is_https = strcmp(scheme, "https") == 0;
    if ((!url->is_https && strcmp(scheme, "http") != 0) || host[0] == '\0') {
        goto out;
    }
    for (char *byte = host; *byte != '\0'; byte++) {
        *byte = *byte >= 'A' && *byte <= 'Z' ? (char)(*byte - 'A' + 'a') : *byte;
    }
    error = asprintf(&url->origin, "%s://%s:%s", scheme, host, port) > 0 ? ERROR_OK : ERROR_NOMEM;
    if (error != ERROR_OK) {
        url->origin = NULL;
    }
out:
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return error;
}

int
fetch_url_parse(const char *text, struct fetch_url *out_url)
{
    struct fetch_url url = { .text = NULL };
    if (strlen(text) > FETCH_URL_BYTES_MAX || has_blank_or_control(text)) {
        return ERROR_INVALID;
    }
    CURLU *parts = curl_url();
    if (parts == NULL) {
        return ERROR_NOMEM;
    }
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    int error = code == CURLUE_OK ? take_origin(parts, &url)
                                  : (code == CURLUE_OUT_OF_MEMORY ? ERROR_NOMEM : ERROR_INVALID);
    curl_url_cleanup(parts);
    if (error != ERROR_OK) {
        return error;
    }
    url.text = strdup(text);
    if (url.text == NULL) {
        fetch_url_fini(&url);
        return ERROR_NOMEM;
    }
    *out_url = url;
    return ERROR_OK;
}

/* Blanks and bytes beyond ASCII stand in many Location headers; browsers send them as %XX. */
static char *
encode(const char *location)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = malloc(3 * strlen(location) + 1);
    char *at = out;
    for (; out != NULL && *location != '\0'; location++) {
        unsigned char byte = (unsigned char)*location;
        if (byte > ' ' && byte < 0x80) {
            *at++ = *location;
        } else {
            *at++ = '%';
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        }
    }
    if (out != NULL) {
        *at = '\0';
    }
    return out;
}

/* `parts` is at the base; afterwards *out_joined is curl_free()d by the caller. */
static bool
join(CURLU *parts, const char *location, char **out_joined)
{
    return curl_url_set(parts, CURLUPART_URL, location, CURLU_DISALLOW_USER) == CURLUE_OK &&
           curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
           curl_url_get(parts, CURLUPART_URL, out_joined, 0) == CURLUE_OK;
}

int
fetch_url_follow(const struct fetch_url *base, const char *location, struct fetch_url *out_url)
{
    char *joined = NULL;
    if (strlen(location) > FETCH_URL_BYTES_MAX) {
        return ERROR_PROTOCOL;
    }
    if (location[0] == '#') { /* the same page; the parser would drop its last segment */
        location = base->text;
    }
    char *encoded = encode(location);
    CURLU *parts = curl_url();
    int error = encoded != NULL && parts != NULL ? ERROR_PROTOCOL : ERROR_NOMEM;
    if (error != ERROR_NOMEM && curl_url_set(parts, CURLUPART_URL, base->text, 0) == CURLUE_OK &&
        join(parts, encoded, &joined)) {
        error = fetch_url_parse(joined, out_url);
    }
    free(encoded);
    curl_free(joined);
    curl_url_cleanup(parts);
    return error == ERROR_INVALID ? ERROR_PROTOCOL : error;
}

bool
fetch_url_is_trusted(const struct fetch_url *from, const struct fetch_url *to)
{
    static const char plain[] = "http://", plain_port[] = ":80";
    static const char secure[] = "https://", secure_port[] = ":443";
    if (strcmp(from->origin, to->origin) == 0) {
        return true;
    }
    if (from->is_https || !to->is_https) {
        return false;
    }
    const char *from_host = from->origin + strlen(plain);
    const char *to_host = to->origin + strlen(secure);
    size_t len = strcspn(from_host, ":");
    return strcmp(from_host + len, plain_port) == 0 && strcmp(to_host + len, secure_port) == 0 &&
           strncmp(from_host, to_host, len) == 0;
}

/* The host and, behind the last colon, the port. */
static const char *
host_of(const struct fetch_url *url, size_t *out_len)
{
    const char *host = strstr(url->origin, "://") + 3;
    *out_len = (size_t)(strrchr(host, ':') - host);
    return host;
}

/* Brackets are an IPv6 address's. */
bool
fetch_url_literal(const struct fetch_url *url, struct sockaddr_storage *out_address)
{
    char host[INET6_ADDRSTRLEN];
    size_t len = 0;
    const char *start = host_of(url, &len);
    bool bracketed = *start == '[';
    start += bracketed ? 1 : 0;
    len -= bracketed ? 2 : 0;
    if (len >= sizeof(host)) {
        return false;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    memset(out_address, 0, sizeof(*out_address));
    if (bracketed) {
        struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
        bool is_address = inet_pton(AF_INET6, host, &ipv6.sin6_addr) == 1;
        memcpy(out_address, &ipv6, sizeof(ipv6));
        return is_address;
    }
    struct sockaddr_in ipv4 = { .sin_family = AF_INET };
    bool is_address = inet_pton(AF_INET, host, &ipv4.sin_addr) == 1;
    memcpy(out_address, &ipv4, sizeof(ipv4));
    return is_address;
}

/* ---- Hosts and proxies */

static char *
copy_part(CURLU *parts, CURLUPart part)
{
    char *text = NULL;
    char *copy = NULL;
    if (curl_url_get(parts, part, &text, 0) == CURLUE_OK) {
        copy = strdup(text);
        curl_free(text);
    }
    return copy;
}

/* No name beyond ASCII: to make an A-label of one libcurl asks the locale, which is none here, and
 * loses the text when that fails. */
static bool
is_plain(const char *host, size_t len)
{
    return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") >= len;
}

int
fetch_url_host(const struct fetch_url *url, char **out_host, char **out_port)
{
    size_t len = 0;
    const char *host = host_of(url, &len);
    if (!is_plain(host, len)) {
        return ERROR_INVALID;
    }
    char *host_copy = strndup(host, len);
    char *port_copy = strdup(host + len + 1);
    if (host_copy == NULL || port_copy == NULL) {
        free(host_copy);
        free(port_copy);
        return ERROR_NOMEM;
    }
    *out_host = host_copy;
    *out_port = port_copy;
    return ERROR_OK;
}

static bool
is_address(const char *host)
{
    struct in_addr ipv4;
    return host[0] == '[' || inet_pton(AF_INET, host, &ipv4) == 1;
}

static int
take_proxy(CURLU *parts, struct fetch_proxy *proxy)
{
    char *scheme = copy_part(parts, CURLUPART_SCHEME);
    if (scheme == NULL) {
        return ERROR_NOMEM;
    }
    proxy->host = copy_part(parts, CURLUPART_HOST);
    proxy->port = copy_part(parts, CURLUPART_PORT);
    if (proxy->port == NULL) { /* what libcurl takes then */
        proxy->port = strdup(strcmp(scheme, "https") == 0 ? "443" : "1080");
    }
    proxy->resolves = strcmp(scheme, "socks4") != 0 && strcmp(scheme, "socks5") != 0;
    free(scheme);
    if (proxy->host != NULL && is_address(proxy->host)) {
        free(proxy->host);
        proxy->host = NULL;
    }
    return proxy->port != NULL ? ERROR_OK : ERROR_NOMEM;
}

int
fetch_proxy_parse(const char *text, struct fetch_proxy *out_proxy)
{
    struct fetch_proxy proxy = { .host = NULL };
    if (text[0] == '\0') {
        *out_proxy = proxy;
        return ERROR_OK;
    }
    CURLU *parts = curl_url();
    if (parts == NULL) {
        return ERROR_NOMEM;
    }
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    int error = code == CURLUE_OK ? take_proxy(parts, &proxy) : ERROR_INVALID;
    curl_url_cleanup(parts);
    if (error == ERROR_OK && proxy.host != NULL && !is_plain(proxy.host, strlen(proxy.host))) {
        error = ERROR_INVALID;
    }
    if (error != ERROR_OK) {
        fetch_proxy_fini(&proxy);
        return error;
    }
    *out_proxy = proxy;
    return ERROR_OK;
}

void
fetch_proxy_fini(struct fetch_proxy *proxy)
{
    free(proxy->host);
    free(proxy->port);
    memset(proxy, 0, sizeof(*proxy));
}

void
fetch_url_fini(struct fetch_url *url)
{
    free(url->text);
    free(url->origin);
    memset(url, 0, sizeof(*url));
}
