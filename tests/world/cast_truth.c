/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Writes down what is true of every site, for tests to hold against what was answered. */
#include <stdio.h>
#include <string.h>

#include "tests/world/cast_int.h"

#include "daemon/base/json.h"

#define FAULT_BYTES 32
#define US_PER_MS 1000.0

static const char *
status_reason(int status)
{
    if (status == 429) {
        return "rate_limited";
    }
    if (status == 401 || status == 403 || status == 407) {
        return "blocked";
    }
    return status >= 500 ? "server_error" : "unexpected_reply";
}

static const char *
fault_reason(const struct script_platform *script)
{
    switch (script->fault) {
    case FAULT_STATUS:
        return status_reason(script->fault_status);
    case FAULT_BOT_WALL:
        return "blocked";
    case FAULT_HANG:
        return "timeout";
    case FAULT_ENDLESS:
    case FAULT_GZIP_BOMB:
    case FAULT_REDIRECT_LOOP:
    case FAULT_GARBAGE:
        return "unexpected_reply";
    case FAULT_RESET:
    case FAULT_CLOSE:
    case FAULT_TRUNCATE:
    case FAULT_DRIP:
    case FAULT_NONE:
        break;
    }
    return "unreachable";
}

/* What a reply of the site itself comes to; of a status that has no body, without one. */
static struct json *
reply_truth(const struct role *role, enum part_reply which)
{
    const struct case_reply *reply = &role->exchanges[which].reply;
    const char *location = reply->header_count > 1 ? reply->headers[1].value : NULL;
    enum site_verdict verdict = site_judge(role->site, reply->status, reply->body, location);
    const char *hidden = verdict == SITE_UNKNOWN                           ? NULL
                         : role->site->is_similar                          ? "similar_only"
                         : role->site->is_public && verdict == SITE_ABSENT ? "not_public"
                                                                           : NULL;
    struct json *truth = json_new_object();
    (void)json_put_number(truth, "status", reply->status);
    (void)json_put_string(truth, "verdict",
                          hidden != NULL ? "unknown" : site_verdict_word(verdict));
    if (hidden != NULL) {
        (void)json_put_string(truth, "reason", hidden);
    } else if (verdict == SITE_UNKNOWN) {
        (void)json_put_string(truth, "reason", status_reason(reply->status));
    }
    return truth;
}

static void
put_fault(struct json *truth, const struct script_platform *script)
{
    char word[FAULT_BYTES];
    bool has_status = script->fault == FAULT_STATUS || script->fault == FAULT_BOT_WALL;
    if (script->fault == FAULT_NONE || script->fault == FAULT_DRIP) {
        return; /* late, but right */
    }
    (void)snprintf(word, sizeof(word), has_status ? "%s:%d" : "%s",
                   script_fault_word(script->fault), script->fault_status);
    (void)json_put_string(truth, "fault", word);
    (void)json_put_string(truth, "reason", fault_reason(script));
}

/* Which names are not asked for. */
static void
put_limits(struct json *truth, const struct site *site)
{
    if (site->pattern != NULL) {
        (void)json_put_string(truth, "pattern", site->pattern);
    }
    if (site->strip != NULL && *site->strip != '\0') {
        (void)json_put_string(truth, "without", site->strip);
    }
    if (site->is_host) {
        (void)json_put_bool(truth, "label", true);
    }
    if (site->is_quoted) {
        (void)json_put_bool(truth, "plain", true);
    }
}

static struct json *
role_truth(const struct role *role)
{
    struct json *truth = json_new_object();
    (void)json_put_string(truth, "id", role->site->id);
    (void)json_put_string(truth, "name", role->site->name);
    (void)json_put_string(truth, "catalog", role->site->catalog);
    (void)json_put_bool(truth, "adult", role->site->is_adult);
    put_limits(truth, role->site);
    (void)json_put_bool(truth, "knows", role->knows);
    (void)json_put_number(truth, "latency_ms", (double)role->script.latency_us / US_PER_MS);
    (void)json_put(truth, "present", reply_truth(role, PART_PRESENT));
    (void)json_put(truth, "absent", reply_truth(role, PART_ABSENT));
    put_fault(truth, &role->script);
    return truth;
}

int
cast_print(const struct cast *cast, struct buf *out)
{
    struct json *root = json_new_object();
    struct json *sites = json_new_array();
    for (size_t i = 0; i < cast->catalog->count; i++) {
        (void)json_append(sites, role_truth(&cast->roles[i]));
    }
    (void)json_put(root, "sites", sites);
    int error = json_print(root, out);
    json_free(&root);
    return error;
}
