/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* From a request to an easy handle. Everything is judged and copied before anything is sent: a URL
 * by fetch_url, header names and values byte by byte (libcurl would send a line break as it is). */

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "daemon/exec/fetch_int.h"

/* Bytes of a body that is sent; a look-up's is a short form or JSON. */
#define SEND_BODY_MAX_BYTES (1024 * 1024)
#define HEADER_BYTES_MAX 8192
#define STOP_AT_BYTES_MAX 1024
/* libcurl's connection phase may not outlive our own timer by much. */
#define BACKSTOP_MS 1000

struct long_option {
    CURLoption option;
    long value;
};

static const struct long_option long_options[] = {
    { CURLOPT_NOSIGNAL, 1 },
    { CURLOPT_QUICK_EXIT, 1 }, /* or a slow look-up of a name holds the loop */
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

/* They say where a message ends or whom it is for: the fetcher's own. */
static const char *const own_headers[] = { "Host",       "Content-Length", "Transfer-Encoding",
                                           "Connection", "Upgrade",        "Expect" };

static bool
is_own_header(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(own_headers); i++) {
        if (strcasecmp(name, own_headers[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A token of RFC 9110 5.6.2. */
static bool
is_header_name(const char *name)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return name[0] != '\0' && name[strspn(name, token)] == '\0';
}

static bool
is_header_value(const char *value)
{
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value < 0x20 || *value == 0x7f) {
            return false;
        }
    }
    return true;
}

static int
add_header_line(struct fetch *fetch, const char *line)
{
    struct curl_slist *longer = curl_slist_append(fetch->headers, line);
    if (longer == NULL) {
        return ERROR_NOMEM;
    }
    fetch->headers = longer;
    return ERROR_OK;
}

static int
copy_header(struct fetch *fetch, const struct fetch_header *header)
{
    struct buf line;
    if (!is_header_name(header->name) || !is_header_value(header->value) ||
        is_own_header(header->name)) {
        return ERROR_INVALID;
    }
    buf_init(&line, HEADER_BYTES_MAX);
    buf_append_str(&line, header->name);
    if (header->value[strspn(header->value, " ")] == '\0') {
        buf_append_byte(&line, ';'); /* libcurl's way to send a field without a value */
    } else {
        buf_append_str(&line, ": ");
        buf_append_str(&line, header->value);
    }
    int error = line.error == ERROR_OK        ? add_header_line(fetch, buf_str(&line))
                : line.error == ERROR_TOO_BIG ? ERROR_INVALID
                                              : ERROR_NOMEM;
    buf_fini(&line);
    return error;
}

static int
copy_headers(struct fetch *fetch, const struct fetch_request *request)
{
    if (request->header_count > FETCH_HEADERS_MAX) {
        return ERROR_INVALID;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        int error = copy_header(fetch, &request->headers[i]);
        if (error != ERROR_OK) {
            return error;
        }
    }
    /* Nobody waits for a "100 Continue". */
    return request->body_len > 0 ? add_header_line(fetch, "Expect:") : ERROR_OK;
}

static int
copy_send_body(struct fetch *fetch, const struct fetch_request *request)
{
    bool may_have_body = request->method == FETCH_POST || request->method == FETCH_PUT;
    if (request->body_len > (may_have_body ? SEND_BODY_MAX_BYTES : 0)) {
        return ERROR_INVALID;
    }
    fetch->send_body = malloc(request->body_len + 1);
    if (fetch->send_body == NULL) {
        return ERROR_NOMEM;
    }
    if (request->body_len > 0) {
        memcpy(fetch->send_body, request->body, request->body_len);
    }
    fetch->send_body[request->body_len] = '\0';
    fetch->send_len = request->body_len;
    return ERROR_OK;
}

static int
copy_stops(struct fetch *fetch, const struct fetch_request *request)
{
    size_t total = 0;
    if (request->stop_at_count > FETCH_STOP_AT_MAX) {
        return ERROR_INVALID;
    }
    for (size_t i = 0; i < request->stop_at_count; i++) {
        size_t len = strlen(request->stop_at[i]);
        if (len == 0 || len > STOP_AT_BYTES_MAX) {
            return ERROR_INVALID;
        }
        fetch->stops[i].len = len;
        total += len;
    }
    fetch->stop_count = request->stop_at_count;
    fetch->stop_bytes = malloc(total + 1);
    if (fetch->stop_bytes == NULL) {
        return ERROR_NOMEM;
    }
    char *at = fetch->stop_bytes;
    for (size_t i = 0; i < fetch->stop_count; i++) {
        memcpy(at, request->stop_at[i], fetch->stops[i].len);
        fetch->stops[i].text = at;
        at += fetch->stops[i].len;
    }
    return ERROR_OK;
}

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
    failed |= curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* an engine, and no file */
    return failed == 0 ? ERROR_OK : ERROR_NOMEM;
}

static int
set_timeout(struct fetch *fetch, int64_t timeout_us)
{
    int64_t ms = timeout_us / 1000 + BACKSTOP_MS;
    long backstop_ms = ms < INT32_MAX ? (long)ms : INT32_MAX;
    fetch->timeout_us = timeout_us;
    return curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, backstop_ms) == CURLE_OK
               ? ERROR_OK
               : ERROR_INVALID;
}

static int
fill(struct fetch *fetch, const struct fetch_request *request)
{
    int error = fetch_url_parse(request->url, &fetch->url);
    error = error == ERROR_OK ? copy_headers(fetch, request) : error;
    error = error == ERROR_OK ? copy_send_body(fetch, request) : error;
    error = error == ERROR_OK ? copy_stops(fetch, request) : error;
    if (error != ERROR_OK) {
        return error;
    }
    fetch->easy = curl_easy_init();
    if (fetch->easy == NULL) {
        return ERROR_NOMEM;
    }
    error = set_up_easy(fetch);
    error = error == ERROR_OK ? set_timeout(fetch, request->timeout_us) : error;
    return error == ERROR_OK ? give_cookies(fetch, request->cookies) : error;
}

int
fetch_new(struct fetcher *fetcher, const struct fetch_request *request, struct fetch **out_fetch)
{
    if (request->redirects_max > FETCH_REDIRECTS_MAX || request->timeout_us <= 0 ||
        request->method > FETCH_PUT) {
        return ERROR_INVALID;
    }
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL) {
        return ERROR_NOMEM;
    }
    fetch->magic = FETCH_MAGIC;
    fetch->fetcher = fetcher;
    fetch->method = request->method;
    fetch->redirects_max = request->redirects_max;
    fetch->redirects_left = request->redirects_max;
    fetch->reply.stop_hit = -1;
    future_init(&fetch->future, &fetch_ops);
    list_init(&fetch->live_node);
    list_init(&fetch->doomed_node);
    list_init(&fetch->paused_node);
    buf_init(&fetch->body, request->body_max);
    fetch_head_init(&fetch->head);
    fetcher->object_count++;
    int error = fill(fetch, request);
    if (error != ERROR_OK) {
        fetch_drop_request(fetch);
        fetch_ops.free(&fetch->future);
        return error;
    }
    *out_fetch = fetch;
    return ERROR_OK;
}

static bool
has_send_body(const struct fetch *fetch)
{
    return fetch->method == FETCH_POST || fetch->method == FETCH_PUT;
}

static unsigned
set_method(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    unsigned failed = 0;
    if (has_send_body(fetch)) {
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
fetch_prepare_hop(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    bool is_https = fetch->url.is_https;
    unsigned failed = set_method(fetch);
    failed |= curl_easy_setopt(easy, CURLOPT_URL, fetch->url.text);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
    /* Over TLS one connection for many, and wait until it is known whether it can be one. Without
     * TLS there is no HTTP/2 to wait for, and the wait would be for the first whole reply. */
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                               (long)(is_https ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    failed |= curl_easy_setopt(easy, CURLOPT_PIPEWAIT, is_https ? 1L : 0L);
    return failed == 0 ? ERROR_OK : ERROR_NOMEM;
}

/* An allow-list: which of a plugin's own headers carries a secret, nobody here can know. */
static bool
may_go_anywhere(const char *line)
{
    static const char *const harmless[] = { "Accept:", "Accept-Language:", "User-Agent:",
                                            "Content-Type:", "Expect:" };
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        if (strncasecmp(line, harmless[i], strlen(harmless[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_about_body(const char *line)
{
    return strncasecmp(line, "Content-", 8) == 0 || strncasecmp(line, "Expect:", 7) == 0;
}

int
fetch_filter_headers(struct fetch *fetch, bool trusted)
{
    struct curl_slist *all = fetch->headers;
    int error = ERROR_OK;
    fetch->headers = NULL;
    for (struct curl_slist *at = all; at != NULL && error == ERROR_OK; at = at->next) {
        if ((trusted || may_go_anywhere(at->data)) &&
            (has_send_body(fetch) || !is_about_body(at->data))) {
            error = add_header_line(fetch, at->data);
        }
    }
    /* The handle still points at the old list. */
    (void)curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
    curl_slist_free_all(all);
    return error;
}

void
fetch_drop_request(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->easy);
    fetch->easy = NULL;
    curl_slist_free_all(fetch->headers);
    fetch->headers = NULL;
    free(fetch->send_body);
    fetch->send_body = NULL;
    free(fetch->stop_bytes);
    fetch->stop_bytes = NULL;
    fetch_gzip_free(&fetch->gzip);
}
