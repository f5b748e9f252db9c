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
warn_of_change(const struct shelf_entry *entry)
{
    struct file_mark now = file_mark_take(entry->path);
    if (now.is_there && !file_mark_is_same(&now, &entry->opened)) {
        log_warning("plugin",
                    "%s: has changed, and is not reloaded: with isolation = \"thread\" it stays "
                    "until the daemon ends",
                    loader_file_name(entry->path));
    }
}

int
shelf_open(struct shelf *shelf, const char *path, struct image **out_image, struct error_text *why)
{
    struct shelf_entry *entry = find_or_add(shelf, path);
    if (entry == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    if (entry->image != NULL) {
        warn_of_change(entry);
    } else {
        struct file_mark mark = file_mark_take(path);
        int error = loader_open(path, &entry->image, why);
        if (error != ERROR_OK) {
            return error;
        }
        entry->opened = mark;
    }
    *out_image = entry->image;
    return ERROR_OK;
}

void
shelf_note_refusal(struct shelf *shelf, const char *path, const struct error_text *why)
{
    struct shelf_entry *entry = find_or_add(shelf, path);
    if (entry != NULL && strcmp(why->text, entry->refusal.text) == 0) {
        return;
    }
    log_error("plugin", "refused: %s", why->text);
    if (entry != NULL) {
        entry->refusal = *why;
    }
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
