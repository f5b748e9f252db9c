/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Two short lists: they are read once a reload. */
#include "daemon/app/wishes.h"

#include <stdlib.h>
#include <string.h>

/* names->count when it is not there. */
static size_t
find(const struct names *names, const char *name)
{
    size_t i = 0;
    while (i < names->count && strcmp(names->list[i], name) != 0) {
        i++;
    }
    return i;
}

bool
names_has(const struct names *names, const char *name)
{
    return find(names, name) < names->count;
}

int
names_add(struct names *names, const char *name)
{
    if (names_has(names, name)) {
        return ERROR_OK;
    }
    if (names->count == WISHES_MAX) {
        return ERROR_TOO_BIG;
    }
    char *copy = strdup(name);
    char **grown = realloc(names->list, (names->count + 1) * sizeof(*grown));
    if (grown != NULL) {
        names->list = grown;
    }
    if (copy == NULL || grown == NULL) {
        free(copy);
        return ERROR_NOMEM;
    }
    names->list[names->count++] = copy;
    return ERROR_OK;
}

bool
names_remove(struct names *names, const char *name)
{
    size_t i = find(names, name);
    if (i == names->count) {
        return false;
    }
    free(names->list[i]);
    names->list[i] = names->list[--names->count];
    return true;
}

static void
names_fini(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->list[i]);
    }
    free(names->list);
    *names = (struct names){ 0 };
}

void
wishes_fini(struct wishes *wishes)
{
    names_fini(&wishes->unloaded);
    names_fini(&wishes->files);
}
