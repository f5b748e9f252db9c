/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The table of queries: who may open one, under which id and key it is found, how long it stays.
 *
 * A query is open until it has an answer; then it is kept for whoever asks again: `query_ttl` after
 * the last one did, and as long as its key lives. Kept ones are bounded like open ones; the oldest
 * goes first. Nothing is freed under a callback's feet: what nobody holds any more is dead, and the
 * reaper frees the dead from a turn of the loop of its own. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/base/clock.h"
#include "daemon/query/queries_int.h"

/* ---- Ids and keys ------------------------------------------------------- */

struct list *
queries_bucket(struct list *buckets, const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return &buckets[hash % QUERIES_BUCKETS];
}

struct query *
query_find(struct queries *queries, const char *id)
{
    LIST_FOR_EACH (node, queries_bucket(queries->by_id, id)) {
        struct query *query = LIST_ENTRY(node, struct query, by_id);
        if (strcmp(query->id, id) == 0) {
            query->was_asked_for = true;
            return query;
        }
    }
    return NULL;
}

/* 64 random bits: whoever does not know an id cannot ask for its answer. */
static void
draw_id(struct queries *queries, char id[QUERY_ID_BYTES])
{
    do {
        uint64_t bits = 0;
        ssize_t got = getrandom(&bits, sizeof bits, 0);
        assert(got == (ssize_t)sizeof bits); /* never short for so few bytes */
        snprintf(id, QUERY_ID_BYTES, "q%016" PRIx64, bits);
    } while (query_find(queries, id) != NULL);
}

void
query_forget_key(struct query *query)
{
    list_remove(&query->by_key);
    query->key_until_us = 0;
}

/* ---- Lives and deaths --------------------------------------------------- */

static struct loop *
loop_of(const struct queries *queries)
{
    return exec_loop(queries->exec);
}

static void
free_epoch_if_idle(struct queries *queries, struct epoch *epoch)
{
    if (epoch->references == 0) {
        queries->joined_before += epoch->flights_joined;
        epoch_free(&epoch);
    }
}

static void
reap(struct queries *queries)
{
    for (struct list *node = list_pop_front(&queries->dead); node != NULL;
         node = list_pop_front(&queries->dead)) {
        struct query *query = LIST_ENTRY(node, struct query, by_age);
        query_free(&query);
    }
    LIST_FOR_EACH (node, &queries->epochs) {
        free_epoch_if_idle(queries, LIST_ENTRY(node, struct epoch, node));
    }
}

static void
reaper_fired(struct loop_timer *timer)
{
    reap(CONTAINER_OF(timer, struct queries, reaper));
}

static void
call_reaper(struct queries *queries)
{
    loop_timer_arm(loop_of(queries), &queries->reaper, clock_now_us());
}

struct query *
query_ref(struct query *query)
{
    query->references++;
    return query;
}

void
query_unref(struct query **query)
{
    struct query *dropped = *query;
    if (dropped == NULL) {
        return;
    }
    *query = NULL;
    assert(dropped->references > 0);
    if (--dropped->references == 0) {
        list_push_back(&dropped->queries->dead, &dropped->by_age);
        call_reaper(dropped->queries);
    }
}

/* Out of the table: nobody finds it any more, who holds it may go on holding it. */
static void
drop(struct query *query)
{
    struct queries *queries = query->queries;
    assert(future_is_done(&query->future));
    loop_timer_disarm(loop_of(queries), &query->expiry);
    query_forget_key(query);
    list_remove(&query->by_id);
    list_remove(&query->by_age);
    queries->kept_count--;
    query_unref(&query);
}

/* ---- Time to live ------------------------------------------------------- */

static void
let_expire(struct query *query, int64_t due_us)
{
    loop_timer_arm(loop_of(query->queries), &query->expiry, due_us);
}

/* Nobody asked for `query_ttl`: an open query is cancelled, and then goes; one with an answer goes,
 * but not before its key. */
static void
expired(struct loop_timer *timer)
{
    struct query *query = CONTAINER_OF(timer, struct query, expiry);
    if (!future_is_done(&query->future)) {
        query_forget_key(query);
        (void)query_cancel(query);
    }
    if (query->key_until_us > clock_now_us()) {
        let_expire(query, query->key_until_us);
    } else {
        drop(query);
    }
}

void
query_hold(struct query *query)
{
    query->holders++;
    loop_timer_disarm(loop_of(query->queries), &query->expiry);
}

/* Its answer went to the call that opened it, which waited for it; nobody else can know its id. */
static bool
is_spent(const struct query *query)
{
    return future_is_done(&query->future) && query->key == NULL && !query->was_asked_for;
}

void
query_release(struct query *query)
{
    assert(query->holders > 0);
    bool in_table = list_is_linked(&query->by_id);
    if (--query->holders > 0 || !in_table) {
        return;
    }
    if (is_spent(query)) {
        drop(query);
    } else {
        let_expire(query, clock_deadline_us(query->queries->conf->query_ttl_us));
    }
}

void
queries_enter(struct queries *queries, struct query *query)
{
    query->expiry.fn = expired;
    draw_id(queries, query->id);
    list_push_back(&queries->open, &query->by_age);
    list_push_back(queries_bucket(queries->by_id, query->id), &query->by_id);
    if (query->key != NULL) {
        list_push_back(queries_bucket(queries->by_key, query->key), &query->by_key);
    }
    queries->open_count++;
    queries->stats.queries++;
    queries->stats.checks += query->check_count;
    queries->stats.checks_in_flight += query->check_count;
    let_expire(query, clock_deadline_us(queries->conf->query_ttl_us));
}

/* ---- What a query tells ------------------------------------------------- */

void
queries_note_check(struct queries *queries, const struct check *check)
{
    struct queries_stats *stats = &queries->stats;
    stats->checks_in_flight--;
    if (future_state(&check->future) == FUTURE_CANCELLED) {
        stats->cancelled++;
        return;
    }
    stats->registered += check->finding.verdict == VERDICT_REGISTERED;
    stats->unregistered += check->finding.verdict == VERDICT_UNREGISTERED;
    stats->unknown += check->finding.verdict == VERDICT_UNKNOWN;
}

/* The oldest that nobody waits for makes room. */
static void
bound_kept(struct queries *queries)
{
    LIST_FOR_EACH (node, &queries->kept) {
        if (queries->kept_count <= (size_t)queries->conf->max_queries) {
            return;
        }
        struct query *query = LIST_ENTRY(node, struct query, by_age);
        if (query->holders == 0 && future_is_done(&query->future)) {
            drop(query);
        }
    }
}

void
queries_note_end(struct query *query)
{
    struct queries *queries = query->queries;
    list_remove(&query->by_age);
    list_push_back(&queries->kept, &query->by_age);
    queries->open_count--;
    queries->kept_count++;
    if (query->holders == 0) {
        let_expire(query, clock_deadline_us(queries->conf->query_ttl_us));
    }
    bound_kept(queries);
}

/* ---- The table ---------------------------------------------------------- */

/* A new epoch for a registry that is not the present one's. */
static int
turn_epoch(struct queries *queries, struct registry *registry, const struct conf *conf)
{
    struct epoch *epoch = NULL;
    int error = epoch_new(queries->exec, queries->crew, registry, conf->timeout_us, &epoch);
    if (error == ERROR_OK) {
        list_push_back(&queries->epochs, &epoch->node);
        queries->epoch = epoch;
    }
    return error;
}

int
queries_new(const struct queries_options *options, struct queries **out_queries)
{
    struct queries *queries = calloc(1, sizeof *queries);
    if (queries == NULL) {
        return ERROR_NOMEM;
    }
    queries->exec = options->exec;
    queries->crew = options->crew;
    queries->conf = options->conf;
    queries->reaper.fn = reaper_fired;
    list_init(&queries->epochs);
    list_init(&queries->open);
    list_init(&queries->kept);
    list_init(&queries->dead);
    for (size_t i = 0; i < QUERIES_BUCKETS; i++) {
        list_init(&queries->by_id[i]);
        list_init(&queries->by_key[i]);
    }
    int error = turn_epoch(queries, options->registry, options->conf);
    if (error != ERROR_OK) {
        free(queries);
        return error;
    }
    *out_queries = queries;
    return ERROR_OK;
}

int
queries_set(struct queries *queries, struct registry *registry, const struct conf *conf)
{
    struct epoch *before = queries->epoch;
    if (before->registry == registry) {
        before->timeout_us = conf->timeout_us;
    } else {
        int error = turn_epoch(queries, registry, conf);
        if (error != ERROR_OK) {
            return error;
        }
        before->references--;
        call_reaper(queries);
    }
    queries->conf = conf; /* last: never the new one over the old plugins */
    return ERROR_OK;
}

void
queries_close(struct queries *queries)
{
    queries->closed = true;
}

void
queries_cancel_all(struct queries *queries)
{
    while (!list_is_empty(&queries->open)) {
        struct query *query = LIST_ENTRY(queries->open.next, struct query, by_age);
        (void)query_cancel(query); /* which takes it from the list */
    }
}

size_t
queries_open_count(const struct queries *queries)
{
    return queries->open_count;
}

void
queries_free(struct queries **queries)
{
    struct queries *dropped = *queries;
    if (dropped == NULL) {
        return;
    }
    *queries = NULL;
    queries_cancel_all(dropped);
    while (!list_is_empty(&dropped->kept)) {
        drop(LIST_ENTRY(dropped->kept.next, struct query, by_age));
    }
    dropped->epoch->references--;
    reap(dropped);
    assert(list_is_empty(&dropped->epochs)); /* else somebody still holds a query */
    loop_timer_disarm(loop_of(dropped), &dropped->reaper);
    free(dropped);
}

struct registry *
queries_registry(struct queries *queries)
{
    return queries->epoch->registry;
}

const struct conf *
queries_conf(struct queries *queries)
{
    return queries->conf;
}

void
queries_stats(const struct queries *queries, struct queries_stats *out_stats)
{
    *out_stats = queries->stats;
    out_stats->open = queries->open_count;
    out_stats->joined = queries->joined_before;
    LIST_FOR_EACH (node, &queries->epochs) {
        out_stats->joined += LIST_ENTRY(node, struct epoch, node)->flights_joined;
    }
}
