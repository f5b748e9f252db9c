/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Plugins are compared by name, refused files by their file's name: one that was moved to another
 * folder and broke on the way is a loss too. */
#include "daemon/app/loss.h"

#include <string.h>

/* Behind what is wrong. */
#define STAYS "; it is in service, so nothing is changed"

/* What catalogues are called by, and the rest of their files' names. */
#define SUFFIX ".json"

static const struct plugin *
find_by_name(const struct registry *registry, const char *name)
{
    for (size_t i = 0; i < registry_plugin_count(registry); i++) {
        const struct plugin *plugin = registry_plugin(registry, i);
        if (plugin->manifest != NULL && strcmp(plugin->name, name) == 0) {
            return plugin;
        }
    }
    return NULL;
}

/* ---- plugins ------------------------------------------------------------------------------ */

static const struct plugin *
find_serving(const struct registry *registry, const char *file)
{
    for (size_t i = 0; i < registry_plugin_count(registry); i++) {
        const struct plugin *plugin = registry_plugin(registry, i);
        bool serves = plugin->state == PLUGIN_READY || plugin->state == PLUGIN_ASIDE;
        if (serves && strcmp(plugin->file, file) == 0) {
            return plugin;
        }
    }
    return NULL;
}

static bool
is_gone(const struct recruits *recruits, const char *file)
{
    for (size_t i = 0; i < recruits->count; i++) {
        if (strcmp(loader_file_name(recruits->list[i].path), file) == 0) {
            return recruits->list[i].is_gone;
        }
    }
    return true;
}

int
loss_of_plugins(const struct setup *before, const struct setup *after, const struct names *unloaded,
                struct error_text *why)
{
    for (size_t i = 0; i < registry_plugin_count(after->registry); i++) {
        const struct plugin *refused = registry_plugin(after->registry, i);
        if (refused->state != PLUGIN_REFUSED || is_gone(&after->recruits, refused->file)) {
            continue;
        }
        const struct plugin *old = find_serving(before->registry, refused->file);
        if (old != NULL && find_by_name(after->registry, old->name) == NULL &&
            !names_has(unloaded, old->name)) {
            return error_say(why, ERROR_INVALID, "%.440s" STAYS, refused->last_error.text);
        }
    }
    return ERROR_OK;
}

/* ---- their data --------------------------------------------------------------------------- */

/* Notes begin with what they are about: rollcall_note(). */
static bool
is_about(const char *note, const char *source)
{
    size_t len = strlen(source);
    if (strncmp(note, source, len) != 0) {
        return false;
    }
    const char *rest = note + len;
    rest += strncmp(rest, SUFFIX, strlen(SUFFIX)) == 0 ? strlen(SUFFIX) : 0;
    return *rest == ':';
}

/* The source of checkers in service that a note is about; NULL: none. */
static const char *
find_source(const struct registry *before, const struct plugin *old, const char *note)
{
    for (size_t i = 0; i < registry_checker_count(before); i++) {
        const struct checker *checker = registry_checker(before, i);
        const char *source = checker->plugin == old ? checker->info->source : NULL;
        if (source != NULL && is_about(note, source)) {
            return source;
        }
    }
    return NULL;
}

static bool
has_source(const struct call_answer *answer, const char *source)
{
    for (size_t i = 0; i < answer->checker_count; i++) {
        const char *own = answer->checkers[i].source;
        if (own != NULL && strcmp(own, source) == 0) {
            return true;
        }
    }
    return false;
}

/* The first note that tells why nothing comes of a source any more; NULL: there is none. */
static const char *
find_lost(const struct registry *before, const struct plugin *old, const struct call_answer *answer)
{
    for (size_t i = 0; i < answer->note_count; i++) {
        const char *note = answer->notes[i];
        const char *source = call_note_is_fault(note) ? find_source(before, old, note) : NULL;
        if (source != NULL && !has_source(answer, source)) {
            return note;
        }
    }
    return NULL;
}

int
loss_of_data(const struct registry *before, const struct plugin *plugin,
             const struct call_answer *answer, const char *reason, struct error_text *why)
{
    const struct plugin *old = before != NULL ? find_by_name(before, plugin->name) : NULL;
    if (old == NULL || !old->is_enumerated) {
        return ERROR_OK;
    }
    if (answer == NULL) {
        return error_say(why, ERROR_INVALID, "%.100s: its data could not be read: %.300s" STAYS,
                         plugin->file, reason);
    }
    const char *lost = find_lost(before, old, answer);
    return lost == NULL ? ERROR_OK
                        : error_say(why, ERROR_INVALID, "%.100s: %.340s" STAYS, plugin->file, lost);
}
