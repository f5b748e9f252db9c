/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The fetcher: libcurl's multi handle in its socket interface, driven by the loop. libcurl says
 * which descriptors and which time it waits for, the loop waits, and whatever ended is delivered in
 * the same breath.
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
 *   names       a look-up that nobody waits for any more ends by itself, on libcurl's thread */

#include "daemon/exec/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/exec/fetch_int.h"

#define FETCH_WAITING_MAX 16384
/* Without a transfer for so long, connections and the parsed CA bundle are let go. */
#define IDLE_US (30 * CLOCK_US_PER_S)
#define SOCKET_MAGIC UINT32_C(0x46534f43) /* "FSOC" */

/* One descriptor of libcurl's. */
struct fetch_socket {
    uint32_t magic;
    struct loop_watch watch;
    struct fetcher *fetcher;
};

/* ---- libcurl and the loop */

static void
drain(struct fetcher *fetcher)
{
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        void *context = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
        fetch_hop_done(fetch_of(context), code);
    }
}

static void
act(struct fetcher *fetcher, curl_socket_t fd, int events)
{
    int running = 0;
    CURLMcode code = curl_multi_socket_action(fetcher->multi, fd, events, &running);
    assert(code != CURLM_RECURSIVE_API_CALL && code != CURLM_BAD_HANDLE);
    drain(fetcher);
}

/* A hang-up is told as readiness: the read or write that follows finds out what it was, and what
 * had arrived before it is not lost. */
static void
on_socket_ready(struct loop_watch *watch, uint32_t events)
{
    const struct fetch_socket *known = CONTAINER_OF(watch, struct fetch_socket, watch);
    uint32_t broken = (events & (EPOLLERR | EPOLLHUP)) != 0 ? watch->events : 0;
    int ready = ((events | broken) & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0;
    ready |= ((events | broken) & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
    act(known->fetcher, watch->fd, ready);
}

static void
forget_socket(struct fetcher *fetcher, struct fetch_socket *known)
{
    if (known != NULL) {
        loop_watch_remove(fetcher->loop, &known->watch);
        free(known);
    }
}

/* Errors: NOMEM, IO; then libcurl's descriptor is not watched. */
static int
watch_socket(struct fetcher *fetcher, curl_socket_t fd, uint32_t events, struct fetch_socket *known)
{
    if (known != NULL) {
        known->watch.events = events;
        return loop_watch_change(fetcher->loop, &known->watch);
    }
    known = malloc(sizeof(*known));
    if (known == NULL) {
        return ERROR_NOMEM;
    }
    *known = (struct fetch_socket){
        .magic = SOCKET_MAGIC,
        .watch = { .fd = fd, .events = events, .fn = on_socket_ready },
        .fetcher = fetcher,
    };
    int error = loop_watch_add(fetcher->loop, &known->watch);
    if (error != ERROR_OK) {
        free(known);
        return error;
    }
    curl_multi_assign(fetcher->multi, fd, known);
    return ERROR_OK;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct fetcher *fetcher = fetcher_of(context);
    struct fetch_socket *known = socket_context;
    assert(known == NULL || known->magic == SOCKET_MAGIC);
    if (what == CURL_POLL_REMOVE) {
        forget_socket(fetcher, known);
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN) != 0 ? EPOLLIN : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0;
    int error = watch_socket(fetcher, fd, events, known);
    void *owner = NULL;
    if (error != ERROR_OK && curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner) == CURLE_OK &&
        owner != NULL) {
        fetcher_doom(fetcher, fetch_of(owner), error == ERROR_NOMEM ? error : ERROR_UNREACHABLE);
    }
    return 0;
}

static int
on_curl_wants_time(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct fetcher *fetcher = fetcher_of(context);
    int64_t due_us = timeout_ms < 0 ? CLOCK_NEVER : clock_deadline_us(timeout_ms * CLOCK_US_PER_MS);
    loop_timer_arm(fetcher->loop, &fetcher->curl_timer, due_us);
    return 0;
}

static void
on_curl_time(struct loop_timer *timer)
{
    act(CONTAINER_OF(timer, struct fetcher, curl_timer), CURL_SOCKET_TIMEOUT, 0);
}

static int
open_multi(struct fetcher *fetcher)
{
    CURLM *multi = curl_multi_init();
    if (multi == NULL) {
        return ERROR_NOMEM;
    }
    unsigned failed = 0;
    failed |= (unsigned)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    failed |= (unsigned)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, fetcher);
    failed |= (unsigned)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_wants_time);
    failed |= (unsigned)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, fetcher);
    failed |= (unsigned)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    /* No more run than this, so a new one never waits in libcurl: an idle one is closed for it. */
    long most = (long)fetcher->connections_max;
    failed |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
    failed |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most);
    assert(failed == 0);
    fetcher->multi = multi;
    return ERROR_OK;
}

static void
close_multi(struct fetcher *fetcher)
{
    if (fetcher->multi != NULL) {
        curl_multi_cleanup(fetcher->multi);
        fetcher->multi = NULL;
    }
    loop_timer_disarm(fetcher->loop, &fetcher->curl_timer);
}

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
    fetch_resume(fetcher);
    begin_waiting(fetcher);
}

static void
on_idle(struct loop_timer *timer)
{
    struct fetcher *fetcher = CONTAINER_OF(timer, struct fetcher, idle);
    if (fetcher->live_count == 0) {
        close_multi(fetcher);
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
    return ERROR_OK;
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
    list_init(&fetcher->paused);
    fetch_slots_init(&fetcher->slots, options->connections_max, options->host_connections_max);
    fetcher->curl_timer.fn = on_curl_time;
    fetcher->chores.fn = on_chores;
    fetcher->idle.fn = on_idle;
    int error = copy_options(fetcher, options);
    error = error == ERROR_OK ? open_multi(fetcher) : error;
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
    close_multi(dropped);
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
    if (fetcher->multi == NULL && open_multi(fetcher) != ERROR_OK) {
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
