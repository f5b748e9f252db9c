/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* From the public struct to JSON. Only what was set is sent; what a word may be the daemon knows
 * better. Not UTF-8 is refused here, because it could not be sent at all. */
#include "client/question.h"

#include <stdbool.h>

#include "client/utf8.h"

/* The fields that are one text, and those that are a list of them. */
struct text_field {
    const char *name;
    const char *text;
};

struct list_field {
    const char *name;
    const char *const *texts;
};

static int
refuse_text(const char *name, struct why *why)
{
    return why_say(why, ROLLCALL_E_INVALID, "%s: found bytes that are no UTF-8", name);
}

static int
judge_texts(const struct text_field *fields, size_t count, struct why *why)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].text != NULL && !utf8_is_valid(fields[i].text)) {
            return refuse_text(fields[i].name, why);
        }
    }
    return ROLLCALL_OK;
}

static int
judge_lists(const struct list_field *fields, size_t count, struct why *why)
{
    for (size_t i = 0; i < count; i++) {
        for (const char *const *text = fields[i].texts; text != NULL && *text != NULL; text++) {
            if (!utf8_is_valid(*text)) {
                return refuse_text(fields[i].name, why);
            }
        }
    }
    return ROLLCALL_OK;
}

static int
judge(const rollcall_question *question, struct why *why)
{
    if (question->subject == NULL || question->subject[0] == '\0') {
        return why_say(why, ROLLCALL_E_INVALID,
                       "subject: found nothing; wants an e-mail address "
                       "or a username");
    }
    if (question->timeout_ms < 0) {
        return why_say(why, ROLLCALL_E_INVALID, "timeout_ms: found %lld, wants 0 or more",
                       (long long)question->timeout_ms);
    }
    for (size_t i = 0; i < sizeof(question->reserved) / sizeof(question->reserved[0]); i++) {
        if (question->reserved[i] != NULL) {
            return why_say(why, ROLLCALL_E_INVALID,
                           "reserved[%zu] is set: built for a newer "
                           "librollcall, or never zeroed",
                           i);
        }
    }
    return ROLLCALL_OK;
}

static bool
put_subject(struct json *params, const rollcall_question *question)
{
    if (question->kind == NULL) {
        return json_put_text(params, "subject", question->subject);
    }
    struct json *subject = json_object();
    if (subject == NULL || !json_put_text(subject, "kind", question->kind) ||
        !json_put_text(subject, "value", question->subject)) {
        json_free(&subject);
        return false;
    }
    return json_put(params, "subject", subject);
}

static bool
put_all(struct json *params, const rollcall_question *question)
{
    return put_subject(params, question) &&
           (question->platforms == NULL ||
            json_put_texts(params, "platforms", question->platforms)) &&
           (question->exclude == NULL || json_put_texts(params, "exclude", question->exclude)) &&
           (question->catalog == NULL || json_put_text(params, "catalog", question->catalog)) &&
           (question->strategy == NULL || json_put_text(params, "strategy", question->strategy)) &&
           (!question->adult || json_put_true(params, "adult")) &&
           (!question->all || json_put_text(params, "until", "all")) &&
           (!question->fresh || json_put_true(params, "fresh")) &&
           (!question->explain || json_put_true(params, "explain")) &&
           (question->timeout_ms == 0 ||
            json_put_number(params, "timeout_ms", (double)question->timeout_ms)) &&
           (question->key == NULL || json_put_text(params, "key", question->key));
}

int
question_params(const rollcall_question *question, struct json **out_params, struct why *why)
{
    const struct text_field texts[] = { { "subject", question->subject },
                                        { "kind", question->kind },
                                        { "catalog", question->catalog },
                                        { "strategy", question->strategy },
                                        { "key", question->key } };
    const struct list_field lists[] = { { "platforms", question->platforms },
                                        { "exclude", question->exclude } };
    int code = judge(question, why);
    if (code == ROLLCALL_OK) {
        code = judge_texts(texts, sizeof(texts) / sizeof(texts[0]), why);
    }
    if (code == ROLLCALL_OK) {
        code = judge_lists(lists, sizeof(lists) / sizeof(lists[0]), why);
    }
    if (code != ROLLCALL_OK) {
        return code;
    }
    struct json *params = json_object();
    if (params == NULL || !put_all(params, question)) {
        json_free(&params);
        return why_nomem(why);
    }
    *out_params = params;
    return ROLLCALL_OK;
}
