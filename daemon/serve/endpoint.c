/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reading listeners' URLs. Whoever reaches a socket may ask anything, so plain TCP is for this
 * machine only; names are not resolved: what "localhost" means is settled here. */
#include "daemon/serve/endpoint.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

static int
parse_ipc(const char *path, struct endpoint *endpoint, struct error_text *why)
{
    size_t len = strlen(path);
    if (len == 0) {
        return error_say(why, ERROR_INVALID, "%s: no path; wants ipc:///path/to/socket",
                         endpoint->url);
    }
    if (len > ENDPOINT_PATH_MAX) {
        return error_say(why, ERROR_RANGE, "%s: the path has %zu bytes, at most %d", endpoint->url,
                         len, ENDPOINT_PATH_MAX);
    }
    endpoint->kind = ENDPOINT_IPC;
    memcpy(endpoint->path, path, len + 1);
    return ERROR_OK;
}

/* "127.0.0.1:80", "[::1]:80" into host and the text of the port. */
static bool
split_host(const char *text, char host[ENDPOINT_HOST_MAX + 1], const char **out_port)
{
    const char *start = text[0] == '[' ? text + 1 : text;
    const char *end = text[0] == '[' ? strchr(text, ']') : strrchr(text, ':');
    if (end == NULL || (size_t)(end - start) > ENDPOINT_HOST_MAX) {
        return false;
    }
    const char *colon = text[0] == '[' ? end + 1 : end;
    if (*colon != ':') {
        return false;
    }
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    *out_port = colon + 1;
    return true;
}

/* Also writes "localhost" as the address it stands for. */
static bool
is_loopback(char host[ENDPOINT_HOST_MAX + 1])
{
    struct in_addr four;
    struct in6_addr six;
    if (strcmp(host, "localhost") == 0) {
        (void)snprintf(host, ENDPOINT_HOST_MAX + 1, "127.0.0.1");
    }
    if (inet_pton(AF_INET, host, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool
parse_port(const char *text, uint16_t *out_port)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    unsigned long port = strtoul(text, &end, 10);
    if (*end != '\0' || port > PORT_MAX) {
        return false;
    }
    *out_port = (uint16_t)port;
    return true;
}

static int
parse_tcp(const char *rest, struct endpoint *endpoint, struct error_text *why)
{
    const char *port = NULL;
    endpoint->kind = ENDPOINT_TCP;
    if (!split_host(rest, endpoint->host, &port)) {
        return error_say(why, ERROR_INVALID, "%s: wants tcp://127.0.0.1:PORT or tcp://[::1]:PORT",
                         endpoint->url);
    }
    if (!is_loopback(endpoint->host)) {
        return error_say(why, ERROR_DENIED,
                         "%s: tcp:// is for loopback: another address is refused unless it is "
                         "tls+tcp:// with tls_ca (clients show a certificate); use "
                         "tcp://127.0.0.1:PORT",
                         endpoint->url);
    }
    if (!parse_port(port, &endpoint->port)) {
        return error_say(why, ERROR_RANGE, "%s: the port is not a number from 0 to %d",
                         endpoint->url, PORT_MAX);
    }
    return ERROR_OK;
}

static int
parse_later(const char *rest, struct endpoint *endpoint, struct error_text *why)
{
    (void)rest;
    return error_say(why, ERROR_UNSUPPORTED,
                     "%s: this daemon does not offer that transport; use ipc:// or tcp:// on "
                     "loopback",
                     endpoint->url);
}

static const struct scheme {
    const char *prefix;
    int (*parse)(const char *rest, struct endpoint *endpoint, struct error_text *why);
} schemes[] = {
    { "ipc://", parse_ipc },  { "tcp://", parse_tcp },   { "tls+tcp://", parse_later },
    { "ws://", parse_later }, { "wss://", parse_later },
};

int
endpoint_parse(const char *url, struct endpoint *out_endpoint, struct error_text *why)
{
    struct endpoint endpoint = { 0 };
    if (strlen(url) >= sizeof(endpoint.url)) {
        return error_say(why, ERROR_RANGE, "%.40s…: the URL has %zu bytes, at most %zu", url,
                         strlen(url), sizeof(endpoint.url) - 1);
    }
    memcpy(endpoint.url, url, strlen(url) + 1);
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = strlen(schemes[i].prefix);
        if (strncmp(url, schemes[i].prefix, len) != 0) {
            continue;
        }
        int error = schemes[i].parse(url + len, &endpoint, why);
        if (error == ERROR_OK) {
            *out_endpoint = endpoint;
        }
        return error;
    }
    return error_say(why, ERROR_INVALID, "%s: not a listener's URL; wants ipc:// or tcp://", url);
}
