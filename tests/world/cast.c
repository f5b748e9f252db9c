/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Deals the parts and plays them. Sites are dealt in an order that their ids shuffle, so that what
 * is near each other in a file is not alike in the world. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/world/cast_int.h"
#include "tests/world/text.h"

#define DECODE_BYTES_MAX (4u * 1024 * 1024)

/* ---- Deal */

struct place {
    uint32_t hash;
    size_t index;
};

static uint32_t
hash_of(const char *id)
{
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a, then mixed: ids are short */
    for (; *id != '\0'; id++) {
        hash = (hash ^ (unsigned char)*id) * UINT32_C(16777619);
    }
    hash = (hash ^ (hash >> 16)) * UINT32_C(0x85ebca6b);
    return hash ^ (hash >> 13);
}

static int
by_hash(const void *one, const void *other)
{
    const struct place *left = one;
    const struct place *right = other;
    if (left->hash != right->hash) {
        return left->hash < right->hash ? -1 : 1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static bool
reads_as_nothing(const struct site *site, int status)
{
    return site_judge(site, status, "", NULL) == SITE_UNKNOWN;
}

static bool
can_tell(const struct site *site, const struct script_fault *fault)
{
    switch (fault->fault) {
    case FAULT_STATUS:
    case FAULT_BOT_WALL:
        return reads_as_nothing(site, fault->status);
    case FAULT_REDIRECT_LOOP:
        return (site->follows && (site->rules & SITE_TWO_SIDED) == 0) ||
               reads_as_nothing(site, 302);
    case FAULT_TRUNCATE:
    case FAULT_ENDLESS:
    case FAULT_GZIP_BOMB:
        return site_reads_bodies(site);
    case FAULT_NONE:
    case FAULT_RESET:
    case FAULT_HANG:
    case FAULT_CLOSE:
    case FAULT_DRIP:
    case FAULT_GARBAGE:
        break;
    }
    return true;
}

/* The next fault in turn that suits the site; it stays healthy where none does. */
static void
deal_fault(const struct script_catalog *script, struct role *role, size_t turn)
{
    for (size_t i = 0; i < script->fault_count; i++) {
        const struct script_fault *fault = &script->faults[(turn + i) % script->fault_count];
        if (can_tell(role->site, fault)) {
            role->script.fault = fault->fault;
            role->script.fault_status = fault->status;
            return;
        }
    }
}

static int
write_replies(struct role *role, struct arena *arena)
{
    static const char *const stems[PART_REPLIES] = { "present", "absent", "neutral" };
    int error = site_reply(role->site, true, arena, &role->exchanges[PART_PRESENT].reply);
    if (!error) {
        error = site_reply(role->site, false, arena, &role->exchanges[PART_ABSENT].reply);
    }
    if (!error) {
        error = site_neutral(role->site, arena, &role->exchanges[PART_NEUTRAL].reply);
    }
    for (size_t i = 0; i < PART_REPLIES; i++) {
        role->cases[i] = (struct case_file){
            .stem = stems[i],
            .platform = role->site->id,
            .kind = "username",
            .subject = SITE_SUBJECT,
            .exchanges = &role->exchanges[i],
            .exchange_count = 1,
        };
    }
    return error;
}

static void
deal(struct cast *cast, struct role *role, size_t turn)
{
    const struct script_catalog *script = cast->script;
    int64_t span_us = script->latency_to_us - script->latency_from_us;
    int64_t steps = cast->catalog->count > 1 ? (int64_t)cast->catalog->count - 1 : 1;
    role->script.name = role->site->id;
    role->script.latency_us = script->latency_from_us + span_us * (int64_t)turn / steps;
    role->knows = turn % script->positive == 0;
    if (script->hostile_every > 0 && turn % script->hostile_every == script->hostile_every - 1) {
        deal_fault(script, role, turn / script->hostile_every);
    }
}

static int
deal_all(struct cast *cast, struct arena *arena)
{
    size_t count = cast->catalog->count;
    struct place *places = calloc(count + 1, sizeof(*places));
    if (places == NULL) {
        return ERROR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        places[i] = (struct place){ .hash = hash_of(cast->catalog->sites[i].id), .index = i };
    }
    qsort(places, count, sizeof(*places), by_hash);
    int error = 0;
    for (size_t turn = 0; turn < count && !error; turn++) {
        size_t index = places[turn].index;
        struct role *role = &cast->roles[index];
        role->site = &cast->catalog->sites[index];
        deal(cast, role, turn);
        error = write_replies(role, arena);
    }
    free(places);
    return error;
}

int
cast_new(const struct script_catalog *script, const struct catalog *catalog, struct arena *arena,
         struct cast **out_cast)
{
    struct cast *cast = arena_alloc(arena, sizeof(*cast));
    struct role *roles = arena_alloc(arena, (catalog->count + 1) * sizeof(*roles));
    if (cast == NULL || roles == NULL) {
        return ERROR_NOMEM;
    }
    *cast = (struct cast){ .catalog = catalog, .script = script, .roles = roles };
    int error = deal_all(cast, arena);
    if (!error) {
        *out_cast = cast;
    }
    return error;
}

/* ---- Play */

static bool
is_part_of_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Whether a name stands in a text as a word of its own. */
static bool
has_word(const char *text, const char *name)
{
    size_t len = strlen(name);
    const char *at = len > 0 ? strcasestr(text, name) : NULL;
    for (; at != NULL; at = strcasestr(at + 1, name)) {
        if ((at == text || !is_part_of_word(at[-1])) && !is_part_of_word(at[len])) {
            return true;
        }
    }
    return false;
}

static bool
names_anybody(const struct cast *cast, const char *text, char out_name[SUBJECT_BYTES_MAX])
{
    for (size_t i = 0; i < cast->script->present.count; i++) {
        const char *name = cast->script->present.texts[i];
        if (has_word(text, name)) {
            (void)snprintf(out_name, SUBJECT_BYTES_MAX, "%s", name);
            return true;
        }
    }
    return false;
}

static bool
is_asked_for(const struct cast *cast, const char *rest, const char *body,
             char out_name[SUBJECT_BYTES_MAX])
{
    struct arena *arena = arena_new(DECODE_BYTES_MAX);
    bool found = false;
    const char *const texts[] = { rest, body };
    for (size_t i = 0; arena != NULL && i < ARRAY_LEN(texts) && !found; i++) {
        const char *text =
            texts[i] != NULL ? text_percent_decode(arena, texts[i], strlen(texts[i]), true) : NULL;
        found = text != NULL && names_anybody(cast, text, out_name);
    }
    arena_free(&arena);
    return found;
}

bool
cast_play(const struct cast *cast, const char *id, size_t id_len, const char *rest,
          const char *body, struct play *out_play)
{
    const struct site *site = catalog_find(cast->catalog, id, id_len);
    if (site == NULL) {
        return false;
    }
    const struct role *role = &cast->roles[site - cast->catalog->sites];
    bool is_present = role->knows && is_asked_for(cast, rest, body, out_play->subject);
    enum part_reply reply = is_present ? PART_PRESENT : PART_ABSENT;
    if (role->script.fault == FAULT_TRUNCATE) {
        reply = PART_NEUTRAL; /* it was cut before its mark */
    }
    out_play->script = &role->script;
    out_play->source = &role->cases[reply];
    out_play->reply = &role->exchanges[reply].reply;
    out_play->fault = role->script.fault;
    out_play->delay_us = role->script.latency_us;
    return true;
}
