/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The healthy load that tests put beside what they break: 50 queries a second by name on github,
 * twitter and facebook. Even calls ask for a member of all three, odd ones for nobody; every check
 * of every answer is compared with what the world plays. */
#ifndef ROLLCALL_TESTS_SYSTEM_MEMBERS_H
#define ROLLCALL_TESTS_SYSTEM_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/common.h"
#include "tests/support/load.h"
#include "tests/support/world.h"

#define MEMBERS 50
#define MEMBERS_LANES 150
#define MEMBERS_EVERY_US 20000
#define MEMBERS_WARM_US 300000

/* What the world plays for one platform; the reason of those that are unknown is not_public. */
struct members_row {
    const char *platform;
    const char *of_nobody;
};

static const struct members_row members_rows[] = {
    { "github", "unregistered" },
    { "twitter", "unregistered" },
    { "facebook", "unknown" },
};

/* Each platform answers a little later than the one before. */
static inline struct world *
members_world(size_t latency_ms)
{
    char *script = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&script, &len);
    (void)fprintf(out, "{\"platforms\":{");
    for (size_t i = 0; i < ARRAY_LEN(members_rows); i++) {
        (void)fprintf(out, "%s\"%s\":{\"latency_ms\":%zu,\"registered\":[", i > 0 ? "," : "",
                      members_rows[i].platform, latency_ms + 2 * i);
        for (int member = 0; member < MEMBERS; member++) {
            (void)fprintf(out, "%s\"member%d\"", member > 0 ? "," : "", member);
        }
        (void)fprintf(out, "]}");
    }
    (void)fprintf(out, "}}");
    if (fclose(out) != 0) {
        support_fail("out of memory");
    }
    struct world *world = world_start(&(struct world_options){ .script = script });
    free(script);
    return world;
}

static inline char *
members_ask(size_t number, void *context)
{
    (void)context;
    bool is_member = number % 2 == 0;
    return support_text("{\"subject\":\"%s%zu\",\"until\":\"all\","
                        "\"platforms\":[\"github\",\"twitter\",\"facebook\"]}",
                        is_member ? "member" : "nobody", is_member ? number / 2 % MEMBERS : number);
}

static inline const char *
members_text(const cJSON *check, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(check, key));
    return text != NULL ? text : "";
}

static inline const cJSON *
members_find(const cJSON *answer, const char *platform)
{
    const cJSON *check = NULL;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(answer, "checks"))
    {
        if (strcmp(members_text(check, "platform"), platform) == 0) {
            return check;
        }
    }
    return NULL;
}

static inline char *
members_judge(size_t number, const cJSON *answer, int64_t took_us, void *context)
{
    (void)took_us;
    (void)context;
    for (size_t i = 0; i < ARRAY_LEN(members_rows); i++) {
        const char *platform = members_rows[i].platform;
        const char *wanted = number % 2 == 0 ? "registered" : members_rows[i].of_nobody;
        const cJSON *check = members_find(answer, platform);
        if (strcmp(members_text(check, "verdict"), wanted) != 0) {
            return support_text("%s is not %s", platform, wanted);
        }
        if (strcmp(wanted, "unknown") == 0 &&
            strcmp(members_text(check, "reason"), "not_public") != 0) {
            return support_text("%s is not not_public", platform);
        }
    }
    return NULL;
}

static inline struct load *
members_load(const char *url)
{
    return load_new(&(struct load_options){
        .url = url,
        .lanes = MEMBERS_LANES,
        .every_us = MEMBERS_EVERY_US,
        .ask = members_ask,
        .judge = members_judge,
    });
}

/* As many at once as the load can ever have: all workers are started, and connections enough are
 * open. Then what is measured can only grow by what is lost. */
static inline void
members_warm(const char *url)
{
    struct load *load = load_new(&(struct load_options){
        .url = url, .lanes = MEMBERS_LANES, .ask = members_ask, .judge = members_judge });
    load_run(&load, 1, MEMBERS_WARM_US);
    load_drain(&load, 1);
    load_free(&load);
}

/* Fail unless every call so far was answered, and rightly. */
static inline void
members_expect_all_right(const struct load *load)
{
    const struct load_report *report = load_report(load);
    if (report->wrong > 0 || report->answered != report->asked || report->asked == 0) {
        support_fail("healthy queries: %zu asked, %zu answered, %zu wrong; first: %s",
                     report->asked, report->answered, report->wrong,
                     report->first_wrong != NULL ? report->first_wrong : "none");
    }
}

#endif
