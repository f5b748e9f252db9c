/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The easy handle of a transfer: every option that libcurl is given, and why. One handle serves all
 * hops and is gone when the transfer ends; connections and the CA bundle are the multi handle's and
 * stay. */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/clock.h"
#include "daemon/exec/fetch_int.h"

/* A transfer may not outlive our own timer by much. */
#define BACKSTOP_MS 1000

struct long_option {
    CURLoption option;
    long value;
};

static const struct long_option long_options[] = {
    { CURLOPT_NOSIGNAL, 1 },
    { CURLOPT_DNS_CACHE_TIMEOUT, -1 }, /* what fetch_names gives it counts to the end */
    { CURLOPT_FOLLOWLOCATION, 0 },
    { CURLOPT_HTTP09_ALLOWED, 0 },
    { CURLOPT_HTTP_CONTENT_DECODING, 0 }, /* fetch_gzip does it */
    { CURLOPT_NETRC, CURL_NETRC_IGNORED },
    { CURLOPT_BUFFERSIZE, FETCH_READ_BYTES },
    { CURLOPT_UPLOAD_BUFFERSIZE, 16384 },
    { CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
    { CURLOPT_SSL_VERIFYPEER, 1 },
    { CURLOPT_SSL_VERIFYHOST, 2 },
    { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
};

/* One cookie a line, as fetch_transfer wrote them. */
static int
give_cookies(struct fetch *fetch, const char *cookies)
{
    int error = ERROR_OK;
    while (error == ERROR_OK && cookies != NULL && cookies[0] != '\0') {
        size_t len = strcspn(cookies, "\n");
        char *line = strndup(cookies, len);
        if (line == NULL) {
            return ERROR_NOMEM;
        }
        error = curl_easy_setopt(fetch->easy, CURLOPT_COOKIELIST, line) == CURLE_OK ? ERROR_OK
                                                                                    : ERROR_NOMEM;
        free(line);
        cookies += len + (cookies[len] == '\n' ? 1 : 0);
    }
    return error;
}

static size_t
on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct fetch *fetch = fetch_of(context);
    fetch->error = fetch_head_line(&fetch->head, bytes, size * count);
    return fetch->error == ERROR_OK ? size * count : 0;
}

/* With a proxy the address is the proxy's, which the operator chose. */
static curl_socket_t
on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *fetch = fetch_of(context);
    struct fetcher *fetcher = fetch->fetcher;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        (fetcher->proxy[0] == '\0' &&
         !address_is_allowed(&address->addr, fetcher->allowed, fetcher->allowed_count))) {
        fetch->denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* What no hop changes. A handle that does not take an option is out of memory: which options there
 * are is the build's business. */
static int
set_up_easy(struct fetch *fetch)
{
    const struct fetcher *fetcher = fetch->fetcher;
    CURL *easy = fetch->easy;
    unsigned failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(long_options); i++) {
        failed |= curl_easy_setopt(easy, long_options[i].option, long_options[i].value);
    }
    failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, fetch_body_write);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    failed |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    failed |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, fetcher->user_agent);
    /* A proxy only when configured, and then for everything: never what the environment says. */
    failed |= curl_easy_setopt(easy, CURLOPT_PROXY, fetcher->proxy);
    failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, fetcher->proxy[0] == '\0' ? "*" : "");
    /* A bundle that is one file is parsed once for all transfers (libcurl's CA cache), a folder of
     * certificates again for each handshake. */
    failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, fetcher->ca_file);
    failed |= curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    failed |= curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, fetcher->ca_file);
    failed |= curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* an engine, and no file */
    return failed == 0 ? ERROR_OK : ERROR_NOMEM;
}

static int
set_timeout(struct fetch *fetch)
{
    int64_t ms = fetch->timeout_us / CLOCK_US_PER_MS + BACKSTOP_MS;
    long backstop_ms = ms < INT32_MAX ? (long)ms : INT32_MAX;
    return curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, backstop_ms) == CURLE_OK
               ? ERROR_OK
               : ERROR_INVALID;
}

int
fetch_easy_new(struct fetch *fetch, const char *cookies)
{
    fetch->easy = curl_easy_init();
    if (fetch->easy == NULL) {
        return ERROR_NOMEM;
    }
    int error = set_up_easy(fetch);
    error = error == ERROR_OK ? fetch_names_new(fetch) : error;
    error = error == ERROR_OK ? set_timeout(fetch) : error;
    return error == ERROR_OK ? give_cookies(fetch, cookies) : error;
}

bool
fetch_sends_body(const struct fetch *fetch)
{
    return fetch->method == FETCH_POST || fetch->method == FETCH_PUT;
}

static unsigned
set_method(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    unsigned failed = 0;
    if (fetch_sends_body(fetch)) {
        failed |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->send_len);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, fetch->send_body);
    } else if (fetch->method == FETCH_HEAD) {
        failed |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        failed |= curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    failed |=
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, fetch->method == FETCH_PUT ? "PUT" : NULL);
    return failed;
}

int
fetch_easy_prepare(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    bool is_https = fetch->url.is_https;
    unsigned failed = set_method(fetch);
    failed |= curl_easy_setopt(easy, CURLOPT_URL, fetch->url.text);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
    failed |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 0L);
    /* Over TLS one connection for many, and wait until it is known whether it can be one. Without
     * TLS there is no HTTP/2 to wait for, and the wait would be for the first whole reply. */
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                               (long)(is_https ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    failed |= curl_easy_setopt(easy, CURLOPT_PIPEWAIT, is_https ? 1L : 0L);
    return failed == 0 ? ERROR_OK : ERROR_NOMEM;
}
