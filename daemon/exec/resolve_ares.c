/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* c-ares 1.18 on the loop. Owns its sockets (UDP, TCP for what was cut short, and one for a moment
 * while addresses are sorted), all made here, a watch for each that c-ares waits for, and a timer
 * for its own timeouts.
 *
 * A question cannot be taken back: c-ares 1.18 cancels all or none. So who loses interest leaves it
 * to end by itself, after TRIES at the latest.
 *
 * The system's configuration counts as far as it names servers; its search list does not, because a
 * name in a URL is meant as it stands, and neither do the environment's aliases. */

#include "daemon/exec/resolve_ares.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ares.h>

#include "daemon/base/clock.h"
#include "daemon/base/list.h"

/* One server that says nothing costs 1.5 + 3 + 6 seconds. */
#define TIMEOUT_MS 1500
#define TRIES 3
/* A UDP answer that fits every path whole (the DNS flag day's size). */
#define UDP_BYTES 1232
/* A burst of questions fits the kernel's buffer whole, since c-ares takes a full one for a server
 * that is gone; and the answers wait there until the loop comes round. */
#define SOCKET_BYTES (1024 * 1024)
#define CLASS_IN 1
#define TYPE_SRV 33

struct resolve_ares {
    struct loop *loop;
    ares_channel channel;
    struct list sockets;
    struct loop_timer timer;
};

struct ares_socket {
    struct list node;
    struct loop_watch watch;
    struct resolve_ares *ares;
};

/* ---- Sockets: as ours are, closed on exec from birth ------------------------------------ */

static ares_socket_t
make_socket(int family, int type, int protocol, void *context)
{
    (void)context;
    const int bytes = SOCKET_BYTES;
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd >= 0 && type == SOCK_DGRAM) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); /* or what is allowed */
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
    return fd;
}

static int
close_socket(ares_socket_t fd, void *context)
{
    (void)context;
    return close(fd);
}

static int
connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len, void *context)
{
    (void)context;
    return connect(fd, address, len);
}

static ares_ssize_t
receive(ares_socket_t fd, void *bytes, size_t size, int flags, struct sockaddr *from,
        ares_socklen_t *from_len, void *context)
{
    (void)context;
    return recvfrom(fd, bytes, size, flags, from, from_len);
}

static ares_ssize_t
send_parts(ares_socket_t fd, const struct iovec *parts, int count, void *context)
{
    (void)context;
    const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
                                    .msg_iovlen = (size_t)count };
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {
    .asocket = make_socket,
    .aclose = close_socket,
    .aconnect = connect_socket,
    .arecvfrom = receive,
    .asendv = send_parts,
};

/* ---- Time ------------------------------------------------------------------------------- */

/* c-ares looks through all it has asked to say when it wants to be called, so it is asked only when
 * the timer has fired; a new question is due no sooner than TIMEOUT_MS from now. */
static void
call_within(struct resolve_ares *ares, int64_t us)
{
    int64_t due_us = clock_deadline_us(us);
    if (!ares->timer.armed || due_us < ares->timer.due_us) {
        loop_timer_arm(ares->loop, &ares->timer, due_us);
    }
}

static void
on_time(struct loop_timer *timer)
{
    struct resolve_ares *ares = CONTAINER_OF(timer, struct resolve_ares, timer);
    struct timeval left;
    ares_process_fd(ares->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (ares_timeout(ares->channel, NULL, &left) != NULL) {
        call_within(ares, left.tv_sec * CLOCK_US_PER_S + left.tv_usec + CLOCK_US_PER_MS);
    }
}

/* ---- Descriptors ------------------------------------------------------------------------ */

static void
on_ready(struct loop_watch *watch, uint32_t events)
{
    struct ares_socket *known = CONTAINER_OF(watch, struct ares_socket, watch);
    bool is_broken = (events & (EPOLLERR | EPOLLHUP)) != 0; /* a read or write says how */
    bool in = (events & EPOLLIN) != 0 || (is_broken && (watch->events & EPOLLIN) != 0);
    bool out = (events & EPOLLOUT) != 0 || (is_broken && (watch->events & EPOLLOUT) != 0);
    int fd = watch->fd;
    ares_process_fd(known->ares->channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
}

static struct ares_socket *
find_socket(const struct resolve_ares *ares, int fd)
{
    LIST_FOR_EACH (node, &ares->sockets) {
        struct ares_socket *known = LIST_ENTRY(node, struct ares_socket, node);
        if (known->watch.fd == fd) {
            return known;
        }
    }
    return NULL;
}

static void
drop_socket(struct ares_socket *known)
{
    loop_watch_remove(known->ares->loop, &known->watch);
    list_remove(&known->node);
    free(known);
}

/* Without its watch a socket is deaf, and what was asked through it times out. */
static void
watch_socket(struct resolve_ares *ares, int fd, uint32_t events)
{
    struct ares_socket *made = malloc(sizeof(*made));
    if (made == NULL) {
        return;
    }
    *made = (struct ares_socket){ .watch = { .fd = fd, .events = events, .fn = on_ready },
                                  .ares = ares };
    if (loop_watch_add(ares->loop, &made->watch) != ERROR_OK) {
        free(made);
        return;
    }
    list_push_back(&ares->sockets, &made->node);
}

static void
on_socket(void *context, ares_socket_t fd, int readable, int writable)
{
    struct resolve_ares *ares = context;
    struct ares_socket *known = find_socket(ares, fd);
    uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
    if (events == 0 && known != NULL) {
        drop_socket(known);
    } else if (events != 0 && known == NULL) {
        watch_socket(ares, fd, events);
    } else if (known != NULL && known->watch.events != events) {
        known->watch.events = events;
        if (loop_watch_change(ares->loop, &known->watch) != ERROR_OK) {
            drop_socket(known);
        }
    }
}

/* ---- Questions and answers -------------------------------------------------------------- */

struct question {
    resolve_ares_fn *fn;
    resolve_ares_srv_fn *srv_fn;
    void *context;
};

struct status_row {
    int status;
    int error;
};

/* What is not here is UNREACHABLE: servers that fail, refuse, babble or say nothing. */
static const struct status_row statuses[] = {
    { ARES_ENOTFOUND, ERROR_NOT_FOUND },  { ARES_ENODATA, ERROR_NOT_FOUND },
    { ARES_EBADNAME, ERROR_NOT_FOUND },   { ARES_ENOMEM, ERROR_NOMEM },
    { ARES_ECANCELLED, ERROR_CANCELLED }, { ARES_EDESTRUCTION, ERROR_CANCELLED },
};

static int
error_of(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (statuses[i].status == status) {
            return statuses[i].error;
        }
    }
    return ERROR_UNREACHABLE;
}

static size_t
take_addresses(const struct ares_addrinfo *info, struct resolve_address *addresses)
{
    size_t count = 0;
    const struct ares_addrinfo_node *node = info->nodes;
    for (; node != NULL && count < RESOLVE_ADDRESSES_MAX; node = node->ai_next) {
        size_t len = node->ai_family == AF_INET    ? sizeof(struct sockaddr_in)
                     : node->ai_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                   : 0;
        if (len > 0 && node->ai_addrlen >= len) {
            memset(&addresses[count], 0, sizeof(addresses[count]));
            memcpy(&addresses[count++], node->ai_addr, len);
        }
    }
    return count;
}

static int64_t
shortest_ttl_us(const struct ares_addrinfo *info)
{
    int least_s = INT32_MAX;
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next) {
        least_s = node->ai_ttl < least_s ? node->ai_ttl : least_s;
    }
    const struct ares_addrinfo_cname *alias = info->cnames;
    for (; alias != NULL; alias = alias->next) {
        least_s = alias->ttl < least_s ? alias->ttl : least_s;
    }
    return least_s > 0 ? least_s * CLOCK_US_PER_S : 0;
}

static void
on_answer(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    struct question *question = context;
    struct resolve_address addresses[RESOLVE_ADDRESSES_MAX];
    struct resolve_finding finding = { .error = error_of(status), .addresses = addresses };
    if (status == ARES_SUCCESS) {
        finding.count = take_addresses(info, addresses);
        finding.ttl_us = shortest_ttl_us(info);
        finding.error = finding.count > 0 ? ERROR_OK : ERROR_NOT_FOUND;
    }
    ares_freeaddrinfo(info);
    question->fn(question->context, &finding);
    free(question);
}

/* c-ares would ask for an IPv6 address's A record. */
static bool
read_address(const char *name, struct resolve_address *address)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, name, &address->socket.ipv4.sin_addr) == 1) {
        address->socket.ipv4.sin_family = AF_INET;
        return true;
    }
    memset(address, 0, sizeof(*address));
    address->socket.ipv6.sin6_family = AF_INET6;
    return inet_pton(AF_INET6, name, &address->socket.ipv6.sin6_addr) == 1;
}

void
resolve_ares_ask(struct resolve_ares *ares, const char *name, resolve_ares_fn *fn, void *context)
{
    static const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
                                                      .ai_socktype = SOCK_STREAM };
    struct resolve_address address;
    if (read_address(name, &address)) {
        fn(context, &(const struct resolve_finding){ .addresses = &address, .count = 1 });
        return;
    }
    struct question *question = malloc(sizeof(*question));
    if (question == NULL) {
        fn(context, &(const struct resolve_finding){ .error = ERROR_NOMEM });
        return;
    }
    *question = (struct question){ .fn = fn, .context = context };
    ares_getaddrinfo(ares->channel, name, NULL, &hints, on_answer, question);
    call_within(ares, TIMEOUT_MS * CLOCK_US_PER_MS);
}

/* ---- SRV records ------------------------------------------------------------------------ */

static int
by_rank(const void *left, const void *right)
{
    const struct resolve_srv *a = left;
    const struct resolve_srv *b = right;
    return a->priority != b->priority ? (int)a->priority - (int)b->priority
                                      : (int)b->weight - (int)a->weight;
}

static size_t
take_records(const struct ares_srv_reply *reply, struct resolve_srv *records)
{
    size_t count = 0;
    for (; reply != NULL && count < RESOLVE_SRV_MAX; reply = reply->next) {
        struct resolve_srv *record = &records[count];
        const char *target = reply->host[0] != '\0' ? reply->host : ".";
        size_t len = strlen(target);
        if (len < sizeof(record->target)) {
            *record = (struct resolve_srv){ .port = reply->port,
                                            .priority = reply->priority,
                                            .weight = reply->weight };
            memcpy(record->target, target, len + 1);
            count++;
        }
    }
    qsort(records, count, sizeof(*records), by_rank);
    return count;
}

static void
on_srv_answer(void *context, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct question *question = context;
    struct resolve_srv records[RESOLVE_SRV_MAX];
    struct resolve_srv_finding finding = { .records = records };
    struct ares_srv_reply *reply = NULL;
    status = status == ARES_SUCCESS ? ares_parse_srv_reply(bytes, len, &reply) : status;
    if (status == ARES_SUCCESS) {
        finding.count = take_records(reply, records);
        ares_free_data(reply);
    }
    finding.error = status == ARES_SUCCESS || status == ARES_ENODATA ? ERROR_OK : error_of(status);
    question->srv_fn(question->context, &finding);
    free(question);
}

void
resolve_ares_ask_srv(struct resolve_ares *ares, const char *name, resolve_ares_srv_fn *fn,
                     void *context)
{
    struct question *question = malloc(sizeof(*question));
    if (question == NULL) {
        fn(context, &(const struct resolve_srv_finding){ .error = ERROR_NOMEM });
        return;
    }
    *question = (struct question){ .srv_fn = fn, .context = context };
    ares_query(ares->channel, name, CLASS_IN, TYPE_SRV, on_srv_answer, question);
    call_within(ares, TIMEOUT_MS * CLOCK_US_PER_MS);
}

/* ---- The channel ------------------------------------------------------------------------ */

static int
open_channel(struct resolve_ares *ares)
{
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
        .timeout = TIMEOUT_MS,
        .tries = TRIES,
        .ndots = 0,
        .ndomains = 0,
        .lookups = "fb", /* /etc/hosts, then the servers */
        .ednspsz = UDP_BYTES,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = ares,
    };
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                     ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_EDNSPSZ |
                     ARES_OPT_SOCK_STATE_CB;
    int status = ares_init_options(&ares->channel, &options, mask);
    if (status != ARES_SUCCESS) {
        ares->channel = NULL;
        return status == ARES_ENOMEM ? ERROR_NOMEM : ERROR_IO;
    }
    ares_set_socket_functions(ares->channel, &socket_functions, ares);
    return ERROR_OK;
}

int
resolve_ares_new(struct loop *loop, const char *servers, struct resolve_ares **out_ares,
                 struct error_text *why)
{
    struct resolve_ares *ares = calloc(1, sizeof(*ares));
    if (ares == NULL || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        free(ares);
        return error_say(why, ERROR_NOMEM, "the resolver: out of memory");
    }
    ares->loop = loop;
    ares->timer.fn = on_time;
    list_init(&ares->sockets);
    int error = open_channel(ares);
    if (error != ERROR_OK) {
        error_say(why, error, "the resolver does not start: %s", error_sentence(error));
    } else if (servers != NULL &&
               ares_set_servers_ports_csv(ares->channel, servers) != ARES_SUCCESS) {
        error = error_say(why, ERROR_INVALID, "dns_servers: \"%.200s\" is not taken", servers);
    }
    if (error != ERROR_OK) {
        resolve_ares_free(&ares);
        return error;
    }
    *out_ares = ares;
    return ERROR_OK;
}

void
resolve_ares_free(struct resolve_ares **ares)
{
    struct resolve_ares *dropped = *ares;
    if (dropped == NULL) {
        return;
    }
    *ares = NULL;
    if (dropped->channel != NULL) {
        ares_destroy(dropped->channel);
    }
    while (!list_is_empty(&dropped->sockets)) {
        drop_socket(LIST_ENTRY(dropped->sockets.next, struct ares_socket, node));
    }
    loop_timer_disarm(dropped->loop, &dropped->timer);
    ares_library_cleanup();
    free(dropped);
}
