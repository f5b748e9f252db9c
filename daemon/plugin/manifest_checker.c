/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One checker of a descriptor, or one that enumerate yielded: its platform, the form of its names,
 * how it finds out and how politely. Copied by its stride into a struct of our own before a field
 * is looked at. */
#include "daemon/plugin/manifest_int.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FLAGS_KNOWN                                                                                \
    ((uint32_t)(ROLLCALL_CASELESS | ROLLCALL_CODES_ARE_MARKS | ROLLCALL_DOMAIN_HOST |              \
                ROLLCALL_NEEDS_NETWORK | ROLLCALL_UNGUARDED))
#define ABSENT_WILDCARDS_MIN 8 /* 36^8 names: nobody has made up that one */
#define NAME_CHARS_MAX 1024    /* no platform has longer names */

#define END_OF(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
const size_t judge_checker_least = END_OF(rollcall_checker, source);

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(rollcall_platform) == 40, "ABI 1.0: rollcall_platform");
_Static_assert(sizeof(rollcall_name_rule) == 32, "ABI 1.0: rollcall_name_rule");
_Static_assert(END_OF(rollcall_checker, source) == 96, "ABI 1.0: rollcall_checker");
#endif

static void
judge_platform(struct judge *judge, const rollcall_platform *from, struct manifest_platform *to)
{
    if (from == NULL) {
        judge_refuse(judge, ERROR_INVALID, "platform", "is not set");
        return;
    }
    to->id = judge_word(judge, "platform.id", from->id, WORD_ID);
    to->title = judge_text(judge, "platform.title", from->title);
    to->home = judge_text(judge, "platform.home", from->home);
    to->tags = judge_list(judge, "platform.tags", from->tags, MANIFEST_TAGS_MAX, true);
    to->accounts = from->accounts;
    for (size_t i = 0; judge->error == ERROR_OK && to->tags[i] != NULL; i++) {
        to->adult = to->adult || strcmp(to->tags[i], "adult") == 0;
    }
}

/* "A-Za-z0-9_-": no range may run backwards. */
static bool
ranges_rise(const char *chars)
{
    for (size_t i = 0; chars[i] != '\0'; i++) {
        if (chars[i + 1] == '-' && chars[i + 2] != '\0') {
            if ((unsigned char)chars[i] > (unsigned char)chars[i + 2]) {
                return false;
            }
            i += 2;
        }
    }
    return true;
}

static void
judge_rule_fields(struct judge *judge, const rollcall_name_rule *from,
                  struct manifest_name_rule *to)
{
    to->min_chars = from->min_chars;
    to->max_chars = from->max_chars;
    to->chars = judge_optional(judge, "name_rule.chars", from->chars);
    to->source = judge_text(judge, "name_rule.source", from->source);
    to->all_names = from->all_names == 1;
    if (from->max_chars > NAME_CHARS_MAX || from->min_chars > NAME_CHARS_MAX) {
        judge_refuse(judge, ERROR_INVALID, "name_rule.max_chars",
                     "is %" PRIu32 " (min_chars %" PRIu32 "), wants at most %d", from->max_chars,
                     from->min_chars, NAME_CHARS_MAX);
    }
    if (from->max_chars != 0 && from->min_chars > from->max_chars) {
        judge_refuse(judge, ERROR_INVALID, "name_rule.min_chars",
                     "is %" PRIu32 ", more than max_chars %" PRIu32, from->min_chars,
                     from->max_chars);
    }
    if (to->chars != NULL && (to->chars[0] == '\0' || !ranges_rise(to->chars))) {
        judge_refuse(judge, ERROR_INVALID, "name_rule.chars",
                     "is \"%.80s\", wants characters and rising ranges such as \"A-Za-z0-9_-\"",
                     to->chars);
    }
    if (from->all_names != 0 && from->all_names != 1) {
        judge_refuse(judge, ERROR_INVALID, "name_rule.all_names", "is %" PRId32 ", wants 0 or 1",
                     from->all_names);
    }
}

static const struct manifest_name_rule *
judge_name_rule(struct judge *judge, const rollcall_name_rule *from)
{
    if (from == NULL) {
        return NULL;
    }
    struct manifest_name_rule *to = judge_alloc(judge, sizeof(*to));
    if (to != NULL) {
        judge_rule_fields(judge, from, to);
    }
    return to;
}

static void
judge_flags(struct judge *judge, const rollcall_checker *from, bool blocking, bool enumerated)
{
    if ((from->flags & ~FLAGS_KNOWN) != 0) {
        judge_refuse(judge, ERROR_UNSUPPORTED, "flags",
                     "is 0x%" PRIx32 ", this daemon knows only the bits 0x%" PRIx32, from->flags,
                     FLAGS_KNOWN);
    }
    if ((from->flags & ROLLCALL_NEEDS_NETWORK) != 0 && !blocking) {
        judge_refuse(judge, ERROR_INVALID, "flags",
                     "has ROLLCALL_NEEDS_NETWORK, which is for blocking checkers");
    }
    if ((from->flags & ROLLCALL_UNGUARDED) != 0 && !enumerated) {
        judge_refuse(judge, ERROR_INVALID, "flags",
                     "has ROLLCALL_UNGUARDED, which is for checkers from data");
    }
    if ((from->flags & ROLLCALL_DOMAIN_HOST) != 0 && from->kind != ROLLCALL_EMAIL) {
        judge_refuse(judge, ERROR_INVALID, "flags",
                     "has ROLLCALL_DOMAIN_HOST, which is for the kind ROLLCALL_EMAIL");
    }
}

static void
judge_manners(struct judge *judge, const rollcall_checker *from, struct manifest_checker *to)
{
    judge_positive(judge, "rate_count", from->rate_count);
    judge_positive(judge, "rate_seconds", from->rate_seconds);
    judge_positive(judge, "concurrency", from->concurrency);
    if (from->body_max > ROLLCALL_BODY_CEILING) {
        judge_refuse(judge, ERROR_INVALID, "body_max", "is %" PRIu32 ", wants at most %d bytes",
                     from->body_max, ROLLCALL_BODY_CEILING);
    }
    to->rate_count = from->rate_count;
    to->rate_seconds = from->rate_seconds;
    to->concurrency = from->concurrency;
    to->body_max = from->body_max != 0 ? from->body_max : ROLLCALL_BODY_DEFAULT;
}

static void
judge_functions(struct judge *judge, const rollcall_checker *from, bool enumerated)
{
    if (enumerated && (from->step != NULL || from->block != NULL)) {
        judge_refuse(judge, ERROR_INVALID, "step",
                     "or block is set; a yielded checker is served by enumerated_step");
    }
    if (!enumerated && from->step == NULL && from->block == NULL) {
        judge_refuse(judge, ERROR_INVALID, "step", "and block are not set, wants one of them");
    }
    if (from->step != NULL && from->block != NULL) {
        judge_refuse(judge, ERROR_INVALID, "step", "and block are both set, wants one of them");
    }
}

static const char *
judge_absent(struct judge *judge, const char *text)
{
    const char *absent = judge_optional(judge, "absent", text);
    size_t wildcards = 0;
    for (const char *at = absent; at != NULL && *at != '\0'; at++) {
        wildcards += *at == '?';
    }
    if (absent != NULL && wildcards < ABSENT_WILDCARDS_MIN) {
        judge_refuse(judge, ERROR_INVALID, "absent",
                     "is \"%.80s\" with %zu times '?', wants at least %d", absent, wildcards,
                     ABSENT_WILDCARDS_MIN);
    }
    return absent;
}

static const char *
judge_source(struct judge *judge, const char *text, bool enumerated)
{
    if (text != NULL && !enumerated) {
        judge_refuse(judge, ERROR_INVALID, "source", "is set, which is for rollcall_yield()");
    }
    return judge_optional(judge, "source", text);
}

static const char *
judge_base(struct judge *judge, const char *text, bool blocking)
{
    if (!blocking) {
        return judge_base_url(judge, "base_url", text);
    }
    if (text != NULL) {
        judge_refuse(judge, ERROR_INVALID, "base_url", "is set, a blocking checker has none");
    }
    return NULL;
}

void
judge_checker(struct judge *judge, const rollcall_checker *checker, size_t stride, bool enumerated,
              struct manifest_checker *out_checker)
{
    rollcall_checker from;
    memset(&from, 0, sizeof(from));
    memcpy(&from, checker, stride);
    struct manifest_checker to = { .kind = from.kind,
                                   .method = from.method,
                                   .evidence = from.evidence,
                                   .flags = from.flags,
                                   .blocking = from.block != NULL,
                                   .enumerated = enumerated };
    judge_platform(judge, from.platform, &to.platform);
    judge_choice(judge, "kind", from.kind, ROLLCALL_USERNAME,
                 "ROLLCALL_EMAIL (1) or ROLLCALL_USERNAME (2)");
    judge_choice(judge, "method", from.method, ROLLCALL_RECOVERY,
                 "ROLLCALL_DOCUMENTED (1), ROLLCALL_SIGNUP (2) or ROLLCALL_RECOVERY (3)");
    judge_choice(judge, "evidence", from.evidence, ROLLCALL_SIMILAR,
                 "ROLLCALL_EXACT (1), ROLLCALL_PUBLIC (2), ROLLCALL_INFERRED (3) or "
                 "ROLLCALL_SIMILAR (4)");
    judge_functions(judge, &from, enumerated);
    judge_flags(judge, &from, to.blocking, enumerated);
    to.base_url = judge_base(judge, from.base_url, to.blocking);
    judge_manners(judge, &from, &to);
    to.name_rule = judge_name_rule(judge, from.name_rule);
    to.known = judge_list(judge, "known", from.known, MANIFEST_KNOWN_MAX, false);
    to.absent = judge_absent(judge, from.absent);
    to.source = judge_source(judge, from.source, enumerated);
    if (judge->error == ERROR_OK) {
        *out_checker = to;
    }
}

int
manifest_judge_checker(const rollcall_checker *checker, size_t stride, struct arena *arena,
                       struct manifest_checker *out_checker, struct error_text *why)
{
    struct judge judge = { .arena = arena, .why = why };
    if (checker == NULL) {
        return error_say(why, ERROR_INVALID, "the checker is NULL");
    }
    if (stride < judge_checker_least || stride > sizeof(rollcall_checker)) {
        return error_say(why, ERROR_INVALID, "checker_size is %zu, wants %zu to %zu", stride,
                         judge_checker_least, sizeof(rollcall_checker));
    }
    judge_checker(&judge, checker, stride, true, out_checker);
    return judge.error;
}
