/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The body of a reply. Bytes come in as the server sent them, are inflated here when they are gzip,
 * and stop at body_max or at the end of the first stop_at, whichever comes first; so what a reply
 * holds does not depend on how the network cut it.
 *
 * All bodies together stay under body_bytes_max: past it a transfer that gets bytes is paused
 * before they are looked at, and goes on when others have been freed. One transfer at a time, the
 * favoured, may pass the limit by its own body, else they might all wait for one another. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/exec/fetch_int.h"

/* A redirect's body is read and dropped up to here, so that its connection can be used again; past
 * it the connection is the cheaper loss. */
#define DISCARD_MAX_BYTES 65536

bool
fetch_is_redirect(const struct fetch *fetch)
{
    switch (fetch->head.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: {
        const char *location = fetch_head_get(&fetch->head, "Location");
        return fetch->redirects_max > 0 && location != NULL && location[0] != '\0';
    }
    default:
        return false;
    }
}

static void
charge(struct fetch *fetch, size_t bytes)
{
    fetch->fetcher->body_bytes += bytes;
    fetch->fetcher->body_bytes -= fetch->charged;
    fetch->charged = bytes;
}

/* Look for the stop_at that ends first; bytes before `fresh` have been searched, except for what
 * may have begun there. */
static bool
find_stop(struct fetch *fetch, size_t fresh)
{
    struct buf *body = &fetch->body;
    size_t first_end = SIZE_MAX;
    for (size_t i = 0; i < fetch->stop_count; i++) {
        const struct fetch_stop *stop = &fetch->stops[i];
        size_t from = fresh >= stop->len ? fresh - (stop->len - 1) : 0;
        const char *hit = memmem(body->bytes + from, body->len - from, stop->text, stop->len);
        size_t end = hit != NULL ? (size_t)(hit - body->bytes) + stop->len : SIZE_MAX;
        if (end < first_end) {
            first_end = end;
            fetch->reply.stop_hit = (int)i;
        }
    }
    if (first_end == SIZE_MAX) {
        return false;
    }
    body->len = first_end;
    body->bytes[first_end] = '\0';
    return true;
}

/* Take decoded bytes; false: no more are wanted. */
static bool
take(void *context, const char *bytes, size_t len)
{
    struct fetch *fetch = context;
    size_t fresh = fetch->body.len;
    size_t room = fetch->body.max - fresh;
    buf_append(&fetch->body, bytes, len < room ? len : room);
    charge(fetch, fetch->body.capacity);
    if (fetch->body.error != ERROR_OK) {
        fetch->error = ERROR_NOMEM;
        return false;
    }
    if (find_stop(fetch, fresh) || len > room) {
        fetch->reply.truncated = true;
        fetch->stopped = true;
        return false;
    }
    return true;
}

/* How the body is coded. Only gzip was asked for; several codings on top of each other are a bomb's
 * way. Errors: PROTOCOL, NOMEM. */
static int
learn_coding(struct fetch *fetch)
{
    const char *coding = fetch_head_get(&fetch->head, "Content-Encoding");
    fetch->coding = FETCH_CODING_PLAIN;
    if (coding == NULL || coding[0] == '\0' || strcasecmp(coding, "identity") == 0) {
        return ERROR_OK;
    }
    if (strcasecmp(coding, "gzip") != 0 && strcasecmp(coding, "x-gzip") != 0) {
        return ERROR_PROTOCOL;
    }
    fetch->coding = FETCH_CODING_GZIP;
    return fetch_gzip_new(&fetch->gzip);
}

static int
decode(struct fetch *fetch, const char *bytes, size_t len)
{
    if (fetch->coding == FETCH_CODING_UNKNOWN) {
        int error = learn_coding(fetch);
        if (error != ERROR_OK) {
            return error;
        }
    }
    if (fetch->coding == FETCH_CODING_GZIP) {
        return fetch_gzip_feed(fetch->gzip, bytes, len, take, fetch);
    }
    (void)take(fetch, bytes, len);
    return ERROR_OK;
}

static bool
must_pause(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    if (fetcher->body_bytes < fetcher->body_bytes_max) {
        return false;
    }
    if (fetcher->favoured == NULL) {
        fetcher->favoured = fetch;
    }
    return fetcher->favoured != fetch;
}

/* The server is to hear of it at once: see hang_up() in fetch_transfer. */
static size_t
refuse_rest(struct fetch *fetch)
{
    (void)curl_easy_setopt(fetch->easy, CURLOPT_FORBID_REUSE, 1L);
    return 0;
}

size_t
fetch_body_write(char *bytes, size_t size, size_t count, void *context)
{
    struct fetch *fetch = fetch_of(context);
    size_t len = size * count;
    if (fetch_is_redirect(fetch)) {
        fetch->discarded += len;
        fetch->stopped = fetch->discarded > DISCARD_MAX_BYTES;
        return fetch->stopped ? refuse_rest(fetch) : len;
    }
    if (must_pause(fetch)) {
        list_remove(&fetch->paused_node);
        list_push_back(&fetch->fetcher->paused, &fetch->paused_node);
        return CURL_WRITEFUNC_PAUSE;
    }
    int error = decode(fetch, bytes, len);
    fetch->error = fetch->error == ERROR_OK ? error : fetch->error;
    return fetch->error == ERROR_OK && !fetch->stopped ? len : refuse_rest(fetch);
}

/* Give back what doubling took too much. */
static void
shrink(struct fetch *fetch)
{
    struct buf *body = &fetch->body;
    char *bytes = body->bytes != NULL ? realloc(body->bytes, body->len + 1) : NULL;
    if (bytes != NULL) {
        body->bytes = bytes;
        body->capacity = body->len + 1;
        charge(fetch, body->capacity);
    }
}

int
fetch_body_finish(struct fetch *fetch)
{
    if (fetch->gzip != NULL && !fetch->stopped && !fetch_gzip_is_whole(fetch->gzip)) {
        return ERROR_UNREACHABLE;
    }
    shrink(fetch);
    fetch->reply.body = buf_str(&fetch->body);
    fetch->reply.body_len = fetch->body.len;
    return ERROR_OK;
}

void
fetch_body_free(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    buf_fini(&fetch->body);
    charge(fetch, 0);
    if (fetcher->favoured == fetch) {
        fetcher->favoured = NULL;
    }
    if (!list_is_empty(&fetcher->paused)) {
        fetcher_has_chores(fetcher);
    }
}

/* Each one once: whoever finds no room pauses again, behind those that have waited longer. */
void
fetch_resume(struct fetcher *fetcher)
{
    struct list waiting;
    list_init(&waiting);
    list_append_all(&waiting, &fetcher->paused);
    while (!list_is_empty(&waiting) &&
           (fetcher->favoured == NULL || fetcher->body_bytes < fetcher->body_bytes_max)) {
        struct fetch *fetch = LIST_ENTRY(list_pop_front(&waiting), struct fetch, paused_node);
        /* What was held back is delivered inside this call. */
        CURLcode code = curl_easy_pause(fetch->easy, CURLPAUSE_CONT);
        if (code != CURLE_OK) {
            fetch_hop_done(fetch, code);
        }
    }
    list_append_all(&waiting, &fetcher->paused);
    list_append_all(&fetcher->paused, &waiting);
}
