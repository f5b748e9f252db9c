/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Facebook, which documents no look-up. An address goes through the account search in front of
 * "forgotten password": a page with two tokens, then the search itself; nothing is sent to anybody
 * by that, but it is method `recovery` and off until the operator allows it. A name is its public
 * page, which proves that it exists and never that it does not. The texts are English: that is
 * asked for. What each reply means is in facebook.md. */
#include <stdbool.h>
#include <string.h>

#include <rollcall/plugin.h>

#define TOKEN_BYTES 128
#define NAME_BYTES 256
#define PAGE_REDIRECTS 2 /* to the same page with a slash or a language */

static void
add_headers(rollcall_check *check)
{
    rollcall_header(check, "Accept", "text/html,application/xhtml+xml");
    rollcall_header(check, "Accept-Language", "en-US,en;q=0.9");
}

/* Sent to the login or to a checkpoint: Facebook wants to know who asks. */
static bool
is_login_redirect(const rollcall_reply *reply)
{
    const char *location = rollcall_header_of(reply, "Location");
    return reply->status >= 300 && reply->status < 400 && location != NULL &&
           (strstr(location, "/login") != NULL || strstr(location, "/checkpoint") != NULL);
}

/* No mark was seen: say why, as far as the reply tells. */
static rollcall_step
unclear(rollcall_check *check, const rollcall_reply *reply)
{
    bool asks_who = is_login_redirect(reply) || rollcall_body_has(reply, "id=\"login_form\"") ||
                    rollcall_body_has(reply, "captcha");
    if (asks_who && reply->status < 400) {
        return rollcall_unknown(check, ROLLCALL_BLOCKED);
    }
    return rollcall_unknown_from(check, reply);
}

/* ---- By address: the account search -------------------------------------------------- */

static bool
keep_token(rollcall_check *check, const rollcall_reply *reply, const char *name, const char *before)
{
    char token[TOKEN_BYTES];
    return rollcall_body_between(reply, before, "\"", token, sizeof(token)) > 0 &&
           rollcall_put(check, name, token) == 0;
}

static rollcall_step
search(rollcall_check *check, const rollcall_reply *page)
{
    if (page->status != 200 || !keep_token(check, page, "lsd", "name=\"lsd\" value=\"") ||
        !keep_token(check, page, "jazoest", "name=\"jazoest\" value=\"")) {
        return unclear(check, page);
    }
    add_headers(check);
    rollcall_header(check, "X-FB-LSD", "{value:lsd}");
    rollcall_form(check, "lsd", "{value:lsd}");
    rollcall_form(check, "jazoest", "{value:jazoest}");
    rollcall_form(check, "email", "{subject}");
    rollcall_form(check, "did_submit", "1");
    rollcall_form(check, "__user", "0");
    rollcall_form(check, "__a", "1");
    return rollcall_post(check, "{base}/ajax/login/help/identify.php?ctx=recover");
}

static rollcall_step
read_search(rollcall_check *check, const rollcall_reply *reply)
{
    if (rollcall_body_has(reply, "\"error\":3252001")) {
        return rollcall_unknown(check, ROLLCALL_RATE_LIMITED);
    }
    bool found = rollcall_body_has(reply, "These accounts matched your search");
    bool none = rollcall_body_has(reply, "No search results");
    if (reply->status == 200 && found != none) {
        return found ? rollcall_registered(check, NULL) : rollcall_unregistered(check);
    }
    return unclear(check, reply);
}

static rollcall_step
check_address(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply == NULL) {
        add_headers(check);
        rollcall_follow(check, PAGE_REDIRECTS);
        return rollcall_get(check, "{base}/login/identify");
    }
    return check->step == 1 ? search(check, reply) : read_search(check, reply);
}

/* ---- By name: the public page -------------------------------------------------------- */

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Dots and case do not tell Facebook's names apart. `path` may end in a slash. */
static bool
is_path_of(const char *path, const char *name)
{
    for (;;) {
        path += strspn(path, ".");
        name += strspn(name, ".");
        if (*name == '\0') {
            return *path == '\0' || strcmp(path, "/") == 0;
        }
        if (lower(*path++) != lower(*name++)) {
            return false;
        }
    }
}

/* Whose page it is: the address that it gives itself. */
static bool
is_page_of_subject(const rollcall_check *check, const rollcall_reply *reply)
{
    static const char *const marks[] = {
        "<link rel=\"canonical\" href=\"https://www.facebook.com/",
        "<meta property=\"og:url\" content=\"https://www.facebook.com/",
    };
    char path[NAME_BYTES];
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (rollcall_body_between(reply, marks[i], "\"", path, sizeof(path)) > 0) {
            return is_path_of(path, check->subject);
        }
    }
    return false;
}

/* What page it is: /watch or /groups are pages of Facebook's own. */
static bool
is_profile(const rollcall_reply *reply)
{
    return rollcall_body_has(reply, "content=\"fb://profile/") ||
           rollcall_body_has(reply, "content=\"fb://page/");
}

static rollcall_step
check_name(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply == NULL) {
        add_headers(check);
        return rollcall_get(check, "{base}/{subject}");
    }
    if (reply->status == 200 && is_profile(reply) && is_page_of_subject(check, reply)) {
        return rollcall_registered(check, "https://www.facebook.com/{subject}");
    }
    /* Nobody's, hidden, deactivated or blocked: one page for all. (isn't: its apostrophe is written
     * in several ways.) */
    if (reply->status == 404 ||
        (reply->status == 200 && rollcall_body_has(reply, "t available right now"))) {
        return rollcall_unknown(check, ROLLCALL_NOT_PUBLIC);
    }
    return unclear(check, reply);
}

/* ---- The descriptor ------------------------------------------------------------------ */

static const char *const tags[] = { "social", NULL };
static const char *const known_names[] = { "facebook", "nasa", NULL };

static const rollcall_platform facebook = {
    .id = "facebook",
    .title = "Facebook",
    .home = "https://www.facebook.com/",
    .tags = tags,
    .accounts = UINT64_C(3000000000),
};

static const rollcall_name_rule name_rule = {
    .min_chars = 5,
    .chars = "A-Za-z0-9.",
    .source = "https://www.facebook.com/help/105399436216001",
};

static const rollcall_checker checkers[] = {
    {
        .platform = &facebook,
        .kind = ROLLCALL_EMAIL,
        .method = ROLLCALL_RECOVERY,
        .evidence = ROLLCALL_EXACT,
        .flags = ROLLCALL_CASELESS,
        .base_url = "https://www.facebook.com",
        .rate_count = 10,
        .rate_seconds = 60,
        .concurrency = 2,
        .absent = "zz-????????????@example.com",
        .step = check_address,
    },
    {
        .platform = &facebook,
        .kind = ROLLCALL_USERNAME,
        .method = ROLLCALL_DOCUMENTED,
        .evidence = ROLLCALL_PUBLIC,
        .flags = ROLLCALL_CASELESS,
        .base_url = "https://www.facebook.com",
        .rate_count = 10,
        .rate_seconds = 60,
        .concurrency = 2,
        .body_max = ROLLCALL_BODY_CEILING,
        .name_rule = &name_rule,
        .known = known_names,
        .absent = "zz????????????????",
        .step = check_name,
    },
};

ROLLCALL_EXPORT const rollcall_plugin rollcall_plugin_entry = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "facebook",
    .version = "1.0",
    ROLLCALL_CHECKERS(checkers),
};
