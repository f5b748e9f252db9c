/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads an answer once, checks it, and then lets it be looked at. The texts of the results are
 * those of the JSON tree, which lives as long as the answer. */
#include "client/answer.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 1e9 /* past it a number of the daemon's is no count */

struct rollcall_answer {
    struct json *root;
    const struct json *body;
    rollcall_result *results;
    const struct json **checks; /* the results' own JSON */
    size_t count;
};

static int
read_check(const struct json *check, rollcall_result *out, struct why *why)
{
    *out = (rollcall_result){
        .platform = json_text(check, "platform"),
        .verdict = json_text(check, "verdict"),
        .reason = json_text(check, "reason"),
        .evidence = json_text(check, "evidence"),
        .state = json_text(check, "state"),
        .source = json_text(check, "source"),
        .url = json_text(check, "url"),
        .why = json_text(check, "why"),
        .started_ms = json_number(check, "started_ms", -1),
        .elapsed_ms = json_number(check, "elapsed_ms", -1),
        .retry_after_ms = -1,
        .cached = json_is_true(check, "cached"),
    };
    double retry_after = json_number(check, "retry_after_ms", -1);
    if (retry_after >= 0 && retry_after < 1e15) {
        out->retry_after_ms = (int64_t)retry_after;
    }
    if (out->platform == NULL || out->verdict == NULL || out->state == NULL) {
        return why_say(why, ROLLCALL_E_PROTOCOL,
                       "a check of the answer lacks platform, verdict or state");
    }
    return ROLLCALL_OK;
}

static int
read_checks(rollcall_answer *answer, struct why *why)
{
    const struct json *checks = json_get(answer->body, "checks");
    if (!json_is_array(checks)) {
        return why_say(why, ROLLCALL_E_PROTOCOL, "the answer has no checks");
    }
    size_t count = json_size(checks);
    answer->results = calloc(count + 1, sizeof(*answer->results));
    answer->checks = calloc(count + 1, sizeof(*answer->checks));
    if (answer->results == NULL || answer->checks == NULL) {
        return why_nomem(why);
    }
    for (const struct json *check = json_first(checks); check != NULL; check = json_next(check)) {
        int code = read_check(check, &answer->results[answer->count], why);
        if (code != ROLLCALL_OK) {
            return code;
        }
        answer->checks[answer->count++] = check;
    }
    return ROLLCALL_OK;
}

int
answer_new(struct json **root, const struct json *body, rollcall_answer **out_answer,
           struct why *why)
{
    rollcall_answer *answer = calloc(1, sizeof(*answer));
    if (answer == NULL) {
        json_free(root);
        return why_nomem(why);
    }
    answer->root = *root;
    answer->body = body;
    *root = NULL;
    int code = read_checks(answer, why);
    if (code != ROLLCALL_OK) {
        rollcall_answer_free(answer);
        return code;
    }
    *out_answer = answer;
    return ROLLCALL_OK;
}

void
rollcall_answer_free(rollcall_answer *answer)
{
    if (answer == NULL) {
        return;
    }
    free(answer->results);
    free((void *)answer->checks);
    json_free(&answer->root);
    free(answer);
}

const char *
rollcall_answer_query(const rollcall_answer *answer)
{
    return json_text(answer->body, "query");
}

const char *
rollcall_answer_kind(const rollcall_answer *answer)
{
    return json_text(json_get(answer->body, "subject"), "kind");
}

const char *
rollcall_answer_subject(const rollcall_answer *answer)
{
    return json_text(json_get(answer->body, "subject"), "value");
}

const char *
rollcall_answer_verdict(const rollcall_answer *answer)
{
    return json_text(answer->body, "verdict");
}

const char *
rollcall_answer_reason(const rollcall_answer *answer)
{
    return json_text(answer->body, "reason");
}

const char *
rollcall_answer_platform(const rollcall_answer *answer)
{
    return json_text(answer->body, "platform");
}

const char *
rollcall_answer_strategy(const rollcall_answer *answer)
{
    return json_text(answer->body, "strategy");
}

double
rollcall_answer_elapsed_ms(const rollcall_answer *answer)
{
    return json_number(answer->body, "elapsed_ms", -1);
}

static size_t
count_of(const struct json *object, const char *name)
{
    double number = json_number(object, name, 0);
    return number > 0 && number < COUNT_MAX ? (size_t)number : 0;
}

size_t
rollcall_answer_asked(const rollcall_answer *answer)
{
    return count_of(answer->body, "asked");
}

size_t
rollcall_answer_cancelled(const rollcall_answer *answer)
{
    return count_of(answer->body, "cancelled");
}

size_t
rollcall_answer_total(const rollcall_answer *answer)
{
    return count_of(answer->body, "total");
}

const char *
rollcall_answer_reason_at(const rollcall_answer *answer, size_t index, size_t *out_count)
{
    const struct json *reasons = json_get(answer->body, "reasons");
    const struct json *reason = json_is_object(reasons) ? json_first(reasons) : NULL;
    for (; reason != NULL && index > 0; index--) {
        reason = json_next(reason);
    }
    if (reason == NULL) {
        return NULL;
    }
    *out_count = count_of(reasons, json_name(reason));
    return json_name(reason);
}

size_t
rollcall_answer_reason_count(const rollcall_answer *answer, const char *reason)
{
    return count_of(json_get(answer->body, "reasons"), reason);
}

size_t
rollcall_answer_count(const rollcall_answer *answer)
{
    return answer->count;
}

const rollcall_result *
rollcall_answer_result(const rollcall_answer *answer, size_t index)
{
    return index < answer->count ? &answer->results[index] : NULL;
}

char *
rollcall_answer_json(const rollcall_answer *answer)
{
    return json_print(answer->body);
}

char *
rollcall_answer_result_json(const rollcall_answer *answer, size_t index)
{
    return index < answer->count ? json_print(answer->checks[index]) : NULL;
}
