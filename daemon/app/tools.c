/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The table of tools, and check-plugin: one line that a plugin is accepted and what it offers, or
 * one sentence why not. */
#include "daemon/app/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/attr.h"
#include "daemon/plugin/loader.h"

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

static int
check_plugin(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: rollcalld check-plugin FILE.so\n", stderr);
        return EXIT_USAGE;
    }
    struct image *image = NULL;
    struct error_text why = { "" };
    if (loader_open(argv[2], &image, &why) != ERROR_OK) {
        fprintf(stderr, "%s\n", why.text);
        return EXIT_REFUSED;
    }
    printf("accepted: %s (%s %s): ", image->file, image->manifest->name, image->manifest->version);
    return print_checkers(image->manifest);
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
