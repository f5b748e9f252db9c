/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Thousands of clients at once: each gets its own reply, and the world is not the one that is slow.
 * Figures are printed, correctness is asserted. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/common.h"
#include "tests/support/proc.h"
#include "tests/support/world.h"

#define CASES TEST_SOURCE_DIR "/tests/world/testdata"
#define CROWD 3000
#define LATENCY_MS 200
#define REPLY_BYTES 1024
#define EVENTS 256

struct member {
    int fd;
    bool has_asked;
    size_t len;
    char bytes[REPLY_BYTES];
};

static void
raise_limit(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur > CROWD + 100);
}

static void
connect_member(struct member *member, size_t index, const struct sockaddr_in *address, int epoll_fd)
{
    member->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (member->fd < 0 ||
        (connect(member->fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
         errno != EINPROGRESS)) {
        support_fail("client %zu: %s", index, strerror(errno));
    }
    struct epoll_event event = { .events = EPOLLOUT, .data.u64 = index };
    assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, member->fd, &event), 0);
}

static void
ask(struct member *member, size_t index, int epoll_fd)
{
    char *text = support_text("GET /plain/lookup?email=user%zu%%40example.com&exact=1 HTTP/1.1\r\n"
                              "Host: world\r\n\r\n",
                              index);
    if (send(member->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) {
        support_fail("client %zu: send: %s", index, strerror(errno));
    }
    free(text);
    member->has_asked = true;
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = index };
    assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_MOD, member->fd, &event), 0);
}

/* True when its whole reply is there, and is its own. Every third is registered. */
static bool
hear(struct member *member, size_t index)
{
    ssize_t len = recv(member->fd, member->bytes + member->len, REPLY_BYTES - 1 - member->len, 0);
    if (len <= 0) {
        support_fail("client %zu: the connection ended", index);
    }
    member->len += (size_t)len;
    const char *body = strstr(member->bytes, "\r\n\r\n");
    if (body == NULL || strchr(body, '}') == NULL) {
        return false;
    }
    char *wanted = support_text("{\"found\":%s,\"email\":\"user%zu@example.com\"",
                                index % 3 == 0 ? "true" : "false", index);
    if (strncmp(body + 4, wanted, strlen(wanted)) != 0) {
        support_fail("client %zu: wants %s, found %s", index, wanted, member->bytes);
    }
    free(wanted);
    return true;
}

static void
serve_events(struct member *crowd, int epoll_fd, size_t *done)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll_fd, events, EVENTS, SUPPORT_WAIT_MS);
    if (count <= 0) {
        support_fail("%zu of %d were served, then nothing came", *done, CROWD);
    }
    for (int i = 0; i < count; i++) {
        size_t index = (size_t)events[i].data.u64;
        if (!crowd[index].has_asked) {
            ask(&crowd[index], index, epoll_fd);
        } else if (hear(&crowd[index], index)) {
            (void)close(crowd[index].fd);
            (*done)++;
        }
    }
}

static char *
write_script(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    (void)fprintf(out, "{\"platforms\":{\"plain\":{\"latency_ms\":%d,\"registered\":[", LATENCY_MS);
    for (int i = 0; i < CROWD; i += 3) {
        (void)fprintf(out, "%s\"user%d@example.com\"", i > 0 ? "," : "", i);
    }
    (void)fprintf(out, "]}}}");
    assert_int_equal(fclose(out), 0);
    return text;
}

static void
test_crowd(void **state)
{
    (void)state;
    raise_limit();
    char *script = write_script();
    struct world *world = world_start(&(struct world_options){ .script = script, .cases = CASES });
    free(script);
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(strrchr(world_http(world), ':') + 1, NULL, 10)),
        .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) },
    };
    struct member *crowd = calloc(CROWD, sizeof(*crowd));
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_non_null(crowd);
    int64_t begun_us = support_now_us();
    for (size_t i = 0; i < CROWD; i++) {
        connect_member(&crowd[i], i, &address, epoll_fd);
    }
    size_t done = 0;
    while (done < CROWD) {
        serve_events(crowd, epoll_fd, &done);
    }
    int64_t took_us = support_now_us() - begun_us;
    pid_t pid = child_pid(world_child(world));
    print_message(
        "%d requests of %d ms at once: %lld ms; the world used %lld ms of CPU and %lld KB "
        "at most\n",
        CROWD, LATENCY_MS, (long long)took_us / 1000, (long long)proc_cpu_us(pid) / 1000,
        (long long)proc_memory(pid).peak_bytes / 1024);
    assert_true(world_wait(world, WORLD_CLOSED, "plain", CROWD, CHILD_WAIT_MS));
    struct world_log log = world_log(world);
    assert_int_equal(world_log_count(&log, WORLD_REPLY, "plain"), CROWD);
    assert_int_equal(world_log_count(&log, WORLD_ABORTED, NULL), 0);
    world_log_free(&log);
    (void)close(epoll_fd);
    free(crowd);
    world_stop(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
