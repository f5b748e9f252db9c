/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Slots. A host is here while somebody runs or waits for it, so the table is as large as what is in
 * flight. A host stands in `ready` exactly when it has somebody waiting and room for one more. */

#include "daemon/exec/fetch_slots.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct fetch_host {
    struct list node; /* of its bucket */
    struct list ready_node;
    struct list queue;
    struct list runners;
    size_t running;
    char origin[];
};

void
fetch_slots_init(struct fetch_slots *slots, size_t running_max, size_t host_running_max)
{
    *slots =
        (struct fetch_slots){ .running_max = running_max, .host_running_max = host_running_max };
    list_init(&slots->ready);
    for (size_t i = 0; i < FETCH_HOST_BUCKETS; i++) {
        list_init(&slots->buckets[i]);
    }
}

/* FNV-1a, 32 bits. */
static struct list *
bucket_of(struct fetch_slots *slots, const char *origin)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *origin != '\0'; origin++) {
        hash = (hash ^ (unsigned char)*origin) * UINT32_C(16777619);
    }
    return &slots->buckets[hash % FETCH_HOST_BUCKETS];
}

static struct fetch_host *
host_of(struct fetch_slots *slots, const char *origin)
{
    struct list *bucket = bucket_of(slots, origin);
    LIST_FOR_EACH (node, bucket) {
        struct fetch_host *host = LIST_ENTRY(node, struct fetch_host, node);
        if (strcmp(host->origin, origin) == 0) {
            return host;
        }
    }
    size_t size = strlen(origin) + 1;
    struct fetch_host *host = calloc(1, sizeof(*host) + size);
    if (host == NULL) {
        return NULL;
    }
    memcpy(host->origin, origin, size);
    list_init(&host->ready_node);
    list_init(&host->queue);
    list_init(&host->runners);
    list_push_back(bucket, &host->node);
    return host;
}

static bool
has_room(size_t running, size_t max)
{
    return max == 0 || running < max;
}

/* Put the host where it belongs after a change: into `ready`, out of it, or out of the table. */
static void
settle_host(struct fetch_slots *slots, struct fetch_host *host)
{
    bool is_ready =
        !list_is_empty(&host->queue) && has_room(host->running, slots->host_running_max);
    if (is_ready && !list_is_linked(&host->ready_node)) {
        list_push_back(&slots->ready, &host->ready_node);
    } else if (!is_ready) {
        list_remove(&host->ready_node);
    }
    if (host->running == 0 && list_is_empty(&host->queue)) {
        list_remove(&host->node);
        free(host);
    }
}

int
fetch_slots_enter(struct fetch_slots *slots, struct fetch_slot *slot, const char *origin)
{
    assert(slot->host == NULL);
    struct fetch_host *host = host_of(slots, origin);
    if (host == NULL) {
        return ERROR_NOMEM;
    }
    *slot = (struct fetch_slot){ .host = host };
    list_push_back(&host->queue, &slot->node);
    slots->waiting++;
    settle_host(slots, host);
    return ERROR_OK;
}

struct fetch_slot *
fetch_slots_next(struct fetch_slots *slots)
{
    if (!has_room(slots->running, slots->running_max)) {
        return NULL;
    }
    struct list *first = list_pop_front(&slots->ready);
    if (first == NULL) {
        return NULL;
    }
    struct fetch_host *host = LIST_ENTRY(first, struct fetch_host, ready_node);
    struct fetch_slot *slot = LIST_ENTRY(list_pop_front(&host->queue), struct fetch_slot, node);
    slot->running = true;
    list_push_back(&host->runners, &slot->node);
    host->running++;
    slots->running++;
    slots->waiting--;
    settle_host(slots, host);
    return slot;
}

struct fetch_slot *
fetch_slots_sibling(const struct fetch_slot *slot)
{
    if (slot->host == NULL || !slot->running) {
        return NULL;
    }
    struct list *next = slot->node.next;
    next = next == &slot->host->runners ? next->next : next;
    return next != &slot->node ? LIST_ENTRY(next, struct fetch_slot, node) : NULL;
}

void
fetch_slots_leave(struct fetch_slots *slots, struct fetch_slot *slot)
{
    struct fetch_host *host = slot->host;
    if (host == NULL) {
        return;
    }
    list_remove(&slot->node);
    if (slot->running) {
        host->running--;
        slots->running--;
    } else {
        slots->waiting--;
    }
    memset(slot, 0, sizeof(*slot));
    settle_host(slots, host);
}
