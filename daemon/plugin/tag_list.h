/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The tags that there are, each once, in order: whether a word is a tag is asked for every word of
 * a query, and there may be a hundred thousand platforms to look at. Thread: its registry's. */
#ifndef ROLLCALL_PLUGIN_TAG_LIST_H
#define ROLLCALL_PLUGIN_TAG_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/error.h"

/* Different tags that are kept; data that makes up more is looked through platform by platform. */
#define TAG_LIST_MAX 4096

struct tag_list {
    const char **tags; /* borrowed texts, sorted */
    size_t count;
    size_t room;
    bool is_cut; /* there were more than TAG_LIST_MAX: what is not here may be a tag all the same */
};

/** Add those of a NULL-terminated list that are not there yet. Owner: the texts stay the caller's
 *  and must outlive the list. Errors: NOMEM. */
MUST_CHECK int tag_list_add(struct tag_list *list, const char *const *tags);
bool tag_list_has(const struct tag_list *list, const char *tag);
void tag_list_fini(struct tag_list *list);

#endif
