/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The answer to a call as bytes: one table says for each outcome how it is written and read. What a
 * worker sends may come from a plugin that has taken it over, so reading holds everything against
 * the bounds that the host on the other side should have kept. */
#include "daemon/plugin/call_int.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/plugin/carried.h"
#include "daemon/plugin/text.h"

#define ANSWER_MAGIC UINT32_C(0x4e414352) /* "RCAN" */
/* What reading takes beyond the bytes themselves: padding and lists of pointers. */
#define ARENA_FACTOR 8
#define ARENA_EXTRA_BYTES ((size_t)64 * 1024)

static void
put_texts(struct buf *out, const char *const *texts, size_t count)
{
    wire_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wire_put_text(out, texts[i]);
    }
}

static const char *const *
read_texts(struct wire_reader *reader, const char *field, size_t max, size_t bytes_max,
           size_t *out_count)
{
    size_t count = wire_count(reader, field, max);
    const char **texts = wire_alloc(reader, (count + 1) * sizeof(*texts));
    for (size_t i = 0; texts != NULL && i < count; i++) {
        texts[i] = wire_text(reader, field, bytes_max);
    }
    *out_count = texts != NULL ? count : 0;
    return texts;
}

/* A text that ends up in a log line or a JSON document. */
static const char *
clean(struct wire_reader *reader, const char *field, const char *text)
{
    if (text != NULL && !text_is_clean(text, strlen(text))) {
        wire_break(reader, ERROR_PROTOCOL, field);
    }
    return text;
}

static void
put_failed(struct buf *out, const struct call_answer *answer)
{
    wire_put_text(out, answer->failure);
}

static void
read_failed(struct wire_reader *reader, struct call_answer *answer)
{
    answer->failure = clean(reader, "failure", wire_text(reader, "failure", ERROR_TEXT_BYTES));
}

static void
put_request(struct buf *out, const struct call_answer *answer)
{
    wire_put_i32(out, answer->method);
    wire_put_text(out, answer->url);
    call_put_pairs(out, answer->headers, answer->header_count);
    call_put_pairs(out, answer->form, answer->form_count);
    wire_put_text(out, answer->content_type);
    wire_put_text(out, answer->body);
    wire_put_u32(out, answer->redirects);
    put_texts(out, answer->stop_at, answer->stop_at_count);
}

static const struct call_pair *
read_pairs(struct wire_reader *reader, const char *field, size_t max, size_t *out_count)
{
    size_t count = wire_count(reader, field, max);
    struct call_pair *pairs = wire_alloc(reader, (count + 1) * sizeof(*pairs));
    for (size_t i = 0; pairs != NULL && i < count; i++) {
        pairs[i].name = wire_text(reader, field, ROLLCALL_TEMPLATE_BYTES);
        pairs[i].value = wire_text(reader, field, ROLLCALL_TEMPLATE_BYTES);
    }
    *out_count = pairs != NULL ? count : 0;
    return pairs;
}

static void
judge_headers(struct wire_reader *reader, const struct call_answer *answer)
{
    for (size_t i = 0; reader->error == ERROR_OK && i < answer->header_count; i++) {
        if (!text_is_token(answer->headers[i].name)) {
            wire_break(reader, ERROR_PROTOCOL, "header.name");
        }
        (void)clean(reader, "header.value", answer->headers[i].value);
    }
}

bool
call_answer_is_bare(const struct call_answer *answer)
{
    return answer->header_count == 0 && answer->form_count == 0 && answer->body == NULL &&
           answer->redirects == 0 && answer->stop_at_count == 0;
}

static void
judge_request(struct wire_reader *reader, const struct call_answer *answer)
{
    judge_headers(reader, answer);
    if (reader->error != ERROR_OK) {
        return;
    }
    bool has_body = answer->body != NULL || answer->form_count > 0;
    bool may_have = answer->method == ROLLCALL_POST || answer->method == ROLLCALL_PUT;
    if ((has_body && !may_have) || (answer->body != NULL && answer->form_count > 0) ||
        (answer->body != NULL) != (answer->content_type != NULL)) {
        wire_break(reader, ERROR_PROTOCOL, "body");
    }
    if (answer->method == ROLLCALL_SRV && !call_answer_is_bare(answer)) {
        wire_break(reader, ERROR_PROTOCOL, "method");
    }
    for (size_t i = 0; i < answer->stop_at_count; i++) {
        if (answer->stop_at[i][0] == '\0') {
            wire_break(reader, ERROR_PROTOCOL, "stop_at");
        }
    }
}

static void
read_request(struct wire_reader *reader, struct call_answer *answer)
{
    answer->method = wire_range(reader, "method", ROLLCALL_GET, ROLLCALL_SRV);
    answer->url = clean(reader, "url", wire_text(reader, "url", ROLLCALL_TEMPLATE_BYTES));
    answer->headers =
        read_pairs(reader, "headers", ROLLCALL_REQUEST_HEADERS_MAX, &answer->header_count);
    answer->form = read_pairs(reader, "form", CALL_FORM_MAX, &answer->form_count);
    answer->content_type =
        clean(reader, "content_type", wire_maybe_text(reader, "content_type", MANIFEST_TEXT_BYTES));
    answer->body = wire_maybe_text(reader, "body", ROLLCALL_TEMPLATE_BYTES);
    answer->redirects = (uint32_t)wire_range(reader, "redirects", 0, ROLLCALL_REDIRECTS_MAX);
    answer->stop_at = read_texts(reader, "stop_at", ROLLCALL_STOP_AT_MAX, ROLLCALL_STOP_AT_BYTES,
                                 &answer->stop_at_count);
    judge_request(reader, answer);
}

static void
put_verdict(struct buf *out, const struct call_answer *answer)
{
    wire_put_i32(out, answer->verdict);
    wire_put_i32(out, answer->reason);
    wire_put_i64(out, answer->retry_after_ms);
    wire_put_text(out, answer->profile);
}

static void
read_verdict(struct wire_reader *reader, struct call_answer *answer)
{
    answer->verdict = wire_range(reader, "verdict", ROLLCALL_UNKNOWN, ROLLCALL_UNREGISTERED);
    answer->reason = wire_range(reader, "reason", 0, ROLLCALL_TIMEOUT);
    answer->retry_after_ms = wire_i64(reader, "retry_after");
    answer->profile =
        clean(reader, "profile", wire_maybe_text(reader, "profile", ROLLCALL_TEMPLATE_BYTES));
    if ((answer->verdict == ROLLCALL_UNKNOWN) != (answer->reason != 0)) {
        wire_break(reader, ERROR_PROTOCOL, "reason");
    }
    if (answer->retry_after_ms < -1 || answer->retry_after_ms > CALL_RETRY_AFTER_MS_MAX) {
        wire_break(reader, ERROR_PROTOCOL, "retry_after");
    }
}

static void
put_text(struct buf *out, const struct call_answer *answer)
{
    wire_put_text(out, answer->text);
}

static void
read_share(struct wire_reader *reader, struct call_answer *answer)
{
    answer->text = clean(reader, "share", wire_text(reader, "share", ROLLCALL_SHARED_BYTES));
    if (answer->text != NULL && answer->text[0] == '\0') {
        wire_break(reader, ERROR_PROTOCOL, "share");
    }
}

static void
read_stale(struct wire_reader *reader, struct call_answer *answer)
{
    answer->text = wire_text(reader, "stale", MANIFEST_ID_BYTES);
    if (answer->text != NULL && !manifest_is_key(answer->text)) {
        wire_break(reader, ERROR_PROTOCOL, "stale");
    }
}

static void
put_enumerated(struct buf *out, const struct call_answer *answer)
{
    put_texts(out, answer->notes, answer->note_count);
    wire_put_u64(out, answer->refused);
    wire_put_u32(out, (uint32_t)answer->checker_count);
    for (size_t i = 0; i < answer->checker_count; i++) {
        call_put_checker(out, &answer->checkers[i]);
    }
}

static void
read_enumerated(struct wire_reader *reader, struct call_answer *answer)
{
    answer->notes =
        read_texts(reader, "notes", CALL_NOTES_MAX, ERROR_TEXT_BYTES, &answer->note_count);
    for (size_t i = 0; i < answer->note_count; i++) {
        (void)clean(reader, "notes", answer->notes[i]);
    }
    answer->refused = (size_t)wire_u64(reader, "refused");
    size_t count = wire_count(reader, "checkers", CALL_CHECKERS_MAX);
    struct manifest_checker *checkers = wire_alloc(reader, (count + 1) * sizeof(*checkers));
    for (size_t i = 0; reader->error == ERROR_OK && i < count; i++) {
        call_read_checker(reader, &checkers[i]);
    }
    answer->checkers = checkers;
    answer->checker_count = count;
}

static const struct outcome {
    void (*put)(struct buf *out, const struct call_answer *answer);
    void (*read)(struct wire_reader *reader, struct call_answer *answer);
} outcomes[] = {
    [CALL_FAILED] = { put_failed, read_failed },
    [CALL_REQUEST] = { put_request, read_request },
    [CALL_VERDICT] = { put_verdict, read_verdict },
    [CALL_SHARE] = { put_text, read_share },
    [CALL_STALE] = { put_text, read_stale },
    [CALL_ENUMERATED] = { put_enumerated, read_enumerated },
};

int
call_encode_answer(const struct call_answer *answer, struct buf *out)
{
    size_t before = out->len;
    call_put_head(out, ANSWER_MAGIC, (uint8_t)answer->outcome);
    wire_put_bytes(out, answer->carried, answer->carried_len);
    outcomes[answer->outcome].put(out, answer);
    size_t max =
        answer->outcome == CALL_ENUMERATED ? CALL_ENUMERATION_BYTES_MAX : CALL_ANSWER_BYTES_MAX;
    if (out->error == ERROR_OK && out->len - before > max) {
        return ERROR_TOO_BIG;
    }
    return out->error;
}

/* What is carried stays bytes for the next call; its values are read for templates. */
static void
read_carried(struct wire_reader *reader, struct call_answer *answer)
{
    size_t len = 0;
    const void *bytes = wire_bytes(reader, "carried", CALL_CARRIED_BYTES_MAX, &len);
    if (bytes == NULL) {
        return;
    }
    void *copy = wire_alloc(reader, len);
    struct carried *carried = wire_alloc(reader, sizeof(*carried));
    if (copy == NULL || carried == NULL) {
        return;
    }
    memcpy(copy, bytes, len);
    int error = carried_decode(copy, len, reader->arena, carried);
    if (error != ERROR_OK) {
        wire_break(reader, error, "carried");
    }
    answer->carried = copy;
    answer->carried_len = len;
    answer->values = carried->values;
    answer->value_count = carried->value_count;
}

static void
read_answer(struct wire_reader *reader, struct call_answer *answer)
{
    uint8_t outcome = call_read_head(reader, ANSWER_MAGIC);
    if (outcome > CALL_ENUMERATED) {
        wire_break(reader, ERROR_PROTOCOL, "outcome");
    }
    if (outcome != CALL_ENUMERATED && reader->left > CALL_ANSWER_BYTES_MAX) {
        wire_break(reader, ERROR_PROTOCOL, "length");
    }
    if (reader->error != ERROR_OK) {
        return;
    }
    answer->outcome = (enum call_outcome)outcome;
    answer->retry_after_ms = -1;
    read_carried(reader, answer);
    outcomes[outcome].read(reader, answer);
}

int
call_decode_answer(const void *bytes, size_t len, struct call_answer **out_answer,
                   struct error_text *why)
{
    if (len > CALL_ENUMERATION_BYTES_MAX) {
        return error_say(why, ERROR_PROTOCOL, "the answer is %zu bytes long", len);
    }
    struct arena *arena = arena_new(len * ARENA_FACTOR + ARENA_EXTRA_BYTES);
    struct call_answer *answer = arena != NULL ? arena_alloc(arena, sizeof(*answer)) : NULL;
    if (answer == NULL) {
        arena_free(&arena);
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    answer->arena = arena;
    struct wire_reader reader;
    wire_reader_init(&reader, bytes, len, arena);
    read_answer(&reader, answer);
    int error = wire_finish(&reader, why);
    if (error != ERROR_OK) {
        arena_free(&arena);
        return error;
    }
    *out_answer = answer;
    return ERROR_OK;
}

/* The counts at the end say it too, where the notes were too many to be kept. */
bool
call_note_is_fault(const char *note)
{
    const char *counted = strstr(note, " broken,");
    return strstr(note, ": broken: ") != NULL || strstr(note, ": refused: ") != NULL ||
           strstr(note, " is refused: ") != NULL ||
           (counted != NULL && counted - note >= 2 && strncmp(counted - 2, " 0", 2) != 0);
}

void
call_answer_free(struct call_answer **answer)
{
    if (*answer != NULL) {
        struct arena *arena = (*answer)->arena;
        *answer = NULL;
        arena_free(&arena);
    }
}
