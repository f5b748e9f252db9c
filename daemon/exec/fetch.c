/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The fetcher: who may run, who waits, what is left to do between callbacks, and the way in.
 *
 * Nobody's code runs inside a callback of libcurl, which forbids calls back into it: a callback
 * notes what it found, and fetch_hop_done() or the chores act on it. URLs hold subjects, so nothing
 * here logs any.
 *
 * What is bounded, and how:
 *   time        a timer of the loop for each transfer, libcurl's own a second behind it
 *   transfers   fetch_slots: in all and to one origin; the others wait, at most FETCH_WAITING_MAX,
 *               and their time runs from the end of the wait
 *   connections as many as may run: an idle one makes room for a new one; all close after a while
 *               without work
 *   head        FETCH_HEADERS_MAX fields and FETCH_HEADER_BYTES_MAX for each hop
 *   body        body_max after inflating; stop_at ends it sooner
 *   bodies      body_bytes_max together; past it transfers pause, each with at most
 *               FETCH_READ_BYTES that libcurl had read, and one goes on at a time
 *   redirects   redirects_max, to http and https only, without secrets to strangers
 *   addresses   each one is judged when its socket is made, so a name cannot change its mind
 *   names       the resolver's bounds; what libcurl knows of them ends with its transfer */

#include "daemon/exec/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/exec/fetch_int.h"

#define FETCH_WAITING_MAX 16384
/* Without a transfer for so long, connections and the parsed CA bundle are let go. */
#define IDLE_US (30 * CLOCK_US_PER_S)
/* ---- Chores: what waits until all callbacks have returned */

void
fetcher_has_chores(struct fetcher *fetcher)
{
    if (!fetcher->orphaned && !fetcher->chores.armed) {
        loop_timer_arm(fetcher->loop, &fetcher->chores, clock_now_us());
    }
}

void
fetcher_doom(struct fetcher *fetcher, struct fetch *fetch, int error)
{
    fetch->doom = error;
    list_remove(&fetch->doomed_node);
    list_push_back(&fetcher->doomed, &fetch->doomed_node);
    fetcher_has_chores(fetcher);
}

static void
begin_waiting(struct fetcher *fetcher)
{
    struct fetch_slot *slot;
    while ((slot = fetch_slots_next(&fetcher->slots)) != NULL) {
        struct fetch *fetch = CONTAINER_OF(slot, struct fetch, slot);
        bool started = future_start(&fetch->future);
        assert(started); /* a cancelled one has left its slot */
        fetch_begin(fetch);
    }
}

static void
on_chores(struct loop_timer *timer)
{
    struct fetcher *fetcher = CONTAINER_OF(timer, struct fetcher, chores);
    struct list *first;
    while ((first = list_pop_front(&fetcher->doomed)) != NULL) {
        struct fetch *fetch = LIST_ENTRY(first, struct fetch, doomed_node);
        fetch_end(fetch, fetch->doom);
    }
    while ((first = list_pop_front(&fetcher->nudged)) != NULL) {
        fetcher_nudge(LIST_ENTRY(first, struct fetch, nudged_node));
    }
    fetch_resume(fetcher);
    begin_waiting(fetcher);
}

static void
on_idle(struct loop_timer *timer)
{
    struct fetcher *fetcher = CONTAINER_OF(timer, struct fetcher, idle);
    if (fetcher->live_count == 0) {
        fetcher_close_multi(fetcher);
    }
}

void
fetcher_ended(struct fetcher *fetcher)
{
    fetcher->live_count--;
    fetcher->finished++;
    if (fetcher->slots.waiting > 0) {
        fetcher_has_chores(fetcher);
    }
    if (fetcher->live_count == 0 && !fetcher->closed) {
        loop_timer_arm(fetcher->loop, &fetcher->idle, clock_deadline_us(IDLE_US));
    }
}

/* ---- The fetcher */

static void
free_fetcher(struct fetcher *fetcher)
{
    free(fetcher->user_agent);
    free(fetcher->proxy);
    fetch_proxy_fini(&fetcher->proxy_parts);
    free(fetcher->ca_file);
    free(fetcher->allowed);
    fetcher->magic = 0;
    free(fetcher);
}

void
fetcher_forget(struct fetcher *fetcher)
{
    fetcher->object_count--;
    if (fetcher->orphaned && fetcher->object_count == 0) {
        free_fetcher(fetcher);
    }
}

static char *
copy_or_empty(const char *text)
{
    return strdup(text != NULL ? text : "");
}

/* The bundle that this libcurl was built to use, where the operator names none. */
static const char *
choose_ca_file(const struct fetcher_options *options)
{
    if (options->ca_file != NULL && options->ca_file[0] != '\0') {
        return options->ca_file;
    }
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    return info->cainfo != NULL ? info->cainfo : "/etc/ssl/certs/ca-certificates.crt";
}

static int
copy_options(struct fetcher *fetcher, const struct fetcher_options *options)
{
    size_t bytes = options->allow_count * sizeof(*fetcher->allowed);
    fetcher->loop = options->loop;
    fetcher->resolver = options->resolver;
    fetcher->body_bytes_max = options->body_bytes_max;
    fetcher->connections_max = options->connections_max;
    fetcher->user_agent = copy_or_empty(options->user_agent);
    fetcher->proxy = copy_or_empty(options->proxy);
    fetcher->ca_file = strdup(choose_ca_file(options));
    fetcher->allowed = malloc(bytes + 1);
    if (fetcher->user_agent == NULL || fetcher->proxy == NULL || fetcher->ca_file == NULL ||
        fetcher->allowed == NULL) {
        return ERROR_NOMEM;
    }
    if (bytes > 0) {
        memcpy(fetcher->allowed, options->allow_addresses, bytes);
    }
    fetcher->allowed_count = options->allow_count;
    return fetch_proxy_parse(fetcher->proxy, &fetcher->proxy_parts);
}

int
fetcher_new(const struct fetcher_options *options, struct fetcher **out_fetcher,
            struct error_text *why)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return error_say(why, ERROR_IO, "libcurl does not start");
    }
    struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
    if (fetcher == NULL) {
        curl_global_cleanup();
        return error_say(why, ERROR_NOMEM, "the fetcher: out of memory");
    }
    fetcher->magic = FETCHER_MAGIC;
    list_init(&fetcher->live);
    list_init(&fetcher->doomed);
    list_init(&fetcher->nudged);
    list_init(&fetcher->paused);
    fetch_slots_init(&fetcher->slots, options->connections_max, options->host_connections_max);
    fetcher->curl_timer.fn = fetcher_on_curl_time;
    fetcher->chores.fn = on_chores;
    fetcher->idle.fn = on_idle;
    int error = copy_options(fetcher, options);
    error = error == ERROR_OK ? fetcher_open_multi(fetcher) : error;
    if (error != ERROR_OK) {
        error_say(why, error, "the fetcher: %s", error_sentence(error));
    } else if (access(fetcher->ca_file, R_OK) != 0) {
        error = error_say(why, ERROR_NOT_FOUND,
                          "ca_file \"%s\" cannot be read; without it no certificate can be checked",
                          fetcher->ca_file);
    }
    if (error != ERROR_OK) {
        fetcher_free(&fetcher);
        return error;
    }
    *out_fetcher = fetcher;
    return ERROR_OK;
}

void
fetcher_close(struct fetcher *fetcher)
{
    fetcher->closed = true;
    while (!list_is_empty(&fetcher->live)) {
        struct fetch *fetch = LIST_ENTRY(fetcher->live.next, struct fetch, live_node);
        struct future *held = future_ref(&fetch->future);
        (void)future_cancel(held);
        future_unref(&held);
    }
}

void
fetcher_free(struct fetcher **fetcher)
{
    struct fetcher *dropped = *fetcher;
    if (dropped == NULL) {
        return;
    }
    *fetcher = NULL;
    fetcher_close(dropped);
    fetcher_close_multi(dropped);
    loop_timer_disarm(dropped->loop, &dropped->chores);
    loop_timer_disarm(dropped->loop, &dropped->idle);
    dropped->orphaned = true;
    if (dropped->object_count == 0) {
        free_fetcher(dropped);
    }
    curl_global_cleanup();
}

/* One that waited was cancelled: nobody else tells it so. */
static void
on_fetch_done(struct future *future, void *context)
{
    struct fetch *fetch = fetch_of(context);
    if (fetch->easy == NULL) {
        return; /* it had begun, and was closed */
    }
    list_remove(&fetch->live_node);
    fetch_drop_request(fetch);
    fetch_slots_leave(&fetch->fetcher->slots, &fetch->slot);
    fetcher_ended(fetch->fetcher);
    future_unref(&future);
}

int
fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
            struct future **out_future)
{
    struct fetch *fetch = NULL;
    if (fetcher->closed) {
        return ERROR_CLOSED;
    }
    if (fetcher->slots.waiting >= FETCH_WAITING_MAX) {
        return ERROR_BUSY;
    }
    if (fetcher->multi == NULL && fetcher_open_multi(fetcher) != ERROR_OK) {
        return ERROR_NOMEM;
    }
    int error = fetch_new(fetcher, request, &fetch);
    if (error != ERROR_OK) {
        return error;
    }
    struct future *future = &fetch->future;
    error = fetch_slots_enter(&fetcher->slots, &fetch->slot, fetch->url.origin);
    if (error != ERROR_OK) {
        fetch_drop_request(fetch);
        future_unref(&future);
        return error;
    }
    list_push_back(&fetcher->live, &fetch->live_node);
    fetcher->live_count++;
    fetcher->started++;
    fetch->on_done = (struct future_callback){ .fn = on_fetch_done, .context = fetch };
    future_on_done(future, &fetch->on_done);
    *out_future = future_ref(future);
    begin_waiting(fetcher);
    return ERROR_OK;
}

void
fetcher_stats(const struct fetcher *fetcher, struct fetcher_stats *out_stats)
{
    *out_stats = (struct fetcher_stats){
        .in_flight = fetcher->live_count,
        .body_bytes = fetcher->body_bytes,
        .started = fetcher->started,
        .finished = fetcher->finished,
    };
}
