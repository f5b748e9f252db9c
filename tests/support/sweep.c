/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Starts a world and a daemon on the same catalogues. */
#include "tests/support/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/common.h"

/* `catalogs = [ … ]` and what else the plugin is told. */
static char *
plugin_lines(const struct sweep_options *options)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        support_fail("out of memory");
    }
    (void)fprintf(out, "catalogs = [");
    for (size_t i = 0; options->catalogs[i] != NULL; i++) {
        (void)fprintf(out, "%s \"%s\"", i > 0 ? "," : "", options->catalogs[i]);
    }
    (void)fprintf(out, " ]; %s", options->plugin_lines != NULL ? options->plugin_lines : "");
    if (fclose(out) != 0) {
        support_fail("out of memory");
    }
    return text;
}

void
sweep_start(const struct sweep_options *options, struct sweep *out_sweep)
{
    char *script = support_text("{\"catalog\":{%s}}", options->part);
    char *lines = plugin_lines(options);
    const struct world_options world = { .script = script, .catalogs = options->catalogs };
    const struct daemon_plugin sites = { "sites", lines, true };
    *out_sweep = (struct sweep){ .plugins = tmpdir_new() };
    free(tmpdir_copy(out_sweep->plugins, "sites.so", TEST_BUILD_DIR "/plugins/sites.so"));
    out_sweep->truth = world_print_catalog(&world);
    out_sweep->world = world_start(&world);
    out_sweep->daemon = daemon_start(&(struct daemon_options){
        .world = out_sweep->world,
        .plugins = &sites,
        .plugin_count = 1,
        .plugin_dir = tmpdir_path(out_sweep->plugins),
        .lines = options->lines,
        .https = options->https,
    });
    free(script);
    free(lines);
}

static void
clean_up(struct sweep *sweep)
{
    tmpdir_free(&sweep->plugins);
    free(sweep->truth);
    sweep->truth = NULL;
}

void
sweep_stop(struct sweep *sweep)
{
    daemon_stop(&sweep->daemon);
    world_stop(&sweep->world);
    clean_up(sweep);
}

void
sweep_free(struct sweep *sweep)
{
    daemon_free(&sweep->daemon);
    world_free(&sweep->world);
    if (sweep->plugins != NULL) {
        clean_up(sweep);
    }
}

size_t
sweep_split(const char *list, char **out_text, const char *out_paths[SWEEP_CATALOGS_MAX + 1])
{
    size_t count = 0;
    *out_text = support_text("%s", list != NULL ? list : "");
    for (char *at = *out_text; *at != '\0';) {
        size_t len = strcspn(at, ":");
        bool is_last = at[len] == '\0';
        at[len] = '\0';
        if (len > 0 && count == SWEEP_CATALOGS_MAX) {
            support_fail("more than %d catalogues", SWEEP_CATALOGS_MAX);
        }
        if (len > 0) {
            out_paths[count++] = at;
        }
        at += len + !is_last;
    }
    out_paths[count] = NULL;
    return count;
}
