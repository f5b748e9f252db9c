/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Playing recorded cases: see the header. A shared value is fetched when a request first names it,
 * so its exchanges stand in the record before the one that uses it. */
#include "daemon/app/tools_replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/app/tools_exchange.h"
#include "daemon/plugin/host.h"
#include "daemon/query/name_rule.h"
#include "daemon/query/request.h"
#include "daemon/query/verdict.h"

/* Each answer has an arena of its own; this one holds what outlives a step. */
#define REPLAY_ARENA_BYTES ((size_t)64 * 1024 * 1024)

struct replay {
    const struct case_file *recorded;
    const struct checker *checker;
    struct arena *arena;
    struct error_text *why;
    size_t played;                  /* exchanges so far */
    const struct call_reply *reply; /* the last one, as the plugin saw it; NULL: none yet */
    const char *shared[MANIFEST_SHARED_MAX];
    bool was_stale;
    struct finding finding;
    const char *profile;
    struct error_text note; /* why the plugin failed, when it did */
};

/* Who is being called: the checker, or one of its shared values. */
struct player {
    enum call_kind kind;
    uint32_t index;
    const char *base_url;
    struct call_answer *answer; /* the last */
};

static void
conclude(struct replay *replay, struct finding finding)
{
    replay->finding = finding;
}

static void
conclude_failed(struct replay *replay, const char *sentence)
{
    (void)error_say(&replay->note, ERROR_PLUGIN, "%s", sentence);
    conclude(replay, finding_unknown(REASON_PLUGIN_FAILED));
}

/* ---- Where templates get their texts ------------------------------------------------- */

static const struct conf_value *
find_own(const struct replay *replay, const char *key)
{
    const struct conf_plugin *section = replay->checker->plugin->section;
    return section != NULL ? conf_own(section, key) : NULL;
}

static const char *
config_text(void *context, const char *key)
{
    struct replay *replay = context;
    const struct conf_value *value = find_own(replay, key);
    if (value == NULL || value->type == CONF_SECRET) {
        return NULL;
    }
    if (value->type == CONF_INT || value->type == CONF_BOOL) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%" PRId64, value->number);
        return arena_strdup(replay->arena, text);
    }
    return value->count > 0 ? value->texts[0] : NULL;
}

static const char *
secret_text(void *context, const char *key)
{
    const struct conf_value *value = find_own(context, key);
    return value != NULL && value->type == CONF_SECRET && value->count > 0 ? value->texts[0] : NULL;
}

static const struct manifest_shared *
find_shared(const struct replay *replay, const char *name)
{
    const struct manifest *manifest = replay->checker->plugin->manifest;
    for (size_t i = 0; i < manifest->shared_count; i++) {
        if (strcmp(manifest->shared[i].name, name) == 0) {
            return &manifest->shared[i];
        }
    }
    return NULL;
}

static const char *
shared_text(void *context, const char *name)
{
    struct replay *replay = context;
    const struct manifest_shared *shared = find_shared(replay, name);
    return shared != NULL ? replay->shared[shared->index] : NULL;
}

/* ---- Calls --------------------------------------------------------------------------- */

/* One call through the same bytes that the daemon sends. */
static int
call(struct replay *replay, struct player *player, uint32_t step, const struct call_reply *reply)
{
    const struct manifest_checker *info = replay->checker->info;
    const struct plugin *plugin = replay->checker->plugin;
    bool shared = player->kind == CALL_SHARED;
    struct call_request request = {
        .kind = player->kind,
        .index = player->index,
        .enumerated = !shared && info->enumerated,
        .flags = shared ? 0 : info->flags,
        .step = step,
        .subject_kind = shared ? 0 : info->kind,
        .subject = shared ? "" : replay->recorded->subject.value,
        .data = shared ? NULL : info->data,
        .data_len = shared ? 0 : info->data_len,
        .carried = player->answer != NULL ? player->answer->carried : NULL,
        .carried_len = player->answer != NULL ? player->answer->carried_len : 0,
        .reply = reply,
    };
    struct buf in;
    struct buf out;
    buf_init(&in, CALL_REQUEST_BYTES_MAX);
    buf_init(&out, CALL_ANSWER_BYTES_MAX);
    struct call_answer *answer = NULL;
    int error = call_encode_request(&request, &in);
    if (error == ERROR_OK) {
        error = host_run(plugin->image, &plugin->config, NULL, in.bytes, in.len, &out);
    }
    if (error == ERROR_OK) {
        error = call_decode_answer(out.bytes, out.len, &answer, NULL);
    }
    buf_fini(&in);
    buf_fini(&out);
    if (error != ERROR_OK) {
        return error_say(replay->why, error, "the call could not be run: %s",
                         error_sentence(error));
    }
    call_answer_free(&player->answer);
    player->answer = answer;
    return ERROR_OK;
}

/* The next exchange of the record: its reply becomes the last one. */
static int
exchange(struct replay *replay, const struct fetch_request *request, const char *base_url)
{
    const struct case_file *recorded = replay->recorded;
    if (replay->played == recorded->exchange_count) {
        return error_say(replay->why, ERROR_INVALID, "asks for %s, the record ends before that",
                         request->url);
    }
    const struct exchange_place place = { .base_url = base_url,
                                          .body_max = replay->checker->info->body_max,
                                          .arena = replay->arena };
    int error = exchange_play(&recorded->exchanges[replay->played], request, &place, &replay->reply,
                              replay->why);
    replay->played += error == ERROR_OK;
    return error;
}

/* ---- Steps --------------------------------------------------------------------------- */

/* What a step of either kind came to, besides an error of ours. */
enum stride { STRIDE_AGAIN, STRIDE_DONE };

static int
fetch_shared(struct replay *replay, const struct call_answer *answer, enum stride *out_stride);

static struct request_source
source_of(struct replay *replay, const struct player *player)
{
    bool shared = player->kind == CALL_SHARED;
    return (struct request_source){ .subject = shared ? NULL : &replay->recorded->subject,
                                    .base_url = player->base_url,
                                    .flags = shared ? 0 : replay->checker->info->flags,
                                    .values = player->answer->values,
                                    .value_count = player->answer->value_count,
                                    .config = config_text,
                                    .secret = secret_text,
                                    .shared = shared_text,
                                    .context = replay };
}

/* Fill what was asked for and play the next exchange. */
static int
send_request(struct replay *replay, struct player *player, enum stride *out_stride)
{
    *out_stride = STRIDE_AGAIN;
    int error = fetch_shared(replay, player->answer, out_stride);
    if (error != ERROR_OK || *out_stride == STRIDE_DONE) {
        return error;
    }
    struct request_source source = source_of(replay, player);
    struct fetch_request request;
    struct error_text why = { "" };
    error = request_fill(player->answer, &source, replay->arena, &request, &why);
    if (error == ERROR_OK) {
        return exchange(replay, &request, player->base_url);
    }
    *out_stride = STRIDE_DONE;
    if (error == ERROR_UNACCEPTABLE) {
        conclude(replay, finding_unknown(REASON_NOT_A_VALID_NAME));
        return ERROR_OK;
    }
    conclude_failed(replay, why.text);
    return error == ERROR_NOMEM ? error : ERROR_OK;
}

static struct finding
guarded(const struct replay *replay, const struct call_answer *answer)
{
    const struct manifest_checker *info = replay->checker->info;
    struct finding finding = finding_sure((enum verdict)answer->verdict);
    if (answer->verdict == ROLLCALL_UNKNOWN) {
        finding = finding_unknown(reason_of_plugin(answer->reason));
        finding.retry_after_ms = answer->retry_after_ms;
    }
    const struct evidence evidence = { .evidence = info->evidence,
                                       .flags = info->flags,
                                       .status = replay->reply != NULL ? replay->reply->status : 0,
                                       .truncated =
                                           replay->reply != NULL && replay->reply->truncated };
    return verdict_guard(finding, &evidence);
}

static void
take_verdict(struct replay *replay, const struct player *player)
{
    const struct call_answer *answer = player->answer;
    conclude(replay, guarded(replay, answer));
    if (answer->profile == NULL || replay->finding.verdict != VERDICT_REGISTERED) {
        return;
    }
    struct request_source source = source_of(replay, player);
    if (request_fill_profile(answer->profile, &source, replay->arena, &replay->profile) !=
        ERROR_OK) {
        conclude_failed(replay, "the template of the profile's URL cannot be filled");
    }
}

/* Play a chain of steps until it ends in something else than a request. */
static int
play_steps(struct replay *replay, struct player *player, enum stride *out_stride)
{
    const struct call_reply *reply = NULL;
    *out_stride = STRIDE_AGAIN;
    for (uint32_t step = 0; *out_stride == STRIDE_AGAIN; step++) {
        int error = call(replay, player, step, reply);
        if (error != ERROR_OK || player->answer->outcome != CALL_REQUEST) {
            return error;
        }
        if (step == ROLLCALL_STEPS_MAX) {
            conclude(replay, finding_unknown(REASON_UNEXPECTED_REPLY));
            *out_stride = STRIDE_DONE;
            return ERROR_OK;
        }
        error = send_request(replay, player, out_stride);
        if (error != ERROR_OK) {
            return error;
        }
        reply = replay->reply;
    }
    return ERROR_OK;
}

static const char *
shared_base_url(const struct replay *replay, const struct manifest_shared *shared)
{
    const struct conf_plugin *section = replay->checker->plugin->section;
    return section != NULL && section->base_url != NULL ? section->base_url : shared->base_url;
}

static int
fetch_one_shared(struct replay *replay, const struct manifest_shared *shared,
                 enum stride *out_stride)
{
    struct player player = { .kind = CALL_SHARED,
                             .index = shared->index,
                             .base_url = shared_base_url(replay, shared) };
    int error = play_steps(replay, &player, out_stride);
    if (error == ERROR_OK && *out_stride == STRIDE_AGAIN) {
        if (player.answer->outcome == CALL_SHARE) {
            replay->shared[shared->index] = arena_strdup(replay->arena, player.answer->text);
        } else if (player.answer->outcome == CALL_VERDICT) {
            conclude(replay, guarded(replay, player.answer));
            *out_stride = STRIDE_DONE;
        } else {
            conclude_failed(replay, player.answer->failure != NULL
                                        ? player.answer->failure
                                        : "a shared value's step did not end in a value");
            *out_stride = STRIDE_DONE;
        }
    }
    call_answer_free(&player.answer);
    return error;
}

/* Fetch the shared values that a request names and that are not there yet. */
static int
fetch_shared(struct replay *replay, const struct call_answer *answer, enum stride *out_stride)
{
    char name[MANIFEST_ID_BYTES + 1];
    size_t cursor = 0;
    while (*out_stride == STRIDE_AGAIN &&
           request_next_shared(answer, &cursor, name, sizeof(name))) {
        const struct manifest_shared *shared = find_shared(replay, name);
        if (shared == NULL || replay->shared[shared->index] != NULL) {
            continue;
        }
        int error = fetch_one_shared(replay, shared, out_stride);
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

static int
play_checker(struct replay *replay)
{
    struct player player = { .kind = CALL_STEP,
                             .index = replay->checker->info->index,
                             .base_url = replay->checker->base_url };
    enum stride stride = STRIDE_AGAIN;
    int error = play_steps(replay, &player, &stride);
    if (error == ERROR_OK && stride == STRIDE_AGAIN && player.answer->outcome == CALL_STALE &&
        !replay->was_stale) {
        replay->was_stale = true;
        replay->shared[find_shared(replay, player.answer->text)->index] = NULL;
        call_answer_free(&player.answer);
        return play_checker(replay); /* once: was_stale */
    }
    if (error == ERROR_OK && stride == STRIDE_AGAIN) {
        if (player.answer->outcome == CALL_VERDICT) {
            take_verdict(replay, &player);
        } else if (player.answer->outcome == CALL_STALE) {
            conclude(replay, finding_unknown(REASON_UNEXPECTED_REPLY));
        } else {
            conclude_failed(replay, player.answer->failure != NULL ? player.answer->failure : "");
        }
    }
    call_answer_free(&player.answer);
    return error;
}

/* ---- The verdict --------------------------------------------------------------------- */

static int
compare_verdict(const struct replay *replay)
{
    const struct case_file *recorded = replay->recorded;
    const char *verdict = verdict_name(replay->finding.verdict);
    const char *reason = reason_name(replay->finding.reason);
    bool same_reason = reason != NULL && recorded->reason != NULL
                           ? strcmp(reason, recorded->reason) == 0
                           : reason == NULL && recorded->reason == NULL;
    if (strcmp(verdict, recorded->verdict) != 0 || !same_reason) {
        return error_say(replay->why, ERROR_INVALID, "says %s%s%s%s%s, wants %s%s%s", verdict,
                         reason != NULL ? ", " : "", reason != NULL ? reason : "",
                         replay->note.text[0] != '\0' ? ": " : "", replay->note.text,
                         recorded->verdict, recorded->reason != NULL ? ", " : "",
                         recorded->reason != NULL ? recorded->reason : "");
    }
    if (replay->played < recorded->exchange_count) {
        return error_say(replay->why, ERROR_INVALID, "played %zu of %zu exchanges", replay->played,
                         recorded->exchange_count);
    }
    if (recorded->has_retry_after && recorded->retry_after_ms != replay->finding.retry_after_ms) {
        return error_say(replay->why, ERROR_INVALID,
                         "says retry after %" PRId64 " ms, wants %" PRId64 " ms",
                         replay->finding.retry_after_ms, recorded->retry_after_ms);
    }
    const char *profile = replay->profile != NULL ? replay->profile : "none";
    if (recorded->url != NULL && strcmp(profile, recorded->url) != 0) {
        return error_say(replay->why, ERROR_INVALID, "gives the URL %s, wants %s", profile,
                         recorded->url);
    }
    return ERROR_OK;
}

static int
play(struct replay *replay)
{
    const struct manifest_name_rule *rule = replay->checker->info->name_rule;
    if (replay->checker->info->blocking) {
        return error_say(replay->why, ERROR_INVALID,
                         "is for a blocking checker, which nobody can "
                         "replay");
    }
    if (!name_rule_allows(rule, replay->recorded->subject.value)) {
        conclude(replay, rule->all_names ? finding_sure(VERDICT_UNREGISTERED)
                                         : finding_unknown(REASON_NOT_A_VALID_NAME));
        return compare_verdict(replay);
    }
    int error = play_checker(replay);
    return error == ERROR_OK ? compare_verdict(replay) : error;
}

int
replay_case(const struct registry *registry, const struct case_file *recorded,
            struct error_text *why)
{
    const struct checker *checker =
        registry_find(registry, recorded->platform, recorded->subject.kind);
    if (checker == NULL) {
        return error_say(why, ERROR_INVALID, "is for %s/%s, which the plugin does not have",
                         recorded->platform, subject_kind_name(recorded->subject.kind));
    }
    struct replay replay = { .recorded = recorded,
                             .checker = checker,
                             .arena = arena_new(REPLAY_ARENA_BYTES),
                             .why = why,
                             .finding = finding_unknown(REASON_PLUGIN_FAILED) };
    if (replay.arena == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    int error = play(&replay);
    arena_free(&replay.arena);
    return error;
}
