/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The resolver: which question goes out when, and who waits for it. What is known is the table's
 * (resolve_table), the asking c-ares's (resolve_ares).
 *
 * What is bounded, and how:
 *   out      LOOKUPS_MAX; and no more than YOUNG_MAX that went out in the last YOUNG_US, so that a
 *            burst overflows no socket while names that nobody answers for hold up nobody else
 *   waiting  WAITING_MAX, then BUSY
 *
 * Nothing is delivered inside c-ares: what it says is noted and told by the chores, in the same
 * turn of the loop. */

#include "daemon/exec/resolve.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/list.h"
#include "daemon/exec/resolve_servers.h"
#include "daemon/exec/resolve_table.h"

#define NAME_BYTES_MAX 254 /* RFC 1035 2.3.4 as text, and a dot at its end */
#define LOOKUPS_MAX 4096
#define WAITING_MAX 16384
#define YOUNG_MAX 128
#define YOUNG_US (200 * CLOCK_US_PER_MS)
/* The system's servers change; when nothing is out they are read again after so long. */
#define CONFIGURED_US (60 * CLOCK_US_PER_S)

/* One who asked. */
struct ask {
    struct future future;
    struct list node;
    struct lookup *lookup;
};

/* One who asked for SRV records: waited for, and out in c-ares, which holds a reference. */
struct srv_ask {
    struct future future;
    struct list node; /* out, then ended */
    struct resolver *resolver;
    int error;
    struct resolve_srv_answer answer;
    struct resolve_srv *records;
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
    struct list srv_out;
    struct list srv_ended;
    size_t waiting_count;
    size_t young_count;
    size_t out_count;
    bool closed;
    struct resolve_table table;
};

static struct resolver *
resolver_of(const struct lookup *lookup)
{
    return CONTAINER_OF(lookup->table, struct resolver, table);
}

/* ---- Asks ------------------------------------------------------------------------------- */

static struct ask *
ask_of(struct future *future)
{
    return CONTAINER_OF(future, struct ask, future);
}

/* A lookup that waits, and for which nobody does. */
static void
give_up(struct lookup *lookup)
{
    if (lookup->state == LOOKUP_WAITING && list_is_empty(&lookup->asks)) {
        resolver_of(lookup)->waiting_count--;
        resolve_table_forget(lookup);
    }
}

/* A question that nobody waits for any more does not go out; one that is out runs on. */
static void
cancel_ask(struct future *future)
{
    struct ask *ask = ask_of(future);
    struct lookup *lookup = ask->lookup;
    list_remove(&ask->node);
    give_up(lookup);
    future_unref(&future); /* the canceller holds one of its own */
}

static void
free_ask(struct future *future)
{
    struct ask *ask = ask_of(future);
    lookup_drop(ask->lookup);
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
    lookup_hold(lookup);
    list_push_back(&lookup->asks, &ask->node);
    return ask;
}

/* ---- What is found --------------------------------------------------------------------- */

static void
stop_being_young(struct lookup *lookup)
{
    if (list_is_linked(&lookup->node)) {
        list_remove(&lookup->node);
        resolver_of(lookup)->young_count--;
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
    struct resolver *resolver = resolver_of(lookup);
    stop_being_young(lookup);
    resolver->out_count--;
    resolve_table_learn(lookup, finding);
    list_push_back(&resolver->ended, &lookup->node);
    do_soon(resolver, &resolver->chores, clock_now_us());
}

/* It is known before anybody is told: who asks again in a callback gets it. */
static void
tell(struct lookup *lookup)
{
    struct list asks;
    list_init(&asks);
    list_append_all(&asks, &lookup->asks);
    resolve_table_keep(lookup);
    while (!list_is_empty(&asks)) {
        end_ask(LIST_ENTRY(asks.next, struct ask, node));
    }
    lookup_drop(lookup); /* c-ares's reference */
}

static void
tell_srv(struct srv_ask *ask)
{
    struct future *own = &ask->future;
    if (ask->error == ERROR_OK) {
        (void)future_finish(own, &ask->answer);
    } else {
        (void)future_fail(own, ask->error);
    }
    future_unref(&own); /* c-ares's reference */
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
    lookup_hold(lookup);
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
on_chores(struct loop_timer *timer)
{
    struct resolver *resolver = CONTAINER_OF(timer, struct resolver, chores);
    struct list *first;
    while ((first = list_pop_front(&resolver->ended)) != NULL) {
        tell(LIST_ENTRY(first, struct lookup, node));
    }
    while ((first = list_pop_front(&resolver->srv_ended)) != NULL) {
        tell_srv(LIST_ENTRY(first, struct srv_ask, node));
    }
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

/* NULL: out of memory. */
static struct lookup *
queue_up(struct resolver *resolver, const char *name)
{
    struct lookup *lookup = resolve_table_add(&resolver->table, name);
    if (lookup != NULL) {
        list_push_back(&resolver->waiting, &lookup->node);
        resolver->waiting_count++;
    }
    return lookup;
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
    struct lookup *lookup = resolve_table_find(&resolver->table, plain);
    if (lookup == NULL && resolver->waiting_count >= WAITING_MAX) {
        return ERROR_BUSY;
    }
    lookup = lookup != NULL ? lookup : queue_up(resolver, plain);
    struct ask *ask = lookup != NULL ? new_ask(lookup) : NULL;
    if (ask == NULL) {
        if (lookup != NULL) {
            give_up(lookup);
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

/* ---- SRV records ------------------------------------------------------------------------ */

static void
free_srv_ask(struct future *future)
{
    struct srv_ask *ask = CONTAINER_OF(future, struct srv_ask, future);
    free(ask->records);
    free(ask);
}

/* Cancelled, it is let go and its answer dropped. */
static const struct future_ops srv_ops = { .name = "SRV look-up", .free = free_srv_ask };

/* Inside c-ares. */
static void
on_srv_finding(void *context, const struct resolve_srv_finding *finding)
{
    struct srv_ask *ask = context;
    struct resolver *resolver = ask->resolver;
    resolver->out_count--;
    ask->error = finding->error == ERROR_NOT_FOUND ? ERROR_OK : finding->error;
    ask->answer.exists = finding->error == ERROR_OK;
    ask->records = calloc(finding->count + 1, sizeof(*ask->records));
    if (ask->records == NULL) {
        ask->error = ERROR_NOMEM;
    } else if (finding->count > 0) {
        memcpy(ask->records, finding->records, finding->count * sizeof(*ask->records));
        ask->answer.records = ask->records;
        ask->answer.count = finding->count;
    }
    list_remove(&ask->node);
    list_push_back(&resolver->srv_ended, &ask->node);
    do_soon(resolver, &resolver->chores, clock_now_us());
}

int
resolver_ask_srv(struct resolver *resolver, const char *name, struct future **out_future)
{
    char plain[NAME_BYTES_MAX + 1];
    if (resolver->closed) {
        return ERROR_CLOSED;
    }
    if (!copy_name(name, plain)) {
        return ERROR_INVALID;
    }
    if (resolver->out_count >= LOOKUPS_MAX) {
        return ERROR_BUSY;
    }
    int error = must_configure(resolver) ? configure(resolver, NULL) : ERROR_OK;
    struct srv_ask *ask = error == ERROR_OK ? calloc(1, sizeof(*ask)) : NULL;
    if (ask == NULL) {
        return ERROR_NOMEM;
    }
    future_init(&ask->future, &srv_ops);
    bool started = future_start(&ask->future);
    assert(started);
    ask->resolver = resolver;
    list_push_back(&resolver->srv_out, &ask->node);
    resolver->out_count++;
    *out_future = future_ref(&ask->future);
    resolve_ares_ask_srv(resolver->ares, plain, on_srv_finding, ask);
    return ERROR_OK;
}

/* ---- The resolver ----------------------------------------------------------------------- */

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
    list_init(&resolver->srv_out);
    list_init(&resolver->srv_ended);
    resolve_table_init(&resolver->table);
    int error =
        resolve_servers_join(options->servers, options->server_count, &resolver->servers, why);
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
    lookup_hold(lookup); /* one that waits is forgotten with its last ask */
    while (!list_is_empty(&lookup->asks)) {
        struct ask *ask = LIST_ENTRY(lookup->asks.next, struct ask, node);
        struct future *held = future_ref(&ask->future);
        (void)future_cancel(held);
        future_unref(&held);
    }
    lookup_drop(lookup);
}

void
resolver_close(struct resolver *resolver)
{
    resolver->closed = true;
    for (size_t i = 0; i < RESOLVE_BUCKETS; i++) {
        LIST_FOR_EACH (node, &resolver->table.buckets[i]) {
            cancel_asks(LIST_ENTRY(node, struct lookup, bucket_node));
        }
    }
    LIST_FOR_EACH (node, &resolver->srv_out) {
        (void)future_cancel(&LIST_ENTRY(node, struct srv_ask, node)->future);
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
        tell(LIST_ENTRY(first, struct lookup, node));
    }
    while ((first = list_pop_front(&dropped->srv_ended)) != NULL) {
        tell_srv(LIST_ENTRY(first, struct srv_ask, node));
    }
    while (!list_is_empty(&dropped->table.known)) {
        resolve_table_forget(LIST_ENTRY(dropped->table.known.next, struct lookup, node));
    }
    loop_timer_disarm(dropped->loop, &dropped->chores);
    loop_timer_disarm(dropped->loop, &dropped->pace);
    free(dropped->servers);
    free(dropped);
}
