/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes as a plugin's answer, which is what a worker that was taken over can send. What is
 * promised: they are refused, or what was read keeps every bound, and written and read again it is
 * the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/plugin/call.h"
#include "daemon/plugin/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A checker without a size of its own is given one, so what is written again may be longer. */
#define AGAIN_BYTES_MAX ((size_t)4 * 1024 * 1024)

static void
judge_request(const struct call_answer *answer)
{
    assert(answer->method >= ROLLCALL_GET && answer->method <= ROLLCALL_PUT);
    assert(text_is_clean(answer->url, strlen(answer->url)));
    assert(answer->header_count <= ROLLCALL_REQUEST_HEADERS_MAX);
    assert(answer->form_count <= CALL_FORM_MAX);
    assert(answer->redirects <= ROLLCALL_REDIRECTS_MAX);
    assert(answer->stop_at_count <= ROLLCALL_STOP_AT_MAX);
    for (size_t i = 0; i < answer->header_count; i++) {
        assert(text_is_token(answer->headers[i].name));
        assert(text_is_clean(answer->headers[i].value, strlen(answer->headers[i].value)));
    }
    for (size_t i = 0; i < answer->stop_at_count; i++) {
        assert(answer->stop_at[i][0] != '\0');
    }
}

static void
judge_checkers(const struct call_answer *answer)
{
    for (size_t i = 0; i < answer->checker_count; i++) {
        const struct manifest_checker *checker = &answer->checkers[i];
        assert(checker->enumerated && !checker->blocking);
        assert(checker->base_url != NULL && manifest_is_base_url(checker->base_url));
        assert(checker->kind == ROLLCALL_EMAIL || checker->kind == ROLLCALL_USERNAME);
        assert(checker->body_max > 0 && checker->body_max <= ROLLCALL_BODY_CEILING);
        assert(checker->data_len <= ROLLCALL_DATA_BYTES);
    }
}

static void
judge(const struct call_answer *answer)
{
    assert(answer->value_count <= CALL_VALUES_MAX);
    switch (answer->outcome) {
    case CALL_FAILED:
        assert(text_is_clean(answer->failure, strlen(answer->failure)));
        return;
    case CALL_REQUEST:
        judge_request(answer);
        return;
    case CALL_VERDICT:
        assert(answer->verdict >= ROLLCALL_UNKNOWN && answer->verdict <= ROLLCALL_UNREGISTERED);
        assert((answer->verdict == ROLLCALL_UNKNOWN) == (answer->reason != 0));
        assert(answer->retry_after_ms <= CALL_RETRY_AFTER_MS_MAX);
        return;
    case CALL_SHARE:
    case CALL_STALE:
        assert(answer->text[0] != '\0');
        return;
    case CALL_ENUMERATED:
        judge_checkers(answer);
        return;
    }
    assert(false); /* an outcome that nobody knows */
}

static struct call_answer *
write_and_read(const struct call_answer *answer, struct buf *out)
{
    struct call_answer *again = NULL;
    buf_init(out, AGAIN_BYTES_MAX);
    int error = call_encode_answer(answer, out);
    assert(error == ERROR_OK);
    error = call_decode_answer(out->bytes, out->len, &again, NULL);
    assert(error == ERROR_OK);
    return again;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error_text why = { "" };
    struct call_answer *answer = NULL;
    int error = call_decode_answer(bytes, len, &answer, &why);
    assert(error == ERROR_OK || error == ERROR_PROTOCOL || error == ERROR_NOMEM);
    assert((error == ERROR_OK) == (answer != NULL));
    assert((error == ERROR_OK) == (why.text[0] == '\0'));
    if (answer == NULL) {
        return 0;
    }
    judge(answer);
    struct buf first;
    struct buf second;
    struct call_answer *again = write_and_read(answer, &first);
    struct call_answer *thrice = write_and_read(again, &second);
    assert(first.len == second.len && memcmp(first.bytes, second.bytes, first.len) == 0);
    call_answer_free(&thrice);
    call_answer_free(&again);
    call_answer_free(&answer);
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
