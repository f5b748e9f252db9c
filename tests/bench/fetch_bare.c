/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The other client of bench_fetch: what libcurl's multi interface needs by itself, driven by epoll.
 * It is told the addresses, so that it starts no thread for each name. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include <curl/curl.h>

#include "tests/bench/fetch_crowd.h"
#include "tests/support/common.h"

#define EVENTS 512

struct bare {
    CURLM *multi;
    int epoll_fd;
    int64_t due_us; /* INT64_MAX: never */
    size_t opened;
};

static struct bare bare;

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    (void)easy;
    (void)context;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(bare.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    struct epoll_event event = { .data.fd = fd };
    event.events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
    (void)epoll_ctl(bare.epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
    curl_multi_assign(bare.multi, fd, &bare);
    return 0;
}

static int
on_time_wanted(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    (void)context;
    bare.due_us = timeout_ms < 0 ? INT64_MAX : support_now_us() + timeout_ms * 1000;
    return 0;
}

static size_t
drop(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static void
begin(const struct crowd *crowd, bool https)
{
    char url[128];
    char line[128];
    unsigned port = https ? crowd->https_port : crowd->http_port;
    CURL *easy = curl_easy_init();
    (void)snprintf(url, sizeof(url), "%s://h%zu." CROWD_ZONE ":%u/", https ? "https" : "http",
                   bare.opened, port);
    (void)snprintf(line, sizeof(line), "h%zu." CROWD_ZONE ":%u:127.0.0.1", bare.opened, port);
    bare.opened++;
    struct curl_slist *resolved = curl_slist_append(NULL, line);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, resolved);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CROWD_READ_BYTES);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO, crowd->ca_file);
    if (curl_multi_add_handle(bare.multi, easy) != CURLM_OK) {
        support_fail("libcurl takes no more transfers");
    }
}

static void
act(curl_socket_t fd, int events)
{
    int running = 0;
    int left = 0;
    curl_multi_socket_action(bare.multi, fd, events, &running);
    CURLMsg *message = curl_multi_info_read(bare.multi, &left);
    if (message != NULL) {
        support_fail("bare libcurl: %s", curl_easy_strerror(message->data.result));
    }
}

static void
turn(void)
{
    struct epoll_event events[EVENTS];
    int64_t left_ms = bare.due_us == INT64_MAX ? 10 : (bare.due_us - support_now_us() + 999) / 1000;
    left_ms = left_ms < 0 ? 0 : left_ms > 10 ? 10 : left_ms;
    int count = epoll_wait(bare.epoll_fd, events, EVENTS, (int)left_ms);
    for (int i = 0; i < count; i++) {
        int ready = (events[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
        ready |= (events[i].events & ~(unsigned)EPOLLOUT) != 0 ? CURL_CSELECT_IN : 0;
        act(events[i].data.fd, ready);
    }
    if (bare.due_us <= support_now_us()) {
        bare.due_us = INT64_MAX;
        act(CURL_SOCKET_TIMEOUT, 0);
    }
}

static void
open_bare(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bare.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bare.due_us = INT64_MAX;
    bare.multi = curl_multi_init();
    curl_multi_setopt(bare.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(bare.multi, CURLMOPT_TIMERFUNCTION, on_time_wanted);
}

void
crowd_grow_bare(struct crowd *crowd, bool https, size_t count)
{
    if (bare.multi == NULL) {
        open_bare();
    }
    while (atomic_load(&crowd->held) < count) {
        /* No more at once than a listener's queue takes. */
        for (int i = 0;
             i < 64 && bare.opened < count && bare.opened < atomic_load(&crowd->held) + 1024; i++) {
            begin(crowd, https);
        }
        turn();
    }
}
