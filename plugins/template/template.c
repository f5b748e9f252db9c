/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The smallest real plugin: Codeberg, by name. Copy this folder to begin your own. The platform's
 * rules are in template.md, its recorded replies in cases/. */
#include <stddef.h>

#include <rollcall/plugin.h>

#define NAME_BYTES 64

static rollcall_step
check_name(rollcall_check *check, const rollcall_reply *reply)
{
    char name[NAME_BYTES];
    if (reply == NULL) {
        return rollcall_get(check, "{base}/api/v1/users/{subject}");
    }
    if (reply->status == 200 && rollcall_json_is_subject(reply, "login")) {
        return rollcall_registered(check, "https://codeberg.org/{subject}");
    }
    /* A hidden account is 404 as well, with another sentence: this one is said of nobody. */
    if (reply->status == 404 &&
        rollcall_body_between(reply, "user redirect does not exist [name: ", "]", name,
                              sizeof(name)) > 0 &&
        rollcall_is_subject(reply, name)) {
        return rollcall_unregistered(check);
    }
    return rollcall_unknown_from(check, reply);
}

static const rollcall_platform codeberg = {
    .id = "codeberg",
    .title = "Codeberg",
    .home = "https://codeberg.org/",
};

static const rollcall_checker checkers[] = {
    {
        .platform = &codeberg,
        .kind = ROLLCALL_USERNAME,
        .method = ROLLCALL_DOCUMENTED,
        .evidence = ROLLCALL_EXACT,
        .flags = ROLLCALL_CASELESS,
        .base_url = "https://codeberg.org",
        .rate_count = 1,
        .rate_seconds = 1,
        .concurrency = 1,
        .step = check_name,
    },
};

ROLLCALL_EXPORT const rollcall_plugin rollcall_plugin_entry = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "template",
    .version = "1.0",
    ROLLCALL_CHECKERS(checkers),
};
