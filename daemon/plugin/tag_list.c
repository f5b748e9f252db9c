/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A sorted array: it is searched far more often than it grows. */
#include "daemon/plugin/tag_list.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64

/* The first that is not before `tag`. */
static size_t
lower_bound(const struct tag_list *list, const char *tag)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(list->tags[middle], tag) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
is_at(const struct tag_list *list, size_t place, const char *tag)
{
    return place < list->count && strcmp(list->tags[place], tag) == 0;
}

static int
make_room(struct tag_list *list)
{
    if (list->count < list->room) {
        return ERROR_OK;
    }
    size_t room = list->room == 0 ? ROOM_FIRST : list->room * 2;
    const char **tags = realloc(list->tags, room * sizeof(*tags));
    if (tags == NULL) {
        return ERROR_NOMEM;
    }
    list->tags = tags;
    list->room = room;
    return ERROR_OK;
}

static int
add(struct tag_list *list, const char *tag)
{
    size_t place = lower_bound(list, tag);
    if (is_at(list, place, tag)) {
        return ERROR_OK;
    }
    if (list->count == TAG_LIST_MAX) {
        list->is_cut = true;
        return ERROR_OK;
    }
    int error = make_room(list);
    if (error == ERROR_OK) {
        memmove(&list->tags[place + 1], &list->tags[place],
                (list->count - place) * sizeof(list->tags[0]));
        list->tags[place] = tag;
        list->count++;
    }
    return error;
}

int
tag_list_add(struct tag_list *list, const char *const *tags)
{
    int error = ERROR_OK;
    for (; error == ERROR_OK && *tags != NULL; tags++) {
        error = add(list, *tags);
    }
    return error;
}

bool
tag_list_has(const struct tag_list *list, const char *tag)
{
    return is_at(list, lower_bound(list, tag), tag);
}

void
tag_list_fini(struct tag_list *list)
{
    free(list->tags);
    *list = (struct tag_list){ 0 };
}
