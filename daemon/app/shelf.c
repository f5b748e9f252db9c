/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A linear list: there are as many plugins as files in a folder. */
#include "daemon/app/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"

static struct shelf_entry *
find_or_add(struct shelf *shelf, const char *path)
{
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(shelf->entries[i].path, path) == 0) {
            return &shelf->entries[i];
        }
    }
    char *copy = strdup(path);
    struct shelf_entry *grown =
        realloc(shelf->entries, (shelf->count + 1) * sizeof(*shelf->entries));
    if (grown != NULL) {
        shelf->entries = grown;
    }
    if (copy == NULL || grown == NULL) {
        free(copy);
        return NULL;
    }
    struct shelf_entry *entry = &shelf->entries[shelf->count++];
    *entry = (struct shelf_entry){ .path = copy };
    return entry;
}

static void
open_entry(struct shelf_entry *entry)
{
    struct error_text refusal = { "" };
    if (entry->image != NULL || loader_open(entry->path, &entry->image, &refusal) == ERROR_OK) {
        return;
    }
    if (strcmp(refusal.text, entry->refusal.text) != 0) {
        log_error("plugin", "refused: %s", refusal.text);
    }
    entry->refusal = refusal;
}

int
shelf_scan(struct shelf *shelf, const char *const *folders, size_t folder_count,
           struct error_text *why)
{
    struct loader_list list = { 0 };
    int error = loader_scan(folders, folder_count, &list, why);
    if (error != ERROR_OK) {
        return error;
    }
    for (size_t i = 0; i < shelf->count; i++) {
        shelf->entries[i].is_listed = false;
    }
    for (size_t i = 0; i < list.count && error == ERROR_OK; i++) {
        struct shelf_entry *entry = find_or_add(shelf, list.paths[i]);
        if (entry == NULL) {
            error = error_say(why, ERROR_NOMEM, "out of memory");
            break;
        }
        entry->is_listed = true;
        open_entry(entry);
    }
    loader_list_fini(&list);
    return error;
}

void
shelf_fini(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        free(shelf->entries[i].path);
    }
    free(shelf->entries);
    *shelf = (struct shelf){ 0 };
}
