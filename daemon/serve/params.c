/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One judge for each type of parameter. A subject is judged for its shape here and for its content
 * by query/subject.c; no sentence repeats it, for sentences get logged by clients. */
#include "daemon/serve/params.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"

typedef int judge_fn(const struct param *param, const struct json *value, struct error_text *why);

static int
wrong_type(const struct param *param, const struct json *value, const char *wanted,
           struct error_text *why)
{
    return error_say(why, ERROR_INVALID, "%s: found %s, wants %s", param->name,
                     json_type_name(json_type(value)), wanted);
}

static int
judge_choice(const struct param *param, const char *text, struct error_text *why)
{
    char words[128] = "";
    size_t used = 0;
    for (const char *const *choice = param->choices; *choice != NULL; choice++) {
        if (strcmp(*choice, text) == 0) {
            return ERROR_OK;
        }
        int len = snprintf(words + used, sizeof(words) - used, "%s\"%s\"",
                           choice == param->choices ? "" : " or ", *choice);
        used += len > 0 && (size_t)len < sizeof(words) - used ? (size_t)len : 0;
    }
    return error_say(why, ERROR_INVALID, "%s: found \"%.64s\", wants %s", param->name, text, words);
}

static int
judge_string(const struct param *param, const struct json *value, struct error_text *why)
{
    size_t max = param->max > 0 ? (size_t)param->max : PARAMS_TEXT_BYTES_MAX;
    if (json_type(value) != JSON_STRING) {
        return wrong_type(param, value, "a string", why);
    }
    const char *text = json_string(value, "");
    if (text[0] == '\0' || strlen(text) > max) {
        return error_say(why, ERROR_INVALID, "%s: found %zu bytes, wants 1 to %zu", param->name,
                         strlen(text), max);
    }
    return param->choices == NULL ? ERROR_OK : judge_choice(param, text, why);
}

static int
judge_texts(const struct param *param, const struct json *value, struct error_text *why)
{
    if (json_type(value) != JSON_ARRAY) {
        return wrong_type(param, value, "an array of strings", why);
    }
    size_t count = json_count(value);
    if (count == 0 || count > PARAMS_TEXTS_MAX) {
        return error_say(why, ERROR_INVALID, "%s: found %zu entries, wants 1 to %d", param->name,
                         count, PARAMS_TEXTS_MAX);
    }
    for (const struct json *entry = json_first(value); entry != NULL; entry = json_next(entry)) {
        const struct param one = { .name = param->name, .type = PARAM_STRING };
        int error = judge_string(&one, entry, why);
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

static int
judge_bool(const struct param *param, const struct json *value, struct error_text *why)
{
    return json_type(value) == JSON_BOOL ? ERROR_OK
                                         : wrong_type(param, value, "true or false", why);
}

static int
judge_integer(const struct param *param, const struct json *value, struct error_text *why)
{
    int64_t number = 0;
    if (json_type(value) != JSON_NUMBER) {
        return wrong_type(param, value, "an integer", why);
    }
    if (!json_integer(value, &number) || number < param->min || number > param->max) {
        return error_say(why, ERROR_INVALID, "%s: found %.15g, wants an integer from %lld to %lld",
                         param->name, json_number(value, 0), (long long)param->min,
                         (long long)param->max);
    }
    return ERROR_OK;
}

static int
judge_subject(const struct param *param, const struct json *value, struct error_text *why)
{
    static const char *const kinds[] = { "email", "username", NULL };
    if (json_type(value) == JSON_STRING) {
        return ERROR_OK;
    }
    if (json_type(value) != JSON_OBJECT) {
        return wrong_type(param, value, "a string or {\"kind\", \"value\"}", why);
    }
    for (const struct json *part = json_first(value); part != NULL; part = json_next(part)) {
        if (strcmp(json_key(part), "kind") != 0 && strcmp(json_key(part), "value") != 0) {
            return error_say(why, ERROR_INVALID,
                             "%s: no such member: \"%.64s\"; there are kind, "
                             "value",
                             param->name, json_key(part));
        }
    }
    const struct param kind = { .name = "subject.kind", .choices = kinds };
    const struct param text = { .name = "subject.value" };
    if (json_get(value, "kind") != NULL &&
        judge_string(&kind, json_get(value, "kind"), why) != ERROR_OK) {
        return ERROR_INVALID;
    }
    return json_type(json_get(value, "value")) == JSON_STRING
               ? ERROR_OK
               : wrong_type(&text, json_get(value, "value"), "a string", why);
}

static judge_fn *const judges[] = {
    [PARAM_STRING] = judge_string,   [PARAM_TEXTS] = judge_texts,     [PARAM_BOOL] = judge_bool,
    [PARAM_INTEGER] = judge_integer, [PARAM_SUBJECT] = judge_subject,
};

static int
say_unknown(const char *key, const struct param *table, size_t count, struct error_text *why)
{
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        int len =
            snprintf(names + used, sizeof(names) - used, "%s%s", i == 0 ? "" : ", ", table[i].name);
        used += len > 0 && (size_t)len < sizeof(names) - used ? (size_t)len : 0;
    }
    return error_say(why, ERROR_INVALID, "\"%.64s\": no such parameter; %s%s", key,
                     count == 0 ? "this method takes none" : "there are ", names);
}

static const struct param *
find_param(const char *name, const struct param *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

int
params_judge(const struct json *params, const struct param *table, size_t count,
             struct error_text *why)
{
    if (json_type(params) == JSON_ARRAY) {
        return error_say(why, ERROR_INVALID,
                         "params by position; wants them by name, in an object");
    }
    for (const struct json *value = json_first(params); value != NULL; value = json_next(value)) {
        const struct param *param = find_param(json_key(value), table, count);
        int error = param == NULL ? say_unknown(json_key(value), table, count, why)
                                  : judges[param->type](param, value, why);
        if (error != ERROR_OK) {
            return error;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (table[i].is_required && json_get(params, table[i].name) == NULL) {
            return error_say(why, ERROR_INVALID, "%s: missing", table[i].name);
        }
    }
    return ERROR_OK;
}

/* ---- a query's request -------------------------------------------------------------------- */

#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static void
mix(uint64_t *hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *hash = (*hash ^ ((const uint8_t *)bytes)[i]) * FNV_PRIME;
    }
}

/* The NUL goes in as well, so that texts do not run together. */
static void
mix_text(uint64_t *hash, const char *text)
{
    if (text == NULL) {
        mix(hash, "\1", 1);
        return;
    }
    mix(hash, text, strlen(text) + 1);
}

static void
mix_texts(uint64_t *hash, const char *const *texts, size_t count)
{
    mix(hash, &count, sizeof(count));
    for (size_t i = 0; i < count; i++) {
        mix_text(hash, texts[i]);
    }
}

/* Of what is asked, in whatever order and spelling the params stood; the key itself is left out. */
static uint64_t
fingerprint_of(const struct query_request *request)
{
    uint64_t hash = FNV_START;
    const uint8_t flags[] = { request->adult, request->fresh, request->explain,
                              (uint8_t)request->until };
    mix(&hash, &request->subject.kind, sizeof(request->subject.kind));
    mix_text(&hash, request->subject.value);
    mix_texts(&hash, request->platforms, request->platform_count);
    mix_texts(&hash, request->exclude, request->exclude_count);
    mix_text(&hash, request->catalog);
    mix_text(&hash, request->strategy);
    mix(&hash, &request->timeout_us, sizeof(request->timeout_us));
    mix(&hash, flags, sizeof(flags));
    return hash;
}

static int
read_texts(const struct json *value, struct arena *arena, const char *const **out_texts,
           size_t *out_count)
{
    size_t count = json_count(value);
    if (value == NULL || count == 0) {
        return ERROR_OK;
    }
    const char **texts = arena_alloc(arena, count * sizeof(*texts));
    if (texts == NULL) {
        return ERROR_NOMEM;
    }
    size_t filled = 0;
    for (const struct json *entry = json_first(value); entry != NULL; entry = json_next(entry)) {
        texts[filled++] = json_string(entry, "");
    }
    *out_texts = texts;
    *out_count = count;
    return ERROR_OK;
}

static int
read_subject(const struct json *value, struct subject *out_subject, struct error_text *why)
{
    const struct json *text = json_type(value) == JSON_OBJECT ? json_get(value, "value") : value;
    const char *kind = json_string(json_get(value, "kind"), "");
    const char *bytes = json_string(text, "");
    return subject_parse(bytes, strlen(bytes), subject_kind_parse(kind), out_subject, why);
}

int
params_read_query(const struct json *params, struct arena *arena, struct query_request *out_request,
                  struct error_text *why)
{
    struct query_request request = { 0 };
    int64_t timeout_ms = 0;
    int error = read_subject(json_get(params, "subject"), &request.subject, why);
    if (error == ERROR_OK) {
        error = read_texts(json_get(params, "platforms"), arena, &request.platforms,
                           &request.platform_count);
    }
    if (error == ERROR_OK) {
        error = read_texts(json_get(params, "exclude"), arena, &request.exclude,
                           &request.exclude_count);
    }
    if (error != ERROR_OK) {
        return error;
    }
    if (json_integer(json_get(params, "timeout_ms"), &timeout_ms)) {
        request.timeout_us = timeout_ms * CLOCK_US_PER_MS;
    }
    request.catalog = json_string(json_get(params, "catalog"), NULL);
    request.strategy = json_string(json_get(params, "strategy"), NULL);
    request.key = json_string(json_get(params, "key"), NULL);
    request.adult = json_bool(json_get(params, "adult"), false);
    request.fresh = json_bool(json_get(params, "fresh"), false);
    request.explain = json_bool(json_get(params, "explain"), false);
    request.until = strcmp(json_string(json_get(params, "until"), "first"), "all") == 0
                        ? QUERY_UNTIL_ALL
                        : QUERY_UNTIL_FIRST;
    request.fingerprint = fingerprint_of(&request);
    *out_request = request;
    return ERROR_OK;
}
