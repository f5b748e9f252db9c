/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* test-plugin: one plugin, its options as they would be configured, and each case of a folder. One
 * line a case, and how many passed; a folder without cases is a failure, for it proves nothing. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app/tools.h"
#include "daemon/app/tools_case.h"
#include "daemon/app/tools_guard.h"
#include "daemon/app/tools_replay.h"
#include "daemon/conf/conf.h"
#include "daemon/plugin/host.h"
#include "daemon/plugin/loader.h"
#include "daemon/plugin/registry.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 64
#define OVERRIDES_MAX 64
#define SCHEMA_ARENA_BYTES ((size_t)256 * 1024)
#define SUFFIX ".json"

struct arguments {
    const char *file;
    const char *folder;
    const char *options[OVERRIDES_MAX]; /* KEY=VALUE of the plugin's section */
    size_t option_count;
};

/* What stands behind one run; all of it is freed in close_bench(). */
struct bench {
    struct image *image;
    struct arena *arena;
    struct conf_tree *tree;
    struct conf *conf;
    struct registry *registry;
};

static bool
read_arguments(int argc, char **argv, struct arguments *out)
{
    int i = 2;
    for (; i + 1 < argc && strcmp(argv[i], "--config") == 0; i += 2) {
        if (out->option_count == OVERRIDES_MAX) {
            return false;
        }
        out->options[out->option_count++] = argv[i + 1];
    }
    if (argc - i != 2) {
        return false;
    }
    out->file = argv[i];
    out->folder = argv[i + 1];
    return true;
}

static int
read_conf(struct bench *bench, const struct arguments *arguments, struct error_text *why)
{
    const struct manifest *manifest = bench->image->manifest;
    const char *overrides[OVERRIDES_MAX];
    for (size_t i = 0; i < arguments->option_count; i++) {
        size_t size = strlen(manifest->name) + strlen(arguments->options[i]) + sizeof("plugin..");
        char *text = arena_alloc(bench->arena, size);
        if (text == NULL) {
            return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
        }
        (void)snprintf(text, size, "plugin.%s.%s", manifest->name, arguments->options[i]);
        overrides[i] = text;
    }
    struct conf_schema schema;
    int error = registry_schema(manifest, bench->arena, &schema);
    if (error == ERROR_OK) {
        error = conf_open(NULL, overrides, arguments->option_count, &bench->tree, why);
    }
    return error == ERROR_OK ? conf_read(bench->tree, &schema, 1, &bench->conf, why) : error;
}

static int
add_from_data(struct bench *bench, const void *bytes, size_t len, struct error_text *why)
{
    struct call_answer *answer = NULL;
    int error = call_decode_answer(bytes, len, &answer, why);
    if (error != ERROR_OK) {
        return error;
    }
    for (size_t i = 0; i < answer->note_count; i++) {
        fprintf(stderr, "note: %s\n", answer->notes[i]);
    }
    if (answer->outcome == CALL_ENUMERATED) {
        size_t added = 0;
        error = registry_add_enumerated(bench->registry, registry_plugin(bench->registry, 0),
                                        answer->checkers, answer->checker_count, &added);
    } else {
        error = error_say(why, ERROR_PLUGIN, "%s", answer->failure);
    }
    call_answer_free(&answer);
    return error;
}

static int
enumerate(struct bench *bench, struct error_text *why)
{
    if (!bench->image->manifest->enumerates) {
        return ERROR_OK;
    }
    const struct call_request request = { .kind = CALL_ENUMERATE, .subject = "" };
    struct buf in;
    struct buf out;
    buf_init(&in, CALL_REQUEST_BYTES_MAX);
    buf_init(&out, CALL_ENUMERATION_BYTES_MAX);
    int error = call_encode_request(&request, &in);
    if (error == ERROR_OK) {
        error = host_run(bench->image, &registry_plugin(bench->registry, 0)->data, NULL, in.bytes,
                         in.len, &out);
    }
    if (error == ERROR_OK) {
        error = add_from_data(bench, out.bytes, out.len, why);
    } else {
        (void)error_say(why, error, "enumerate: %s", error_sentence(error));
    }
    buf_fini(&in);
    buf_fini(&out);
    return error;
}

static int
open_bench(struct bench *bench, const struct arguments *arguments, struct error_text *why)
{
    bench->arena = arena_new(SCHEMA_ARENA_BYTES);
    if (bench->arena == NULL) {
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    guard_begin("opening it");
    int error = loader_open(arguments->file, &bench->image, why);
    if (error == ERROR_OK) {
        error = read_conf(bench, arguments, why);
    }
    if (error == ERROR_OK) {
        error = registry_new(bench->conf, &bench->image, 1, &bench->registry, why);
    }
    if (error == ERROR_OK) {
        guard_begin("its enumerate");
        error = enumerate(bench, why);
    }
    guard_end();
    return error;
}

static void
close_bench(struct bench *bench)
{
    registry_unref(&bench->registry);
    conf_free(&bench->conf);
    conf_close(&bench->tree);
    arena_free(&bench->arena);
}

static bool
run_case(const struct bench *bench, const char *folder, const char *name)
{
    char path[4096];
    struct error_text why = { "" };
    struct case_file recorded;
    struct arena *arena = arena_new(CASE_ARENA_BYTES);
    int error = ERROR_NOMEM;
    if (arena != NULL &&
        (size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) < sizeof(path)) {
        error = case_read(path, arena, &recorded, &why);
    }
    int stem = (int)(strlen(name) - strlen(SUFFIX));
    if (error == ERROR_OK) {
        char what[NAME_MAX + 1];
        (void)snprintf(what, sizeof(what), "%.*s", stem, name);
        guard_begin(what);
        error = replay_case(bench->registry, &recorded, &why);
        guard_end();
    }
    arena_free(&arena);
    if (error == ERROR_OK) {
        printf("ok %.*s\n", stem, name);
    } else {
        printf("FAILED %.*s: %s\n", stem, name,
               why.text[0] != '\0' ? why.text : error_sentence(error));
    }
    return error == ERROR_OK;
}

static int
is_case(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > strlen(SUFFIX) &&
           strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int
by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static int
run_cases(const struct bench *bench, const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_case, by_name);
    if (count < 0) {
        fprintf(stderr, "%s: cannot be read: %s\n", folder, strerror(errno));
        return EXIT_FAILED;
    }
    int passed = 0;
    for (int i = 0; i < count; i++) {
        passed += run_case(bench, folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    printf("%d passed, %d failed\n", passed, count - passed);
    if (count == 0) {
        fprintf(stderr, "%s: has no cases\n", folder);
    }
    return count > 0 && passed == count ? EXIT_SUCCESS : EXIT_FAILED;
}

int
tools_test_plugin(int argc, char **argv)
{
    struct arguments arguments = { 0 };
    if (!read_arguments(argc, argv, &arguments)) {
        fputs("usage: rollcalld test-plugin [--config KEY=VALUE]... FILE.so CASES\n", stderr);
        return EXIT_USAGE;
    }
    struct bench bench = { 0 };
    struct error_text why = { "" };
    int status = EXIT_FAILED;
    guard_start();
    if (open_bench(&bench, &arguments, &why) == ERROR_OK) {
        status = run_cases(&bench, arguments.folder);
    } else {
        fprintf(stderr, "%s\n", why.text);
    }
    close_bench(&bench);
    return status;
}
