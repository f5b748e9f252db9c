/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* One transfer, hop by hop. Redirects are followed here and not by libcurl, which would send the
 * caller's own headers to whatever host the first one names. A transfer ends exactly once, through
 * fetch_end() or through future_cancel(); both close it before anybody is told, so a callback finds
 * its slot free and its socket closed. */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/clock.h"
#include "daemon/exec/fetch_int.h"

/* All cookies of one check; what does not fit is forgotten, as browsers do. */
#define COOKIES_MAX_BYTES 65536

struct code_row {
    CURLcode code;
    int error;
};

/* What is not here is UNREACHABLE: DNS, connect, TLS, resets, bodies that ended early. */
static const struct code_row codes[] = {
    { CURLE_OPERATION_TIMEDOUT, ERROR_TIMEOUT },
    { CURLE_OUT_OF_MEMORY, ERROR_NOMEM },
    { CURLE_UNSUPPORTED_PROTOCOL, ERROR_PROTOCOL }, /* also: no HTTP/1 status line */
    { CURLE_WEIRD_SERVER_REPLY, ERROR_PROTOCOL },
    { CURLE_BAD_CONTENT_ENCODING, ERROR_PROTOCOL },
    { CURLE_HTTP2, ERROR_PROTOCOL },
    { CURLE_URL_MALFORMAT, ERROR_PROTOCOL },
};

/* libcurl calls it out of memory when a line of a head is longer than its 100 KiB. */
static bool
has_begun_head(const struct fetch *fetch)
{
    curl_off_t us = 0;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_STARTTRANSFER_TIME_T, &us);
    return us > 0 && !fetch->head.is_over;
}

static int
error_of(const struct fetch *fetch, CURLcode code)
{
    if (fetch->error != ERROR_OK) {
        return fetch->error;
    }
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && fetch->stopped)) {
        /* To libcurl a connection that ends inside the head is a reply without a body. */
        return fetch->head.is_over ? ERROR_OK : ERROR_UNREACHABLE;
    }
    if (fetch->denied && code == CURLE_COULDNT_CONNECT) {
        return ERROR_DENIED;
    }
    if (code == CURLE_OUT_OF_MEMORY && has_begun_head(fetch)) {
        return ERROR_PROTOCOL;
    }
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].code == code) {
            return codes[i].error;
        }
    }
    return ERROR_UNREACHABLE;
}

/* ---- The reply */

static void
take_cookies(struct fetch *fetch)
{
    struct curl_slist *list = NULL;
    buf_init(&fetch->cookies, COOKIES_MAX_BYTES);
    if (curl_easy_getinfo(fetch->easy, CURLINFO_COOKIELIST, &list) == CURLE_OK) {
        for (struct curl_slist *at = list; at != NULL; at = at->next) {
            size_t room = fetch->cookies.max - fetch->cookies.len;
            if (strlen(at->data) < room) {
                buf_append_str(&fetch->cookies, at->data);
                buf_append_byte(&fetch->cookies, '\n');
            }
        }
    }
    curl_slist_free_all(list);
}

static int64_t
since_start(const struct fetch *fetch, CURLINFO info)
{
    curl_off_t us = 0;
    (void)curl_easy_getinfo(fetch->easy, info, &us);
    return fetch->hop_us + us;
}

static int
make_reply(struct fetch *fetch)
{
    struct fetch_reply *reply = &fetch->reply;
    int error = fetch_body_finish(fetch);
    if (error != ERROR_OK) {
        return error;
    }
    take_cookies(fetch);
    fetch->reply_headers = fetch_head_list(&fetch->head);
    if (fetch->reply_headers == NULL || fetch->cookies.error == ERROR_NOMEM) {
        return ERROR_NOMEM;
    }
    reply->status = fetch->head.status;
    reply->url = fetch->url.text;
    reply->headers = fetch->reply_headers;
    reply->header_count = fetch->head.fields;
    reply->cookies = buf_str(&fetch->cookies);
    reply->connect_us = since_start(fetch, CURLINFO_CONNECT_TIME_T);
    reply->first_byte_us = since_start(fetch, CURLINFO_STARTTRANSFER_TIME_T);
    reply->total_us = clock_now_us() - fetch->started_us;
    return ERROR_OK;
}

/* ---- Ending */

/* libcurl 7.88 only notes that an HTTP/2 stream shall be reset, and says so when the connection is
 * used next. So one that nobody else uses is closed, as one of HTTP/1.1 is. */
static void
hang_up(struct fetch *fetch)
{
    (void)curl_easy_setopt(fetch->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
}

/* One that somebody else uses is made to say it. */
static void
nudge_sibling(const struct fetch *fetch)
{
    struct fetch_slot *slot = fetch_slots_sibling(&fetch->slot);
    struct fetch *other = slot != NULL ? CONTAINER_OF(slot, struct fetch, slot) : NULL;
    if (fetch->url.is_https && !fetch->is_whole && other != NULL && other->in_multi) {
        fetcher_nudge_later(other);
    }
}

/* Out of libcurl, its lists, its slot. What libcurl still had open for it is closed in here. */
static void
detach(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    loop_timer_disarm(fetcher->loop, &fetch->timer);
    list_remove(&fetch->live_node);
    list_remove(&fetch->doomed_node);
    list_remove(&fetch->nudged_node);
    list_remove(&fetch->paused_node);
    fetch_names_stop(fetch);
    if (fetch->in_multi) {
        fetch->in_multi = false; /* what libcurl calls from now on is not about this fetch */
        hang_up(fetch);
        nudge_sibling(fetch);
    }
    fetch_drop_request(fetch);
    fetch_slots_leave(&fetcher->slots, &fetch->slot);
    fetcher_ended(fetcher);
}

void
fetch_end(struct fetch *fetch, int error)
{
    struct future *own = &fetch->future;
    error = error == ERROR_OK ? make_reply(fetch) : error;
    detach(fetch);
    if (error == ERROR_OK) {
        (void)future_finish(&fetch->future, &fetch->reply);
    } else {
        fetch_body_free(fetch);
        (void)future_fail(&fetch->future, error);
    }
    future_unref(&own);
}

static struct fetch *
fetch_of_future(struct future *future)
{
    return fetch_of(CONTAINER_OF(future, struct fetch, future));
}

/* Called by future_cancel() while it runs; the waiting ones are dropped by on_done. */
static void
cancel(struct future *future)
{
    struct fetch *fetch = fetch_of_future(future);
    detach(fetch);
    fetch_body_free(fetch);
    /* The canceller holds a reference of its own. */
    future_unref(&future);
}

static void
free_fetch(struct future *future)
{
    struct fetch *fetch = fetch_of_future(future);
    struct fetcher *fetcher = fetch->fetcher;
    assert(fetch->easy == NULL);
    fetch_body_free(fetch);
    fetch_head_fini(&fetch->head);
    buf_fini(&fetch->cookies);
    free(fetch->reply_headers);
    fetch_url_fini(&fetch->url);
    fetch->magic = 0;
    free(fetch);
    fetcher_forget(fetcher);
}

const struct future_ops fetch_ops = { .name = "fetch", .cancel = cancel, .free = free_fetch };

/* ---- Hops */

/* An address that is written out is judged before anything begins. With a proxy this is all that
 * can be judged here: names are resolved behind it. */
static bool
is_denied_literal(const struct fetch *fetch)
{
    const struct fetcher *fetcher = fetch->fetcher;
    struct sockaddr_storage address;
    return fetch_url_literal(&fetch->url, &address) &&
           !address_is_allowed((const struct sockaddr *)&address, fetcher->allowed,
                               fetcher->allowed_count);
}

static int
start_hop(struct fetch *fetch)
{
    if (is_denied_literal(fetch)) {
        return ERROR_DENIED;
    }
    int error = fetch_easy_prepare(fetch);
    return error == ERROR_OK ? fetch_names_begin(fetch) : error;
}

int
fetch_send_hop(struct fetch *fetch)
{
    fetch->hop_us = clock_now_us() - fetch->started_us;
    if (curl_multi_add_handle(fetch->fetcher->multi, fetch->easy) != CURLM_OK) {
        return ERROR_NOMEM;
    }
    fetch->in_multi = true;
    return ERROR_OK;
}

static void
on_timeout(struct loop_timer *timer)
{
    fetch_end(CONTAINER_OF(timer, struct fetch, timer), ERROR_TIMEOUT);
}

void
fetch_begin(struct fetch *fetch)
{
    fetch->started_us = clock_now_us();
    fetch->timer.fn = on_timeout;
    loop_timer_arm(fetch->fetcher->loop, &fetch->timer, clock_deadline_us(fetch->timeout_us));
    int error = start_hop(fetch);
    if (error != ERROR_OK) {
        fetcher_doom(fetch->fetcher, fetch, error);
    }
}

static bool
keeps_method(const struct fetch *fetch)
{
    int status = fetch->head.status;
    return status == 307 || status == 308 || fetch->method == FETCH_HEAD ||
           (fetch->method == FETCH_PUT && status != 303);
}

static void
forget_hop(struct fetch *fetch)
{
    fetch_head_fini(&fetch->head);
    fetch_head_init(&fetch->head);
    fetch->discarded = 0;
    fetch->denied = false;
    fetch->stopped = false;
    fetch->is_whole = false;
}

/* A body may hold secrets as headers may, so it does not leave for a stranger either. */
static int
follow(struct fetch *fetch)
{
    struct fetch_url next;
    if (fetch->redirects_left == 0) {
        return ERROR_LOOP;
    }
    fetch->redirects_left--;
    int error = fetch_url_follow(&fetch->url, fetch_head_get(&fetch->head, "Location"), &next);
    if (error != ERROR_OK) {
        return error;
    }
    bool trusted = fetch_url_is_trusted(&fetch->url, &next);
    fetch->method = keeps_method(fetch) ? fetch->method : FETCH_GET;
    fetch_url_fini(&fetch->url);
    fetch->url = next;
    if (!trusted && (fetch->method == FETCH_POST || fetch->method == FETCH_PUT)) {
        return ERROR_PROTOCOL;
    }
    fetch->in_multi = false;
    curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
    forget_hop(fetch);
    error = fetch_filter_headers(fetch, trusted);
    return error == ERROR_OK ? start_hop(fetch) : error;
}

void
fetch_hop_done(struct fetch *fetch, CURLcode code)
{
    int error = error_of(fetch, code);
    fetch->is_whole = code == CURLE_OK;
    if (error == ERROR_OK && fetch_is_redirect(fetch)) {
        error = follow(fetch);
        if (error == ERROR_OK) {
            return;
        }
    }
    fetch_end(fetch, error);
}
