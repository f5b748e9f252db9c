/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The resolver: which question goes out when, who waits for it, and what is remembered.
 *
 * A name that is asked for is a lookup: waiting for its turn, out, or known. It is in the table
 * from its first moment until it is known no longer, so all who ask meanwhile share it; what a
 * lookup has learned never changes, a new one takes its place.
 *
 * What is bounded, and how:
 *   out       LOOKUPS_MAX; and no more than YOUNG_MAX that went out in the last YOUNG_US, so that a
 *             burst overflows no socket while names that nobody answers for hold up nobody else
 *   waiting   WAITING_MAX, then BUSY
 *   known     KNOWN_MAX names, those asked for longest ago are forgotten first
 *   age       the records' TTL, at least TTL_MIN_US and at most TTL_MAX_US; that there is no such
 *             name NEGATIVE_US, that no server said so FAILED_US
 *
 * Nothing is delivered inside c-ares: what it says is noted and told by the chores, in the same
 * turn of the loop. */

#include "daemon/exec/resolve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/list.h"

#define NAME_BYTES_MAX 254 /* RFC 1035 2.3.4 as text, and a dot at its end */
#define SERVERS_BYTES_MAX 4096
#define BUCKETS 4096
#define LOOKUPS_MAX 4096
#define WAITING_MAX 16384
#define KNOWN_MAX 16384
#define YOUNG_MAX 128
#define YOUNG_US (200 * CLOCK_US_PER_MS)
#define TTL_MIN_US (1 * CLOCK_US_PER_S)
#define TTL_MAX_US (3600 * CLOCK_US_PER_S)
#define NEGATIVE_US (5 * CLOCK_US_PER_S)
#define FAILED_US (1 * CLOCK_US_PER_S)
/* The system's servers change; when nothing is out they are read again after so long. */
#define CONFIGURED_US (60 * CLOCK_US_PER_S)

enum lookup_state { LOOKUP_WAITING, LOOKUP_OUT, LOOKUP_KNOWN };

struct lookup {
    struct resolver *resolver; /* NULL once the resolver has let go of it */
    struct list bucket_node;
    struct list node; /* waiting, young, ended or known, whichever it is */
    struct list asks;
    size_t references; /* the table's, c-ares's, one for each ask */
    enum lookup_state state;
    int64_t time_us; /* out: since when; known: until when */
    int error;
    struct resolve_answer answer;
    struct resolve_address *addresses;
    char name[];
};

/* One who asked. */
struct ask {
    struct future future;
    struct list node;
    struct lookup *lookup;
};

struct resolver {
    struct loop *loop;
    char *servers; /* NULL: the system's */
    struct resolve_ares *ares;
    int64_t configured_us;
    struct loop_timer chores;
    struct loop_timer pace; /* when the oldest of the young is no longer young */
    struct list waiting;
    struct list young; /* went out a moment ago, in that order */
    struct list ended; /* to be told */
    struct list known; /* asked for longest ago first */
    size_t waiting_count;
    size_t young_count;
    size_t out_count;
    size_t known_count;
    bool closed;
    struct list buckets[BUCKETS];
};

/* ---- Lookups ---------------------------------------------------------------------------- */

static void
let_go(struct lookup *lookup)
{
    if (--lookup->references == 0) {
        free(lookup->addresses);
        free(lookup);
    }
}

/* FNV-1a, 32 bits. */
static struct list *
bucket_of(struct resolver *resolver, const char *name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
    }
    return &resolver->buckets[hash % BUCKETS];
}

/* Out of the table; whoever still holds it sees it as it was. */
static void
forget(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    list_remove(&lookup->bucket_node);
    list_remove(&lookup->node);
    resolver->known_count -= lookup->state == LOOKUP_KNOWN ? 1 : 0;
    resolver->waiting_count -= lookup->state == LOOKUP_WAITING ? 1 : 0;
    lookup->resolver = NULL;
    let_go(lookup);
}

static struct lookup *
new_lookup(struct resolver *resolver, const char *name)
{
    size_t size = strlen(name) + 1;
    struct lookup *lookup = calloc(1, sizeof(*lookup) + size);
    if (lookup == NULL) {
        return NULL;
    }
    lookup->resolver = resolver;
    lookup->references = 1;
    list_init(&lookup->asks);
    memcpy(lookup->name, name, size);
    list_push_back(bucket_of(resolver, name), &lookup->bucket_node);
    list_push_back(&resolver->waiting, &lookup->node);
    resolver->waiting_count++;
    return lookup;
}

/* The one for this name, if there is one that still counts. */
static struct lookup *
find(struct resolver *resolver, const char *name)
{
    LIST_FOR_EACH (node, bucket_of(resolver, name)) {
        struct lookup *lookup = LIST_ENTRY(node, struct lookup, bucket_node);
        if (strcmp(lookup->name, name) != 0) {
            continue;
        }
        if (lookup->state != LOOKUP_KNOWN) {
            return lookup;
        }
        list_remove(&lookup->node);
        list_push_back(&resolver->known, &lookup->node);
        if (lookup->time_us > clock_now_us()) {
            return lookup;
        }
        forget(lookup);
        return NULL;
    }
    return NULL;
}

/* ---- Asks ------------------------------------------------------------------------------- */

static struct ask *
ask_of(struct future *future)
{
    return CONTAINER_OF(future, struct ask, future);
}

/* A question that nobody waits for any more does not go out; one that is out runs on. */
static void
cancel_ask(struct future *future)
{
    struct ask *ask = ask_of(future);
    struct lookup *lookup = ask->lookup;
    list_remove(&ask->node);
    if (lookup->state == LOOKUP_WAITING && list_is_empty(&lookup->asks)) {
        forget(lookup);
    }
    future_unref(&future); /* the canceller holds one of its own */
}

static void
free_ask(struct future *future)
{
    struct ask *ask = ask_of(future);
    let_go(ask->lookup);
    free(ask);
}

static const struct future_ops ask_ops = { .name = "look-up",
                                           .cancel = cancel_ask,
                                           .free = free_ask };

static void
end_ask(struct ask *ask)
{
    struct lookup *lookup = ask->lookup;
    struct future *own = &ask->future;
    list_remove(&ask->node);
    if (lookup->error == ERROR_OK) {
        (void)future_finish(own, &lookup->answer);
    } else {
        (void)future_fail(own, lookup->error);
    }
    future_unref(&own);
}

static struct ask *
new_ask(struct lookup *lookup)
{
    struct ask *ask = calloc(1, sizeof(*ask));
    if (ask == NULL) {
        return NULL;
    }
    future_init(&ask->future, &ask_ops);
    bool started = future_start(&ask->future);
    assert(started);
    ask->lookup = lookup;
    lookup->references++;
    list_push_back(&lookup->asks, &ask->node);
    return ask;
}

/* ---- What is learned -------------------------------------------------------------------- */

static int64_t
age_us(const struct resolve_finding *finding)
{
    switch (finding->error) {
    case ERROR_OK:
        return finding->ttl_us < TTL_MIN_US   ? TTL_MIN_US
               : finding->ttl_us > TTL_MAX_US ? TTL_MAX_US
                                              : finding->ttl_us;
    case ERROR_NOT_FOUND:
        return NEGATIVE_US;
    case ERROR_UNREACHABLE:
        return FAILED_US;
    default:
        return 0;
    }
}

static void
learn(struct lookup *lookup, const struct resolve_finding *finding)
{
    lookup->error = finding->error == ERROR_NOT_FOUND ? ERROR_UNREACHABLE : finding->error;
    lookup->time_us = clock_deadline_us(age_us(finding));
    if (finding->error != ERROR_OK) {
        return;
    }
    lookup->addresses = calloc(finding->count, sizeof(*lookup->addresses));
    if (lookup->addresses == NULL) {
        lookup->error = ERROR_NOMEM;
        lookup->time_us = 0;
        return;
    }
    memcpy(lookup->addresses, finding->addresses, finding->count * sizeof(*lookup->addresses));
    lookup->answer =
        (struct resolve_answer){ .addresses = lookup->addresses, .count = finding->count };
}

static void
stop_being_young(struct lookup *lookup)
{
    if (list_is_linked(&lookup->node)) {
        list_remove(&lookup->node);
        lookup->resolver->young_count--;
    }
}

static void
do_soon(struct resolver *resolver, struct loop_timer *timer, int64_t due_us)
{
    if (!timer->armed) {
        loop_timer_arm(resolver->loop, timer, due_us);
    }
}

/* Inside c-ares. */
static void
on_finding(void *context, const struct resolve_finding *finding)
{
    struct lookup *lookup = context;
    struct resolver *resolver = lookup->resolver;
    stop_being_young(lookup);
    resolver->out_count--;
    learn(lookup, finding);
    list_push_back(&resolver->ended, &lookup->node);
    do_soon(resolver, &resolver->chores, clock_now_us());
}

/* It becomes known before anybody is told: who asks again in a callback gets it. */
static void
tell(struct resolver *resolver, struct lookup *lookup)
{
    struct list asks;
    lookup->state = LOOKUP_KNOWN;
    list_push_back(&resolver->known, &lookup->node);
    resolver->known_count++;
    list_init(&asks);
    list_append_all(&asks, &lookup->asks);
    if (lookup->time_us <= clock_now_us()) {
        forget(lookup);
    }
    while (!list_is_empty(&asks)) {
        end_ask(LIST_ENTRY(asks.next, struct ask, node));
    }
    let_go(lookup); /* c-ares's reference */
}

/* ---- Going out -------------------------------------------------------------------------- */

/* Errors: as resolve_ares_new(). */
static int
configure(struct resolver *resolver, struct error_text *why)
{
    resolve_ares_free(&resolver->ares);
    resolver->configured_us = clock_now_us();
    return resolve_ares_new(resolver->loop, resolver->servers, &resolver->ares, why);
}

static bool
must_configure(const struct resolver *resolver)
{
    bool is_old = clock_now_us() - resolver->configured_us > CONFIGURED_US;
    return resolver->ares == NULL ||
           (resolver->out_count == 0 && is_old && resolver->servers == NULL);
}

static void
send_out(struct resolver *resolver, struct lookup *lookup)
{
    int error = must_configure(resolver) ? configure(resolver, NULL) : ERROR_OK;
    list_remove(&lookup->node);
    resolver->waiting_count--;
    lookup->state = LOOKUP_OUT;
    lookup->time_us = clock_now_us();
    lookup->references++;
    list_push_back(&resolver->young, &lookup->node);
    resolver->young_count++;
    resolver->out_count++;
    if (error != ERROR_OK) {
        on_finding(lookup, &(const struct resolve_finding){ .error = ERROR_UNREACHABLE });
        return;
    }
    do_soon(resolver, &resolver->pace, clock_deadline_us(YOUNG_US));
    resolve_ares_ask(resolver->ares, lookup->name, on_finding, lookup);
}

static void
send_waiting(struct resolver *resolver)
{
    while (!list_is_empty(&resolver->waiting) && resolver->young_count < YOUNG_MAX &&
           resolver->out_count < LOOKUPS_MAX) {
        send_out(resolver, LIST_ENTRY(resolver->waiting.next, struct lookup, node));
    }
}

static void
on_pace(struct loop_timer *timer)
{
    struct resolver *resolver = CONTAINER_OF(timer, struct resolver, pace);
    int64_t now_us = clock_now_us();
    while (!list_is_empty(&resolver->young)) {
        struct lookup *oldest = LIST_ENTRY(resolver->young.next, struct lookup, node);
        if (oldest->time_us + YOUNG_US > now_us) {
            do_soon(resolver, &resolver->pace, oldest->time_us + YOUNG_US);
            break;
        }
        stop_being_young(oldest);
    }
    send_waiting(resolver);
}

static void
forget_oldest(struct resolver *resolver)
{
    while (resolver->known_count > KNOWN_MAX) {
        forget(LIST_ENTRY(resolver->known.next, struct lookup, node));
    }
}

static void
on_chores(struct loop_timer *timer)
{
    struct resolver *resolver = CONTAINER_OF(timer, struct resolver, chores);
    struct list *first;
    while ((first = list_pop_front(&resolver->ended)) != NULL) {
        tell(resolver, LIST_ENTRY(first, struct lookup, node));
    }
    forget_oldest(resolver);
    send_waiting(resolver);
}

/* ---- The way in ------------------------------------------------------------------------- */

/* In lower case, and safe to be handed on as a part of other texts. */
static bool
copy_name(const char *name, char *out)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i <= len; i++) {
        char byte = name[i];
        bool is_upper = byte >= 'A' && byte <= 'Z';
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!is_upper && !is_plain && strchr("-_.:", byte) == NULL) { /* finds the NUL, too */
            return false;
        }
        out[i] = is_upper ? (char)(byte - 'A' + 'a') : byte;
    }
    return true;
}

int
resolver_ask(struct resolver *resolver, const char *name, struct future **out_future)
{
    char plain[NAME_BYTES_MAX + 1];
    if (resolver->closed) {
        return ERROR_CLOSED;
    }
    if (!copy_name(name, plain)) {
        return ERROR_INVALID;
    }
    struct lookup *lookup = find(resolver, plain);
    if (lookup == NULL && resolver->waiting_count >= WAITING_MAX) {
        return ERROR_BUSY;
    }
    lookup = lookup != NULL ? lookup : new_lookup(resolver, plain);
    struct ask *ask = lookup != NULL ? new_ask(lookup) : NULL;
    if (ask == NULL) {
        if (lookup != NULL && lookup->state == LOOKUP_WAITING && list_is_empty(&lookup->asks)) {
            forget(lookup);
        }
        return ERROR_NOMEM;
    }
    *out_future = future_ref(&ask->future);
    if (lookup->state == LOOKUP_KNOWN) {
        end_ask(ask);
    } else {
        send_waiting(resolver);
    }
    return ERROR_OK;
}

/* ---- The resolver ----------------------------------------------------------------------- */

/* An address, a port behind it perhaps: then brackets stand around one with colons. What c-ares
 * takes for one is more, and less. */
static bool
is_server(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    bool is_bracketed = text[0] == '[';
    const char *first = strchr(text, ':');
    bool is_bare_ipv6 = !is_bracketed && first != NULL && strchr(first + 1, ':') != NULL;
    text += is_bracketed ? 1 : 0;
    size_t len = strcspn(text, is_bracketed ? "]" : is_bare_ipv6 ? "" : ":");
    if (len >= sizeof(address) || (is_bracketed && text[len] != ']')) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    const char *rest = text + len + (is_bracketed ? 1 : 0);
    size_t digits = *rest == ':' ? strspn(rest + 1, "0123456789") : 0;
    bool has_port = digits >= 1 && digits <= 5 && rest[1 + digits] == '\0' &&
                    strtol(rest + 1, NULL, 10) >= 1 && strtol(rest + 1, NULL, 10) <= UINT16_MAX;
    int family = is_bracketed || is_bare_ipv6 ? AF_INET6 : AF_INET;
    return (has_port || (*rest == '\0' && !is_bracketed)) && inet_pton(family, address, bytes) == 1;
}

/* Errors: INVALID, TOO_BIG, NOMEM. */
static int
copy_servers(struct resolver *resolver, const struct resolver_options *options,
             struct error_text *why)
{
    struct buf list;
    if (options->server_count == 0) {
        return ERROR_OK;
    }
    buf_init(&list, SERVERS_BYTES_MAX);
    for (size_t i = 0; i < options->server_count; i++) {
        if (!is_server(options->servers[i])) {
            buf_fini(&list);
            return error_say(why, ERROR_INVALID,
                             "dns_servers: found \"%.100s\", wants an address such as 127.0.0.1, "
                             "127.0.0.1:5353 or [::1]:53",
                             options->servers[i]);
        }
        buf_append_str(&list, i > 0 ? "," : "");
        buf_append_str(&list, options->servers[i]);
    }
    int error = list.error;
    resolver->servers = error == ERROR_OK ? buf_take(&list, NULL) : NULL;
    buf_fini(&list);
    return error == ERROR_OK ? ERROR_OK
                             : error_say(why, error, "dns_servers: %s", error_sentence(error));
}

int
resolver_new(const struct resolver_options *options, struct resolver **out_resolver,
             struct error_text *why)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (resolver == NULL) {
        return error_say(why, ERROR_NOMEM, "the resolver: out of memory");
    }
    resolver->loop = options->loop;
    resolver->chores.fn = on_chores;
    resolver->pace.fn = on_pace;
    list_init(&resolver->waiting);
    list_init(&resolver->young);
    list_init(&resolver->ended);
    list_init(&resolver->known);
    for (size_t i = 0; i < BUCKETS; i++) {
        list_init(&resolver->buckets[i]);
    }
    int error = copy_servers(resolver, options, why);
    error = error == ERROR_OK ? configure(resolver, why) : error;
    if (error != ERROR_OK) {
        resolver_free(&resolver);
        return error;
    }
    *out_resolver = resolver;
    return ERROR_OK;
}

static void
cancel_asks(struct lookup *lookup)
{
    lookup->references++; /* one that waits is forgotten with its last ask */
    while (!list_is_empty(&lookup->asks)) {
        struct ask *ask = LIST_ENTRY(lookup->asks.next, struct ask, node);
        struct future *held = future_ref(&ask->future);
        (void)future_cancel(held);
        future_unref(&held);
    }
    let_go(lookup);
}

void
resolver_close(struct resolver *resolver)
{
    resolver->closed = true;
    for (size_t i = 0; i < BUCKETS; i++) {
        LIST_FOR_EACH (node, &resolver->buckets[i]) {
            cancel_asks(LIST_ENTRY(node, struct lookup, bucket_node));
        }
    }
}

void
resolver_free(struct resolver **resolver)
{
    struct resolver *dropped = *resolver;
    if (dropped == NULL) {
        return;
    }
    *resolver = NULL;
    resolver_close(dropped);
    resolve_ares_free(&dropped->ares); /* what is out ends */
    struct list *first;
    while ((first = list_pop_front(&dropped->ended)) != NULL) {
        tell(dropped, LIST_ENTRY(first, struct lookup, node));
    }
    while (!list_is_empty(&dropped->known)) {
        forget(LIST_ENTRY(dropped->known.next, struct lookup, node));
    }
    loop_timer_disarm(dropped->loop, &dropped->chores);
    loop_timer_disarm(dropped->loop, &dropped->pace);
    free(dropped->servers);
    free(dropped);
}
