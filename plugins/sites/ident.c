/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. The set is open addressing over 64-bit hashes and the ids themselves. */
#include "plugins/sites/ident.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_SUFFIX 9 /* 'x' and eight digits */
#define SLOTS_FIRST 1024

/* ---- Names -------------------------------------------------------------- */

/* FNV-1a: small, and the same everywhere. */
static uint32_t
hash_text(const char *text)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
    }
    return hash;
}

void
ident_from_name(const char *name, char out[IDENT_BYTES])
{
    size_t len = 0;
    bool is_whole = true;
    for (const char *at = name; *at != '\0'; at++) {
        char c = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        is_whole = is_whole && (unsigned char)c < 0x80;
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            continue;
        }
        if (len == IDENT_BYTES - 1 - HASH_SUFFIX) {
            is_whole = false;
            break;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    if (!is_whole || len == 0) {
        (void)snprintf(out + len, IDENT_BYTES - len, "x%08x", (unsigned)hash_text(name));
    }
}

bool
ident_is_valid(const char *id)
{
    size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    return len > 0 && len < IDENT_BYTES && id[len] == '\0' && strchr("._-", id[0]) == NULL;
}

/* ---- The set ------------------------------------------------------------ */

struct slot {
    char id[IDENT_BYTES];
    size_t owner;
};

struct ident_set {
    struct slot *slots; /* a power of two of them; an empty id is a free one */
    size_t slot_count;
    size_t used;
};

struct ident_set *
ident_set_new(void)
{
    struct ident_set *set = calloc(1, sizeof(*set));
    struct slot *slots = calloc(SLOTS_FIRST, sizeof(*slots));
    if (set == NULL || slots == NULL) {
        free(slots);
        free(set);
        return NULL;
    }
    set->slots = slots;
    set->slot_count = SLOTS_FIRST;
    return set;
}

void
ident_set_free(struct ident_set **set)
{
    if (*set != NULL) {
        free((*set)->slots);
        free(*set);
        *set = NULL;
    }
}

/* Where it is, or where it would be. */
static struct slot *
find(struct slot *slots, size_t count, const char *id)
{
    size_t at = hash_text(id) & (count - 1);
    while (slots[at].id[0] != '\0' && strcmp(slots[at].id, id) != 0) {
        at = (at + 1) & (count - 1);
    }
    return &slots[at];
}

static bool
grow(struct ident_set *set)
{
    if (set->used < set->slot_count / 2) {
        return true;
    }
    size_t count = set->slot_count * 2;
    struct slot *slots = calloc(count, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < set->slot_count; i++) {
        if (set->slots[i].id[0] != '\0') {
            *find(slots, count, set->slots[i].id) = set->slots[i];
        }
    }
    free(set->slots);
    set->slots = slots;
    set->slot_count = count;
    return true;
}

bool
ident_set_find(const struct ident_set *set, const char *id, size_t *out_owner)
{
    const struct slot *slot = find(set->slots, set->slot_count, id);
    if (slot->id[0] == '\0') {
        return false;
    }
    *out_owner = slot->owner;
    return true;
}

bool
ident_set_add(struct ident_set *set, const char *id, size_t owner)
{
    if (!grow(set)) {
        return false;
    }
    struct slot *slot = find(set->slots, set->slot_count, id);
    set->used += slot->id[0] == '\0';
    memcpy(slot->id, id, strlen(id) + 1);
    slot->owner = owner;
    return true;
}
