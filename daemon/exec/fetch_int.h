/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the files of fetch share: the fetcher, one transfer, and who calls whom. Nothing else
 * includes this. All of it is owned by [loop]. */
#ifndef ROLLCALL_EXEC_FETCH_INT_H
#define ROLLCALL_EXEC_FETCH_INT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "daemon/base/buf.h"
#include "daemon/base/list.h"
#include "daemon/exec/fetch.h"
#include "daemon/exec/fetch_gzip.h"
#include "daemon/exec/fetch_slots.h"
#include "daemon/exec/fetch_url.h"
#include "daemon/exec/resolve.h"

#define FETCHER_MAGIC UINT32_C(0x46455452) /* "FETR" */
#define FETCH_MAGIC UINT32_C(0x46455443)   /* "FETC" */

/* Read at once from a socket. Each transfer in flight has a buffer of this size in libcurl, so it
 * is what ten thousand of them weigh, and what each holds beside body_bytes_max while it is paused.
 */
#define FETCH_READ_BYTES 8192

struct fetcher {
    uint32_t magic;
    struct loop *loop;
    struct resolver *resolver; /* borrowed */
    CURLM *multi;
    char *user_agent;
    char *proxy; /* "": none */
    struct fetch_proxy proxy_parts;
    char *ca_file;
    struct address_range *allowed;
    size_t allowed_count;
    size_t body_bytes_max;
    size_t connections_max;
    struct loop_timer curl_timer; /* when libcurl wants to be called */
    struct loop_timer chores;     /* what must not be done inside a callback */
    struct loop_timer idle;
    struct fetch_slots slots;
    struct list live;       /* fetches that have not ended */
    struct list doomed;     /* to be ended by the chores */
    struct list nudged;     /* to be called by libcurl once more, by the chores */
    struct list paused;     /* transfers that wait for room in body_bytes */
    struct fetch *favoured; /* may pass the limit, so that one always gets on */
    size_t body_bytes;      /* held by all bodies, of ended fetches too */
    size_t live_count;      /* of `live` */
    size_t object_count;    /* fetches whose memory is not freed */
    uint64_t started;
    uint64_t finished;
    bool closed;
    bool orphaned; /* fetcher_free() was called; the last fetch frees the memory */
};

/* The reply's head, as it comes in. */
struct fetch_head {
    struct buf text; /* name NUL value NUL, of this block */
    size_t fields;   /* of this block */
    size_t all_fields;
    size_t all_bytes; /* of this hop, interim replies and trailers too */
    int status;
    bool is_over;
};

struct fetch_stop {
    const char *text;
    size_t len;
};

enum fetch_coding { FETCH_CODING_UNKNOWN, FETCH_CODING_PLAIN, FETCH_CODING_GZIP };

/* Which name is next. */
enum fetch_name { FETCH_NAME_PROXY, FETCH_NAME_HOST, FETCH_NAMES_DONE };

struct fetch {
    uint32_t magic;
    struct future future;
    struct fetcher *fetcher;
    struct list live_node;
    struct list doomed_node;
    struct list nudged_node;
    struct list paused_node;
    struct fetch_slot slot;
    struct future_callback on_done;
    struct loop_timer timer;
    CURL *easy; /* NULL once it has ended */
    bool in_multi;

    /* The request, as the next hop will send it. */
    struct fetch_url url;
    enum fetch_method method;
    struct curl_slist *headers;
    char *send_body;
    size_t send_len;
    unsigned redirects_max;
    unsigned redirects_left;
    int64_t timeout_us;
    struct fetch_stop stops[FETCH_STOP_AT_MAX];
    size_t stop_count;
    char *stop_bytes;

    /* The names of this hop: fetch_names.c. */
    CURLSH *share; /* libcurl's table of names, of this transfer alone */
    struct curl_slist *resolved;
    struct future *lookup; /* what is waited for, or NULL */
    struct future_callback on_lookup;
    enum fetch_name name;
    bool may_look_up; /* libcurl, for an address that is written out */

    /* This hop. */
    int64_t started_us;
    int64_t hop_us; /* when libcurl got it, after started_us */
    struct fetch_head head;
    enum fetch_coding coding;
    struct fetch_gzip *gzip;
    size_t discarded; /* bytes of a redirect's body */
    bool denied;      /* policy refused an address */
    bool stopped;     /* reading ended on purpose */
    bool is_whole;    /* all of it came: the server knows that it is over */
    int error;        /* why a callback gave up */
    int doom;         /* why the chores end it */

    struct buf body;
    size_t charged; /* of fetcher->body_bytes */
    struct buf cookies;
    struct fetch_header *reply_headers;
    struct fetch_reply reply;
};

/* What comes back through libcurl as a void pointer. */
static inline struct fetcher *
fetcher_of(void *context)
{
    struct fetcher *fetcher = context;
    assert(fetcher->magic == FETCHER_MAGIC);
    return fetcher;
}

static inline struct fetch *
fetch_of(void *context)
{
    struct fetch *fetch = context;
    assert(fetch->magic == FETCH_MAGIC);
    return fetch;
}

/* ---- fetch.c: the fetcher */

/** End this fetch soon, outside of all callbacks. */
void fetcher_doom(struct fetcher *fetcher, struct fetch *fetch, int error);
/** There may be something to do: slots are free, bytes are free. */
void fetcher_has_chores(struct fetcher *fetcher);
/** A fetch is no longer in flight; after it has let go of slot and lists. */
void fetcher_ended(struct fetcher *fetcher);
/** A fetch's memory is gone. */
void fetcher_forget(struct fetcher *fetcher);

/* ---- fetch_drive.c: libcurl and the loop */

/** Errors: NOMEM. Nothing may be in flight when it is closed. */
MUST_CHECK int fetcher_open_multi(struct fetcher *fetcher);
void fetcher_close_multi(struct fetcher *fetcher);
/** Have libcurl look again at a transfer. Outside of all callbacks: now, or by the chores. */
void fetcher_nudge(struct fetch *fetch);
void fetcher_nudge_later(struct fetch *fetch);
/** The function of fetcher->curl_timer. */
void fetcher_on_curl_time(struct loop_timer *timer);

/* ---- fetch_request.c: a struct fetch_request, judged and copied */

/** Errors: INVALID, NOMEM. *out_fetch is pending, one reference: the caller's. */
MUST_CHECK int
fetch_new(struct fetcher *fetcher, const struct fetch_request *request, struct fetch **out_fetch);
/** Leave out what may not go on: secrets where `trusted` is false, a body's own where there is none
 *  any more. Errors: NOMEM. */
MUST_CHECK int fetch_filter_headers(struct fetch *fetch, bool trusted);
/** Free all that is not part of the reply. */
void fetch_drop_request(struct fetch *fetch);

/* ---- fetch_names.c: what a hop must know before libcurl may have it */

/** A table of names for this transfer's handle. Errors: NOMEM. */
MUST_CHECK int fetch_names_new(struct fetch *fetch);
/** Resolve what this hop needs resolved, then fetch_send_hop(), perhaps in here. Errors: as
 *  resolver_ask() and fetch_send_hop(), DENIED. What comes later goes to fetch_end(). */
MUST_CHECK int fetch_names_begin(struct fetch *fetch);
/** Wait for no name any more. */
void fetch_names_stop(struct fetch *fetch);
/** After the easy handle is gone. */
void fetch_names_free(struct fetch *fetch);

/* ---- fetch_easy.c: the easy handle and its options */

/** Make it, with what no hop changes and the cookies of earlier steps. Errors: NOMEM. */
MUST_CHECK int fetch_easy_new(struct fetch *fetch, const char *cookies);
/** Tell it about method, body, headers and URL of the next hop. Errors: NOMEM. */
MUST_CHECK int fetch_easy_prepare(struct fetch *fetch);
/** Whether its method has a body. */
bool fetch_sends_body(const struct fetch *fetch);

/* ---- fetch_transfer.c: one transfer from begin to end */

extern const struct future_ops fetch_ops;

/** Its turn has come: start the first hop. */
void fetch_begin(struct fetch *fetch);
/** All names are known: hand the hop to libcurl. Errors: NOMEM. */
MUST_CHECK int fetch_send_hop(struct fetch *fetch);
/** libcurl is done with this hop. */
void fetch_hop_done(struct fetch *fetch, CURLcode code);
/** Close the transfer, then finish the future (ERROR_OK) or fail it. */
void fetch_end(struct fetch *fetch, int error);

/* ---- fetch_head.c: the head of a reply */

void fetch_head_init(struct fetch_head *head);
void fetch_head_fini(struct fetch_head *head);
/** One line with its line end. Errors: PROTOCOL (too many, too long, not a header), NOMEM. */
MUST_CHECK int fetch_head_line(struct fetch_head *head, const char *line, size_t len);
/** Value of the first field of that name, or NULL. Valid until the next line. */
const char *fetch_head_get(const struct fetch_head *head, const char *name);
/** The fields as an array that points into head->text; NULL out of memory. */
MUST_CHECK struct fetch_header *fetch_head_list(const struct fetch_head *head);

/* ---- fetch_body.c: the body of a reply */

/** libcurl's CURLOPT_WRITEFUNCTION; the context is the fetch. */
size_t fetch_body_write(char *bytes, size_t size, size_t count, void *context);
/** Errors: UNREACHABLE when what came is not the whole of a compressed body. */
MUST_CHECK int fetch_body_finish(struct fetch *fetch);
/** Whether this reply is a redirect that will be followed. */
bool fetch_is_redirect(const struct fetch *fetch);
/** The bytes are freed. */
void fetch_body_free(struct fetch *fetch);
/** Let paused transfers go on, as far as there is room. */
void fetch_resume(struct fetcher *fetcher);

#endif
