/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The names of a hop: the proxy's, if it has one, and the host's, unless a proxy resolves it. They
 * are resolved here and handed to libcurl as addresses, before it gets the hop.
 *
 * libcurl reads them into a table of names. Each transfer has one of its own (a share for nothing
 * else), so an answer is used by the transfer that got it and by no other, whatever its age, and is
 * gone with it: nothing in libcurl gets old, and nothing grows with the number of hosts. libcurl's
 * own resolver, a thread a look-up, is refused; it is let in only to read an address that the URL
 * or the proxy's is written as.
 *
 * Addresses that policy refuses are left out; where none is left the hop is denied. Whoever opens
 * the socket judges again (fetch_easy). With socks4:// and socks5:// only this look counts: the
 * socket is the proxy's, and what it is asked to connect to is what is judged here. */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/exec/fetch_int.h"

/* "host:port:" and RESOLVE_ADDRESSES_MAX addresses in brackets. */
#define RESOLVED_BYTES_MAX 2048

static bool
is_proxied(const struct fetch *fetch)
{
    return fetch->fetcher->proxy[0] != '\0';
}

/* ---- What libcurl is told */

static bool
is_usable(const struct fetch *fetch, const struct resolve_address *address)
{
    const struct fetcher *fetcher = fetch->fetcher;
    return fetch->name == FETCH_NAME_PROXY || /* which the operator chose */
           address_is_allowed(&address->socket.any, fetcher->allowed, fetcher->allowed_count);
}

static void
append_address(struct buf *line, const struct resolve_address *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->socket.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address->socket.ipv6.sin6_addr, text, sizeof(text));
        buf_printf(line, "[%s]", text);
    } else {
        (void)inet_ntop(AF_INET, &address->socket.ipv4.sin_addr, text, sizeof(text));
        buf_append_str(line, text);
    }
}

static int
give(struct fetch *fetch, const char *line)
{
    struct curl_slist *longer = curl_slist_append(fetch->resolved, line);
    if (longer == NULL) {
        return ERROR_NOMEM;
    }
    fetch->resolved = longer;
    return ERROR_OK;
}

/* Errors: DENIED, NOMEM. */
static int
give_addresses(struct fetch *fetch, const char *host, const char *port,
               const struct resolve_answer *answer)
{
    struct buf line;
    size_t used = 0;
    buf_init(&line, RESOLVED_BYTES_MAX);
    buf_printf(&line, "%s:%s:", host, port);
    for (size_t i = 0; i < answer->count; i++) {
        if (is_usable(fetch, &answer->addresses[i])) {
            buf_append_str(&line, used++ > 0 ? "," : "");
            append_address(&line, &answer->addresses[i]);
        }
    }
    int error = used == 0 ? ERROR_DENIED : line.error;
    error = error == ERROR_OK ? give(fetch, buf_str(&line)) : error;
    buf_fini(&line);
    return error;
}

/* ---- One name after the other */

/* The name that is next; *out_host is NULL where there is nothing to resolve. Free both. */
static int
next_name(const struct fetch *fetch, char **out_host, char **out_port)
{
    const struct fetch_proxy *proxy = &fetch->fetcher->proxy_parts;
    struct sockaddr_storage address;
    *out_host = NULL;
    *out_port = NULL;
    if (fetch->name == FETCH_NAME_HOST) {
        bool is_ours = !proxy->resolves && !fetch_url_literal(&fetch->url, &address);
        return is_ours ? fetch_url_host(&fetch->url, out_host, out_port) : ERROR_OK;
    }
    if (proxy->host == NULL) {
        return ERROR_OK;
    }
    *out_host = strdup(proxy->host);
    *out_port = strdup(proxy->port);
    return *out_host != NULL && *out_port != NULL ? ERROR_OK : ERROR_NOMEM;
}

static int
take_answer(struct fetch *fetch, const struct future *future)
{
    char *host = NULL;
    char *port = NULL;
    bool is_cancelled = future_state(future) == FUTURE_CANCELLED; /* the resolver was closed */
    int error = is_cancelled ? ERROR_CANCELLED : future->error;
    error = error == ERROR_OK ? next_name(fetch, &host, &port) : error;
    error = error == ERROR_OK ? give_addresses(fetch, host, port, future->result) : error;
    free(host);
    free(port);
    return error;
}

static int walk(struct fetch *fetch);

static void
on_lookup(struct future *future, void *context)
{
    struct fetch *fetch = fetch_of(context);
    if (fetch->lookup == NULL) {
        return; /* nobody waits any more */
    }
    int error = take_answer(fetch, future);
    future_unref(&fetch->lookup);
    fetch->name++;
    error = error == ERROR_OK ? walk(fetch) : error;
    if (error != ERROR_OK) {
        fetch_end(fetch, error);
    }
}

/* Ask for the name that is next. *out_waits: the rest is on_lookup()'s. */
static int
resolve_name(struct fetch *fetch, bool *out_waits)
{
    char *host = NULL;
    char *port = NULL;
    struct future *future = NULL;
    int error = next_name(fetch, &host, &port);
    if (error == ERROR_OK && host != NULL) {
        error = resolver_ask(fetch->fetcher->resolver, host, &future);
    }
    /* No host's name, then: nothing can be there. */
    error = error == ERROR_INVALID ? ERROR_UNREACHABLE : error;
    free(host);
    free(port);
    if (error != ERROR_OK || future == NULL) {
        return error;
    }
    if (future_is_done(future)) {
        error = take_answer(fetch, future);
        future_unref(&future);
        return error;
    }
    *out_waits = true;
    fetch->lookup = future;
    fetch->on_lookup = (struct future_callback){ .fn = on_lookup, .context = fetch };
    future_on_done(future, &fetch->on_lookup);
    return ERROR_OK;
}

static int
send_resolved(struct fetch *fetch)
{
    if (curl_easy_setopt(fetch->easy, CURLOPT_RESOLVE, fetch->resolved) != CURLE_OK) {
        return ERROR_NOMEM;
    }
    return fetch_send_hop(fetch);
}

static int
walk(struct fetch *fetch)
{
    for (; fetch->name != FETCH_NAMES_DONE; fetch->name++) {
        bool waits = false;
        int error = resolve_name(fetch, &waits);
        if (error != ERROR_OK || waits) {
            return error;
        }
    }
    return send_resolved(fetch);
}

static void
drop_resolved(struct fetch *fetch)
{
    (void)curl_easy_setopt(fetch->easy, CURLOPT_RESOLVE, NULL);
    curl_slist_free_all(fetch->resolved);
    fetch->resolved = NULL;
}

int
fetch_names_begin(struct fetch *fetch)
{
    struct sockaddr_storage address;
    drop_resolved(fetch);
    fetch->name = FETCH_NAME_PROXY;
    fetch->may_look_up = is_proxied(fetch) ? fetch->fetcher->proxy_parts.host == NULL
                                           : fetch_url_literal(&fetch->url, &address);
    return walk(fetch);
}

void
fetch_names_stop(struct fetch *fetch)
{
    struct future *lookup = fetch->lookup;
    fetch->lookup = NULL;
    if (lookup != NULL) {
        (void)future_cancel(lookup);
        future_unref(&lookup);
    }
}

/* ---- The table */

/* libcurl is about to look something up by itself; 1 forbids it. */
static int
on_own_lookup(void *state, void *reserved, void *context)
{
    (void)state;
    (void)reserved;
    struct fetch *fetch = fetch_of(context);
    bool may = fetch->may_look_up;
    fetch->may_look_up = false; /* once: it keeps what it reads */
    return may ? 0 : 1;
}

int
fetch_names_new(struct fetch *fetch)
{
    fetch->share = curl_share_init();
    if (fetch->share == NULL) {
        return ERROR_NOMEM;
    }
    CURL *easy = fetch->easy;
    unsigned failed = 0;
    failed |= (unsigned)curl_share_setopt(fetch->share, CURLSHOPT_SHARE, (int)CURL_LOCK_DATA_DNS);
    failed |= curl_easy_setopt(easy, CURLOPT_SHARE, fetch->share);
    failed |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_own_lookup);
    failed |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, fetch);
    return failed == 0 ? ERROR_OK : ERROR_NOMEM;
}

void
fetch_names_free(struct fetch *fetch)
{
    curl_share_cleanup(fetch->share);
    fetch->share = NULL;
    curl_slist_free_all(fetch->resolved);
    fetch->resolved = NULL;
}
