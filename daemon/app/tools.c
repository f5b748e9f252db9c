/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The table of tools, and check-plugin: one line that a plugin is accepted and what it offers, or
 * one sentence why not. */
#include "daemon/app/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app/ground.h"
#include "daemon/app/tools_catalog.h"
#include "daemon/base/attr.h"
#include "daemon/base/clock.h"
#include "daemon/plugin/file_check.h"
#include "daemon/plugin/loader.h"
#include "daemon/plugin/text.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 64

static int
by_id_and_kind(const void *left, const void *right)
{
    const struct manifest_checker *a = *(const struct manifest_checker *const *)left;
    const struct manifest_checker *b = *(const struct manifest_checker *const *)right;
    int order = strcmp(a->platform.id, b->platform.id);
    return order != 0 ? order : a->kind - b->kind;
}

static int
print_checkers(const struct manifest *manifest)
{
    const struct manifest_checker **sorted =
        calloc(manifest->checker_count + 1, sizeof(struct manifest_checker *));
    if (sorted == NULL) {
        return EXIT_REFUSED;
    }
    for (size_t i = 0; i < manifest->checker_count; i++) {
        sorted[i] = &manifest->checkers[i];
    }
    qsort(sorted, manifest->checker_count, sizeof(struct manifest_checker *), by_id_and_kind);
    const char *separator = "";
    for (size_t i = 0; i < manifest->checker_count; i++) {
        printf("%s%s/%s", separator, sorted[i]->platform.id,
               sorted[i]->kind == ROLLCALL_EMAIL ? "email" : "username");
        separator = ", ";
    }
    printf("%s\n", !manifest->enumerates         ? ""
                   : manifest->checker_count > 0 ? ", and more from data"
                                                 : "checkers from data");
    free(sorted);
    return EXIT_SUCCESS;
}

static void
note_settled(void *context)
{
    *(bool *)context = true;
}

/* The manifest as the daemon learns it: from a worker, which may die of the file. NULL with a
 * sentence. */
static struct manifest *
learn_in_worker(struct ground *ground, const char *path, struct error_text *why)
{
    struct group *group = NULL;
    bool is_settled = false;
    int error = group_open(ground->groups, path, note_settled, &is_settled, &group);
    if (error != ERROR_OK) {
        (void)error_say(why, error, "%s", error_sentence(error));
        return NULL;
    }
    while (!is_settled) {
        loop_turn(ground->loop, CLOCK_NEVER);
    }
    struct manifest *manifest = group_take_manifest(group, why);
    group_release(&group);
    return manifest;
}

static struct manifest *
learn(const char *path, struct error_text *why)
{
    struct ground ground;
    if (ground_init(&ground, why) != ERROR_OK) {
        return NULL;
    }
    struct manifest *manifest = NULL;
    /* A file that is none the worker could not even look at. */
    if (ground_judge_worker(&ground, why) == ERROR_OK && file_check(path, why) == ERROR_OK) {
        manifest = learn_in_worker(&ground, path, why);
    }
    ground_fini(&ground);
    return manifest;
}

static int
check_plugin(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: rollcalld check-plugin FILE.so\n", stderr);
        return EXIT_USAGE;
    }
    struct error_text why = { "" };
    struct manifest *manifest = learn(argv[2], &why);
    if (manifest == NULL) {
        text_mend(why.text); /* names of files may hold anything */
        fprintf(stderr, "%s\n", why.text);
        return EXIT_REFUSED;
    }
    printf("accepted: %s (%s %s): ", loader_file_name(argv[2]), manifest->name, manifest->version);
    int status = print_checkers(manifest);
    manifest_free(&manifest);
    return status;
}

static const struct tool {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
    const char *sentence;
} tools[] = {
    { "check-plugin", check_plugin, "check-plugin FILE.so",
      "Say whether the daemon would accept a plugin, or the one reason why not." },
    { "test-plugin", tools_test_plugin, "test-plugin [--config KEY=VALUE]... FILE.so CASES",
      "Replay the recorded cases of a folder and compare the verdicts." },
    { "check-catalog", tools_check_catalog, TOOLS_CATALOG_USAGE,
      "Say what of these catalogues would be asked, and what is broken." },
};

void
tools_print_usage(void (*line)(void *context, const char *usage, const char *sentence),
                  void *context)
{
    for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
        line(context, tools[i].usage, tools[i].sentence);
    }
}

int
tools_run(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(tools); i++) {
        if (strcmp(argv[1], tools[i].name) == 0) {
            int status = tools[i].run(argc, argv);
            /* A line that could not be written is a failure too. */
            return fflush(stdout) == 0 && !ferror(stdout) ? status : EXIT_REFUSED;
        }
    }
    return -1;
}
