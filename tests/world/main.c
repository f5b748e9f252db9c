/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* rollcall-world: plays platforms on loopback for tests and for a first look. Its folder's README
 * says how to write a script. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/attr.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "daemon/base/json.h"
#include "tests/world/catalog.h"
#include "tests/world/eventlog.h"
#include "tests/world/server.h"
#include "tests/world/stage.h"

#define PATH_BYTES 4096
#define SCALE_MAX 1000.0
#define EXIT_USAGE 64
/* Some 300 bytes a site. */
#define TRUTH_BYTES_MAX (64u * 1024 * 1024)

struct options {
    const char *script;
    const char *cases;
    const char *log;
    const char *dir;
    double scale;
    const char *catalogs[CATALOG_FILES_MAX];
    size_t catalog_count;
    bool prints_catalog;
};

static const char usage[] =
    "usage: rollcall-world [--script FILE] [--cases DIR] [--catalog FILE]... [--scale F]\n"
    "                      [--log FILE] [--dir DIR] [--print-catalog]\n"
    "Plays platforms on 127.0.0.1, http and https. Prints one line of JSON when it listens:\n"
    "{\"http\":\"http://127.0.0.1:PORT\",\"https\":…,\"dns\":\"127.0.0.1:PORT\",\"ca_file\":…};\n"
    "platform X is at <http>/X.\n"
    "\n"
    "  --script FILE  what there is, who is registered, how slow, what is wrong\n"
    "                 (default: " WORLD_SOURCE_DIR "/tests/world/seed.json)\n"
    "  --cases DIR    the folder that holds <platform>/cases/\n"
    "                 (default: " WORLD_SOURCE_DIR "/plugins)\n"
    "  --catalog FILE play the sites of a catalogue too; may come several times\n"
    "  --print-catalog  say what is true of those sites, as JSON, and end\n"
    "  --scale F      multiply all latencies, e.g. 0.01 (default: 1)\n"
    "  --log FILE     append what happens, a line of JSON each; - is stdout (default: no log)\n"
    "  --dir DIR      where ca.pem is written (default: a temporary folder, removed at the end)\n"
    "  --help         this\n";

/* ---- Options */

static bool
read_scale(const char *text, double *out_scale)
{
    char *end = NULL;
    double scale = strtod(text, &end);
    if (end == text || *end != '\0' || !(scale >= 0 && scale <= SCALE_MAX)) {
        (void)fprintf(stderr, "rollcall-world: --scale: found \"%s\", wants a number, 0 to %.0f\n",
                      text, SCALE_MAX);
        return false;
    }
    *out_scale = scale;
    return true;
}

static bool
add_catalog(const char *path, struct options *options)
{
    if (options->catalog_count == CATALOG_FILES_MAX) {
        (void)fprintf(stderr, "rollcall-world: --catalog: at most %d files\n", CATALOG_FILES_MAX);
        return false;
    }
    options->catalogs[options->catalog_count++] = path;
    return true;
}

/* -1: go on; else exit with this status. */
static int
read_options(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {
        { "script", required_argument, NULL, 's' },
        { "cases", required_argument, NULL, 'c' },
        { "catalog", required_argument, NULL, 'k' },
        { "print-catalog", no_argument, NULL, 'p' },
        { "scale", required_argument, NULL, 'f' },
        { "log", required_argument, NULL, 'l' },
        { "dir", required_argument, NULL, 'd' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        switch (option) {
        case 's':
            options->script = optarg;
            break;
        case 'c':
            options->cases = optarg;
            break;
        case 'k':
            if (!add_catalog(optarg, options)) {
                return EXIT_USAGE;
            }
            break;
        case 'p':
            options->prints_catalog = true;
            break;
        case 'l':
            options->log = optarg;
            break;
        case 'd':
            options->dir = optarg;
            break;
        case 'f':
            if (!read_scale(optarg, &options->scale)) {
                return EXIT_USAGE;
            }
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            (void)fputs("try rollcall-world --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "rollcall-world: unknown word \"%s\"; try --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

/* ---- The folder of ca.pem */

struct folder {
    char path[PATH_BYTES];
    char ca_file[PATH_BYTES + 16];
    bool is_ours;
};

static int
open_folder(const char *dir, struct folder *folder, struct error_text *why)
{
    const char *parent = getenv("TMPDIR");
    folder->is_ours = dir == NULL;
    if (dir != NULL) {
        (void)snprintf(folder->path, sizeof(folder->path), "%s", dir);
    } else {
        (void)snprintf(folder->path, sizeof(folder->path), "%s/rollcall-world-XXXXXX",
                       parent != NULL && *parent != '\0' ? parent : "/tmp");
        if (mkdtemp(folder->path) == NULL) {
            return error_say(why, ERROR_IO, "%s: %s", folder->path, strerror(errno));
        }
    }
    (void)snprintf(folder->ca_file, sizeof(folder->ca_file), "%s/ca.pem", folder->path);
    return 0;
}

static void
close_folder(const struct folder *folder)
{
    if (folder->is_ours) {
        (void)unlink(folder->ca_file);
        (void)rmdir(folder->path);
    }
}

/* ---- Run */

static int
print_ready(const struct server *server, const char *ca_file, struct error_text *why)
{
    struct json *ready = json_new_object();
    struct buf line;
    buf_init(&line, PATH_BYTES * 2);
    (void)json_put_string(ready, "http", server_http(server));
    (void)json_put_string(ready, "https", server_https(server));
    (void)json_put_string(ready, "dns", server_dns(server));
    (void)json_put_string(ready, "ca_file", ca_file);
    int error = json_print(ready, &line);
    if (error) {
        (void)error_say(why, error, "the ready line: %s", error_sentence(error));
    } else if (printf("%s\n", buf_str(&line)) < 0 || fflush(stdout) != 0) {
        error = error_say(why, ERROR_IO, "stdout: %s", strerror(errno));
    }
    buf_fini(&line);
    json_free(&ready);
    return error;
}

static int
serve(const struct options *options, const struct stage *stage, struct eventlog *log,
      struct error_text *why)
{
    struct folder folder;
    struct server *server = NULL;
    int error = open_folder(options->dir, &folder, why);
    if (error) {
        return error;
    }
    const struct server_options server_options = {
        .stage = stage, .log = log, .ca_file = folder.ca_file, .scale = options->scale
    };
    error = server_new(&server_options, &server, why);
    if (!error) {
        error = print_ready(server, folder.ca_file, why);
    }
    if (!error) {
        server_run(server);
    }
    server_free(&server);
    close_folder(&folder);
    return error;
}

static int
print_catalog(const struct stage *stage, struct error_text *why)
{
    struct buf text;
    buf_init(&text, TRUTH_BYTES_MAX);
    int error = stage_print_catalog(stage, &text);
    if (error) {
        (void)error_say(why, error, "the catalogue: %s", error_sentence(error));
    } else if (printf("%s\n", buf_str(&text)) < 0 || fflush(stdout) != 0) {
        error = error_say(why, ERROR_IO, "stdout: %s", strerror(errno));
    }
    buf_fini(&text);
    return error;
}

static int
run(const struct options *options, const struct stage *stage, struct error_text *why)
{
    if (options->prints_catalog) {
        return print_catalog(stage, why);
    }
    struct eventlog *log = NULL;
    int error = eventlog_open(options->log, &log, why);
    if (!error) {
        error = serve(options, stage, log, why);
    }
    eventlog_close(&log);
    return error;
}

int
main(int argc, char **argv)
{
    struct options options = {
        .script = WORLD_SOURCE_DIR "/tests/world/seed.json",
        .cases = WORLD_SOURCE_DIR "/plugins",
        .scale = 1.0,
    };
    int status = read_options(argc, argv, &options);
    if (status >= 0) {
        return status;
    }
    const struct stage_options stage_options = { .script = options.script,
                                                 .cases = options.cases,
                                                 .scale = options.scale,
                                                 .catalogs = options.catalogs,
                                                 .catalog_count = options.catalog_count };
    struct error_text why = { "" };
    struct stage *stage = NULL;
    int error = stage_new(&stage_options, &stage, &why);
    if (!error) {
        error = run(&options, stage, &why);
    }
    if (error) {
        (void)fprintf(stderr, "rollcall-world: %s\n", why.text);
    }
    stage_free(&stage);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
