/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* X, once Twitter, through the two look-ups behind its own sign-up form: is this address taken, is
 * this name taken? "Not free" is more than "taken" there: a word that X forbids is refused too and
 * says nothing about an account. What each reply means is in twitter.md. */
#include <stdbool.h>
#include <stddef.h>

#include <rollcall/plugin.h>

enum mark {
    MARK_NONE,   /* no mark, or two that contradict each other */
    MARK_TAKEN,  /* somebody has it */
    MARK_FREE,   /* nobody has it, and one could sign up with it */
    MARK_REFUSED /* X would not take it, whoever has it */
};

static enum mark
read_mark(const rollcall_reply *reply)
{
    int32_t taken = rollcall_json_bool(reply, "taken");
    int32_t valid = rollcall_json_bool(reply, "valid");
    const char *reason = rollcall_json_string(reply, "reason");
    bool available = rollcall_json_is(reply, "reason", "available");
    if (taken == 1 || rollcall_json_is(reply, "reason", "taken")) {
        return taken == 0 || available ? MARK_NONE : MARK_TAKEN;
    }
    if (valid != 0) {
        return available || (taken == 0 && reason == NULL) ? MARK_FREE : MARK_NONE;
    }
    return reason != NULL || taken == 0 ? MARK_REFUSED : MARK_NONE;
}

/* X's own error codes that say why there is no answer, whatever the status. */
static int32_t
reason_of_error(const rollcall_reply *reply)
{
    static const struct {
        int64_t code;
        int32_t reason;
    } errors[] = {
        { 32, ROLLCALL_BLOCKED },                                       /* could not authenticate */
        { 88, ROLLCALL_RATE_LIMITED },  { 130, ROLLCALL_SERVER_ERROR }, /* over capacity */
        { 131, ROLLCALL_SERVER_ERROR },                                 /* internal error */
        { 215, ROLLCALL_BLOCKED }, /* bad authentication data */
        { 326, ROLLCALL_BLOCKED }, /* locked until a person proves to be one */
        { 353, ROLLCALL_BLOCKED }, /* wants a cookie of its pages */
    };
    int64_t code = 0;
    if (rollcall_json_int(reply, "errors.0.code", &code)) {
        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
            if (errors[i].code == code) {
                return errors[i].reason;
            }
        }
    }
    return 0;
}

static rollcall_step
read_reply(rollcall_check *check, const rollcall_reply *reply, const char *profile)
{
    int32_t reason = reason_of_error(reply);
    if (reason != 0) {
        return rollcall_unknown(check, reason);
    }
    switch (reply->status == 200 ? read_mark(reply) : MARK_NONE) {
    case MARK_TAKEN:
        return rollcall_registered(check, profile);
    case MARK_FREE:
        return rollcall_unregistered(check);
    case MARK_REFUSED:
        return rollcall_unknown(check, ROLLCALL_NOT_A_VALID_NAME);
    case MARK_NONE:
        break;
    }
    return rollcall_unknown_from(check, reply);
}

static rollcall_step
check_address(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply == NULL) {
        return rollcall_get(check, "{base}/i/users/email_available.json?email={subject}");
    }
    return read_reply(check, reply, NULL);
}

static rollcall_step
check_name(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply == NULL) {
        return rollcall_get(check, "{base}/i/users/username_available.json?username={subject}");
    }
    return read_reply(check, reply, "https://x.com/{subject}");
}

static const char *const tags[] = { "social", NULL };
static const char *const known_names[] = { "x", "nasa", NULL };

static const rollcall_platform twitter = {
    .id = "twitter",
    .title = "X (Twitter)",
    .home = "https://x.com/",
    .tags = tags,
    .accounts = UINT64_C(600000000),
};

static const rollcall_name_rule name_rule = {
    .min_chars = 1,
    .max_chars = 15,
    .chars = "A-Za-z0-9_",
    .source = "https://help.x.com/en/managing-your-account/x-username-rules",
};

static const rollcall_checker checkers[] = {
    {
        .platform = &twitter,
        .kind = ROLLCALL_EMAIL,
        .method = ROLLCALL_SIGNUP,
        .evidence = ROLLCALL_EXACT,
        .flags = ROLLCALL_CASELESS,
        .base_url = "https://api.x.com",
        .rate_count = 30,
        .rate_seconds = 60,
        .concurrency = 4,
        .body_max = 64 * 1024,
        .absent = "zz-????????????@example.com",
        .step = check_address,
    },
    {
        .platform = &twitter,
        .kind = ROLLCALL_USERNAME,
        .method = ROLLCALL_SIGNUP,
        .evidence = ROLLCALL_EXACT,
        .flags = ROLLCALL_CASELESS,
        .base_url = "https://api.x.com",
        .rate_count = 30,
        .rate_seconds = 60,
        .concurrency = 4,
        .body_max = 64 * 1024,
        .name_rule = &name_rule,
        .known = known_names,
        .absent = "zz_????????????",
        .step = check_name,
    },
};

ROLLCALL_EXPORT const rollcall_plugin rollcall_plugin_entry = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "twitter",
    .version = "1.0",
    ROLLCALL_CHECKERS(checkers),
};
