/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* GitHub, through its documented REST API. A name is looked up and answered exactly. An address is
 * searched among those that owners show on their profile: a hit is an account, a miss says nothing.
 * What each reply means, and where that is written, is in github.md. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rollcall/plugin.h>

#define PATH_BYTES 64
#define ITEMS_MAX 30        /* one page of a search, as GitHub cuts it */
#define TEXT_MATCHES_MAX 16 /* of one hit; a search for one address has one or two */

static void
add_headers(rollcall_check *check, const char *accept)
{
    rollcall_header(check, "Accept", accept);
    rollcall_header(check, "X-GitHub-Api-Version", "2022-11-28");
    rollcall_header(check, "Authorization", "Bearer {secret:token}"); /* left out without a token */
}

static rollcall_step
check_name(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply == NULL) {
        add_headers(check, "application/vnd.github+json");
        return rollcall_get(check, "{base}/users/{subject}");
    }
    if (reply->status == 200 && rollcall_json_is_subject(reply, "login")) {
        return rollcall_registered(check, "https://github.com/{subject}");
    }
    if (reply->status == 404 && rollcall_json_is(reply, "message", "Not Found")) {
        /* A company's managed users, octocat_acme, are 404 for everybody outside. */
        return strchr(check->subject, '_') != NULL ? rollcall_unknown(check, ROLLCALL_NOT_PUBLIC)
                                                   : rollcall_unregistered(check);
    }
    return rollcall_unknown_from(check, reply);
}

/* What one hit of a search for an address is worth. */
enum hit {
    HIT_OTHER,  /* not about this address, or not an account that had to prove it */
    HIT_UNSAID, /* GitHub does not say which text it found */
    HIT_PROVED  /* the profile shows exactly this address */
};

static bool
shows_subject(const rollcall_reply *reply, int item, int match)
{
    char property[PATH_BYTES];
    char fragment[PATH_BYTES];
    snprintf(property, sizeof(property), "items.%d.text_matches.%d.property", item, match);
    snprintf(fragment, sizeof(fragment), "items.%d.text_matches.%d.fragment", item, match);
    return rollcall_json_is(reply, property, "email") && rollcall_json_is_subject(reply, fragment);
}

static enum hit
judge_hit(const rollcall_reply *reply, int item)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "items.%d.type", item);
    if (rollcall_json_is(reply, path, "Organization")) {
        return HIT_OTHER; /* it may show any address; a user only one that was confirmed */
    }
    snprintf(path, sizeof(path), "items.%d.text_matches", item);
    int64_t matches = rollcall_json_count(reply, path);
    for (int i = 0; i < matches && i < TEXT_MATCHES_MAX; i++) {
        if (shows_subject(reply, item, i)) {
            return HIT_PROVED;
        }
    }
    return matches > 0 ? HIT_OTHER : HIT_UNSAID;
}

static rollcall_step
registered_as(rollcall_check *check, const rollcall_reply *reply, int item)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "items.%d.login", item);
    const char *login = rollcall_json_string(reply, path);
    if (login == NULL || rollcall_put(check, "login", login) != 0) {
        return rollcall_unknown_from(check, reply);
    }
    return rollcall_registered(check, "https://github.com/{value:login}");
}

static rollcall_step
read_search(rollcall_check *check, const rollcall_reply *reply)
{
    int64_t total = 0;
    int64_t listed = rollcall_json_count(reply, "items");
    if (!rollcall_json_int(reply, "total_count", &total) || listed < 0 ||
        (total > 0) != (listed > 0)) {
        return rollcall_unknown_from(check, reply);
    }
    if (total == 0) {
        bool gave_up = rollcall_json_bool(reply, "incomplete_results") == 1;
        return rollcall_unknown(check, gave_up ? ROLLCALL_SERVER_ERROR : ROLLCALL_NOT_PUBLIC);
    }
    for (int i = 0; i < listed && i < ITEMS_MAX; i++) {
        enum hit hit = judge_hit(reply, i);
        /* An address belongs to one account only: a hit that stands alone needs no second word. */
        if (hit == HIT_PROVED || (hit == HIT_UNSAID && total == 1)) {
            return registered_as(check, reply, i);
        }
    }
    return rollcall_unknown(check, ROLLCALL_SIMILAR_ONLY);
}

/* The address stands in a search expression: one that would be read as more than a word is not
 * asked for. */
static bool
is_search_syntax(const char *subject)
{
    return subject[0] == '-' || strpbrk(subject, " \"\\:()*<>") != NULL;
}

static rollcall_step
check_address(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply != NULL) {
        return reply->status == 200 ? read_search(check, reply)
                                    : rollcall_unknown_from(check, reply);
    }
    if (is_search_syntax(check->subject)) {
        return rollcall_unknown(check, ROLLCALL_NOT_A_VALID_NAME);
    }
    add_headers(check, "application/vnd.github.text-match+json");
    return rollcall_get(check, "{base}/search/users?q={subject}+in:email");
}

static const char *const tags[] = { "coding", NULL };
static const char *const known_names[] = { "octocat", "github", NULL };

static const rollcall_platform github = {
    .id = "github",
    .title = "GitHub",
    .home = "https://github.com/",
    .tags = tags,
    .accounts = UINT64_C(150000000),
};

static const rollcall_name_rule name_rule = {
    .min_chars = 1,
    .max_chars = 39,
    .chars = "A-Za-z0-9_-",
    .source = "https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/"
              "iam-configuration-reference/username-considerations-for-external-authentication",
};

static const rollcall_checker checkers[] = {
    {
        .platform = &github,
        .kind = ROLLCALL_USERNAME,
        .method = ROLLCALL_DOCUMENTED,
        .evidence = ROLLCALL_EXACT,
        .flags = ROLLCALL_CASELESS,
        .base_url = "https://api.github.com",
        .rate_count = 60,
        .rate_seconds = 3600,
        .concurrency = 4,
        .body_max = 64 * 1024,
        .name_rule = &name_rule,
        .known = known_names,
        .absent = "zz-????????????",
        .step = check_name,
    },
    {
        .platform = &github,
        .kind = ROLLCALL_EMAIL,
        .method = ROLLCALL_DOCUMENTED,
        .evidence = ROLLCALL_PUBLIC,
        .flags = ROLLCALL_CASELESS,
        .base_url = "https://api.github.com",
        .rate_count = 10,
        .rate_seconds = 60,
        .concurrency = 4,
        .body_max = 256 * 1024,
        .absent = "zz-????????????@example.com",
        .step = check_address,
    },
};

static const rollcall_option options[] = {
    {
        .key = "token",
        .type = ROLLCALL_SECRET,
        .sentence = "A personal access token without any scope: raises GitHub's limits to 5,000 "
                    "look-ups an hour and 30 searches a minute; raise `rate` with it.",
    },
};

ROLLCALL_EXPORT const rollcall_plugin rollcall_plugin_entry = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "github",
    .version = "1.0",
    ROLLCALL_CHECKERS(checkers),
    ROLLCALL_OPTIONS(options),
};
