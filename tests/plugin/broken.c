/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A plugin with exactly one thing wrong with it. Each macro below is one field of a correct
 * descriptor; CMakeLists.txt builds this file once for each refusal, with one of them replaced. */
#include <rollcall/plugin.h>

#ifndef HEAD_MAGIC
#define HEAD_MAGIC ROLLCALL_MAGIC
#endif
#ifndef HEAD_MAJOR
#define HEAD_MAJOR ROLLCALL_ABI_MAJOR
#endif
#ifndef HEAD_MINOR
#define HEAD_MINOR ROLLCALL_ABI_MINOR
#endif
#ifndef HEAD_SIZE
#define HEAD_SIZE sizeof(rollcall_plugin)
#endif
#ifndef HEAD_RESERVED
#define HEAD_RESERVED 0
#endif
#ifndef PLUGIN_NAME
#define PLUGIN_NAME "broken"
#endif
#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION "1.0"
#endif
#ifndef PLUGIN_CAPABILITIES
#define PLUGIN_CAPABILITIES 0
#endif
#ifndef PLUGIN_CHECKERS
#define PLUGIN_CHECKERS checkers
#endif
#ifndef PLUGIN_CHECKER_COUNT
#define PLUGIN_CHECKER_COUNT 1
#endif
#ifndef PLUGIN_CHECKER_SIZE
#define PLUGIN_CHECKER_SIZE sizeof(rollcall_checker)
#endif
#ifndef PLUGIN_OPTIONS
#define PLUGIN_OPTIONS options
#endif
#ifndef PLUGIN_OPTION_COUNT
#define PLUGIN_OPTION_COUNT 1
#endif
#ifndef PLUGIN_OPTION_SIZE
#define PLUGIN_OPTION_SIZE sizeof(rollcall_option)
#endif
#ifndef PLUGIN_SHARED
#define PLUGIN_SHARED shared
#endif
#ifndef PLUGIN_SHARED_COUNT
#define PLUGIN_SHARED_COUNT 1
#endif
#ifndef PLUGIN_SHARED_SIZE
#define PLUGIN_SHARED_SIZE sizeof(rollcall_shared)
#endif
#ifndef PLUGIN_ENUMERATE
#define PLUGIN_ENUMERATE NULL
#endif
#ifndef PLUGIN_ENUMERATED_STEP
#define PLUGIN_ENUMERATED_STEP NULL
#endif
#ifndef PLATFORM
#define PLATFORM &platform
#endif
#ifndef PLATFORM_ID
#define PLATFORM_ID "example"
#endif
#ifndef PLATFORM_TITLE
#define PLATFORM_TITLE "Example"
#endif
#ifndef PLATFORM_HOME
#define PLATFORM_HOME "https://example.org/"
#endif
#ifndef PLATFORM_TAGS
#define PLATFORM_TAGS tags
#endif
#ifndef PLATFORM_TAG
#define PLATFORM_TAG "coding"
#endif
#ifndef CHECKER_KIND
#define CHECKER_KIND ROLLCALL_USERNAME
#endif
#ifndef CHECKER_METHOD
#define CHECKER_METHOD ROLLCALL_DOCUMENTED
#endif
#ifndef CHECKER_EVIDENCE
#define CHECKER_EVIDENCE ROLLCALL_EXACT
#endif
#ifndef CHECKER_FLAGS
#define CHECKER_FLAGS 0
#endif
#ifndef CHECKER_BASE_URL
#define CHECKER_BASE_URL "https://example.org"
#endif
#ifndef CHECKER_RATE_COUNT
#define CHECKER_RATE_COUNT 60
#endif
#ifndef CHECKER_RATE_SECONDS
#define CHECKER_RATE_SECONDS 60
#endif
#ifndef CHECKER_CONCURRENCY
#define CHECKER_CONCURRENCY 2
#endif
#ifndef CHECKER_BODY_MAX
#define CHECKER_BODY_MAX 0
#endif
#ifndef CHECKER_KNOWN
#define CHECKER_KNOWN known
#endif
#ifndef CHECKER_KNOWN_FIRST
#define CHECKER_KNOWN_FIRST "alice"
#endif
#ifndef CHECKER_ABSENT
#define CHECKER_ABSENT "zz-????????????"
#endif
#ifndef CHECKER_STEP
#define CHECKER_STEP step
#endif
#ifndef CHECKER_BLOCK
#define CHECKER_BLOCK NULL
#endif
#ifndef CHECKER_SOURCE
#define CHECKER_SOURCE NULL
#endif
#ifndef RULE_MIN
#define RULE_MIN 1
#endif
#ifndef RULE_MAX
#define RULE_MAX 39
#endif
#ifndef RULE_CHARS
#define RULE_CHARS "A-Za-z0-9-"
#endif
#ifndef RULE_SOURCE
#define RULE_SOURCE "https://example.org/names"
#endif
#ifndef RULE_ALL_NAMES
#define RULE_ALL_NAMES 0
#endif
#ifndef OPTION_KEY
#define OPTION_KEY "limit"
#endif
#ifndef OPTION_TYPE
#define OPTION_TYPE ROLLCALL_INT
#endif
#ifndef OPTION_FALLBACK
#define OPTION_FALLBACK NULL
#endif
#ifndef OPTION_SENTENCE
#define OPTION_SENTENCE "How many."
#endif
#ifndef OPTION_MIN
#define OPTION_MIN 0
#endif
#ifndef OPTION_MAX
#define OPTION_MAX 0
#endif
#ifndef SHARED_NAME
#define SHARED_NAME "guest"
#endif
#ifndef SHARED_LIFETIME
#define SHARED_LIFETIME 60
#endif
#ifndef SHARED_STEP
#define SHARED_STEP step
#endif
#ifndef SHARED_BASE_URL
#define SHARED_BASE_URL "https://example.org"
#endif

#if defined(USE_UNDEFINED)
extern int nobody_defines_this(void);
#elif defined(USE_LIBRARY)
extern int helper_of_a_library(void);
#endif

static rollcall_step
step(rollcall_check *check, const rollcall_reply *reply)
{
    (void)check;
    (void)reply;
#if defined(USE_UNDEFINED)
    return nobody_defines_this();
#elif defined(USE_LIBRARY)
    return helper_of_a_library();
#else
    return rollcall_unknown(check, ROLLCALL_UNSUPPORTED);
#endif
}

__attribute__((unused)) static int32_t
enumerate(rollcall_check *check)
{
    (void)check;
    return 0;
}

__attribute__((unused)) static const char *const tags[] = { PLATFORM_TAG, NULL };
__attribute__((unused)) static const char *const known[] = { CHECKER_KNOWN_FIRST, NULL };

#define FOUR(text) text, text, text, text
#define FORTY(text)                                                                                \
    FOUR(text), FOUR(text), FOUR(text), FOUR(text), FOUR(text), FOUR(text), FOUR(text),            \
        FOUR(text), FOUR(text), FOUR(text)
__attribute__((unused)) static const char *const forty[] = { FORTY("tag"), NULL };

#define HUNDRED_BYTES                                                                              \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "123456789"
#define LONG_TEXT                                                                                  \
    HUNDRED_BYTES HUNDRED_BYTES HUNDRED_BYTES HUNDRED_BYTES HUNDRED_BYTES HUNDRED_BYTES            \
        HUNDRED_BYTES HUNDRED_BYTES HUNDRED_BYTES HUNDRED_BYTES HUNDRED_BYTES

__attribute__((unused)) static const rollcall_platform platform = {
    .id = PLATFORM_ID,
    .title = PLATFORM_TITLE,
    .home = PLATFORM_HOME,
    .tags = PLATFORM_TAGS,
};

static const rollcall_name_rule rule = {
    .min_chars = RULE_MIN,
    .max_chars = RULE_MAX,
    .chars = RULE_CHARS,
    .source = RULE_SOURCE,
    .all_names = RULE_ALL_NAMES,
};

#define CHECKER                                                                                    \
    {                                                                                              \
        .platform = PLATFORM, .kind = CHECKER_KIND, .method = CHECKER_METHOD,                      \
        .evidence = CHECKER_EVIDENCE, .flags = CHECKER_FLAGS, .base_url = CHECKER_BASE_URL,        \
        .rate_count = CHECKER_RATE_COUNT, .rate_seconds = CHECKER_RATE_SECONDS,                    \
        .concurrency = CHECKER_CONCURRENCY, .body_max = CHECKER_BODY_MAX, .name_rule = &rule,      \
        .known = CHECKER_KNOWN, .absent = CHECKER_ABSENT, .step = CHECKER_STEP,                    \
        .block = CHECKER_BLOCK, .source = CHECKER_SOURCE,                                          \
    }
__attribute__((unused)) static const rollcall_checker checkers[] = { CHECKER, CHECKER };

#define OPTION                                                                                     \
    {                                                                                              \
        .key = OPTION_KEY, .type = OPTION_TYPE, .fallback = OPTION_FALLBACK,                       \
        .sentence = OPTION_SENTENCE, .min = OPTION_MIN, .max = OPTION_MAX,                         \
    }
__attribute__((unused)) static const rollcall_option options[] = { OPTION, OPTION };

#define SHARED_VALUE                                                                               \
    {                                                                                              \
        .name = SHARED_NAME, .lifetime_s = SHARED_LIFETIME, .step = SHARED_STEP,                   \
        .base_url = SHARED_BASE_URL,                                                               \
    }
__attribute__((unused)) static const rollcall_shared shared[] = { SHARED_VALUE, SHARED_VALUE };

#define WHOLE                                                                                      \
    {                                                                                              \
        .head = { HEAD_MAGIC, HEAD_MAJOR, HEAD_MINOR, HEAD_SIZE, HEAD_RESERVED },                  \
        .name = PLUGIN_NAME, .version = PLUGIN_VERSION, .capabilities = PLUGIN_CAPABILITIES,       \
        .checkers = PLUGIN_CHECKERS, .checker_count = PLUGIN_CHECKER_COUNT,                        \
        .checker_size = PLUGIN_CHECKER_SIZE, .options = PLUGIN_OPTIONS,                            \
        .option_count = PLUGIN_OPTION_COUNT, .option_size = PLUGIN_OPTION_SIZE,                    \
        .shared = PLUGIN_SHARED, .shared_count = PLUGIN_SHARED_COUNT,                              \
        .shared_size = PLUGIN_SHARED_SIZE, .enumerate = PLUGIN_ENUMERATE,                          \
        .enumerated_step = PLUGIN_ENUMERATED_STEP,                                                 \
    }

#if defined(ENTRY_HIDDEN)
__attribute__((visibility("hidden"))) const rollcall_plugin hidden_entry = WHOLE;
ROLLCALL_EXPORT const rollcall_plugin *rollcall_other_entry(void);
const rollcall_plugin *
rollcall_other_entry(void)
{
    return &hidden_entry;
}
#else
ROLLCALL_EXPORT const rollcall_plugin rollcall_plugin_entry = WHOLE;
#endif
