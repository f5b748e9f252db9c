/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a plugin reads of its configuration, and what it yields in enumerate. A checker that is
 * yielded is judged and copied here and now; one that is refused leaves a note. */
#include "daemon/plugin/host_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/plugin/text.h"

#define YIELDED_FIRST 64

static const struct host_value *
find_value(rollcall_check *check, const char *key)
{
    const struct host_config *config = host_call_of(check)->config;
    for (size_t i = 0; config != NULL && key != NULL && i < config->count; i++) {
        if (strcmp(config->values[i].key, key) == 0) {
            return &config->values[i];
        }
    }
    return NULL;
}

const char *
host_config_string(rollcall_check *check, const char *key, size_t index)
{
    const struct host_value *value = find_value(check, key);
    bool is_text = value != NULL && (value->type == ROLLCALL_STRING ||
                                     value->type == ROLLCALL_RATE || value->type == ROLLCALL_LIST);
    return is_text && index < value->count ? value->texts[index] : NULL;
}

int64_t
host_config_int(rollcall_check *check, const char *key, int64_t fallback)
{
    const struct host_value *value = find_value(check, key);
    bool is_number = value != NULL && value->count > 0 &&
                     (value->type == ROLLCALL_INT || value->type == ROLLCALL_BOOL ||
                      value->type == ROLLCALL_DURATION);
    return is_number ? value->number : fallback;
}

const void *
host_config_file(rollcall_check *check, const char *key, size_t index, const char **name,
                 size_t *len)
{
    const struct host_value *value = find_value(check, key);
    bool is_file = value != NULL && (value->type == ROLLCALL_FILE || value->type == ROLLCALL_FILES);
    if (!is_file || index >= value->count) {
        return NULL;
    }
    if (name != NULL) {
        *name = value->texts[index];
    }
    if (len != NULL) {
        *len = value->file_lens[index];
    }
    return value->files[index];
}

static void
add_note(struct host_call *call, const char *sentence)
{
    struct call_answer *answer = &call->answer;
    if (call->notes == NULL) {
        call->notes = arena_alloc(call->arena, CALL_NOTES_MAX * sizeof(*call->notes));
    }
    if (call->notes == NULL || answer->note_count >= CALL_NOTES_MAX - 1) {
        call->notes_lost++;
        return;
    }
    char *mine = arena_copy(call->arena, sentence, strnlen(sentence, ERROR_TEXT_BYTES - 1));
    if (mine != NULL) {
        text_mend(mine);
        call->notes[answer->note_count++] = mine;
    }
}

/* The last place is kept free for this. */
void
host_end_notes(struct host_call *call)
{
    char note[ERROR_TEXT_BYTES];
    if (call->notes_lost == 0 || call->notes == NULL) {
        return;
    }
    (void)snprintf(note, sizeof(note), "%zu more notes were not kept", call->notes_lost);
    char *mine = arena_strdup(call->arena, note);
    if (mine != NULL) {
        call->notes[call->answer.note_count++] = mine;
    }
}

void
host_note(rollcall_check *check, const char *sentence)
{
    struct host_call *call = host_call_of(check);
    if (call->request.kind != CALL_ENUMERATE) {
        host_fault(call, "it called rollcall_note() outside enumerate");
    } else if (sentence != NULL) {
        add_note(call, sentence);
    }
}

static bool
grow(struct host_call *call)
{
    if (call->answer.checker_count < call->yielded_max) {
        return true;
    }
    size_t max = call->yielded_max == 0 ? YIELDED_FIRST : call->yielded_max * 2;
    struct manifest_checker *yielded = realloc(call->yielded, max * sizeof(*yielded));
    if (yielded == NULL) {
        return false;
    }
    call->yielded = yielded;
    call->yielded_max = max;
    return true;
}

static int
add_checker(struct host_call *call, const rollcall_checker *checker, const void *data, size_t len,
            struct error_text *why)
{
    struct manifest_checker mine;
    if (len > ROLLCALL_DATA_BYTES || (len > 0 && data == NULL)) {
        return error_say(why, ERROR_TOO_BIG, "its data is %zu bytes, wants at most %d", len,
                         ROLLCALL_DATA_BYTES);
    }
    if (call->answer.checker_count == CALL_CHECKERS_MAX) {
        return error_say(why, ERROR_TOO_BIG, "there are more than %d", CALL_CHECKERS_MAX);
    }
    int error =
        manifest_judge_checker(checker, call->image->entry->checker_size, call->arena, &mine, why);
    if (error != ERROR_OK) {
        return error;
    }
    mine.data = len > 0 ? arena_copy(call->arena, data, len) : NULL;
    mine.data_len = len;
    if ((len > 0 && mine.data == NULL) || !grow(call)) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    call->yielded[call->answer.checker_count++] = mine;
    return ERROR_OK;
}

int32_t
host_yield(rollcall_check *check, const rollcall_checker *checker, const void *data, size_t len)
{
    struct host_call *call = host_call_of(check);
    if (call->request.kind != CALL_ENUMERATE) {
        host_fault(call, "it called rollcall_yield() outside enumerate");
        return -1;
    }
    struct error_text why;
    if (add_checker(call, checker, data, len, &why) == ERROR_OK) {
        return 0;
    }
    char note[ERROR_TEXT_BYTES];
    (void)snprintf(note, sizeof(note), "checker %zu is refused: %.400s",
                   call->answer.checker_count + call->answer.refused, why.text);
    call->answer.refused++;
    add_note(call, note);
    return -1;
}

static const struct host_caller *
caller_of(const rollcall_check *check)
{
    const struct host_call *call = host_call_of(check);
    bool is_quick = call->request.kind == CALL_STEP || call->request.kind == CALL_SHARED;
    bool is_deaf = call->caller != NULL && call->caller->is_deaf_to_steps;
    return is_quick && is_deaf ? NULL : call->caller;
}

int32_t
host_is_cancelled(const rollcall_check *check)
{
    const struct host_caller *caller = caller_of(check);
    return caller != NULL && caller->is_cancelled(caller->context);
}

int32_t
host_cancel_fd(const rollcall_check *check)
{
    const struct host_caller *caller = caller_of(check);
    return caller != NULL ? caller->cancel_fd(caller->context) : -1;
}
