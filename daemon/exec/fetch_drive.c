/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* libcurl's multi handle in its socket interface, driven by the loop: libcurl says which
 * descriptors and which time it waits for, the loop waits, and whatever ended is delivered in the
 * same breath. Owns a watch for each descriptor of libcurl's, from its first poll to its removal.
 *
 * When an address refuses, libcurl 7.88 means to try the next one, but sets no timer for it (its
 * issue 11920): fetcher_nudge() has it look once more whenever a connecting transfer lost a socket.
 * It may also tell of a removal after the socket is closed; the kernel has forgotten it by then. */

#include <stdlib.h>
#include <sys/epoll.h>

#include "daemon/base/clock.h"
#include "daemon/exec/fetch_int.h"

#define SOCKET_MAGIC UINT32_C(0x46534f43) /* "FSOC" */

/* One descriptor of libcurl's. */
struct fetch_socket {
    uint32_t magic;
    struct loop_watch watch;
    struct fetcher *fetcher;
};

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

void
fetcher_nudge(struct fetch *fetch)
{
    /* A change of what is paused makes libcurl call the transfer at once; nothing is sent yet. It
     * fails for one that has no connection, and then there is nothing to nudge. */
    if (curl_easy_pause(fetch->easy, CURLPAUSE_SEND) == CURLE_OK) {
        (void)curl_easy_pause(fetch->easy, CURLPAUSE_CONT);
    }
}

/* A paused one would go on. */
void
fetcher_nudge_later(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    if (!list_is_linked(&fetch->paused_node) && !list_is_linked(&fetch->nudged_node)) {
        list_push_back(&fetcher->nudged, &fetch->nudged_node);
        fetcher_has_chores(fetcher);
    }
}

/* The fetch of an easy handle, or NULL for one of libcurl's own. */
static struct fetch *
owner_of(CURL *easy)
{
    void *owner = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner) != CURLE_OK || owner == NULL) {
        return NULL;
    }
    return fetch_of(owner);
}

static void
on_socket_removed(struct fetch *fetch)
{
    if (fetch != NULL && fetch->in_multi && fetch->head.all_bytes == 0) {
        fetcher_nudge_later(fetch);
    }
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct fetcher *fetcher = fetcher_of(context);
    struct fetch_socket *known = socket_context;
    assert(known == NULL || known->magic == SOCKET_MAGIC);
    if (what == CURL_POLL_REMOVE) {
        forget_socket(fetcher, known);
        on_socket_removed(owner_of(easy));
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN) != 0 ? EPOLLIN : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0;
    int error = watch_socket(fetcher, fd, events, known);
    struct fetch *fetch = error != ERROR_OK ? owner_of(easy) : NULL;
    if (fetch != NULL) {
        fetcher_doom(fetcher, fetch, error == ERROR_NOMEM ? error : ERROR_UNREACHABLE);
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

void
fetcher_on_curl_time(struct loop_timer *timer)
{
    act(CONTAINER_OF(timer, struct fetcher, curl_timer), CURL_SOCKET_TIMEOUT, 0);
}

/* Connections that outlive their transfer, at some 17 KB each: beyond so many open ones, one that
 * falls idle is closed instead of kept. */
#define CONNECTIONS_KEPT 256L

int
fetcher_open_multi(struct fetcher *fetcher)
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
    failed |= (unsigned)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    assert(failed == 0);
    fetcher->multi = multi;
    return ERROR_OK;
}

void
fetcher_close_multi(struct fetcher *fetcher)
{
    if (fetcher->multi != NULL) {
        curl_multi_cleanup(fetcher->multi);
        fetcher->multi = NULL;
    }
    loop_timer_disarm(fetcher->loop, &fetcher->curl_timer);
}
