/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes as what a daemon says to librollcall. What is promised: it is an answer whose results
 * have their texts, or a sentence why not; and everything of an answer can be read and printed. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
read_results(const rollcall_answer *answer)
{
    size_t count = rollcall_answer_count(answer);
    assert(rollcall_answer_result(answer, count) == NULL);
    for (size_t i = 0; i < count; i++) {
        const rollcall_result *result = rollcall_answer_result(answer, i);
        assert(result->platform != NULL && result->verdict != NULL && result->state != NULL);
        assert(result->retry_after_ms >= -1);
        char *text = rollcall_answer_result_json(answer, i);
        assert(text != NULL && text[0] == '{');
        free(text);
    }
}

static void
read_answer(const rollcall_answer *answer)
{
    size_t times = 0;
    for (size_t i = 0; rollcall_answer_reason_at(answer, i, &times) != NULL; i++) {
        (void)times;
    }
    (void)rollcall_answer_query(answer);
    (void)rollcall_answer_kind(answer);
    (void)rollcall_answer_subject(answer);
    (void)rollcall_answer_asked(answer);
    (void)rollcall_answer_total(answer);
    (void)rollcall_answer_reason_count(answer, "timeout");
    read_results(answer);
    char *text = rollcall_answer_json(answer);
    assert(text != NULL && strpbrk(text, "\n\033\177") == NULL);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct why why = { "" };
    rollcall_answer *answer = NULL;
    struct json *root = json_parse((const char *)bytes, len);
    if (root == NULL) {
        return 0;
    }
    int code = answer_new(&root, root, &answer, &why);
    assert(root == NULL);
    assert(code == ROLLCALL_OK || (code == ROLLCALL_E_PROTOCOL && why.text[0] != '\0'));
    assert((code == ROLLCALL_OK) == (answer != NULL));
    if (answer != NULL) {
        read_answer(answer);
    }
    rollcall_answer_free(answer);
    return 0;
}
