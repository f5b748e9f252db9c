/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A daemon of one plugin and no loop thread: main turns the loop until the plugin has said what it
 * found. What it notes is printed as it is; a note that speaks of something broken or refused makes
 * the status 1 (plugin.h has the words). */
#include "daemon/app/tools_catalog.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/app/ground.h"
#include "daemon/base/arena.h"
#include "daemon/base/clock.h"
#include "daemon/conf/conf.h"
#include "daemon/plugin/file_check.h"
#include "daemon/plugin/registry.h"
#include "daemon/plugin/text.h"

#define EXIT_FAULTS 1
#define EXIT_USAGE 64

/* The plugin that reads catalogues, and the key that names them. */
#define PLUGIN_FILE "sites.so"
#define CATALOGS_KEY "catalogs"
#define BESIDE "../plugins/" PLUGIN_FILE /* from the program's folder, in a build tree */

#define ARENA_BYTES ((size_t)4 * 1024 * 1024)
#define BLOCK_US INT64_C(1000000) /* no call of ours blocks */

struct bench {
    const char *plugin_path;
    char **files;
    int file_count;
    struct ground ground;
    struct group *group;
    struct manifest *manifest;
    struct image image;
    struct arena *arena;
    struct conf_tree *tree;
    struct conf *conf;
    struct registry *registry;
};

/* ---- the plugin --------------------------------------------------------------------------- */

/* Without "..": a worker sees the file and none of the folders beside it. */
static void
find_plugin(char path[PATH_MAX])
{
    char own[PATH_MAX];
    char beside[PATH_MAX + sizeof("/" BESIDE)];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (len > 0) {
        own[len] = '\0';
        *strrchr(own, '/') = '\0';
        (void)snprintf(beside, sizeof(beside), "%s/" BESIDE, own);
        if (realpath(beside, path) != NULL) {
            return;
        }
    }
    (void)snprintf(path, PATH_MAX, "%s/" PLUGIN_FILE, ROLLCALL_PLUGIN_DIR);
}

static void
note_settled(void *context)
{
    *(bool *)context = true;
}

static bool
reads_catalogs(const struct manifest *manifest)
{
    for (size_t i = 0; manifest->enumerates && i < manifest->option_count; i++) {
        const struct manifest_option *option = &manifest->options[i];
        if (strcmp(option->key, CATALOGS_KEY) == 0 && option->type == ROLLCALL_FILES) {
            return true;
        }
    }
    return false;
}

static int
open_plugin(struct bench *bench, struct error_text *why)
{
    bool is_settled = false;
    int error = ground_init(&bench->ground, why);
    if (error == ERROR_OK) {
        error = file_check(bench->plugin_path, why);
    }
    if (error != ERROR_OK) {
        return error;
    }
    error = group_open(bench->ground.groups, bench->plugin_path, note_settled, &is_settled,
                       &bench->group);
    if (error != ERROR_OK) {
        return error_say(why, error, "%s", error_sentence(error));
    }
    while (!is_settled) {
        loop_turn(bench->ground.loop, CLOCK_NEVER);
    }
    bench->manifest = group_take_manifest(bench->group, why);
    if (bench->manifest != NULL && !reads_catalogs(bench->manifest)) {
        return error_say(why, ERROR_INVALID,
                         "%s: reads no catalogues: it has no enumerate, or no key " CATALOGS_KEY,
                         loader_file_name(bench->plugin_path));
    }
    return bench->manifest != NULL ? ERROR_OK : ERROR_PLUGIN;
}

/* ---- the files ---------------------------------------------------------------------------- */

static void
put_quoted(struct buf *out, const char *text)
{
    buf_append_byte(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            buf_append_byte(out, '\\');
        }
        buf_append_byte(out, (uint8_t)*text);
    }
    buf_append_byte(out, '"');
}

/* -o plugin.sites.catalogs=[ "a.json", "b.json" ] */
static int
spell_setting(const struct bench *bench, struct buf *out)
{
    buf_printf(out, "plugin.%s." CATALOGS_KEY "=[", bench->manifest->name);
    for (int i = 0; i < bench->file_count; i++) {
        buf_append_str(out, i > 0 ? ", " : " ");
        put_quoted(out, bench->files[i]);
    }
    buf_append(out, " ]", sizeof(" ]")); /* with its NUL */
    return out->error;
}

static int
read_conf(struct bench *bench, struct error_text *why)
{
    struct buf setting;
    struct conf_schema schema;
    buf_init(&setting, ARENA_BYTES);
    bench->arena = arena_new(ARENA_BYTES);
    int error = bench->arena != NULL ? spell_setting(bench, &setting) : ERROR_NOMEM;
    if (error == ERROR_OK) {
        error = registry_schema(bench->manifest, bench->arena, &schema);
    }
    if (error != ERROR_OK) {
        buf_fini(&setting);
        return error_say(why, error, "%s", error_sentence(error));
    }
    const char *const overrides[] = { (const char *)setting.bytes };
    error = conf_open(NULL, overrides, 1, &bench->tree, why);
    if (error == ERROR_OK) {
        error = conf_read(bench->tree, &schema, 1, &bench->conf, why);
    }
    buf_fini(&setting);
    return error;
}

static int
hand_in(struct bench *bench, struct error_text *why)
{
    bench->image =
        (struct image){ .file = loader_file_name(bench->plugin_path), .manifest = bench->manifest };
    struct image *images[] = { &bench->image };
    int error = read_conf(bench, why);
    if (error == ERROR_OK) {
        error = registry_new(bench->conf, images, 1, &bench->registry, why);
    }
    if (error != ERROR_OK) {
        return error;
    }
    error = group_use(bench->group, registry_plugin(bench->registry, 0), 1, BLOCK_US);
    return error == ERROR_OK ? ERROR_OK : error_say(why, error, "%s", error_sentence(error));
}

/* ---- what the plugin makes of them -------------------------------------------------------- */

static int
ask(struct bench *bench, struct call_answer **out_answer, struct error_text *why)
{
    const struct call_request request = { .kind = CALL_ENUMERATE, .subject = "" };
    struct future *future = NULL;
    struct buf bytes;
    buf_init(&bytes, CALL_REQUEST_BYTES_MAX);
    int error = call_encode_request(&request, &bytes);
    if (error == ERROR_OK) {
        error = group_call(bench->group, CALL_ENUMERATE, false, &bytes, &future);
    }
    buf_fini(&bytes);
    if (error != ERROR_OK) {
        return error_say(why, error, "%s", error_sentence(error));
    }
    while (!future_is_done(future)) {
        loop_turn(bench->ground.loop, CLOCK_NEVER);
    }
    const struct procs_answer *answer = future->result;
    const struct plugin *plugin = registry_plugin(bench->registry, 0);
    error = future->error == ERROR_OK
                ? call_decode_answer(answer->bytes, answer->len, out_answer, why)
                : error_say(why, future->error, "%s: %s", plugin->file, plugin->last_error.text);
    future_unref(&future);
    return error;
}

/* Whether all is well. */
static bool
print_answer(const struct call_answer *answer)
{
    if (answer->outcome != CALL_ENUMERATED) {
        fprintf(stderr, "refused: %s\n", answer->failure);
        return false;
    }
    bool is_well = answer->refused == 0;
    for (size_t i = 0; i < answer->note_count; i++) {
        printf("%s\n", answer->notes[i]);
        is_well = is_well && !call_note_is_fault(answer->notes[i]);
    }
    if (answer->refused > 0) {
        printf("%zu checkers were refused by the daemon\n", answer->refused);
    }
    printf("%s: %zu checkers\n", is_well ? "accepted" : "has faults", answer->checker_count);
    return is_well;
}

static void
close_bench(struct bench *bench)
{
    registry_unref(&bench->registry);
    conf_free(&bench->conf);
    conf_close(&bench->tree);
    arena_free(&bench->arena);
    manifest_free(&bench->manifest);
    group_release(&bench->group);
    ground_fini(&bench->ground);
}

static int
check(struct bench *bench)
{
    struct error_text why = { "" };
    struct call_answer *answer = NULL;
    bool is_well = false;
    int error = open_plugin(bench, &why);
    if (error == ERROR_OK) {
        error = hand_in(bench, &why);
    }
    if (error == ERROR_OK) {
        error = ask(bench, &answer, &why);
    }
    if (error == ERROR_OK) {
        is_well = print_answer(answer);
    } else {
        text_mend(why.text); /* names of files may hold anything */
        fprintf(stderr, "refused: %s\n", why.text);
    }
    call_answer_free(&answer);
    close_bench(bench);
    return is_well ? EXIT_SUCCESS : EXIT_FAULTS;
}

int
tools_check_catalog(int argc, char **argv)
{
    char found[PATH_MAX];
    bool names_plugin = argc > 3 && strcmp(argv[2], "--plugin") == 0;
    int first = names_plugin ? 4 : 2;
    if (argc <= first || argv[first][0] == '-') {
        fputs("usage: rollcalld " TOOLS_CATALOG_USAGE "\n", stderr);
        return EXIT_USAGE;
    }
    if (!names_plugin) {
        find_plugin(found);
    }
    struct bench bench = { .plugin_path = names_plugin ? argv[3] : found,
                           .files = argv + first,
                           .file_count = argc - first };
    return check(&bench);
}
