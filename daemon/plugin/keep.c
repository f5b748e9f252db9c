/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One table of all byte strings kept so far, by hash, open addressing. Texts, lists of texts and
 * rules all go through it: once the texts of a list are kept, equal lists are equal bytes. An id
 * and a checker's data are its own and are not looked up. */
#include "daemon/plugin/keep.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024 /* a power of two, as all that follow */

struct slot {
    const void *bytes; /* NULL: free */
    uint32_t len;
    uint32_t hash;
};

struct keep {
    struct arena *arena;
    struct slot *slots;
    size_t slot_count;
    size_t used;
    bool failed; /* no memory: the copy in hand is none */
};

/* FNV-1a, folded. Whoever chooses texts that collide slows down the reading of his own data. */
static uint32_t
hash_of(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot of these bytes, or the free one where they belong. */
static struct slot *
find(const struct keep *keep, const void *bytes, size_t len, uint32_t hash)
{
    size_t mask = keep->slot_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct slot *slot = &keep->slots[i];
        if (slot->bytes == NULL ||
            (slot->hash == hash && slot->len == len && memcmp(slot->bytes, bytes, len) == 0)) {
            return slot;
        }
    }
}

static void
move_slots(struct keep *keep, const struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i].bytes != NULL) {
            *find(keep, slots[i].bytes, slots[i].len, slots[i].hash) = slots[i];
        }
    }
}

/* Never more than three quarters full. */
static bool
make_room(struct keep *keep)
{
    if (keep->used < keep->slot_count / 4 * 3) {
        return true;
    }
    struct slot *slots = calloc(keep->slot_count * 2, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    struct slot *before = keep->slots;
    keep->slots = slots;
    keep->slot_count *= 2;
    move_slots(keep, before, keep->slot_count / 2);
    free(before);
    return true;
}

static void *
copy_bytes(struct keep *keep, const void *bytes, size_t len, size_t align)
{
    void *copy = arena_alloc_packed(keep->arena, len, align);
    if (copy == NULL) {
        keep->failed = true;
        return NULL;
    }
    memcpy(copy, bytes, len);
    return copy;
}

/* These bytes, kept once. NULL: no memory. */
static const void *
keep_bytes(struct keep *keep, const void *bytes, size_t len, size_t align)
{
    uint32_t hash = hash_of(bytes, len);
    if (len > UINT32_MAX || !make_room(keep)) {
        keep->failed = true;
        return NULL;
    }
    struct slot *slot = find(keep, bytes, len, hash);
    if (slot->bytes == NULL || (uintptr_t)slot->bytes % align != 0) {
        const void *copy = copy_bytes(keep, bytes, len, align);
        if (copy == NULL) {
            return NULL;
        }
        keep->used += slot->bytes == NULL;
        *slot = (struct slot){ .bytes = copy, .len = (uint32_t)len, .hash = hash };
    }
    return slot->bytes;
}

static const char *
keep_text(struct keep *keep, const char *text)
{
    return text != NULL ? keep_bytes(keep, text, strlen(text) + 1, 1) : NULL;
}

/* Lists are short: tags, known accounts. */
#define LIST_MAX (MANIFEST_TAGS_MAX > MANIFEST_KNOWN_MAX ? MANIFEST_TAGS_MAX : MANIFEST_KNOWN_MAX)

static const char *const *
keep_list(struct keep *keep, const char *const *list)
{
    const char *kept[LIST_MAX + 1];
    size_t count = 0;
    while (list[count] != NULL && count < LIST_MAX) {
        kept[count] = keep_text(keep, list[count]);
        count++;
    }
    kept[count] = NULL;
    return keep_bytes(keep, kept, (count + 1) * sizeof(kept[0]), alignof(char *));
}

static const struct manifest_name_rule *
keep_rule(struct keep *keep, const struct manifest_name_rule *rule)
{
    struct manifest_name_rule kept;
    if (rule == NULL) {
        return NULL;
    }
    memset(&kept, 0, sizeof(kept)); /* padding too: equal rules are equal bytes */
    kept.min_chars = rule->min_chars;
    kept.max_chars = rule->max_chars;
    kept.chars = keep_text(keep, rule->chars);
    kept.source = keep_text(keep, rule->source);
    kept.all_names = rule->all_names;
    return keep_bytes(keep, &kept, sizeof(kept), alignof(struct manifest_name_rule));
}

int
keep_new(struct arena *arena, struct keep **out_keep)
{
    struct keep *keep = calloc(1, sizeof(*keep));
    struct slot *slots = calloc(SLOTS_FIRST, sizeof(*slots));
    if (keep == NULL || slots == NULL) {
        free(keep);
        free(slots);
        return ERROR_NOMEM;
    }
    *keep = (struct keep){ .arena = arena, .slots = slots, .slot_count = SLOTS_FIRST };
    *out_keep = keep;
    return ERROR_OK;
}

void
keep_free(struct keep **keep)
{
    if (*keep != NULL) {
        free((*keep)->slots);
        free(*keep);
        *keep = NULL;
    }
}

int
keep_checker(struct keep *keep, const struct manifest_checker *checker,
             struct manifest_checker *out_checker)
{
    struct manifest_checker copy = *checker;
    const char *id = checker->platform.id;
    keep->failed = false;
    copy.platform.id = copy_bytes(keep, id, strlen(id) + 1, 1);
    copy.platform.title = keep_text(keep, checker->platform.title);
    copy.platform.home = keep_text(keep, checker->platform.home);
    copy.platform.tags = keep_list(keep, checker->platform.tags);
    copy.base_url = keep_text(keep, checker->base_url);
    copy.name_rule = keep_rule(keep, checker->name_rule);
    copy.known = keep_list(keep, checker->known);
    copy.absent = keep_text(keep, checker->absent);
    copy.source = keep_text(keep, checker->source);
    copy.data =
        checker->data_len > 0 ? copy_bytes(keep, checker->data, checker->data_len, 1) : NULL;
    if (keep->failed) {
        return ERROR_NOMEM;
    }
    *out_checker = copy;
    return ERROR_OK;
}
