/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* A catalogue of very many entries, made up here in WhatsMyName's format and about as long as its
 * own: from the start of rollcalld to READY=1, what the daemon weighs then and after a reload, and
 * how long questions take that concern few of them. Usage: bench_catalog [ENTRIES] */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/proc.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"

#define ENTRIES_DEFAULT 100000
#define ENTRIES_MOST 1000000
#define ASKED 200
#define MIB (1024.0 * 1024.0)

static const char *const categories[] = { "social", "gaming", "coding", "music", "xx NSFW xx",
                                          "news",   "hobby",  "art",    "tech",  "video" };

static void
write_entry(FILE *out, size_t number, bool is_last)
{
    const char *category = categories[number % (sizeof(categories) / sizeof(categories[0]))];
    fprintf(out,
            "    {\n"
            "      \"name\": \"Meeting Place %zu\",\n"
            "      \"uri_check\": \"https://www.place-%zu.example/community/users/{account}\",\n"
            "      \"e_code\": 200,\n"
            "      \"e_string\": \"<title>Member of place %zu / profile</title>\",\n"
            "      \"m_string\": \"The content you are attempting to access was not found\",\n"
            "      \"m_code\": 404,\n"
            "      \"known\": [\n        \"john%zu\",\n        \"jill\"\n      ],\n"
            "      \"cat\": \"%s\"\n"
            "    }%s\n",
            number, number, number, number % 1000, category, is_last ? "" : ",");
}

static char *
write_catalog(const struct tmpdir *dir, size_t entries)
{
    char *path = tmpdir_join(dir, "many.json");
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        support_fail("%s: cannot be written", path);
    }
    fprintf(out, "{\n  \"license\": [ \"made up\" ],\n  \"sites\": [\n");
    for (size_t i = 0; i < entries; i++) {
        write_entry(out, i, i + 1 == entries);
    }
    fprintf(out, "  ]\n}\n");
    printf("%zu entries, %.1f MB of JSON\n", entries, (double)ftell(out) / MIB);
    if (fclose(out) != 0) {
        support_fail("%s: cannot be written", path);
    }
    return path;
}

static void
print_weight(const char *when, struct daemon *daemon, struct rpc *rpc)
{
    cJSON *status = rpc_result(rpc, "status", NULL);
    double checkers = cJSON_GetObjectItemCaseSensitive(status, "checkers")->valuedouble;
    struct proc_memory memory = proc_memory(daemon_pid(daemon));
    printf("%-15s %.0f checkers, RssAnon %.1f MB, RSS %.1f MB, %zu workers\n", when, checkers,
           (double)memory.anon_bytes / MIB, (double)memory.rss_bytes / MIB,
           proc_children(daemon_pid(daemon)));
    cJSON_Delete(status);
}

/* Nobody is there to answer: what is measured is how long the daemon takes to see which ones are
 * meant. */
static void
print_questions(struct rpc *rpc)
{
    static const char *const rows[][2] = {
        { "one, by its id", "{\"subject\":\"alice@example.com\",\"platforms\":"
                            "[\"meetingplace77\"]}" },
        { "the default set", "{\"subject\":\"alice@example.com\"}" },
        { "by a tag", "{\"subject\":\"alice@example.com\",\"platforms\":[\"gaming\"]}" },
        { "a catalogue", "{\"subject\":\"alice@example.com\",\"catalog\":\"many\"}" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t begun_us = support_now_us();
        for (int k = 0; k < ASKED; k++) {
            cJSON_Delete(rpc_result(rpc, "check", rows[i][1]));
        }
        printf("%-15s %.3f ms a question\n", rows[i][0],
               (double)(support_now_us() - begun_us) / 1000 / ASKED);
    }
}

static void
reload(struct daemon *daemon)
{
    int64_t begun_us = support_now_us();
    child_signal(daemon_child(daemon), SIGHUP);
    if (!daemon_wait_notice(daemon, "RELOADING=1", SUPPORT_WAIT_MS) || !daemon_wait_ready(daemon)) {
        support_fail("it was not reloaded");
    }
    printf("%-15s after %.2f s\n", "reloaded", (double)(support_now_us() - begun_us) / 1e6);
}

int
main(int argc, char **argv)
{
    size_t entries = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : ENTRIES_DEFAULT;
    if (entries == 0 || entries > ENTRIES_MOST) {
        fprintf(stderr, "usage: bench_catalog [ENTRIES, 1 to %d]\n", ENTRIES_MOST);
        return 64;
    }
    struct tmpdir *dir = tmpdir_new();
    char *catalog = write_catalog(dir, entries);
    free(tmpdir_copy(dir, "plugins/sites.so", TEST_BUILD_DIR "/plugins/sites.so"));
    char *plugins = tmpdir_join(dir, "plugins");
    char *lines = support_text("plugin = { sites = { catalogs = [ \"%s\" ]; }; };", catalog);
    struct daemon *daemon =
        daemon_start(&(struct daemon_options){ .plugin_dir = plugins, .lines = lines });
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    printf("%-15s after %.2f s (goal: 3 s)\n", "ready", (double)daemon_ready_us(daemon) / 1e6);
    print_weight("then", daemon, rpc);
    print_questions(rpc);
    reload(daemon);
    print_weight("then", daemon, rpc);
    printf("                (goal: RssAnon at most 120 MB)\n");
    rpc_free(&rpc);
    daemon_stop(&daemon);
    tmpdir_free(&dir);
    free(catalog);
    free(plugins);
    free(lines);
    return 0;
}
