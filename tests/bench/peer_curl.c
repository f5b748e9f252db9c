/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The least that a sweep can cost: libcurl's multi interface on epoll, all requests at once, every
 * body read and dropped, nothing decided. A program of its own, so that its CPU time and memory are
 * its own too.
 *
 * Usage: peer_curl FILE, where each line is "METHOD URL". Prints a line of JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#define LINE_BYTES 8192
#define EVENTS 512
#define REQUEST_MS 30000L

struct peer {
    CURLM *multi;
    int epoll_fd;
    int64_t timer_us; /* when curl wants to be called; -1: not */
    size_t done;
    size_t failed;
    size_t bytes;
};

static int64_t
now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
die(const char *what)
{
    (void)fprintf(stderr, "peer_curl: %s: %s\n", what, strerror(errno));
    exit(1);
}

static size_t
drop(char *bytes, size_t size, size_t count, void *argument)
{
    struct peer *peer = argument;
    (void)bytes;
    peer->bytes += size * count;
    return size * count;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *argument, void *known)
{
    struct peer *peer = argument;
    struct epoll_event event = { .data.fd = fd };
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(peer->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
    if (epoll_ctl(peer->epoll_fd, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) {
        (void)die("epoll");
    }
    (void)curl_multi_assign(peer->multi, fd, peer);
    return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *argument)
{
    struct peer *peer = argument;
    (void)multi;
    peer->timer_us = timeout_ms < 0 ? -1 : now_us() + (int64_t)timeout_ms * 1000;
    return 0;
}

static void
add(struct peer *peer, const char *method, const char *url)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        (void)die("curl");
    }
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, peer);
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, REQUEST_MS);
    if (strcmp(method, "HEAD") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(method, "POST") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    }
    (void)curl_multi_add_handle(peer->multi, easy);
}

static size_t
add_all(struct peer *peer, const char *path)
{
    char line[LINE_BYTES];
    size_t count = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)die(path);
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        char *url = strchr(line, ' ');
        line[strcspn(line, "\n")] = '\0';
        if (url != NULL) {
            *url = '\0';
            add(peer, line, url + 1);
            count++;
        }
    }
    (void)fclose(file);
    return count;
}

static void
collect(struct peer *peer)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(peer->multi, &left); message != NULL;
         message = curl_multi_info_read(peer->multi, &left)) {
        CURL *easy = message->easy_handle;
        peer->failed += message->data.result != CURLE_OK;
        peer->done++;
        (void)curl_multi_remove_handle(peer->multi, easy);
        curl_easy_cleanup(easy);
    }
}

static void
turn(struct peer *peer)
{
    struct epoll_event events[EVENTS];
    int running = 0;
    int64_t left_us = peer->timer_us < 0 ? 1000000 : peer->timer_us - now_us();
    int count = epoll_wait(peer->epoll_fd, events, EVENTS,
                           left_us <= 0 ? 0 : (int)((left_us + 999) / 1000));
    for (int i = 0; i < count; i++) {
        int what = ((events[i].events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                   ((events[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                   ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        (void)curl_multi_socket_action(peer->multi, events[i].data.fd, what, &running);
    }
    if (peer->timer_us >= 0 && now_us() >= peer->timer_us) {
        peer->timer_us = -1;
        (void)curl_multi_socket_action(peer->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    collect(peer);
}

static void
report(const struct peer *peer, int64_t took_us)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    int64_t cpu_us = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    printf("{\"done\":%zu,\"failed\":%zu,\"bytes\":%zu,\"wall_us\":%" PRId64 ",\"cpu_us\":%" PRId64
           ",\"peak_kb\":%ld}\n",
           peer->done, peer->failed, peer->bytes, took_us, cpu_us, usage.ru_maxrss);
}

int
main(int argc, char **argv)
{
    struct rlimit limit;
    struct peer peer = { .timer_us = -1, .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
    int64_t begun_us = now_us();
    if (argc != 2) {
        (void)fprintf(stderr, "usage: peer_curl FILE\n");
        return 64;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    peer.multi = curl_multi_init();
    if (peer.multi == NULL || peer.epoll_fd < 0) {
        (void)die("curl");
    }
    (void)curl_multi_setopt(peer.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(peer.multi, CURLMOPT_SOCKETDATA, &peer);
    (void)curl_multi_setopt(peer.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(peer.multi, CURLMOPT_TIMERDATA, &peer);
    size_t count = add_all(&peer, argv[1]);
    while (peer.done < count) {
        turn(&peer);
    }
    report(&peer, now_us() - begun_us);
    (void)curl_multi_cleanup(peer.multi);
    (void)close(peer.epoll_fd);
    return 0;
}
