/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Intrusive doubly-linked list: the node lives in the object, so linking never allocates.
 * Owner: whoever owns the objects. Thread: the list's owner; nothing here locks. */
#ifndef ROLLCALL_BASE_LIST_H
#define ROLLCALL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/attr.h"

struct list {
    struct list *next;
    struct list *prev;
};

/** An empty list, or a node that is in none. */
static inline void
list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool
list_is_empty(const struct list *list)
{
    return list->next == list;
}

/** Whether a node (initialised with list_init) is in a list. */
static inline bool
list_is_linked(const struct list *node)
{
    return node->next != node;
}

static inline void
list_push_back(struct list *list, struct list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

static inline void
list_push_front(struct list *list, struct list *node)
{
    node->next = list->next;
    node->prev = list;
    list->next->prev = node;
    list->next = node;
}

/** Take a node out of its list; it may be in none. */
static inline void
list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/** Take the first node, or NULL from an empty list. */
static inline struct list *
list_pop_front(struct list *list)
{
    struct list *node = list->next;
    if (node == list) {
        return NULL;
    }
    list_remove(node);
    return node;
}

/** Move all nodes of `from` to the end of `to`. */
static inline void
list_append_all(struct list *to, struct list *from)
{
    if (list_is_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* The body may remove `node`, and only that one. */
#define LIST_FOR_EACH(node, head)                                                                  \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);              \
         node = node##_next, node##_next = node->next)

#endif
