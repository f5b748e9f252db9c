/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A small hash from query to interest. A future's callback must stay until it is called, however
 * many calls come, wait and give up in the meantime: so there is one callback a query, here, and
 * the calls hang on it in a list that they may leave. */
#include "daemon/serve/interest.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/serve/calls_int.h"

#define BUCKETS 256U

struct interests {
    struct loop *loop;
    size_t count;
    struct list buckets[BUCKETS];
};

struct interest {
    struct interests *interests;
    struct list node;
    struct query *query; /* referenced */
    struct future_callback ended;
    struct list waiting;
    struct loop_timer grace;
    bool kept;
};

int
interests_new(struct loop *loop, struct interests **out_interests)
{
    struct interests *interests = calloc(1, sizeof(*interests));
    if (interests == NULL) {
        return ERROR_NOMEM;
    }
    interests->loop = loop;
    for (size_t i = 0; i < BUCKETS; i++) {
        list_init(&interests->buckets[i]);
    }
    *out_interests = interests;
    return ERROR_OK;
}

void
interests_free(struct interests **interests)
{
    if (*interests != NULL) {
        assert((*interests)->count == 0);
    }
    free(*interests);
    *interests = NULL;
}

static struct list *
bucket_of(struct interests *interests, const struct query *query)
{
    uintptr_t mixed = (uintptr_t)query >> 4;
    return &interests->buckets[(mixed ^ mixed >> 8) % BUCKETS];
}

static struct interest *
find(struct interests *interests, const struct query *query)
{
    LIST_FOR_EACH (node, bucket_of(interests, query)) {
        struct interest *interest = LIST_ENTRY(node, struct interest, node);
        if (interest->query == query) {
            return interest;
        }
    }
    return NULL;
}

/* The query has ended: its calls go on, the interest is over. */
static void
on_ended(struct future *future, void *context)
{
    (void)future;
    struct interest *interest = context;
    struct list waiting;
    list_init(&waiting);
    list_append_all(&waiting, &interest->waiting);
    loop_timer_disarm(interest->interests->loop, &interest->grace);
    list_remove(&interest->node);
    interest->interests->count--;
    for (struct list *node = list_pop_front(&waiting); node != NULL;
         node = list_pop_front(&waiting)) {
        call_resume(LIST_ENTRY(node, struct call, node));
    }
    query_unref(&interest->query);
    free(interest);
}

static void
on_grace(struct loop_timer *timer)
{
    struct interest *interest = CONTAINER_OF(timer, struct interest, grace);
    if (interest->kept || !list_is_empty(&interest->waiting)) {
        return;
    }
    query_forget_key(interest->query);
    (void)query_cancel(interest->query); /* ends it: the interest is gone now */
}

int
interest_in(struct interests *interests, struct query *query, struct interest **out_interest)
{
    struct interest *interest = find(interests, query);
    if (interest == NULL) {
        interest = calloc(1, sizeof(*interest));
        if (interest == NULL) {
            return ERROR_NOMEM;
        }
        interest->interests = interests;
        interest->query = query_ref(query);
        interest->ended = (struct future_callback){ .fn = on_ended, .context = interest };
        interest->grace.fn = on_grace;
        list_init(&interest->waiting);
        list_push_back(bucket_of(interests, query), &interest->node);
        interests->count++;
        future_on_done(query_future(query), &interest->ended);
    }
    *out_interest = interest;
    return ERROR_OK;
}

void
interest_keep(struct interest *interest)
{
    interest->kept = true;
}

void
interest_wait(struct interest *interest, struct list *node)
{
    list_push_back(&interest->waiting, node);
}

void
interest_left(struct interests *interests, struct query *query, int64_t grace_us)
{
    struct interest *interest = find(interests, query);
    if (interest != NULL && !interest->kept) {
        loop_timer_arm(interests->loop, &interest->grace, clock_deadline_us(grace_us));
    }
}
