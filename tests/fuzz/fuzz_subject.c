/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes into subject_parse(); the first byte is the kind. What is promised: what is taken is
 * bounded, well-formed, has no control characters, and normalising it again changes nothing; what
 * is refused has a sentence. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/utf8.h"
#include "daemon/query/subject.h"
#include "rollcall/plugin.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
judge_address(const struct subject *subject)
{
    const char *domain = subject_domain(subject);
    assert(strlen(subject->value) <= SUBJECT_EMAIL_BYTES_MAX);
    assert(subject->at > 0 && subject->at <= SUBJECT_LOCAL_BYTES_MAX);
    assert(subject->value[subject->at] == '@');
    assert(strchr(subject->value, '@') == subject->value + subject->at);
    assert(strpbrk(subject->value, " \"(),:;<>[]\\") == NULL);
    assert(strchr(domain, '.') != NULL);
    for (const char *label = domain; *label != '\0'; label += label[0] == '.') {
        size_t label_len = strcspn(label, ".");
        assert(subject_is_label(label, label_len));
        label += label_len;
    }
}

static void
judge_again(const struct subject *subject)
{
    struct subject again;
    struct error_text why;
    if (subject->value[0] == '@') {
        return; /* "@@x" lost one of two */
    }
    int error = subject_parse(subject->value, strlen(subject->value), subject->kind, &again, &why);
    assert(error == ERROR_OK);
    assert(subject_equal(subject, &again) && subject->at == again.at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct subject subject;
    struct error_text why = { "" };
    if (len == 0) {
        return 0;
    }
    int32_t kind = bytes[0] % 3;
    int error = subject_parse((const char *)bytes + 1, len - 1, kind, &subject, &why);
    assert(error == ERROR_OK || error == ERROR_INVALID);
    assert((error == ERROR_OK) == (why.text[0] == '\0'));
    if (error == ERROR_OK) {
        size_t value_len = strlen(subject.value);
        assert(kind == 0 || subject.kind == kind);
        assert(value_len > 0 && utf8_is_valid(subject.value, value_len));
        for (size_t i = 0; i < value_len; i++) {
            assert((unsigned char)subject.value[i] >= 0x20 && subject.value[i] != 0x7f);
        }
        if (subject.kind == ROLLCALL_EMAIL) {
            judge_address(&subject);
        }
        judge_again(&subject);
    }
    return 0;
}
